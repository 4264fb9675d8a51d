"""One TSP box as a language: messages in, lines out, with the error queue, scripts and common commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from labmtj.virtual.tsp.clock import Clock, Remote
from labmtj.virtual.tsp.common import CommonCommands
from labmtj.virtual.tsp.complaints import (
    RUNTIME_ERROR,
    SYNTAX_ERROR,
    Complaint,
    Entry,
    ErrorQueue,
    ScriptFault,
    Severity,
)
from labmtj.virtual.tsp.drive import Drive
from labmtj.virtual.tsp.files import Files
from labmtj.virtual.tsp.language import Language, entry_values
from labmtj.virtual.tsp.names import SHARED, complete, read_table
from labmtj.virtual.tsp.numbers import NumberFormat
from labmtj.virtual.tsp.panel import Panel, tspnet
from labmtj.virtual.tsp.ports import constants
from labmtj.virtual.tsp.registers import build, register_names
from labmtj.virtual.tsp.sandbox import Sandbox
from labmtj.virtual.tsp.scripts import Scripts
from labmtj.virtual.tsp.tree import Group, Members, Setting
from labmtj.virtual.tsp.triggers import Triggers

MOST_CHARACTERS = 32 << 20
"""that wait to be read; more is a script run wild"""


@dataclass(frozen=True)
class Nature:
    """What every TSP box says of itself."""

    model: str
    """as in `localnode.model`"""
    identity: str
    """answer to *IDN?"""
    serial: str
    firmware: str
    line_hertz: float


class Engine:
    """The language of one box; what is special to a brand is added by its `build` function.

    Args:
        nature: of the box.
        remote: calls the process that holds the terminals.
    """

    def __init__(self, nature: Nature, remote: Remote) -> None:
        self.nature, self.remote = nature, remote
        self.clock = Clock(remote)
        self.errors = ErrorQueue()
        self.format = NumberFormat()
        self.root = Group("_G", {})
        """all names of the box"""
        self._settings: list[Setting] = []
        """what a reset brings back: the tree is complete by the first one"""
        self.resets: list[Callable[[], None]] = []
        """what *RST and reset() do, once all settings are at their defaults"""
        self.recalled: list[Callable[[], None]] = []
        """what brings the terminals to settings that were recalled"""
        self.triggered: Callable[[], None] = lambda: None
        """what *TRG does"""
        self.drive = Drive()
        self.utc_at_zero = time.time()
        """UTC seconds when the clock of the bench was 0"""
        self.unattended = False
        """whether what was started in the background runs to its end while no script waits for it"""
        self._out: list[str] = []
        self._size = 0
        self._last: tuple[str, Any] = ("", None)
        """the chunk that was compiled last: clients ask the same again and again"""
        self._script: tuple[str, list[str], bool] | None = None
        self.common = CommonCommands(self)
        self.sandbox = Sandbox(self.complain, self._poll)
        self._language = Language(self)
        self.extend({name: self.sandbox.look_up(name) for name in ("makegetter", "makesetter")})
        self.extend(self._language.members())
        self.triggers = Triggers(self)
        self.extend(constants())
        self.scripts = Scripts(self)
        self.extend(self.scripts.members())
        self.define("run", self.scripts.anonymous.chunk)
        self.extend(Files(self.drive, self.utc_seconds).members())

    def utc_seconds(self) -> float:
        """Return the seconds since 1970 by the clock of the box, which goes with that of the bench."""
        return self.utc_at_zero + self.clock.now()

    def define(self, name: str, value: Any) -> None:
        """Set one global of the scripts."""
        self.sandbox.define(name, value)

    def extend(self, members: Members) -> None:
        """Add globals; a group of a name that is there already is added to it."""
        new = [key for key in members if key not in self.root.members]
        self.root.extend(members)
        self.sandbox.expose({key: self.root.members[key] for key in new})

    def complete(
        self,
        *tables: Path,
        absent: Collection[str] = (),
        conditions: Mapping[str, Callable[[], float]] = MappingProxyType({}),
    ) -> None:
        """Add the names of tables that the box does not have yet; see `names` and `registers`.

        Args:
            tables: of the manual.
            absent: parts of names that the model lacks, such as "smub".
            conditions: of status registers, by their name without `status.`.
        """
        if SHARED in tables:
            lan = self.root.members["lan"]
            self.extend(
                {
                    "display": Group("display", Panel().members()),
                    "tspnet": tspnet(),
                    "lan": Group("lan", {"restoredefaults": lambda: lan.reset(everything=True)}),
                }
            )
        rows = [row for table in tables for row in read_table(table)]
        registers = [each for each in register_names(rows) if set(absent).isdisjoint(each.split("."))]
        self.common.add_registers(build(registers, conditions))
        self.sandbox.expose(complete(self.root, rows, absent))

    def handle(self, message: str) -> str | None:
        """Do what a message says, line by line, and return the lines it printed."""
        for line in message.replace("\r", "\n").split("\n"):
            if line.strip():
                self._line(line)
        self._prompt()
        lines, self._out, self._size = self._out, [], 0
        return "\n".join(lines) if lines else None

    @property
    def line_hertz(self) -> float:
        """The frequency of the power line that the box counts its apertures in."""
        return float(self._language.line_hertz.value)

    @property
    def prompting(self) -> bool:
        """Whether every line is answered by a prompt."""
        return bool(self._language.prompts.value)

    def clear(self) -> None:
        """Do a device clear: forget half a script and what runs in the background."""
        self._script = None
        self._out = []
        self.clock.clear()

    def complain(self, entry: Entry) -> None:
        """Put an entry into the error queue."""
        self.errors.put(entry)
        self.common.note(entry)

    def put(self, line: str) -> None:
        """Append a line to the output."""
        self._size += len(line)
        if self._size > MOST_CHARACTERS:
            raise ScriptFault("out of memory: too much output")
        self._out.append(line)

    def reset(self) -> None:
        """Bring everything to its defaults; scripts and the error queue stay."""
        self.clock.clear()
        if not self._settings:
            self._settings = [each for each in self.root.settings() if not each.kept]
        for setting in self._settings:
            setting.value = setting.default
        for action in self.resets:
            action()

    def execute(self, chunk: Any) -> None:
        """Run a compiled chunk and what it started in the background."""
        try:
            self.sandbox.run(chunk)
            self.unattended = True
            self.clock.finish()
        except ScriptFault as fault:
            self.clock.clear()
            self._fault(RUNTIME_ERROR, f"TSP Runtime error {fault}")
        except Complaint as complaint:
            self.complain(complaint.entry)
        finally:
            self.unattended = False

    def run_text(self, code: str) -> None:
        """Compile and run code from within a script."""
        self.sandbox.call(self.sandbox.compile(code))

    def _line(self, line: str) -> None:
        words = line.split(None, 1)
        if self._script is not None:
            if words[0] == "endscript":
                self._end_script(*self._script)
            else:
                self._script[1].append(line)
        elif words[0] in ("loadscript", "loadandrunscript"):
            self._script = (words[1].strip() if len(words) > 1 else "", [], words[0] == "loadandrunscript")
        elif words[0].startswith("*"):
            self.common.line(line)
        elif line.strip() != "abort":  # with nothing running there is nothing to abort
            chunk = self._compile(line)
            if chunk is not None:
                self.execute(chunk)

    def _compile(self, code: str) -> Any:
        if code == self._last[0]:
            return self._last[1]
        try:
            self._last = (code, self.sandbox.compile(code))
            return self._last[1]
        except ScriptFault as fault:
            self._fault(SYNTAX_ERROR, f"TSP Syntax error {fault}")
            return None

    def _end_script(self, name: str, lines: list[str], run: bool) -> None:  # noqa: FBT001
        self._script = None
        code = "\n".join(lines)
        chunk = self._compile(code)
        if chunk is None:
            return
        try:
            self.scripts.keep(name, code, chunk)
        except Complaint as complaint:
            self.complain(complaint.entry)
        if run:
            self.execute(chunk)

    def _fault(self, code: int, message: str) -> None:
        self.complain(Entry(code, message, Severity.RECOVERABLE))

    def _poll(self) -> None:
        self.remote("poll")

    def _prompt(self) -> None:
        """Send what was not asked for (prompts), where that is switched on."""
        if self._language.show_errors.value:
            while self.errors:
                self._out.append("\t".join(map(self.format.text, entry_values(self.errors.next()))))
        if self.prompting:
            state = ">>>>" if self._script is not None else "TSP?" if self.errors else "TSP>"
            self._out.append(state)
