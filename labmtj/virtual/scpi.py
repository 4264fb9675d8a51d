"""A SCPI instrument: a table of settings and commands, declared per brand, and the engine that answers messages by it.

A brand derives from `SCPIInstrument`, lists its `settings` (a stored value behind a header) and decorates methods that
do something with `command`. What a setting must be checked against, and what follows from it, are methods decorated
with `check` and `after`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any, ClassVar, NamedTuple, TypeVar

from labmtj.virtual.scpi_errors import TEXTS, ErrorQueue, SCPIError, event_bit
from labmtj.virtual.scpi_headers import expression, headers, split
from labmtj.virtual.scpi_values import Kind, Whole, only
from labmtj.virtual.terminals import Box

Method = TypeVar("Method", bound=Callable[..., Any])


class Call(NamedTuple):
    """What came with a header."""

    suffixes: tuple[int, ...]
    arguments: tuple[str, ...]

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

    def addressed(self, box: SCPIInstrument, call: Call) -> tuple[Sequence[int], tuple[str, ...]]:  # noqa: ARG002
        """Return whose value is meant, and the parameters of the value itself."""
        return (call.channel,), call.arguments


Action = Callable[[Any, Call], str | None]


class _Entry(NamedTuple):
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


def _set(setting: Setting, box: SCPIInstrument, call: Call) -> None:
    channels, arguments = setting.addressed(box, call)
    value = setting.kind.read(arguments, setting.default)
    for channel in channels:
        box.put(setting, channel, value)


def _ask(setting: Setting, box: SCPIInstrument, call: Call) -> str:
    channels, arguments = setting.addressed(box, call)
    value = box.values[channels[0]][setting.name]
    if arguments:  # MIN, MAX or DEF: what the setting would become
        value = setting.kind.read(arguments, setting.default)
    return setting.kind.show(value, box.number_style)


def _refuse(code: int, _box: SCPIInstrument, _call: Call) -> None:
    raise SCPIError(code)


def _action(method: Callable[..., str | None]) -> Action:
    if len(signature(method).parameters) > 1:
        return method

    def without_parameters(box: SCPIInstrument, call: Call) -> str | None:
        if call.arguments:
            raise SCPIError(-108)
        return method(box)

    return without_parameters


class SCPIInstrument:
    """The engine: reads messages, keeps settings, errors and status; a `VirtualInstrument`.

    Args:
        box: terminals, time and name plate.
    """

    settings: ClassVar[Sequence[Setting]] = ()
    suffixes: ClassVar[frozenset[int]] = frozenset({1})
    """numeric suffixes that headers may have"""
    number_style: ClassVar[str] = "%+.6E"
    error_texts: ClassVar[Mapping[int, str]] = TEXTS
    queue_depth: ClassVar[int] = 10
    abort_headers: ClassVar[frozenset[str]] = frozenset({":ABOR", ":ABORT"})

    _table: ClassVar[list[_Entry]]
    _checks: ClassVar[dict[str, list[str]]]
    _follows: ClassVar[dict[str, list[str]]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._table, cls._checks, cls._follows = [], {}, {}
        methods = {name: getattr(cls, name) for owner in reversed(cls.__mro__) for name in vars(owner)}  # bases first
        for name, method in methods.items():
            for pattern in getattr(method, "patterns", ()):
                entry = _Entry(pattern.rstrip("?"), pattern.endswith("?"), _action(method))
                cls._table.insert(0, entry)  # a brand's own before the common ones
            for setting in getattr(method, "checks", ()):
                cls._checks.setdefault(setting, []).append(name)
            for setting in getattr(method, "follows", ()):
                cls._follows.setdefault(setting, []).append(name)
        for setting in cls.settings:
            for pattern in setting.patterns.split():
                cls._table.append(_Entry(pattern, asks=False, act=partial(_set, setting)))
                cls._table.append(_Entry(pattern, asks=True, act=partial(_ask, setting)))
        cls._expressions = [(expression(entry.pattern), entry) for entry in cls._table]

    def __init__(self, box: Box) -> None:
        self.box = box
        self.errors = ErrorQueue({**TEXTS, **self.error_texts}, self.queue_depth)
        self.values: dict[int, dict[str, Any]] = {}
        self.stopped = threading.Event()
        self._found: dict[str, tuple[Action, tuple[int, ...]]] = {}
        self._programs: dict[str, list[tuple[Action, Call]]] = {}
        self.power_cycle()

    # What a server needs

    def handle(self, message: str) -> str | None:
        """Do what a message says and return the answers of its queries, joined by `;`."""
        self.stopped.clear()
        answers = []
        for act, call in self._program(message):
            try:
                answer = act(self, call)
            except SCPIError as error:
                self.complain(error.code)
                if -200 < error.code <= -100:  # not understood: what follows might be meant otherwise
                    break
            else:
                if answer is not None:
                    answers.append(answer)
        return ";".join(answers) if answers else None

    def interrupt(self, message: str) -> bool:
        """Stop a running sequence if the message says so and nothing else."""
        aborts = [header for header, _ in headers(message)]
        if not aborts or not self.abort_headers.issuperset(aborts):
            return False
        self.stopped.set()
        return True

    def status_byte(self) -> int:
        """Return the status byte: error available (4), event summary (32), any enabled (64)."""
        summary = (4 if len(self.errors) else 0) | (32 if self._events & self._event_mask else 0) | self.summary()
        return summary | (64 if summary & self._service_mask else 0)

    def device_clear(self) -> None:
        """Stop what runs."""
        self.stopped.set()

    def power_cycle(self) -> None:
        """Be as after power-on."""
        self._events, self._event_mask, self._service_mask = 128, 0, 0
        self.errors.clear()
        self.reset()

    def close(self) -> None:
        """Stop what runs; there is nothing else to end."""
        self.stopped.set()

    # What a brand adds to

    def reset(self) -> None:
        """Bring every setting to its default; a brand brings its terminals there too."""
        defaults = {setting.name: setting.default for setting in self.settings}
        self.values = {suffix: dict(defaults) for suffix in self.suffixes}

    def summary(self) -> int:
        """Return further bits of the status byte."""
        return 0

    def event_bit(self, code: int) -> int:
        """Return the bit of the standard event register that an error of this code sets."""
        return event_bit(code)

    def error_reply(self, code: int, text: str) -> str:
        """Return an error as the queue is asked for it."""
        return f'{code},"{text}"'

    # For the methods of a brand

    def complain(self, code: int) -> None:
        """Queue an error."""
        self.errors.push(code)
        self._events |= self.event_bit(code)

    def put(self, setting: Setting, channel: int, value: Any) -> None:
        """Change a setting: checks first, then what follows from it."""
        for name in self._checks.get(setting.name, ()):
            value = getattr(self, name)(setting.name, channel, value)
        self.values[channel][setting.name] = value
        for name in self._follows.get(setting.name, ()):
            getattr(self, name)(setting.name, channel)

    # How a message is taken apart, once

    def _program(self, message: str) -> list[tuple[Action, Call]]:
        program = self._programs.get(message)
        if program is None:
            program = [self._unit(header, arguments) for header, arguments in headers(message)]
            if len(message) <= 200:  # a bounded memory: what clients repeat is short
                if len(self._programs) >= 1000:
                    self._programs.clear()
                self._programs[message] = program
        return program

    def _unit(self, header: str, arguments: str) -> tuple[Action, Call]:
        found = self._found.get(header)
        if found is None:
            found = self._find(header)
            if len(self._found) >= 1000:
                self._found.clear()
            self._found[header] = found
        act, suffixes = found
        parts = tuple(part.strip() for part in split(arguments, ",")) if arguments else ()
        return act, Call(suffixes, parts)

    def _find(self, header: str) -> tuple[Action, tuple[int, ...]]:
        asks, plain = header.endswith("?"), header.removesuffix("?")
        for pattern, entry in self._expressions:
            if entry.asks == asks and (match := pattern.fullmatch(plain)):
                suffixes = tuple(int(group) if group else 1 for group in match.groups())
                known = self.suffixes.issuperset(suffixes)
                return (entry.act, suffixes) if known else (partial(_refuse, -114), ())
        return partial(_refuse, -113), ()

    _expressions: ClassVar[list[tuple[Any, _Entry]]] = []

    # IEEE 488.2

    @command("*IDN?")
    def _identity(self) -> str:
        return self.identity()

    def identity(self) -> str:
        """Return the answer to `*IDN?`."""
        raise NotImplementedError

    @command("*RST")
    def _reset(self) -> None:
        self.reset()

    @command("*CLS", ":STATus:CLEar")
    def _clear_status(self) -> None:
        self._events = 0
        self.errors.clear()

    @command("*ESR?")
    def _events_query(self) -> str:
        events, self._events = self._events, 0
        return str(events)

    @command("*ESE")
    def _set_event_mask(self, call: Call) -> None:
        self._event_mask = Whole(0, 255).read(call.arguments, 0)

    @command("*ESE?")
    def _event_mask_query(self) -> str:
        return str(self._event_mask)

    @command("*SRE")
    def _set_service_mask(self, call: Call) -> None:
        self._service_mask = Whole(0, 255).read(call.arguments, 0) & ~64

    @command("*SRE?")
    def _service_mask_query(self) -> str:
        return str(self._service_mask)

    @command("*STB?")
    def _status_query(self) -> str:
        return str(self.status_byte())

    @command("*OPC")
    def _note_completion(self) -> None:
        self._events |= 1  # messages are handled one by one: all before this one is complete

    @command("*OPC?")
    def _completion_query(self) -> str:
        return "1"

    @command("*TST?")
    def _self_test(self) -> str:
        return "0"

    @command("*WAI", "*TRG", "*SAV", "*RCL")
    def _nothing_to_do(self, _call: Call) -> None:
        """Nothing is pending between two messages, and no memory of set-ups is modelled."""

    @command("*OPT?")
    def _options(self) -> str:
        return "0"

    # SCPI

    @command(":SYSTem:ERRor[:NEXT]?", ":STATus:QUEue[:NEXT]?")
    def _next_error(self) -> str:
        return self.error_reply(*self.errors.pop())

    @command(":SYSTem:ERRor:ALL?")
    def _all_errors(self) -> str:
        replies = [self.error_reply(*self.errors.pop())]
        while len(self.errors):
            replies.append(self.error_reply(*self.errors.pop()))
        return ",".join(replies)

    @command(":SYSTem:ERRor:COUNt?")
    def _error_count(self) -> str:
        return str(len(self.errors))

    @command(":SYSTem:ERRor:CODE[:NEXT]?")
    def _next_code(self) -> str:
        return str(self.errors.pop()[0])

    @command(":SYSTem:CLEar", ":STATus:QUEue:CLEar")
    def _clear_errors(self) -> None:
        self.errors.clear()

    @command(":SYSTem:VERSion?")
    def _version(self) -> str:
        return "1996.0"

    @command(":SYSTem:LOCal", ":SYSTem:REMote", ":SYSTem:RWLock", ":STATus:PRESet", ":SYSTem:PRESet")
    def _panel(self, _call: Call) -> None:
        """There is no panel to lock, and no status mask beyond the standard ones."""

    @command(":STATus:OPERation[:EVENt]?", ":STATus:OPERation:CONDition?", ":STATus:QUEStionable[:EVENt]?")
    def _quiet_registers(self) -> str:
        return "0"


def one(call: Call) -> str:
    """Return the only argument of a call."""
    return only(call.arguments)
