"""An idle bench: the run itself switches its outputs off, and on again when it continues.

So a long computation between two operations is not taken for a hang and needs no lease: nothing is on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

IDLE_SECONDS = 30.0
"""after which outputs go off, sources at 0 V until then; relays stay as they are"""
AGAIN_SECONDS = 5.0
"""to the next try, should an instrument not answer"""


class Idling:
    """A thread that calls a function after `IDLE_SECONDS` without an operation, and then every few seconds."""

    def __init__(self, off: Callable[[], None]) -> None:
        self._off, self._since = off, time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="idle bench", daemon=True)

    def begin(self) -> None:
        """Start the thread; a second call does nothing."""
        self.touch()
        if self._thread.ident is None:
            self._thread.start()

    def end(self) -> None:
        """Stop the thread."""
        self._ended.set()

    def touch(self) -> None:
        """Note an operation."""
        self._since = time.monotonic()

    @property
    def is_idle(self) -> bool:
        """Whether there was no operation for `IDLE_SECONDS`."""
        return time.monotonic() - self._since >= IDLE_SECONDS

    def _work(self) -> None:
        while not self._ended.wait(max(0.01, self._since + IDLE_SECONDS - time.monotonic())):
            if self.is_idle:
                self._off()
                self._ended.wait(AGAIN_SECONDS)
