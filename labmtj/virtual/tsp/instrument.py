"""A virtual TSP instrument as a server sees it: messages go to the helper process, terminals stay here."""

from __future__ import annotations

import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from labmtj.virtual.coverage import Coverage
from labmtj.virtual.network.terminals import Box
from labmtj.virtual.tsp.names import UNKNOWN, read_table
from labmtj.virtual.tsp.process import Functions, Helper, HelperLost

_END = re.compile(r"^\s*endscript\b", re.MULTILINE)
MOST_LINES = 10_000
"""of a script that are kept back"""
ABORT_SECONDS = 1.0
"""that a script has to end by itself once it is aborted"""


class TSPInstrument(ABC):
    """A box that runs scripts; satisfies `terminals.VirtualInstrument`.

    Args:
        box: its terminals and the time.
        script_seconds: processor time that one message may take; then the box reboots and says so in its queue.
    """

    engine_module: str
    """has `build(remote, **settings)`; imported in the helper process"""

    def __init__(self, box: Box, *, script_seconds: float = 10.0) -> None:
        self.box, self._script_seconds = box, script_seconds
        self.reboots = 0
        """how often a script had to be ended by force"""
        self._busy = threading.Lock()
        self._state = threading.Lock()
        self._stop_at: float | None = None
        self._handling = False
        self._status = 0
        self._prompting = False
        self._script: list[str] = []
        """lines of a script that has not ended yet: they go to the helper together"""
        self.terminals_off()
        self._helper = self._start("")

    series: ClassVar[str]
    """what the instrument is called among others, for `labmtj coverage`"""
    tables: ClassVar[tuple[Path, ...]] = ()
    """the names of its manual, see `labmtj.virtual.tsp.names`"""

    @classmethod
    def coverage(cls) -> Coverage | None:
        """Return what the instrument knows of its manual; None if it has no table of it."""
        rows = [row for table in cls.tables for row in read_table(table)]
        names = frozenset(row.manual_name for row in rows)
        known = frozenset(row.manual_name for row in rows if row.kind != UNKNOWN)
        return Coverage(cls.series, "the maker's public web help", names, known) if rows else None

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, object]:
        """Plain values that the engine is built from."""

    @property
    @abstractmethod
    def functions(self) -> Functions:
        """What the engine may call."""

    @abstractmethod
    def terminals_off(self) -> None:
        """Bring the terminals to their state at power-on."""

    def handle(self, message: str) -> str | None:
        """Do what a message says; return the lines that it printed, joined by line feeds, or None."""
        with self._busy:
            if self._script or (message.startswith(("loadscript", "loadandrunscript")) and not self._prompting):
                self._script.append(message)
                if not _END.search(message) and len(self._script) < MOST_LINES:
                    return None
                message, self._script = "\n".join(self._script), []
            with self._state:
                self._handling, self._stop_at = True, None
            try:
                answer = self._helper.ask(message, self._script_seconds, self._seconds_to_stop)
                reply, self._status, self._prompting = answer
            except HelperLost as loss:
                self.reboots += 1
                self._restart(f"{loss}; the box has rebooted")
                return None
            finally:
                with self._state:
                    self._handling = False
            return reply

    def interrupt(self, message: str) -> bool:
        """End the running script if the message is an abort."""
        return message.strip() == "abort" and self._stop()

    def status_byte(self) -> int:
        """Return the status byte as of the last message."""
        return self._status

    def device_clear(self) -> None:
        """End the running script, forget half a script; settings stay."""
        self._stop()
        with self._busy:
            self._script = []
            try:
                self._helper.clear()
            except HelperLost as loss:
                self._restart(f"{loss}; the box has rebooted")

    def power_cycle(self) -> None:
        """Be as after power-on."""
        self._stop()
        with self._busy:
            self._restart("")

    def close(self) -> None:
        """End the helper process."""
        self._helper.kill()

    def _stop(self) -> bool:
        with self._state:
            if self._handling and self._stop_at is None:
                self._stop_at = time.perf_counter() + ABORT_SECONDS
            return self._handling

    def _seconds_to_stop(self) -> float | None:
        return None if self._stop_at is None else self._stop_at - time.perf_counter()

    def _restart(self, complaint: str) -> None:
        self._helper.kill()
        self._script, self._prompting = [], False
        self.terminals_off()
        self._helper = self._start(complaint)

    def _start(self, complaint: str) -> Helper:
        settings = {**self.settings, "complaint": complaint}
        return Helper(self.engine_module, settings, self.functions)
