"""A bench made safe: all sources at once, then the relays; every instrument again and again until it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from labmtj.errors import LabmtjError
from labmtj.watchdog.notes import Notes
from labmtj.watchdog.spec import InstrumentSpec

HOLD, OPEN = "hold", "open"
"""what relays do while their matrix answers and a source does not: stay as they are, or open all the same"""
RELAYS_WAIT_SECONDS = 2.0
"""longest wait of the relays for sources that cannot be reached, if they are to open nevertheless"""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 2.0
"""between two attempts: doubled each time. An attempt itself takes 2 s at most if the instrument is silent, so one that
comes back after an outage is safe within 5 s"""
HANG_SECONDS = 5.0
"""after which the session of an attempt is closed and the next attempt begins; doubled each time, up to a minute"""
LONGEST_HANG_SECONDS = 60.0
MOST_FAILURES = 20
"""different ones of an instrument that are noted"""


class SafeShutdown:
    """Makes a bench safe, and tries until it is, while its instruments may exist.

    Relays wait for all sources: no relay moves under voltage, and nothing that is queued in a network that is down can
    move one later.

    Args:
        sources, matrices: the instruments.
        notes: what happened is noted there; "outputs off" once the last source is off.
        relays: HOLD or OPEN.
        gone: says whether the instruments have ended, as virtual ones do with their server.
    """

    def __init__(
        self,
        sources: Sequence[InstrumentSpec],
        matrices: Sequence[InstrumentSpec],
        notes: Notes,
        relays: str = HOLD,
        gone: Callable[[], bool] = lambda: False,
    ) -> None:
        self._sources, self._matrices, self._notes, self._relays, self._gone = sources, matrices, notes, relays, gone
        self._lock = threading.Lock()
        self._outputs_off = threading.Event()
        self._left = {spec.name: f"{spec}: has not answered yet" for spec in sources}
        self._left |= {spec.name: f"{spec}: its relays wait until the outputs are off" for spec in matrices}
        self._noted: dict[str, set[str]] = {name: set() for name in self._left}
        self._threads: list[threading.Thread] = []

    @property
    def left(self) -> list[str]:
        """The problem of each instrument that is not safe yet."""
        with self._lock:
            return list(self._left.values())

    def begin(self) -> None:
        """Begin, in threads."""
        self._notes.claim(self.left)
        if not self._sources:
            self._outputs_off.set()
        self._threads = [
            threading.Thread(target=work, args=(spec,), name=f"safe {spec.name}", daemon=True)
            for work, specs in ((self._insist, self._sources), (self._insist_after_sources, self._matrices))
            for spec in specs
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Return whether all is safe, as soon as it is, or after some seconds; or once the instruments have ended."""
        deadline = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not self.left

    def _insist_after_sources(self, spec: InstrumentSpec) -> None:
        while not self._outputs_off.wait(RELAYS_WAIT_SECONDS) and self._relays != OPEN:
            if self._gone():
                return
        self._insist(spec)

    def _insist(self, spec: InstrumentSpec) -> None:
        pause, hang = FIRST_PAUSE_SECONDS, HANG_SECONDS
        while problem := self._attempted(spec, hang):
            if problem.startswith(_HUNG):
                hang = min(2 * hang, LONGEST_HANG_SECONDS)
            self._failed(spec, problem)
            if self._gone():
                return
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._done(spec)

    def _attempted(self, spec: InstrumentSpec, seconds: float) -> str:
        """Make an attempt; return what went wrong, "" if nothing did. One that hangs is abandoned."""
        attempt = _Attempt(spec)
        thread = threading.Thread(target=attempt.run, daemon=True)
        thread.start()
        thread.join(seconds)
        if not thread.is_alive():
            return attempt.problem
        threading.Thread(target=attempt.close, daemon=True).start()
        return f"{_HUNG} {seconds:g} s"

    def _failed(self, spec: InstrumentSpec, problem: str) -> None:
        text = problem if str(spec) in problem else f"{spec}: {problem}"
        with self._lock:
            changed = self._left[spec.name] != text
            self._left[spec.name] = text
        if changed:
            self._notes.claim(self.left)
        noted = self._noted[spec.name]
        if text not in noted and len(noted) < MOST_FAILURES:  # an outage may last for days
            noted.add(text)
            self._notes.note("failed", instrument=spec.name, error=text)

    def _done(self, spec: InstrumentSpec) -> None:
        with self._lock:
            del self._left[spec.name]
            unreached = [source.name for source in self._sources if source.name in self._left]
        if spec in self._sources:
            self._notes.note("at 0 V and off", instrument=spec.name)
            if not unreached:
                self._notes.note("outputs off")
                self._outputs_off.set()
        else:
            self._notes.note("relays at rest", instrument=spec.name, sources_not_reached=unreached)
        self._notes.claim(self.left)


_HUNG = "did not end an attempt within"


class _Attempt:
    """One attempt to make an instrument safe."""

    def __init__(self, spec: InstrumentSpec) -> None:
        self._spec, self._driver, self.problem = spec, None, ""

    def run(self) -> None:
        try:
            self._spec.make_safe(self._opened)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next attempt may be luckier
            self.problem = str(error) if isinstance(error, LabmtjError) else repr(error)

    def _opened(self, driver: Any) -> None:
        self._driver = driver

    def close(self) -> None:
        """Close the session from another thread: what hangs in it ends."""
        if self._driver is not None:
            with suppress(Exception):
                self._driver.adapter.close()
