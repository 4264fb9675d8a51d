"""Stopping on request: a signal handler sets a flag, and the next operation on an array does not begin."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

from labmtj.errors import Stopped
from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, Lines, Pulse, ReadSettings
from labmtj.system import PAUSE as _PAUSE
from labmtj.system import STOPS, fcntl
from labmtj.verbs import Crossbar

SIGNALS = frozenset(STOPS)
PAUSE = _PAUSE
"""Ctrl+Z"""
PATIENCE_SECONDS = 1.5
"""how long a request waits for the next operation; then what goes on is broken off, such as a script on a box"""
UNWINDING_SECONDS = 5.0
"""how long a second Ctrl+C waits for outputs off and all kept; then the process ends as if it were killed"""
_ENDED = (
    "labmtj: a second Ctrl+C, and the run did not end within {seconds:g} s: the process ends now. What was recorded is "
    "kept; the watchdog process makes the bench safe; go on with `labmtj resume`\n"
)


class Stoppable(Layer):
    """A crossbar that lets `check` raise before every operation; what has begun is finished, unless it takes long."""

    def __init__(self, crossbar: Crossbar, check: Callable[[], None]) -> None:
        super().__init__(crossbar)
        self._check = check

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Measure, unless a stop was requested."""
        self._check()
        return super().measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse, unless a stop was requested."""
        self._check()
        return super().pulse(bias, seconds)


class StopRequests:
    """Remembers that a stop was requested. Its handlers do no more than note it, set a timer, or raise.

    They raise once: what unwinds after that, outputs off and all kept, is not to be broken off by more of the same. But
    it must end: a second Ctrl+C ends the process after `UNWINDING_SECONDS`, and the watchdog takes over.

    Args:
        patience_seconds: from a request to breaking off what goes on; 0 breaks off at once.
    """

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.signal_number = 0
        self._patience_seconds, self._raised = patience_seconds, False
        self._over = threading.Event()
        self._last_resort: threading.Thread | None = None

    def handle(self, signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's form
        """Note the request; a second Ctrl+C does not wait for the next operation. To stop counts more than to pause."""
        before = self.signal_number
        if signal_number == PAUSE:
            _Continue.came = False
        if before in (0, PAUSE):
            self.signal_number = signal_number
        if before and signal_number == signal.SIGINT:
            self._insist()
        if before == signal.SIGINT == signal_number or self._patience_seconds == 0:
            self.lose_patience()
        elif not before:
            signal.setitimer(signal.ITIMER_REAL, self._patience_seconds)

    def _insist(self) -> None:
        """End the process after `UNWINDING_SECONDS`, unless it has stopped by then."""
        if self._last_resort is None:
            self._last_resort = threading.Thread(target=self._end, name="last resort", daemon=True)
            self._last_resort.start()

    def _end(self) -> None:
        if not self._over.wait(UNWINDING_SECONDS):
            os.write(2, _ENDED.format(seconds=UNWINDING_SECONDS).encode())
            os._exit(128 + signal.SIGINT)

    def over(self) -> None:
        """Say that what was to be stopped has ended."""
        self._over.set()

    def lose_patience(self, signal_number: int = 0, frame: FrameType | None = None) -> None:  # noqa: ARG002
        """Raise Stopped during whatever runs; later, if that is a clean-up."""
        if _cleaning:
            signal.setitimer(signal.ITIMER_REAL, self._patience_seconds or PATIENCE_SECONDS)
        elif self.signal_number and not self._raised:
            self._raised = True
            raise Stopped(self.signal_number)

    def check(self) -> None:
        """Raise Stopped if a stop was requested."""
        if self.signal_number:
            self._raised = True
            raise Stopped(self.signal_number)


class _Continue:
    came = False
    """whether SIGCONT has come since a pause was last requested"""


@contextmanager
def continuing() -> Iterator[None]:
    """Note SIGCONT meanwhile: one that comes while a pause is prepared must not be lost; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's form
        _Continue.came = True

    before = signal.signal(signal.SIGCONT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGCONT, before)


def pause() -> None:
    """Stop this process until SIGCONT comes, such as by `fg`; not if it has come since the pause was requested."""
    if not _Continue.came:
        os.kill(os.getpid(), signal.SIGSTOP)


@contextmanager
def stop_requests(
    *, patience_seconds: float = PATIENCE_SECONDS, further: Collection[int] = ()
) -> Iterator[StopRequests]:
    """Take SIGINT, SIGTERM, SIGHUP (and `further`) as requests meanwhile; only the main thread can."""
    requests = StopRequests(patience_seconds)
    if threading.current_thread() is not threading.main_thread() or fcntl is None:
        yield requests
        return
    handlers = {**dict.fromkeys([*SIGNALS, *further], requests.handle), signal.SIGALRM: requests.lose_patience}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield requests
    finally:
        requests.over()
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


_cleaning: list[None] = []
"""one entry for each clean-up that goes on"""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Do a clean-up, which has deadlines of its own: a request to stop at once waits until it is over."""
    _cleaning.append(None)
    try:
        yield
    finally:
        _cleaning.pop()
