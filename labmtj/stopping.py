"""Stopping on request: the handler of a signal notes it, and the next operation on an array does not begin."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from labmtj.errors import Stopped
from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, Lines, Pulse, Reading
from labmtj.verbs import Crossbar

SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class Stoppable(Layer):
    """A crossbar that lets `check` raise before every operation; what has begun is finished."""

    def __init__(self, crossbar: Crossbar, check: Callable[[], None]) -> None:
        super().__init__(crossbar)
        self._check = check

    def measure(self, bias: Bias, lines: Lines, how: Reading) -> Currents:
        """Measure, unless a stop was requested."""
        self._check()
        return super().measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse, unless a stop was requested."""
        self._check()
        return super().pulse(bias, seconds)


class StopRequests:
    """Remembers that somebody asked to stop; the handler does no more than that."""

    def __init__(self) -> None:
        self.signal_number = 0

    def handle(self, signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's form
        """Note the request; a second Ctrl+C does not wait for the next operation."""
        if self.signal_number == signal.SIGINT == signal_number:
            raise Stopped(signal_number)
        self.signal_number = signal_number

    def check(self) -> None:
        """Raise Stopped if a stop was requested."""
        if self.signal_number:
            raise Stopped(self.signal_number)


@contextmanager
def stop_requests() -> Iterator[StopRequests]:
    """Take SIGINT, SIGTERM and SIGHUP as requests while the run goes on; only the main thread can."""
    requests = StopRequests()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    before = {number: signal.signal(number, requests.handle) for number in SIGNALS}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
