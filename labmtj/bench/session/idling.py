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
    """A thread that calls a function once nothing was done for `IDLE_SECONDS`, and every few seconds after that."""

    def __init__(self, off: Callable[[], None]) -> None:
        self._off, self._since = off, time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="idle bench", daemon=True)

    def begin(self) -> None:
        """Begin to look; again does nothing."""
        self.touch()
        if self._thread.ident is None:
            self._thread.start()

    def end(self) -> None:
        """Look no longer."""
        self._ended.set()

    def touch(self) -> None:
        """Note that something is done."""
        self._since = time.monotonic()

    @property
    def is_idle(self) -> bool:
        """Whether nothing was done for long enough."""
        return time.monotonic() - self._since >= IDLE_SECONDS

    def _work(self) -> None:
        while not self._ended.wait(max(0.01, self._since + IDLE_SECONDS - time.monotonic())):
            if self.is_idle:
                self._off()
                self._ended.wait(AGAIN_SECONDS)
