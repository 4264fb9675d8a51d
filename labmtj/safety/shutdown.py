"""The order in which a bench is made safe: sources at 0 V, outputs off and read back, and only then the relays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from labmtj.errors import InstrumentError, LabmtjError
from labmtj.safety.deadlines import STEP_SECONDS, Step, attempt

RelaysWithoutSources = Literal["hold", "open"]
"""What becomes of relays while a source is not known to be off.

hold    they stay: to open one under voltage harms it, and the devices on its line
open    they open nevertheless: for benches where a closed relay is the greater evil
"""
HOLD, OPEN = get_args(RelaysWithoutSources)


def shut_down(
    offs: Sequence[Step],
    rests: Sequence[Step],
    *,
    zeros: Sequence[Step] = (),
    asks: Sequence[Step] = (),
    relays_without_sources: RelaysWithoutSources,
    seconds: float = STEP_SECONDS,
) -> list[LabmtjError]:
    """Bring sources to 0 V, then off, then relays to rest; return what is not known to be safe.

    Each of these for all instruments at the same time. An instrument whose step hangs gets no further one. A command
    for a relay goes out only after every source has answered that it is off, or else, if the bench asks for that, after
    its matrix has answered: one that waits in a dead link would move the relay under voltage when the link comes back.

    Args:
        offs: bring sources to 0 V, switch them off and read back that they are.
        rests: bring the relays of each matrix to rest.
        zeros: bring sources to 0 V before any is switched off; what fails is reported by `offs`, if it still fails.
        asks: have each matrix answer; done if relays are to open while a source is not known to be off.
        relays_without_sources: of the bench.
        seconds: longest wait for each of these.
    """
    attempt(zeros, seconds)
    hanging = [step for step in zeros if not step.ended]
    on = [*attempt(_without(offs, hanging), seconds), *_failures(hanging, seconds)]
    if on and relays_without_sources == HOLD:
        return [*on, *map(_held, rests)]
    mute: list[Step] = []
    if on:
        attempt(asks, seconds)
        mute = [step for step in asks if step.outcome(seconds) is not None]
    return [*on, *_failures(mute, seconds), *attempt(_without(rests, mute), seconds)]


def _without(steps: Sequence[Step], others: Sequence[Step]) -> list[Step]:
    names = {step.instrument for step in others}
    return [step for step in steps if step.instrument not in names]


def _failures(steps: Sequence[Step], seconds: float) -> list[LabmtjError]:
    return [failed for step in steps if (failed := step.outcome(seconds)) is not None]


def _held(step: Step) -> InstrumentError:
    return InstrumentError(
        step.instrument, step.address,
        "its relays stay as they are, because a source is not known to be off (relays_without_sources: hold)",
    )  # fmt: skip
