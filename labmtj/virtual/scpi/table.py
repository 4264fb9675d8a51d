"""What a brand declares: settings, and methods that answer to headers, check values or follow from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.values import Kind, only

if TYPE_CHECKING:
    from labmtj.virtual.scpi.engine import SCPIEngine

Method = TypeVar("Method", bound=Callable[..., Any])


class Call(NamedTuple):
    """What came with a header."""

    suffixes: tuple[int, ...]
    arguments: tuple[str, ...]
    header: str = ""
    """in full, in capitals"""

    @property
    def channel(self) -> int:
        """The first numeric suffix; 1 if there is none."""
        return self.suffixes[0] if self.suffixes else 1


@dataclass(frozen=True)
class Setting:
    """A stored value: `header value` sets it, `header?` asks for it; once per numeric suffix."""

    name: str
    patterns: str
    """one or more, with blanks between"""
    kind: Kind
    default: Any
    """after `*RST`"""

    def addressed(self, box: SCPIEngine, call: Call) -> tuple[Sequence[int], tuple[str, ...]]:  # noqa: ARG002
        """Return whose value is meant, and the parameters of the value itself."""
        return (call.channel,), call.arguments


Action = Callable[[Any, Call], str | None]


class Entry(NamedTuple):
    """One header, and what it does."""

    pattern: str
    asks: bool
    act: Action


def command(*patterns: str) -> Callable[[Method], Method]:
    """Let a method answer to headers; a pattern that ends with `?` is a query, whose answer the method returns.

    A method takes a `Call`, or nothing: then the header comes without parameters.
    """

    def mark(method: Method) -> Method:
        method.patterns = patterns  # type: ignore[attr-defined]
        return method

    return mark


def check(*names: str) -> Callable[[Method], Method]:
    """Call a method `(name, channel, value)` before a setting changes; it returns the value to keep."""

    def mark(method: Method) -> Method:
        method.checks = names  # type: ignore[attr-defined]
        return method

    return mark


def after(*names: str) -> Callable[[Method], Method]:
    """Call a method `(name, channel)` after a setting has changed."""

    def mark(method: Method) -> Method:
        method.follows = names  # type: ignore[attr-defined]
        return method

    return mark


def entries_of(method: Callable[..., str | None]) -> list[Entry]:
    """Return what a method answers to, by its decoration."""
    patterns: tuple[str, ...] = getattr(method, "patterns", ())
    return [Entry(pattern.rstrip("?"), pattern.endswith("?"), _action(method)) for pattern in patterns]


def entries_for(setting: Setting) -> list[Entry]:
    """Return how a setting is set and asked for."""
    return [
        Entry(pattern, asks, partial(act, setting))
        for pattern in setting.patterns.split()
        for asks, act in ((False, _set), (True, _ask))
    ]


def _set(setting: Setting, box: SCPIEngine, call: Call) -> None:
    channels, arguments = setting.addressed(box, call)
    value = setting.kind.read(arguments, setting.default)
    for channel in channels:
        box.put(setting, channel, value)


def _ask(setting: Setting, box: SCPIEngine, call: Call) -> str:
    channels, arguments = setting.addressed(box, call)
    value = box.values[channels[0]][setting.name]
    if arguments:  # MIN, MAX or DEF: what the setting would become
        value = setting.kind.read(arguments, setting.default)
    return setting.kind.show(value, box.number_style)


def _action(method: Callable[..., str | None]) -> Action:
    if len(signature(method).parameters) > 1:
        return method

    def without_parameters(box: SCPIEngine, call: Call) -> str | None:
        if call.arguments:
            raise SCPIError(-108)
        return method(box)

    return without_parameters


def refusal(code: int) -> Action:
    """Return an action that does nothing but complain."""

    def refuse(_box: Any, _call: Call) -> None:
        raise SCPIError(code)

    return refuse


def one(call: Call) -> str:
    """Return the only argument of a call."""
    return only(call.arguments)
