"""The tree of names that a script sees: groups of settings, readings, constants and functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, TEXTS, TOO_BIG, TOO_SMALL, Complaint, ScriptFault

Value = bool | float | str | None
"""what a script reads and writes"""
Members = dict[Any, Any]
"""what a group is made of, by name or number"""
Accept = Callable[[object], Any]
"""turns what a script wrote into a value, or raises Complaint"""


class Reading:
    """A name that is worked out each time it is read, and cannot be written."""

    def __init__(self, read: Callable[[], object]) -> None:
        self.read = read


class Setting:
    """A name that keeps what was written.

    Args:
        default: after power-on and reset.
        accept: turns what a script wrote into the value that is kept, or raises Complaint.
        then: called after the value is kept; what it raises takes the value back.
        kept: whether it outlives `reset()`.
    """

    def __init__(
        self, default: Any, accept: Accept, then: Callable[[], None] | None = None, *, kept: bool = False
    ) -> None:
        self.default, self._accept, self._then, self.kept = default, accept, then, kept
        self._value: Any = default
        self.publish: Callable[[Any], None] = lambda _: None

    @property
    def value(self) -> Any:
        """What is kept; setting it does not call `then`."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        if value is not self._value:
            self.keep(value)

    def keep(self, value: Any) -> None:
        """Keep another value."""
        self._value = value
        self.publish(value)

    def write(self, value: object) -> None:
        """Do what a script asks for."""
        before = self._value
        self.value = self._accept(value)
        if self._then is not None:
            try:
                self._then()
            except (Complaint, ScriptFault):
                self.value = before
                raise


class Group:
    """A table of a script: what it holds is fixed before the first script runs.

    Args:
        name: as a script writes it, for messages.
        members: settings, readings, groups and functions; anything else is a constant. A key may be a number.
    """

    luatype = ""
    """what its metatable calls it"""

    def __init__(self, name: str, members: Mapping[Any, Any]) -> None:
        self.name, self.members = name, dict(members)

    def read(self, key: object) -> object:
        """Return the value of a reading or an element; settings and constants are read without asking."""
        member = self.members.get(key) if isinstance(key, str | int) else None
        if isinstance(member, Reading):
            return member.read()
        if isinstance(member, Setting):
            return member.value
        return self.element(key)

    def element(self, key: object) -> object:
        """Return what stands at a key that is no member."""
        raise ScriptFault(f"attempt to read undefined field `{key}' of {self.name}")

    def write(self, key: object, value: object) -> None:
        """Write a setting; anything else cannot be written."""
        member = self.members.get(key) if isinstance(key, str | int) else None
        if isinstance(member, Setting):
            member.write(value)
        elif member is None:
            raise ScriptFault(f"attempt to write undefined field `{key}' of {self.name}")
        else:
            raise ScriptFault(f"attempt to write read-only field `{key}' of {self.name}")

    def extend(self, members: Mapping[Any, Any]) -> None:
        """Add members; where both have a group of one name, its members are added to the group that is there."""
        for key, member in members.items():
            present = self.members.get(key)
            if isinstance(present, Group) and isinstance(member, Group):
                present.extend(member.members)
            else:
                self.members[key] = member

    def settings(self) -> Iterator[Setting]:
        """Yield every setting below."""
        for member in self.members.values():
            if isinstance(member, Setting):
                yield member
            elif isinstance(member, Group):
                yield from member.settings()

    def reset(self, *, everything: bool = False) -> None:
        """Bring the settings below back to their defaults, without any effect; those that outlive it, if asked to."""
        for setting in self.settings():
            if everything or not setting.kept:
                setting.value = setting.default


def number(value: object) -> float:
    """Accept any finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a number is expected")
    return float(value)


def within(lowest: float, highest: float) -> Accept:
    """Accept numbers from lowest to highest, both included."""

    def accept(value: object) -> float:
        wanted = number(value)
        if wanted > highest:
            raise Complaint(TOO_BIG, f"parameter too big: {wanted!r} is above {highest!r}")
        if wanted < lowest:
            raise Complaint(TOO_SMALL, f"parameter too small: {wanted!r} is below {lowest!r}")
        return wanted

    return accept


def whole(lowest: int, highest: int) -> Accept:
    """Accept whole numbers from lowest to highest; a fraction is cut off, as the box does."""
    inside = within(lowest, highest)
    return lambda value: float(int(inside(value)))


def one_of(*choices: float) -> Accept:
    """Accept some numbers only; true and false are 1 and 0."""

    def accept(value: object) -> float:
        wanted = float(value) if isinstance(value, bool) else number(value)
        if wanted not in choices:
            raise Complaint(INVALID_PARAMETER, f"parameter 1 is invalid: {wanted:g}")
        return wanted

    return accept


def refusing(accept: Accept, code: int) -> Accept:
    """Accept the same as another, and refuse the rest with an error number of its own."""

    def accept_or_refuse(value: object) -> Any:
        try:
            return accept(value)
        except Complaint:
            raise Complaint(code, TEXTS.get(code, "value refused")) from None

    return accept_or_refuse


switch = one_of(0, 1)
"""off and on"""


def truth(value: object) -> bool:
    """Accept true and false only."""
    if not isinstance(value, bool):
        raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: true or false is expected")
    return value


def text(value: object) -> str:
    """Accept text only."""
    if not isinstance(value, str):
        raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a string is expected")
    return value


def one_text(*choices: str) -> Accept:
    """Accept some words only."""

    def accept(value: object) -> str:
        if text(value) not in choices:
            raise Complaint(INVALID_PARAMETER, f"parameter 1 is invalid: {value}")
        return str(value)

    return accept
