"""Common commands (*IDN? and relatives) and the status registers that they read."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntFlag
from typing import TYPE_CHECKING

from labmtj.virtual.tsp.complaints import Complaint, Entry, Severity
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, whole

if TYPE_CHECKING:
    from labmtj.virtual.tsp.engine import Engine


class Event(IntFlag):
    """Bits of the standard event register."""

    COMPLETE = 1
    QUERY = 4
    DEVICE = 8
    EXECUTION = 16
    COMMAND = 32
    POWER_ON = 128


class CommonCommands:
    """The IEEE 488.2 side of a box."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._events = int(Event.POWER_ON)
        self._event_enable, self._service_enable = Setting(0.0, whole(0, 255)), Setting(0.0, whole(0, 255))
        standard = Group("status.standard", {"enable": self._event_enable, "event": Reading(self._take_events)})
        self.members: Members = {
            "standard": standard,
            "request_enable": self._service_enable,
            "condition": Reading(lambda: float(self.status_byte())),
            "reset": self._reset_enables,
        }
        self.group = Group("status", self.members)

    def note(self, entry: Entry) -> None:
        """Set the event that goes with an error."""
        if entry.severity is not Severity.INFORMATIONAL:
            command = -200 < entry.code <= -100 or entry.code == -285
            self._events |= Event.COMMAND if command else Event.EXECUTION if entry.code < 0 else Event.DEVICE

    def operation_complete(self) -> None:
        """Set the event of *OPC."""
        self._events |= Event.COMPLETE

    def status_byte(self) -> int:
        """Return the status byte."""
        byte = 4 if self._engine.errors else 0  # plain numbers: it is asked for with every message
        if self._events & int(self._event_enable.value):
            byte |= 32
        return byte | 64 if byte & int(self._service_enable.value) else byte

    def line(self, line: str) -> None:
        """Do one or more common commands, joined by semicolons."""
        for command in filter(None, map(str.strip, line.split(";"))):
            word, _, parameter = command.partition(" ")
            try:
                self._command(word.upper(), parameter)
            except Complaint as complaint:
                self._engine.complain(complaint.entry)

    def _command(self, word: str, parameter: str) -> None:
        engine = self._engine
        answers: dict[str, Callable[[], str]] = {
            "*IDN?": lambda: engine.nature.identity,
            "*OPC?": lambda: "1",
            "*TST?": lambda: "0",  # always, by the manual of the family
            "*ESR?": lambda: str(int(self._take_events())),
            "*ESE?": lambda: str(int(self._event_enable.value)),
            "*SRE?": lambda: str(int(self._service_enable.value)),
            "*STB?": lambda: str(self.status_byte()),
        }
        actions = {
            "*RST": engine.reset, "*CLS": self._clear, "*OPC": self.operation_complete,
            "*WAI": lambda: None, "*TRG": engine.triggered,
        }  # fmt: skip
        enables = {"*ESE": self._event_enable, "*SRE": self._service_enable}
        if word in answers:
            engine.put(answers[word]())
        elif word in actions:
            actions[word]()
        elif word in enables:
            enables[word].write(int(parameter) if parameter.strip().isdecimal() else parameter)
        else:
            raise Complaint(-113, f"Undefined header: {word}")

    def _clear(self) -> None:
        self._engine.errors.clear()
        self._events = 0

    def _take_events(self) -> float:
        events, self._events = self._events, 0
        return float(events)

    def _reset_enables(self) -> None:
        self._event_enable.value = self._service_enable.value = 0.0
