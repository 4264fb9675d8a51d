"""Pulses are announced: what is about to be fired is durable before its first edge, so a crash leaves no unknown pulse.

    mark "intent"        before a pulse batch: the array, the bias, width, tags, time on the bench's clock and on ours
    mark "outcome"       after it, in one commit with its rows; or alone if the bench refused and applied nothing
    mark "outputs off"   when a run has left its bench safe

An intent without outcome is a pulse of which it is unknown whether, and how long, it was applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labmtj.errors import CannotDo, LimitExceeded, Overstressed, UsageError
from labmtj.layer import Layer
from labmtj.quantities import Bias, Flag, Pulse, Waveform
from labmtj.record.frames import has_kind
from labmtj.record.replay import JournalReader
from labmtj.schema import Purpose, Tags
from labmtj.timestamps import Timestamp
from labmtj.verbs import Crossbar, Log

INTENT, OUTCOME, OUTPUTS_OFF = "intent", "outcome", "outputs off"


@dataclass(frozen=True, eq=False)
class Intent:
    """A pulse batch that is about to be fired."""

    array: str
    bias: Bias
    seconds: float
    start_seconds: float
    """clock of the crossbar"""
    moment: Timestamp
    tags: Tags

    def values(self) -> dict[str, Any]:
        """Return it as the values of a mark."""
        return {
            "array": self.array, "shape": list(self.bias.shape), "line_volts": self.bias.line_volts,
            "seconds": self.seconds, "start_seconds": self.start_seconds, **self.moment.values(),
            "purpose": int(self.tags["purpose"]), "solution": self.tags["solution"],
        }  # fmt: skip

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Intent:
        """Return the intent that a mark holds."""
        rows, columns = values["shape"]
        return cls(
            values["array"], Bias.from_lines(values["line_volts"], (rows, columns)), values["seconds"],
            values["start_seconds"], Timestamp.of(values),
            Tags(purpose=Purpose(values["purpose"]), solution=values["solution"]),
        )  # fmt: skip

    def at_most(self, seconds: float) -> Pulse:
        """Return the batch as pulses of unknown outcome: each had at most its bias, for at most `seconds`."""
        batch = len(self.bias)
        return Pulse(
            self.bias, self.seconds, np.full(batch, self.start_seconds), Waveform.square(self.bias, seconds),
            np.full(self.bias.line_volts.shape, Flag.UNKNOWN, np.uint8),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Unanswered:
    """An intent without an outcome."""

    intent: Intent
    safe: Timestamp | None
    """when the outputs were off after it, if that was recorded"""


class Announced(Layer):
    """A crossbar whose pulses are announced; below the limits, so that only what is really sent is announced.

    Args:
        crossbar: within.
        log: takes the marks.
        name: of the array.
        keep: makes the log durable.
    """

    def __init__(self, crossbar: Crossbar, log: Log, name: str, keep: Callable[[], None]) -> None:
        super().__init__(crossbar)
        self._log, self._name, self._keep = log, name, keep

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Announce, pulse, and note that the outcome is known; the caller records the pulse and keeps both at once."""
        start = self.clock.now()
        self._log.mark(INTENT, Intent(self._name, bias, seconds, start, Timestamp.now(), self._log.tags).values())
        self._keep()
        try:
            pulse = super().pulse(bias, seconds)
        except (CannotDo, LimitExceeded, UsageError):  # by contract nothing was applied
            note_outcome(self._log, self._name)
            self._keep()
            raise
        except Overstressed:  # known, and recorded further out
            note_outcome(self._log, self._name)
            raise
        note_outcome(self._log, self._name)
        return pulse


def note_outcome(log: Log, array: str) -> None:
    """Note that the outcome of the last intent on an array is known."""
    log.mark(OUTCOME, {"array": array})


def unanswered(journal: Path) -> list[Unanswered]:
    """Return the intents of a journal that have no outcome, oldest first."""
    found: list[Unanswered] = []
    reader = JournalReader(journal)
    for offset, payload in reader.payloads():
        if has_kind(payload, "mark"):
            record = reader.decoded(offset, payload)
            found = _after(found, record["name"], record["values"])
    return found


def _after(found: list[Unanswered], name: str, values: Mapping[str, Any]) -> list[Unanswered]:
    """Return what is unanswered after one more mark."""
    if name == INTENT:
        return [*found, Unanswered(Intent.of(values), None)]
    if name == OUTCOME:
        last = next((each for each in reversed(found) if each.intent.array == values["array"]), None)
        return [each for each in found if each is not last]
    if name == OUTPUTS_OFF:
        return [Unanswered(each.intent, each.safe or Timestamp.of(values)) for each in found]
    return found
