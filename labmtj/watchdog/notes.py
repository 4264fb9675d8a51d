"""What the watchdog did and when, and who holds the locks: written by threads that nothing else waits for.

The disk of a run may hang, and with it every process that writes there; outputs are switched off nevertheless.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from labmtj.filing import append_to
from labmtj.timestamps import Timestamp

LOCK_TEXT_BYTES = 8000
"""most of a lock's text; a reader of locks takes 10 000"""


class Writer:
    """A thread that writes one thing after another, in order. A disk that is full or gone stops nothing."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def put(self, job: Callable[[], None]) -> None:
        """Have something written, after all that was put before."""
        self._jobs.put(job)

    def flush(self, seconds: float) -> None:
        """Return when all is written, or after some seconds: a disk that hangs is not waited for."""
        written = threading.Event()
        self._jobs.put(written.set)
        written.wait(seconds)

    def _work(self) -> None:
        while True:
            with suppress(OSError):
                self._jobs.get()()


class Notes:
    """The notes of a watchdog: `watchdog.jsonl` in the folder of the run, a line of JSON each; and the locks' text.

    Args:
        path: of the file, or "" for no file.
        locks: descriptors of the locks that the watchdog holds, by VISA resource.
        run: name of the run, "" if it has none.
    """

    def __init__(self, path: str, locks: Mapping[str, int], run: str) -> None:
        self._path, self._locks, self._run = path, dict(locks), run
        self._begun, self._since = time.monotonic(), Timestamp.now().utc
        self._file, self._lock = Writer("notes"), Writer("locks")  # two disks: one may hang without the other

    @property
    def seconds(self) -> float:
        """Since the watchdog acts."""
        return time.monotonic() - self._begun

    def note(self, event: str, **values: object) -> None:
        """Append a line: the time of day, and the seconds since the watchdog acts."""
        line = {**Timestamp.now().values(), "seconds": round(self.seconds, 6), "event": event, **values}
        if self._path:
            self._file.put(lambda: self._append(json.dumps(line)))

    def _append(self, line: str) -> None:
        with append_to(Path(self._path)) as file:
            file.write(line + "\n")

    def claim(self, unsafe: Sequence[str]) -> None:
        """Write into the locks who holds them now, since when, and which instruments are not known to be safe.

        Args:
            unsafe: a line for each instrument, with what is wrong; none once all are safe.
        """
        owner = {
            "pid": os.getpid(), "host": socket.gethostname(), "run": self._run, "unsafe_since": self._since,
            "unsafe": [line[: LOCK_TEXT_BYTES // max(1, 2 * len(unsafe))] for line in unsafe],
        }  # fmt: skip
        for resource, lock in self._locks.items():
            text = json.dumps({**owner, "address": resource}).encode() if unsafe else b""
            self._lock.put(lambda lock=lock, text=text: _overwrite(lock, text))  # type: ignore[misc]

    def flush(self, seconds: float) -> None:
        """Return when all is written, or after some seconds."""
        self._file.flush(seconds)
        self._lock.flush(seconds)


def _overwrite(file: int, text: bytes) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, text, 0)
