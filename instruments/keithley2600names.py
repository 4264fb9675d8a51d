"""Names of a Keithley 2600B that a script may have redefined: those of its channels, and functions that readings need.

With `smub = smua` a channel that carries current reads none, with another `printbuffer` every reading is what that
prints. Channels are tested as `instruments.factorynames` does, functions by what they do: they need an output that is
on. Names that are gone are complaints of the box itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from instruments import keithley2600scripts as scripts
from instruments.factorynames import NO_VALUE, NameTest, apart, refuses, tests_of
from instruments.keithley2600relied import ANALOG_FILTER, EVERYTHING, SAFE
from instruments.relied_on import commands, questions
from instruments.relied_on import lines as lines_of
from instruments.tspnumbers import literal, number, numbers
from labmtj.shots import Pulses, Shots

DELAY_SECONDS = 0.002
LONGEST_SECONDS = 1.0
"""that the box may take for this delay, by its own clock"""


def own_name(channel: str) -> str:
    """Return the name of a channel that stays its own when a script has given `smua` to something else."""
    return f"localnode.smu{channel}"


def _owned(lines: Iterable[str]) -> list[str]:
    """Return lines by the own names of channels."""
    return [re.sub(r"(?<![\w.])smu(?=[ab]\.)", "localnode.smu", line) for line in lines]


def making_safe(channels: Sequence[str], *, own: bool = True) -> list[str]:
    """Return lines that make channels safe, each step on all of them; by their own names, or by the usual ones."""
    lines = [line for step in SAFE for channel in channels for line in commands([step], channel)]
    return _owned(lines) if own else lines


def questions_if_safe(channels: Sequence[str]) -> list[str]:
    """Return lines that print, by channel, all that `SAFE` compares."""
    return _owned(f"print({', '.join(questions(SAFE, channel))})" for channel in channels)


@cache
def to_make_safe(channels: tuple[str, ...]) -> list[NameTest]:
    """Return tests that the own names lead to all the sources of a box with these channels, and can make them safe."""
    lines = [*making_safe(channels), *questions_if_safe(channels)]
    return [*tests_of(lines), apart("localnode", [[own_name(channel)] for channel in channels], "source.delay")]


@cache
def to_work(channels: tuple[str, ...], *, analog_filter: bool) -> list[NameTest]:
    """Return tests that the usual names lead to the same channels, and of all names in the table and the scripts."""
    same = [
        apart(
            f"smu{channel}",
            [[own_name(channel), f"smu{channel}"], *([own_name(other)] for other in channels if other != channel)],
            setting,
        )
        for channel in channels
        for setting in ("source.delay", "measure.count")
    ]
    rows = [row for row in (*EVERYTHING, *SAFE) if analog_filter or row not in ANALOG_FILTER]
    table = [line for channel in channels for line in lines_of(rows, channel)]
    return [*same, *tests_of([*table, *_every_script(channels)]), refuses("error", f"error({NO_VALUE})")]


def _every_script(channels: tuple[str, ...]) -> list[str]:
    """Return every kind of script, for the names in them; none of them is ever run."""
    volts = np.zeros((1, len(channels)))
    each_alone = [line for channel in channels for line in scripts.reading([channel], [], set(channels) - {channel})]
    return [
        *each_alone,
        *scripts.shots(Shots(channels, volts, channels, 0.0, 0.02, None), []),
        *scripts.pulses(Pulses(channels, volts, 1e-3), [1e-3] * len(channels), 50.0),
        *asking(channels[0], 1e-3),
        scripts.switching_on(channels[0], 1e-3),
    ]


def asking(on: str, range_amperes: float) -> list[str]:
    """Return lines that print what `redefined` judges.

    Args:
        on: a channel whose output is on, at 0 V: it takes a short reading.
        range_amperes: for this reading.
    """
    ranges = f"smu{on}.nvbuffer1.measureranges"
    return [
        f"timer.reset() delay({literal(DELAY_SECONDS)}) print(timer.measure.t())",
        *scripts.meter(on, scripts.PULSE_CYCLES, range_amperes, 0.0, zeroing=False),
        f"smu{on}.measure.overlappedi(smu{on}.nvbuffer1) waitcomplete() print(smu{on}.nvbuffer1.n)",
        f"printbuffer(1, 1, {ranges})",
        f"print({ranges}[1])",
    ]


def redefined(printed: Sequence[str]) -> str:
    """Return the function that a script has redefined, "" if none."""
    try:
        seconds, readings, in_buffer, in_line = printed
        if not DELAY_SECONDS / 2 <= number(seconds) <= LONGEST_SECONDS:
            return "delay or timer"
        if number(readings) != 1:
            return "waitcomplete"
        return "" if numbers(in_buffer) == [number(in_line)] else "printbuffer"
    except ValueError:  # too few or too many lines, or something else than numbers
        return "print or printbuffer"
