"""Leases: the run states the longest time of its next step, and the watchdog confirms it.

lease    NUMBER SECONDS PHASE    a line; the next one follows within SECONDS, or the run hangs
rest     NUMBER - PHASE          nothing is on: the next line may take any time
over                             a line: the run leaves, and could not make the bench safe
echo     NUMBER                  a line, in answer to a lease of a number other than 0

The end of the pipe says that the run has died. A process that C code has forked from the run (one that Python forks
closes the pipe) keeps it open, so the run itself is looked at, too.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

from labmtj.watchdog.process import KnownProcess, holding

IDLE = "idle"
"""the phase between two operations: all sources are at 0 V, and the run may compute"""
OVER = "over\n"
DIED = "the run has died"
HUNG = "the run did not come back from"
COMPUTING_SECONDS = 2.0
"""for which a run that should have been heard from while idle is watched: does it compute?"""
COMPUTING_FRACTION = 0.05
"""of a core, or more: it computes, in a call that keeps its other threads from running; one that hangs or is stopped
uses nothing"""


def lease(number: int, seconds: float | None, phase: str) -> bytes:
    """Return a lease as a line; None seconds: nothing is on."""
    return f"{number} {'-' if seconds is None else f'{seconds:.3f}'} {phase}\n".encode()


class LinePipe:
    """The reading end of a pipe of lines, and whether they arrive in time.

    Args:
        descriptor: of the pipe.
        writer: the process at its other end, whose end is that of the lines, whichever other process holds the pipe.
    """

    def __init__(self, descriptor: int, writer: KnownProcess | None = None) -> None:
        self._descriptor, self._buffer = descriptor, b""
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        if writer is not None and writer.descriptor >= 0:
            self._poll.register(writer.descriptor, select.POLLIN)

    @property
    def held(self) -> bool:
        """Whether any process still holds its other end."""
        end = select.poll()
        end.register(self._descriptor, 0)
        return not end.poll(0)

    def holders(self) -> list[KnownProcess]:
        """Return the other processes that hold the pipe, as far as the system says."""
        return holding(self._descriptor)

    def line(self, seconds: float | None = None) -> str | None:
        """Return the next line, "" at the end of pipe or writer, None if neither comes within `seconds`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._buffer:
            rest = None if deadline is None else max(0.0, 1000 * (deadline - time.monotonic()))
            ready = [descriptor for descriptor, _ in self._poll.poll(rest)]
            if not ready:  # what has come already counts, however late this process looks
                return None
            if self._descriptor not in ready:
                return ""
            if not (piece := os.read(self._descriptor, 1 << 16)):
                return ""
            self._buffer += piece
        found, _, self._buffer = self._buffer.partition(b"\n")
        return found.decode(errors="replace") + "\n"


class LeaseWatch:
    """Waits for the end of a run: of its pipe, or of a lease.

    Args:
        pipe: leases come from.
        echo: sends a line back.
        run: the process.
    """

    def __init__(self, pipe: LinePipe, echo: Callable[[str], None], run: KnownProcess) -> None:
        self._pipe, self._echo, self._run = pipe, echo, run
        self._seconds: float | None = None
        self._phase = ""

    def wait(self) -> str:
        """Return DIED, or which lease has passed."""
        while True:
            line = self._pipe.line(self._seconds)
            if line in ("", OVER):
                return DIED
            if line is not None:
                self._take(line)
            elif not self._computes():
                return f"{HUNG} {self._phase} within its lease of {self._seconds:g} s"

    def _take(self, line: str) -> None:
        number, seconds, self._phase = line.strip().split(" ", 2)
        self._seconds = None if seconds == "-" else float(seconds)
        if number != "0":
            self._echo(number)

    def _computes(self) -> bool:
        """Whether the run, which is late, is between two operations and uses processor time; or is heard from now."""
        if self._phase != IDLE or (before := self._run.cpu_seconds) is None:
            return False
        if line := self._pipe.line(COMPUTING_SECONDS):
            self._take(line)
            return True
        return (self._run.cpu_seconds or 0.0) - before > COMPUTING_FRACTION * COMPUTING_SECONDS
