"""Headers of a manual as a table: what an instrument keeps or accepts without more, and what it does not know.

A line of a table names a header, in the spelling of patterns (`labmtj.virtual.scpi.headers`), and how it behaves:

    switch DEFAULT            on or off: kept, answered, DEFAULT after *RST
    number LOW HIGH DEFAULT   a number within limits; `whole` for a whole one
    word A|B DEFAULT          one of some words
    text DEFAULT              a string in quotation marks
    answer TEXT               a question with always the same answer
    event                     accepted, and nothing follows that could be noticed
    code                      the class of the instrument does it
    -                         not known: -113
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any, NamedTuple

from labmtj.virtual.scpi.table import Call, Entry, Setting, entries_for
from labmtj.virtual.scpi.values import Kind, Number, Switch, Text, Whole, Word


class Name(NamedTuple):
    """One header of a manual."""

    pattern: str
    behaviour: str
    arguments: tuple[str, ...]

    @property
    def header(self) -> str:
        """The header in capitals and short forms, with all its optional nodes."""
        return "".join(each for each in self.pattern if not each.islower() and each not in "[]#")

    @property
    def setting(self) -> Setting | None:
        """What is kept under the header, None if nothing is."""
        if self.behaviour not in _KINDS:
            return None
        kind, default = _KINDS[self.behaviour](self.arguments)
        return Setting(self.pattern, self.pattern, kind, default)


def _number(arguments: Sequence[str]) -> tuple[Kind, Any]:
    low, high, default = map(float, arguments)
    return Number(low, high), default


def _whole(arguments: Sequence[str]) -> tuple[Kind, Any]:
    low, high, default = (int(float(each)) for each in arguments)
    return Whole(low, high), default


_KINDS: dict[str, Any] = {
    "switch": lambda arguments: (Switch(), arguments[0] == "1"),
    "number": _number,
    "whole": _whole,
    "word": lambda arguments: (Word(arguments[0]), arguments[1]),
    "text": lambda arguments: (Text(), " ".join(arguments).strip('"')),
}


@cache
def source(package: str) -> str:
    """Return where the headers of a package are from: the first line of its table."""
    return files(package).joinpath("headers.tsv").read_text("utf-8").partition("\n")[0].removeprefix("# ")


@cache
def names(package: str) -> tuple[Name, ...]:
    """Return the table `headers.tsv` of a package."""
    lines = files(package).joinpath("headers.tsv").read_text("utf-8").splitlines()
    found = []
    for line in lines:
        if line and not line.startswith("#"):
            pattern, behaviour = line.split("\t")
            kind, *arguments = behaviour.split(" ")
            found.append(Name(pattern, kind, tuple(arguments)))
    return tuple(found)


def settings(package: str) -> tuple[Setting, ...]:
    """Return what the table of a package keeps."""
    return tuple(each.setting for each in names(package) if each.setting is not None)


def entries(package: str) -> Iterator[Entry]:
    """Return what the table of a package answers or accepts without keeping anything."""
    for each in names(package):
        if each.behaviour == "answer":
            yield Entry(each.pattern.rstrip("?"), True, partial(_answer, " ".join(each.arguments)))  # noqa: FBT003
        elif each.behaviour == "event":
            yield Entry(each.pattern, False, _accept)  # noqa: FBT003
    for setting in settings(package):
        yield from entries_for(setting)


def _answer(text: str, _box: Any, _call: Call) -> str:
    return text


def _accept(_box: Any, _call: Call) -> None:
    return None
