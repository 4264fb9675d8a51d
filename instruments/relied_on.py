"""What a driver relies on: one table of settings, each brought to a value, or asked for and refused by name.

An instrument that another program used before holds whatever that program left in it. So a driver lists every setting
on which its readings and pulses depend. When a channel is limited (armed), each setting of the table is

* set, and read back where `wanted` is a number: a value that the instrument does not keep is refused; or
* asked only (`set` is empty), and refused with `name` if it is not as wanted: a switch that stays in other hands; or
* neither: it is set with every reading or sequence.

The same table is what a test walks: it leaves `other` in the virtual instrument as an earlier user would, and
the driver must then read and pulse as on a clean one, or refuse with `name`. So a row is complete only if the virtual
instrument models the setting.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReliedOn:
    """One setting; {ch} stands for the channel in every command."""

    name: str
    """as the manual calls it, for messages"""
    other: str
    """a command that an earlier user may have sent, and that the table must undo or refuse"""
    set: str = ""
    """the command that sets it; empty if it is asked only"""
    ask: str = ""
    """what asks for it: an expression of TSP, or a query of SCPI; empty where there is no way to ask"""
    wanted: float | str | None = None
    """what must come back, a number or a word in capitals, or None where any answer is fine"""
    advice: str = ""
    """what to do about a value that is refused"""


def settings(*rows: ReliedOn | tuple[str, ...]) -> tuple[ReliedOn, ...]:
    """Return a table of settings, each as it is or as a row of text: name, header, another value, the wanted value.

    That is a setting of one command; without a wanted value it is set with every reading or sequence.
    """
    return tuple(row if isinstance(row, ReliedOn) else _of_one_command(*row) for row in rows)


def _of_one_command(name: str, header: str, other: str, wanted: str = "") -> ReliedOn:
    return ReliedOn(name, f"{header} {other}", f"{header} {wanted}" if wanted else "")


def commands(table: Iterable[ReliedOn], channel: str, **values: object) -> list[str]:
    """Return the commands that set a channel as the table says; `values` fill in the placeholders."""
    return [each.set.format(ch=channel, **values) for each in table if each.set]


def questions(table: Iterable[ReliedOn], channel: str) -> list[str]:
    """Return what asks for every value that the table compares, in its order."""
    return [each.ask.format(ch=channel) for each in compared(table)]


def lines(table: Iterable[ReliedOn], channel: str) -> list[str]:
    """Return all lines of a table, for the names in them: what differs by use is filled in with 0."""
    values = defaultdict(lambda: "0", ch=channel)
    return [text.format_map(values) for each in table for text in (each.other, each.set, each.ask)]


def compared(table: Iterable[ReliedOn]) -> list[ReliedOn]:
    """Return the settings whose value is compared."""
    return [each for each in table if each.ask and each.wanted is not None]


def refusals(table: Iterable[ReliedOn], kept: Sequence[float | str]) -> list[str]:
    """Return one problem for each value that is not as wanted, in words; `kept` answers `questions`."""
    return [
        f"{each.name} is {_shown(value)}, not {_shown(each.wanted)}{f'; {each.advice}' if each.advice else ''}"
        for each, value in zip(compared(table), kept, strict=True)
        if not _as_wanted(value, each.wanted)
    ]


def _as_wanted(value: float | str, wanted: float | str | None) -> bool:
    if isinstance(value, str) or isinstance(wanted, str):
        return value == wanted
    return wanted is None or abs(value - wanted) <= 1e-6 * abs(wanted)


def _shown(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float | int) else str(value)
