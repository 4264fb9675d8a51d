"""Kinds of SCPI parameters: how each is read from a message, what it refuses, and how it is shown in a reply."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from labmtj.virtual.scpi.errors import SCPIError

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d{1,3})?)\s*(?:([PNUMK])?(?:V|A|S|HZ|OHM))?", re.I)
_MULTIPLES = {"": 1.0, "P": 1e-12, "N": 1e-9, "U": 1e-6, "M": 1e-3, "K": 1e3}


def number(text: str) -> float:
    """Read a decimal number, with a unit such as `mV` if there is one; SCPIError for anything else."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise SCPIError(-104)
    value = float(found[1]) * _MULTIPLES[(found[2] or "").upper()]
    if math.isinf(value):
        raise SCPIError(-222)
    return value


def digits(text: str, most: int) -> bool:
    """Say whether a text is made of up to `most` plain digits; `str.isdigit` also takes a superscript for one."""
    return text.isascii() and text.isdigit() and len(text) <= most


def quoted(text: str) -> str:
    """Read a string in single or double quotation marks."""
    if len(text) < 2 or text[0] not in "\"'" or text[-1] != text[0]:
        raise SCPIError(-151 if text[:1] in ("'", '"') else -104)
    return text[1:-1]


def spelling(choices: str, text: str) -> str | None:
    """Return the short form of the choice that a text spells, None if none; choices such as "VOLTage|CURRent"."""
    word = text.upper()
    for choice in choices.split("|"):
        short = "".join(letter for letter in choice if not letter.islower())
        if word in (short, choice.upper()):
            return short
    return None


def only(arguments: Sequence[str], most: int = 1) -> str:
    """Return the first argument of a command that takes one, or up to `most`."""
    if not arguments:
        raise SCPIError(-109)
    if len(arguments) > most:
        raise SCPIError(-108)
    return arguments[0]


class Kind(Protocol):
    """A kind of parameter."""

    def read(self, arguments: Sequence[str], default: Any, /) -> Any:
        """Return the value that the arguments of a command give; SCPIError if they give none."""
        ...

    def show(self, value: Any, style: str, /) -> str:
        """Return the value as in a reply; `style` is the number format of the instrument."""
        ...


@dataclass(frozen=True)
class Number:
    """A number within limits, or MIN, MAX, DEF."""

    low: float
    high: float
    clamps: bool = False
    """some instruments silently take the nearest limit instead of refusing"""
    style: str = ""
    """of a reply, where it differs from the instrument's"""

    def read(self, arguments: Sequence[str], default: Any) -> Any:
        """Read it."""
        text = only(arguments)
        word = spelling("MINimum|MAXimum|DEFault", text)
        if word is not None:
            return {"MIN": self.low, "MAX": self.high, "DEF": default}[word]
        value = number(text)
        if not self.low <= value <= self.high and not self.clamps:
            raise SCPIError(-222)
        return min(max(value, self.low), self.high)

    def show(self, value: Any, style: str) -> str:
        """Show it."""
        return str((self.style or style) % value)


@dataclass(frozen=True)
class Whole(Number):
    """A whole number within limits; a fraction is rounded."""

    style: str = "%d"

    def read(self, arguments: Sequence[str], default: Any) -> int:
        """Read it."""
        value: float = super().read(arguments, default)
        return round(value)


@dataclass(frozen=True)
class Switch:
    """On or off."""

    also: str = ""
    """words that some instruments accept besides, such as "ONCE"; they change nothing"""

    def read(self, arguments: Sequence[str], default: Any) -> bool:
        """Read it."""
        text = only(arguments)
        word = spelling("ON|OFF|DEFault", text)
        if word is not None:
            return bool(default) if word == "DEF" else word == "ON"
        if self.also and spelling(self.also, text):
            return bool(default)
        try:
            return round(number(text)) != 0
        except SCPIError:
            raise SCPIError(-224 if text.isalpha() else -104) from None

    def show(self, value: Any, _style: str) -> str:
        """Show it."""
        return "1" if value else "0"


@dataclass(frozen=True)
class Word:
    """One of several words, short or long; a reply has the short form."""

    choices: str
    """such as "VOLTage|CURRent" """

    def read(self, arguments: Sequence[str], default: Any) -> str:
        """Read it."""
        text = only(arguments)
        word = spelling(self.choices, text)
        if word is None and spelling("DEFault", text):
            return str(default)
        if word is None:
            raise SCPIError(-224)
        return word

    def show(self, value: Any, _style: str) -> str:
        """Show it."""
        return str(value)


@dataclass(frozen=True)
class Text:
    """A string in quotation marks."""

    longest: int = 256

    def read(self, arguments: Sequence[str], _default: Any) -> str:
        """Read it."""
        value = quoted(only(arguments))
        if len(value) > self.longest:
            raise SCPIError(-223)
        return value

    def show(self, value: Any, _style: str) -> str:
        """Show it."""
        return f'"{value}"'


@dataclass(frozen=True)
class Numbers:
    """A list of numbers within limits."""

    low: float
    high: float
    most: int

    def read(self, arguments: Sequence[str], _default: Any) -> tuple[float, ...]:
        """Read it."""
        if len(arguments) > self.most:
            raise SCPIError(-223)
        if not arguments:
            raise SCPIError(-109)
        values = tuple(map(number, arguments))
        if not all(self.low <= value <= self.high for value in values):
            raise SCPIError(-222)
        return values

    def show(self, value: Any, style: str) -> str:
        """Show it."""
        return ",".join(style % each for each in value)


def channel_list(text: str) -> list[tuple[str, str]]:
    """Read `(@1,3:5)`: the first and the last name of every range, the same for a single name."""
    if not (text.startswith("(@") and text.endswith(")")):
        raise SCPIError(-104)
    inside = text[2:-1].replace(" ", "")
    if not inside:
        return []
    found = []
    for item in inside.split(","):
        first, colon, last = item.partition(":")
        if not first or (colon and not last):
            raise SCPIError(-170)
        found.append((first, last if colon else first))
    return found
