"""The guardian of a bench as its run sees it: started beside the sessions, asked whether it lives, ended.

What it does when the run dies stands in `labmtj.guarding`.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from labmtj.bench.laboratory import InstrumentFile
from labmtj.bench.sessions import keywords
from labmtj.errors import Unguarded
from labmtj.guarding import HANDED_OVER_SECONDS, HANG_SECONDS, READY, SAFE

START_SECONDS = 60.0
"""a guardian that is not ready by then is taken for dead; it takes a fraction of a second"""
ACT_SECONDS = HANDED_OVER_SECONDS + 2 * HANG_SECONDS
"""longest wait for a guardian that makes the bench safe while this process waits"""


class Watch(Protocol):
    """Whoever steps in when the run dies."""

    def begin(self) -> None:
        """Watch from now on; raise Unguarded if that cannot be."""
        ...

    def check(self) -> None:
        """Raise Unguarded unless it is there."""
        ...

    def rest(self) -> None:
        """Watch no longer: the bench is safe."""
        ...


class NoWatch:
    """For instruments that end with this process, or exist on a tape only."""

    def begin(self) -> None:
        """Nothing can be left on."""

    def check(self) -> None:
        """Nobody is missing."""

    def rest(self) -> None:
        """Nobody watches."""


class Guardian:
    """A process that makes the instruments safe if this one dies, or leaves without having done so.

    It has the instruments only when this process has gone, for many take one client at a time.

    Args:
        instruments: by name, as they are reached.
        run: name of the run, for whoever is refused the instruments meanwhile.
        record: file to note in what it did, or None.
        locks: descriptors of the locks of the instruments: it holds them, too: nobody takes a bench that is not safe.
        keep: further descriptors that it holds open, such as the pipe that a virtual bench lives by.
    """

    def __init__(
        self,
        instruments: Mapping[str, InstrumentFile],
        *,
        run: str = "",
        record: Path | None = None,
        locks: Sequence[int] = (),
        keep: Sequence[int] = (),
    ) -> None:
        self._ready = self._watching = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "labmtj.guarding"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            pass_fds=(*locks, *keep),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # neither a Ctrl+C nor a closed terminal is for it
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._from, select.POLLIN)
        order = {
            "pid": os.getpid(), "run": run, "record": str(record.resolve()) if record else "", "locks": list(locks),
            "instruments": [_charge(name, each) for name, each in instruments.items()],
        }  # fmt: skip
        with suppress(OSError):  # one that has died already is noticed by `begin`
            self._to.write(json.dumps(order).encode() + b"\n")

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def begin(self) -> None:
        """Wait until it is ready; from now on it acts unless it is told that the bench is safe.

        Raises:
            Unguarded: it died, or cannot load a driver. Nothing is to be armed.
        """
        if not self._ready and (said := self._heard(START_SECONDS)) != READY:
            raise Unguarded(f"the guardian of this bench did not start: {said or 'it died'}; nothing was switched on")
        self._ready = True
        self.check()
        self._watching = True

    def check(self) -> None:
        """Raise Unguarded if it has died: it says nothing while it lives, so a look at its pipe is enough."""
        if self._poll.poll(0):
            raise Unguarded(
                f"the guardian of this bench (process {self.pid}) has died; nothing is applied without it. Begin again"
            )

    def rest(self) -> None:
        """Watch no longer: the bench is safe."""
        self._watching = False

    def end(self) -> str:
        """End it; if the bench is not safe, let it act first, and return what came of that.

        The sessions of this process are closed by now. The process has ended when this returns, and holds no lock.
        """
        told = ""
        if self._watching:
            self._to.close()
            said = self._heard(ACT_SECONDS) or "it died"
            told = "its guardian has made the bench safe" if said == SAFE else f"and its guardian could not: {said}"
        self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()
        return told

    def _heard(self, seconds: float) -> str:
        """Return the next thing it says; "" if it dies, or is silent for so long."""
        heard = b""
        while not heard.endswith(b"\n"):
            if not self._poll.poll(1000 * seconds) or not (piece := self._from.read(1 << 16)):
                return ""
            heard += piece
        return str(json.loads(heard))

    def leave(self) -> None:
        """Let go of the pipe, whose end is the sign: what a forked child does."""
        self._to.close()


def _charge(name: str, instrument: InstrumentFile) -> dict[str, object]:
    return {
        "name": name, "driver": instrument.driver, "resource": instrument.resource, "keywords": keywords(instrument),
    }  # fmt: skip
