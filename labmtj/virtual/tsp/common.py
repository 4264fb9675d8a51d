"""Common commands (*IDN? and relatives) and the status registers that they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntFlag
from typing import TYPE_CHECKING

from labmtj.virtual.tsp.complaints import Complaint, Entry, Severity
from labmtj.virtual.tsp.register_bits import STANDARD
from labmtj.virtual.tsp.registers import Register
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, whole

if TYPE_CHECKING:
    from labmtj.virtual.tsp.engine import Engine


SUMMARIES = {"measurement": 1, "system": 2, "questionable": 8, "operation": 128}
"""bits of the status byte by the register that sets them"""
MOST = 32767.0


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
        self._event_enable, self._service_enable = (Setting(0.0, whole(0, 255), kept=True) for _ in range(2))
        self.registers: dict[str, Register] = {}
        """those right below `status` that have a bit in the status byte"""
        edges = {"ptr": Setting(MOST, whole(0, 65535), kept=True), "ntr": Setting(0.0, whole(0, 65535), kept=True)}
        names = {"enable": self._event_enable, "event": Reading(self._take_events), "condition": 0.0}
        names |= {word: float(1 << bit) for word, bit in STANDARD.items()}
        bits = {"MSB": 1, "SSB": 2, "EAV": 4, "QSB": 8, "MAV": 16, "ESB": 32, "MSS": 64, "OSB": 128}
        self.members: Members = {
            **bits,
            "standard": Group("status.standard", names | edges),
            "request_enable": self._service_enable,
            "request_event": Reading(lambda: float(self.status_byte())),
            "condition": Reading(lambda: float(self.status_byte())),
            "reset": self._reset_enables,
        }
        self.group = Group("status", self.members)

    def add_registers(self, registers: Mapping[str, Register]) -> None:
        """Have registers below `status`, and their bits in the status byte."""
        self.registers |= registers
        self.group.extend(registers)

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
        for name, bit in SUMMARIES.items():
            if name in self.registers and self.registers[name].passes:
                byte |= bit
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
        for register in self.registers.values():
            register.preset()
        self.group.reset(everything=True)
