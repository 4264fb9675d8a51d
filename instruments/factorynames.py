"""Whether names that a driver relies on in a TSP box still have their factory meaning.

A global of a box is whatever the last script made of it, until power-off, and so are `localnode`, `print` and
`errorqueue`, by which one would ask. Common commands are no globals: the command interpreter answers `*ESR?` whatever
a script has redefined. So a name is tested by one line of Lua that needs no other name, and the event register is the
verdict:

* the box complains of a text where it wants a number, and of a channel that does not exist; a stand-in takes it;
* names of different things keep different values of a setting, names of one thing the same, and functions give the
  right value; else the line calls nil, of which the box complains.

A script that imitates all of this is not found: see docs/reliability.md, "What is left in a box".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from instruments.tspnumbers import number

FAULT = "local none none()"
"""calls nil, which no script can define"""
NO_VALUE = '"?"'
"""neither a number nor the name of a channel"""
ERRORS = 0x08 | 0x10 | 0x20
"""of a device, an execution or a command, in the standard event register"""
SMALL = 1.234567890123456e-7
"""what `print` must show, all digits: a rounding one, or another `format`, shows a source of 10 mV at 0 V"""
PRINTING = "print or format"
FIRST_VALUE = 2
"""of a setting that is changed for a moment; most have another one"""


@dataclass(frozen=True, slots=True)
class NameTest:
    """One line of Lua that shows what a name stands for."""

    name: str
    """for messages"""
    line: str
    refused: bool
    """whether a box with its own names complains of it"""


def holds(name: str, condition: str) -> NameTest:
    """Return a test by a condition that holds in a box with its own names."""
    return NameTest(name, f"if not ({condition}) then {FAULT} end", refused=False)


ERROR_QUEUE = holds("errorqueue", "errorqueue.count > 0")
"""after tests that are refused"""


def refuses(name: str, line: str) -> NameTest:
    """Return a test by a line with `NO_VALUE`, which is refused and changes nothing."""
    return NameTest(name, line, refused=True)


def apart(name: str, things: Sequence[Sequence[str]], setting: str) -> NameTest:
    """Return a test that names of one thing share a setting, and those of different things do not.

    Args:
        name: that is wrong if they do otherwise.
        things: of each, all its names.
        setting: takes the numbers from `FIRST_VALUE` on, harms nothing, and is brought back.
    """
    values = list(enumerate(things, FIRST_VALUE))
    kept = " ".join(f"local kept{value} = {names[0]}.{setting}" for value, names in values)
    changed = " ".join(f"{names[0]}.{setting} = {value}" for value, names in values)
    same = " and ".join(f"{each}.{setting} == {value}" for value, names in values for each in names)
    back = " ".join(f"{names[0]}.{setting} = kept{value}" for value, names in values)
    judged = holds(name, "own")
    return replace(judged, line=f"{kept} {changed} local own = {same} {back} {judged.line}")


def asking(tests: Sequence[NameTest]) -> list[str]:
    """Return lines that print what `redefined` judges, and leave no error; at least one of the tests is refused."""
    every = [*tests, ERROR_QUEUE]
    asked = [line for test in every for line in (test.line, "*ESR?")]
    return ["*ESR?", f"print({SMALL!r})", *asked, "errorqueue.clear()"]


def redefined(tests: Sequence[NameTest], printed: Sequence[str]) -> list[str]:
    """Return the names that have lost their factory meaning."""
    every = [*tests, ERROR_QUEUE]
    try:
        _, small, *events = map(number, printed)
        if len(events) != len(every) or not math.isclose(small, SMALL, rel_tol=1e-14):
            return [PRINTING]
        complained = [bool(int(event) & ERRORS) for event in events]
    except ValueError:  # too few lines, or something else than numbers
        return [PRINTING]
    wrong = [test.name for test, found in zip(every, complained, strict=True) if found != test.refused]
    return list(dict.fromkeys(wrong))
