"""Whether the names that the scripts of a Keithley 2600B rely on mean what they mean from the factory.

A global of a box is whatever the last script made of it, until power-off: with `smub = smua` a channel that carries
current reads none, with another `printbuffer` every reading is what that prints. Names that are gone are complaints of
the box itself; these are asked by what they do.
"""

from __future__ import annotations

from collections.abc import Sequence

from instruments.keithley2600scripts import PULSE_CYCLES, meter
from instruments.tspnumbers import literal, number, numbers

DELAY_SECONDS = 0.002
LONGEST_SECONDS = 1.0
"""that the box may take for this delay, by its own clock"""
_FIRST_MARK = 2
"""marks of the channels: counts of readings, which every sequence sets anew"""


def asking(channels: Sequence[str], on: str, range_amperes: float) -> list[str]:
    """Return lines that print what `redefined` judges.

    Args:
        channels: of the box.
        on: one whose output is on, at 0 V: it takes a short reading.
        range_amperes: for this reading.
    """
    counts = [f"localnode.smu{each}.measure.count" for each in channels]
    marks = (f"{count} = {mark}" for mark, count in enumerate(counts, _FIRST_MARK))
    ranges = f"smu{on}.nvbuffer1.measureranges"
    return [
        " ".join(marks),
        f"print({', '.join(f'smu{each}.measure.count' for each in channels)})",
        " ".join(f"{count} = 1" for count in counts),
        f"timer.reset() delay({literal(DELAY_SECONDS)}) print(timer.measure.t())",
        *meter(on, PULSE_CYCLES, range_amperes, 0.0, zeroing=False),
        f"smu{on}.measure.overlappedi(smu{on}.nvbuffer1) waitcomplete() print(smu{on}.nvbuffer1.n)",
        f"printbuffer(1, 1, {ranges})",
        f"print({ranges}[1])",
    ]


def redefined(channels: Sequence[str], printed: Sequence[str]) -> str:
    """Return the name that does not do what it does from the factory, "" if all do."""
    try:
        marks, seconds, readings, in_buffer, in_line = printed
        for mark, channel, found in zip(
            range(_FIRST_MARK, _FIRST_MARK + len(channels)), channels, marks.split("\t"), strict=True
        ):
            if number(found) != mark:
                return f"smu{channel}"
        if not DELAY_SECONDS / 2 <= number(seconds) <= LONGEST_SECONDS:
            return "delay or timer"
        if number(readings) != 1:
            return "waitcomplete"
        return "" if numbers(in_buffer) == [number(in_line)] else "printbuffer"
    except ValueError:  # too few or too many lines, or something else than numbers
        return "print or printbuffer"
