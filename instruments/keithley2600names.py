"""Names of a Keithley 2600B that a script may have redefined: those of its channels, and functions that readings need.

With `smub = smua` a channel that carries current reads none, with another `printbuffer` every reading is what that
prints. Channels are tested as `instruments.factorynames` does, functions by what they do: they need an output that is
on. Names that are gone are complaints of the box itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from instruments.factorynames import NO_VALUE, NameTest, apart, holds, refuses
from instruments.keithley2600scripts import PULSE_CYCLES, meter
from instruments.tspnumbers import literal, number, numbers

DELAY_SECONDS = 0.002
LONGEST_SECONDS = 1.0
"""that the box may take for this delay, by its own clock"""


def own_name(channel: str) -> str:
    """Return the name of a channel that stays its own when a script has given `smua` to something else."""
    return f"localnode.smu{channel}"


def own(channels: Sequence[str]) -> list[NameTest]:
    """Return tests that the own names lead to all the sources of a box with these channels."""
    settings = ("output", "levelv", "leveli")
    each = [
        refuses(own_name(channel), f"{own_name(channel)}.source.{setting} = {NO_VALUE}")
        for channel in channels
        for setting in settings
    ]
    return [*each, apart("localnode", [[own_name(channel)] for channel in channels], "source.delay")]


def usual(channels: Sequence[str]) -> list[NameTest]:
    """Return tests that the usual names lead to the same channels, and of what scripts of readings and pulses call."""
    timers = [refuses(f"trigger.timer[{each}]", f"trigger.timer[{each}].delay = {NO_VALUE}") for each in (1, 2, 3)]
    library = [
        refuses("error", f"error({NO_VALUE})"),
        holds("math.abs", "math.abs(-0.5) == 0.5"),
        holds("table.concat", 'table.concat({"a", "b"}, ",") == "a,b"'),
    ]
    same = [
        apart(
            f"smu{channel}",
            [[own_name(channel), f"smu{channel}"], *([own_name(other)] for other in channels if other != channel)],
            setting,
        )
        for channel in channels
        for setting in ("source.delay", "measure.count")
    ]
    return [*same, *timers, *library]


def asking(on: str, range_amperes: float) -> list[str]:
    """Return lines that print what `redefined` judges.

    Args:
        on: a channel whose output is on, at 0 V: it takes a short reading.
        range_amperes: for this reading.
    """
    ranges = f"smu{on}.nvbuffer1.measureranges"
    return [
        f"timer.reset() delay({literal(DELAY_SECONDS)}) print(timer.measure.t())",
        *meter(on, PULSE_CYCLES, range_amperes, 0.0, zeroing=False),
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
