"""Whether names that a driver relies on in a TSP box still have their factory meaning.

A global of a box is whatever the last script made of it, until power-off, and so are `localnode`, `print` and
`errorqueue`, by which one would ask. Common commands are no globals: the command interpreter answers `*ESR?` whatever
a script has redefined. So a name is tested by one line of Lua that needs no other name, and the event register is the
verdict:

* a setting does not take a text; a stand-in does. Its value afterwards tells: few lines compare all settings;
* a function, a reading or a table cannot be written, not even with what it is; a stand-in can;
* names of different things keep different values of a setting, names of one thing the same, and functions give the
  right value; else the line calls nil, of which the box complains.

A script that imitates all of this is not found: see docs/reliability.md, "What is left in a box".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from instruments.tspnumbers import LINE_LENGTH, number

FAULT = "local none none()"
"""calls nil, which no script can define"""
NO_VALUE = '"?"'
"""neither a number nor the name of a channel"""
ERRORS = 0x08 | 0x10 | 0x20
"""of a device, an execution or a command, in the standard event register"""
SMALL = 1.234567890123456e-7
"""what `print` must show, all digits: a rounding one, or another `format`, shows a source of 10 mV at 0 V"""
FORGETTING = "errorqueue.clear() for k = 1, 999 do if errorqueue.count == 0 then break end errorqueue.next() end"
"""the complaints of the tests, also with another `clear`"""
PRINTING = "print or format"
LIBRARY = {
    "math.abs": "math.abs(-0.5) == 0.5",
    "table.concat": 'table.concat({"a", "b"}, ",") == "a,b"',
    "string.find": 'string.find("slot1", "%d") == 5',
}
"""conditions that hold for functions of Lua, whose tables can be written"""
_LIBRARIES = {name.split(".")[0] for name in LIBRARY}
_CHECK = f"local none local function own(value, name) if value == {NO_VALUE} then print(name) none() end end"
_TEXT = re.compile(r'"[^"]*"')
_NAME = re.compile(r"(?<![\w.])([A-Za-z_]\w*(?:\[\d+\])?(?:\.\w+(?:\[\d+\](?=\.))?)+)(\s*=(?!=))?")
_PART = re.compile(r"\.?\w+|\[\d+\]")
_IS_GLOBAL = re.compile(r"\w+")
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
    itself: bool = False
    """whether the line writes what the name stands for to the name itself"""
    by_value: bool = False
    """whether the value afterwards tells, with those of others, instead of the event register: far fewer answers"""


def holds(name: str, condition: str) -> NameTest:
    """Return a test by a condition that holds in a box with its own names."""
    return NameTest(name, f"if not ({condition}) then {FAULT} end", refused=False)


TAKEN = NameTest("", "", refused=False)
"""the lines that compare settings with the text"""
ERROR_QUEUE = holds("errorqueue", "errorqueue.count > 0")
"""after tests that are refused"""


def refuses(name: str, line: str) -> NameTest:
    """Return a test by a line with `NO_VALUE`, which is refused and changes nothing."""
    return NameTest(name, line, refused=True)


def takes_no_text(name: str) -> NameTest:
    """Return a test that a setting, which every box of the kind has, does not keep a text."""
    return NameTest(name, f"{name} = {NO_VALUE}", refused=True, by_value=True)


def cannot_be_written(name: str) -> NameTest:
    """Return a test that a function, a reading or a table is refused as a value of its own name; nothing changes."""
    return NameTest(name, f"{name} = {name}", refused=True, itself=True)


def tests_of(lines: Iterable[str]) -> list[NameTest]:
    """Return tests of all names with a dot in lines, and of the tables that lead to them.

    A name that a line assigns to is a setting, and refuses a text; any other cannot be written.
    """
    settings, every = set(), dict[str, None]()
    for line in lines:
        for name, assigned in _NAME.findall(_TEXT.sub("", line)):
            settings |= {name} if assigned else set()
            parts = _PART.findall(name)
            every |= dict.fromkeys("".join(parts[:length]) for length in range(1, len(parts) + 1))
    return [_test_of(name, is_set=name in settings) for name in every if not _IS_GLOBAL.fullmatch(name)]


def _test_of(name: str, *, is_set: bool) -> NameTest:
    if name.split(".")[0] in _LIBRARIES:
        return holds(name, LIBRARY[name])
    return takes_no_text(name) if is_set else cannot_be_written(name)


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
    """Return lines that print what `judged` judges, and leave no error; at least one of the tests is refused."""
    asked = [line for test in tests if not test.by_value for line in (test.line, "*ESR?")]
    settings = [test for test in tests if test.by_value]
    values = [*(test.line for test in settings), "*ESR?", *_values(settings), "*ESR?"] if settings else []
    return ["*ESR?", f"print({SMALL!r})", *asked, *values, ERROR_QUEUE.line, "*ESR?", FORGETTING]


def _values(settings: Sequence[NameTest]) -> list[str]:
    """Return lines that complain if a setting has taken the text, and print its name."""
    checks = [f'own({test.name}, "{test.name}")' for test in settings]
    lines, line = [], _CHECK
    for check in checks:
        if len(line) + len(check) >= LINE_LENGTH:
            lines.append(line)
            line = _CHECK
        line += f" {check}"
    return [*lines, line]


def judged(tests: Sequence[NameTest], printed: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what was printed before `asking`, and the names that have lost their factory meaning."""
    settings = [test.name for test in tests if test.by_value]
    found = [line for line in printed if line in settings]
    rest = [line for line in printed if line not in settings]
    events = [*(test for test in tests if not test.by_value), *[TAKEN] * bool(settings), ERROR_QUEUE]
    own = 2 + len(events) + bool(settings)
    before, answers = rest[:-own], rest[-own:]
    try:
        _, small, *numbers = map(number, answers)
        if len(answers) != own or not math.isclose(small, SMALL, rel_tol=1e-14):
            return before, [PRINTING]
        complained = [bool(int(each) & ERRORS) for each in numbers]
    except ValueError:  # too few lines, or something else than numbers
        return before, [PRINTING]
    unnamed = False
    if settings:
        del complained[-3]  # of the settings that refuse the text
        unnamed = complained[-2] and not found
        complained[-2] = False
    # a box that takes each of them back has names that can be written: these tests say nothing then
    both = list(zip(events, complained, strict=True))
    silent = not any(refused for test, refused in both if test.itself)
    wrong = [test.name for test, refused in both if refused != test.refused and not (silent and test.itself)]
    # with a table gone, which the other tests find, settings in it cannot be compared
    return before, list(dict.fromkeys([*wrong, *found])) or [PRINTING] * unnamed


def redefined(tests: Sequence[NameTest], printed: Sequence[str]) -> list[str]:
    """Return the names that have lost their factory meaning; `printed` by `asking` alone."""
    before, wrong = judged(tests, printed)
    return [PRINTING] if before else wrong
