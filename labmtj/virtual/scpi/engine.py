"""The engine of a SCPI instrument: takes messages apart, keeps settings, errors and status."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from labmtj.virtual.network.terminals import Box
from labmtj.virtual.scpi import names as scpi_names
from labmtj.virtual.scpi.errors import TEXTS, ErrorQueue, SCPIError, event_bit
from labmtj.virtual.scpi.headers import expression, headers, split
from labmtj.virtual.scpi.table import Action, Call, Entry, Setting, entries_for, entries_of, refusal


class SCPIEngine:
    """Reads messages, and answers them by the table of its class; a `VirtualInstrument`.

    Args:
        box: terminals, time and name plate.
    """

    settings: ClassVar[Sequence[Setting]] = ()
    names_in: ClassVar[str] = ""
    """the package with the table of the headers of the manual (`labmtj.virtual.scpi.names`)"""
    suffixes: ClassVar[frozenset[int]] = frozenset({1})
    """numeric suffixes that headers may have"""
    number_style: ClassVar[str] = "%+.6E"
    error_texts: ClassVar[Mapping[int, str]] = TEXTS
    queue_depth: ClassVar[int] = 10
    abort_headers: ClassVar[frozenset[str]] = frozenset({":ABOR", ":ABORT"})

    _table: ClassVar[list[Entry]]
    _checks: ClassVar[dict[str, list[str]]]
    _follows: ClassVar[dict[str, list[str]]]
    _expressions: ClassVar[list[tuple[Any, Entry]]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, method in vars(cls).items():
            lost = {*getattr(getattr(super(cls, cls), name, None), "patterns", ())} - {*getattr(method, "patterns", ())}
            assert not lost, f"{cls.__name__}.{name} hides what answers to {', '.join(sorted(lost))}"
        cls._table, cls._checks, cls._follows = [], {}, {}
        methods = {name: getattr(cls, name) for owner in reversed(cls.__mro__) for name in vars(owner)}  # bases first
        for name, method in methods.items():
            for entry in entries_of(method):
                cls._table.insert(0, entry)  # a brand's own before the common ones
            for setting in getattr(method, "checks", ()):
                cls._checks.setdefault(setting, []).append(name)
            for setting in getattr(method, "follows", ()):
                cls._follows.setdefault(setting, []).append(name)
        for each in cls.settings:
            cls._table += entries_for(each)
        if cls.names_in:
            cls._table += scpi_names.entries(cls.names_in)
        cls._expressions = [(expression(entry.pattern), entry) for entry in cls._table]

    def __init__(self, box: Box) -> None:
        self.box = box
        self.errors = ErrorQueue({**TEXTS, **self.error_texts}, self.queue_depth)
        self.values: dict[int, dict[str, Any]] = {}
        self.stopped = threading.Event()
        self._saved: dict[int, dict[int, dict[str, Any]]] = {}
        """set-ups that were saved, by place"""
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
        kept = scpi_names.settings(self.names_in) if self.names_in else ()
        defaults = {setting.name: setting.default for setting in (*kept, *self.settings)}
        self.values = {suffix: dict(defaults) for suffix in self.suffixes}

    def identity(self) -> str:
        """Return the answer to `*IDN?`."""
        raise NotImplementedError

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
        return act, Call(suffixes, parts, header)

    @classmethod
    def knows(cls, header: str) -> bool:
        """Say whether there is such a header, in capitals and in full, with `?` for the question."""
        return bool(cls._entry(header)[1])

    def _find(self, header: str) -> tuple[Action, tuple[int, ...]]:
        code, found = self._entry(header)
        return found or (refusal(code), ())

    @classmethod
    def _entry(cls, header: str) -> tuple[int, tuple[Action, tuple[int, ...]] | None]:
        """Return what a header does, and its numeric suffixes; else the error that it gives, and None."""
        asks, plain, code = header.endswith("?"), header.removesuffix("?"), -113
        for pattern, entry in cls._expressions:
            if entry.asks == asks and (match := pattern.fullmatch(plain)):
                suffixes = tuple(int(group) if group else 1 for group in match.groups())
                if cls.suffixes.issuperset(suffixes):
                    return 0, (entry.act, suffixes)
                code = -114
        return code, None
