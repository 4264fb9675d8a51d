"""The watchdog of a bench as its run sees it: started with the sessions, given leases, ended.

What it does when the run dies or hangs is in `labmtj.watchdog`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from labmtj.bench.files.laboratory import InstrumentFile
from labmtj.bench.session.sessions import keywords
from labmtj.bench.session.watch import MARGIN_SECONDS
from labmtj.errors import WatchdogLost
from labmtj.plugins import dotted
from labmtj.watchdog import FLUSH_SECONDS, HANDED_OVER_SECONDS, READY, SAFE
from labmtj.watchdog.leases import OVER, LinePipe, lease
from labmtj.watchdog.shutdown import HOLD

START_SECONDS = 60.0
"""a watchdog that is not ready by then is taken for dead; it takes a fraction of a second"""
ECHO_SECONDS = 5.0
"""longest wait for the echo of a lease; it takes less than a millisecond unless the machine is very busy"""
ACT_SECONDS = HANDED_OVER_SECONDS + 10.0
"""longest wait for a watchdog that makes the bench safe while this process waits"""


class Watchdog:
    """A process that makes the instruments safe if this one dies, hangs, or leaves without having done so.

    It has the instruments only when this process has gone, because many accept one client at a time.

    Args:
        instruments: by name, as they are reached.
        run: name of the run, for another process that is refused the instruments meanwhile.
        record: file to note in what it did, or None.
        locks: descriptors of the locks of the instruments, by resource: it holds them, too, until the bench is safe.
        keep: further descriptors that it holds open, such as the pipe that a virtual bench lives by.
        relays_without_sources: "hold" or "open": what relays do while a source cannot be reached.
        server: process that virtual instruments end with, or None.
    """

    def __init__(
        self,
        instruments: Mapping[str, InstrumentFile],
        *,
        run: str = "",
        record: Path | None = None,
        locks: Mapping[str, int] | None = None,
        keep: Sequence[int] = (),
        relays_without_sources: str = HOLD,
        server: int | None = None,
    ) -> None:
        locks = locks or {}
        self._ready = self._watching = self._left = False
        self._number, self._until = 0, 0.0
        self._patience_seconds = max((each.timeout_seconds for each in instruments.values()), default=0.0)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "labmtj.watchdog"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            pass_fds=(*locks.values(), *keep),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # neither a Ctrl+C nor a closed terminal is for it
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._lines = LinePipe(self._from.fileno())
        order = {
            "pid": os.getpid(), "run": run, "record": str(record.resolve()) if record else "", "locks": locks,
            "instruments": [_spec(name, each) for name, each in instruments.items()], "server": server,
            "relays_without_sources": relays_without_sources,
        }  # fmt: skip
        with suppress(OSError):  # one that has died already is noticed by `begin`
            self._to.write(json.dumps(order).encode() + b"\n")
        os.set_blocking(self._to.fileno(), False)  # one that is stopped must not stop this process, too

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def begin(self) -> None:
        """Wait until it is ready; from now on it acts unless it hears that the bench is safe.

        Raises:
            WatchdogLost: it died, or cannot load a driver. Nothing is to be armed.
        """
        if not self._ready and (said := self._heard(START_SECONDS)) != READY:
            raise WatchdogLost(
                f"the watchdog of this bench did not start: {said or 'it died'}; nothing was switched on"
            )
        self._ready = True
        self.require("arming", 0.0)
        self._watching = True

    def require(self, phase: str, seconds: float) -> None:
        """Send a lease of `seconds` and wait for its echo, before the work begins.

        Raises:
            WatchdogLost: no echo came: it has died, or is stopped.
        """
        self._number += 1
        wanted = seconds + self._patience_seconds + MARGIN_SECONDS
        self._until = time.monotonic() + wanted
        self._send(lease(self._number, wanted, phase))
        deadline = time.monotonic() + ECHO_SECONDS
        while (line := self._lines.line(max(0.0, deadline - time.monotonic()))) != f"{self._number}\n":
            if not line:  # what comes else are echoes of leases whose wait was broken off
                raise self._lost(died=line == "")

    def extend(self, phase: str, seconds: float) -> None:
        """Send a new lease and wait for its echo if the present one is too short for the next step, or far too long."""
        rest = self._until - time.monotonic() - seconds - self._patience_seconds
        if not MARGIN_SECONDS / 2 <= rest <= 2 * MARGIN_SECONDS:
            self.require(phase, seconds)

    def announce(self, phase: str, seconds: float) -> None:
        """Send a lease of exactly `seconds` without waiting."""
        self._until = 0.0
        self._watching = True
        self._send(lease(0, seconds, phase))

    def rest(self) -> None:
        """Expect nothing: the outputs are off."""
        self._watching, self._until = False, 0.0
        self._send(lease(0, None, "at rest"))

    def _send(self, line: bytes) -> None:
        with suppress(OSError, ValueError):  # closed, dead or stopped: no echo comes
            os.write(self._to.fileno(), line)

    def _lost(self, *, died: bool) -> WatchdogLost:
        what = (
            "has died; nothing is applied without it. Begin again"
            if died
            else f"does not answer within {ECHO_SECONDS:g} s: it is stopped, or hangs; nothing is applied without it. "
            "Begin again"
        )
        return WatchdogLost(f"the watchdog of this bench (process {self.pid}) {what}")

    def end(self) -> str:
        """End it; if the bench is not safe, let it act first; return the outcome.

        The sessions of this process are closed by now. A watchdog that cannot make the bench safe soon is left at it,
        with the locks; any other has ended when this returns, and holds none.
        """
        if self._left:
            return ""
        if not self._watching:
            self._kill()
            return ""
        self._send(OVER.encode())  # a process that C code has forked may hold the pipe open
        self._to.close()
        self._process.send_signal(signal.SIGCONT)  # should it be stopped
        said = self._heard(ACT_SECONDS)
        if said == SAFE:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(FLUSH_SECONDS)
            self._kill()
            return "its watchdog has made the bench safe"
        if not said:
            self._kill()
            return "and its watchdog could not: it died"
        _left.append(self._process)
        return (
            f"and its watchdog (process {self.pid}) has not yet: {said}. It goes on trying, and holds the bench until "
            "it is safe: switch these instruments off by hand"
        )

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()

    def _heard(self, seconds: float) -> str:
        """Return the next thing it says; "" if it dies, or is silent for so long. Late echoes are passed over."""
        deadline = time.monotonic() + seconds
        while line := self._lines.line(max(0.0, deadline - time.monotonic())):
            if isinstance(said := json.loads(line), str):
                return said
        return ""

    def leave(self) -> None:
        """Release the pipe, whose end is the sign, and leave the process alone: what a forked child does."""
        self._left = True
        self._to.close()


_left: list[subprocess.Popen[bytes]] = []
"""watchdogs that are still at work, so that nothing complains that they are"""


def _spec(name: str, instrument: InstrumentFile) -> dict[str, object]:
    return {
        "name": name, "driver": dotted("labmtj.drivers", instrument.driver), "resource": instrument.resource,
        "keywords": keywords(instrument),
    }  # fmt: skip
