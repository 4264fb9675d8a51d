"""What all servers share: one instrument with a lock, its message count and time, and messages taken off a wire."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from labmtj.virtual.network.terminals import Time, VirtualInstrument

MESSAGE_SECONDS = 1e-3
"""what a message and its answer take on a real LAN, there and back (an assumption)"""
LONGEST_MESSAGE = 1 << 20
"""bytes; a longer one ends the connection"""
GLANCE_SECONDS = 0.02
"""how often one looks whether an abort has come in while a message is handled"""


class LinkDropped(Exception):
    """An instrument (or a fault) hangs up without an answer; the server closes the connection."""


class Unterminated(str):
    """An answer that is sent without its terminator."""

    __slots__ = ()


class Served:
    """An instrument as all its connections see it: one message at a time, each counted.

    Args:
        instrument: who answers.
        time: the clock of the bench.
        message_seconds: booked under the purpose "message" for every round trip: messages that came together and were
            answered. One without an answer costs nothing, because the next is on its way already.
    """

    def __init__(self, instrument: VirtualInstrument, time: Time, message_seconds: float = MESSAGE_SECONDS) -> None:
        self.instrument = instrument
        self.message_seconds = message_seconds
        self.messages = 0
        """handled so far"""
        self.round_trips = 0
        """how often a client had to wait for an answer"""
        self._answered = False
        self._time = time
        self._lock = threading.Lock()

    def answer(self, message: str, *, more: bool = False) -> str | None:
        """Handle one message; `more` says that others have come with it. An abort reaches what another client began."""
        if self._lock.locked() and self.instrument.interrupt(message):
            return None
        with self._lock:
            self.messages += 1
            reply = self.instrument.handle(message)
            self._answered |= reply is not None
            if self._answered and not more:
                self._answered = False
                self.round_trips += 1
                if self.message_seconds:
                    self._time.spend(self.message_seconds, "message")
            return reply


class Intake:
    """Messages off one connection, in order; while one is handled, another thread may look for an abort after it.

    Args:
        link: the connection.
        cut: takes the messages that are complete off a buffer, front first; LinkDropped if it holds nonsense.
        interrupt: is offered a message that arrives early; True if that has dealt with it.
        gone: called once the other end has hung up, perhaps while its last message is still handled.
    """

    def __init__(
        self,
        link: socket.socket,
        cut: Callable[[bytearray], Iterator[bytes]],
        interrupt: Callable[[bytes], bool],
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._link, self._cut, self._interrupt, self._gone = link, cut, interrupt, gone
        self._buffer = bytearray()
        self._waiting: deque[bytes] = deque()
        self._offered = 0
        self._lock = threading.Lock()
        self._closed = False
        self.handling_since: float | None = None
        """monotonic time at which the message was taken that is handled now"""

    @property
    def rest(self) -> bytes:
        """What has come of a message that is not complete."""
        return bytes(self._buffer)

    def take(self) -> bytes | None:
        """Wait for the next message; None at the end of the connection."""
        self.handling_since = None
        with self._lock:
            while not self._waiting:
                if self._closed or not self._receive():
                    return None
            self.handling_since = time.monotonic()
            self._offered = max(self._offered - 1, 0)
            return self._waiting.popleft()

    @property
    def more(self) -> bool:
        """Whether another message has come together with the one that is handled now."""
        return bool(self._waiting)

    @contextlib.contextmanager
    def watched(self) -> Iterator[Intake]:
        """Glance now and then while the body takes and handles messages."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(GLANCE_SECONDS):
                self.glance()

        watcher = threading.Thread(target=watch, name="watch", daemon=True)
        watcher.start()
        try:
            yield self
        finally:
            done.set()
            watcher.join()

    def glance(self) -> None:
        """Offer what has come in while a message is being handled for a while; anything else is kept for later."""
        since = self.handling_since
        if since is None or time.monotonic() - since < GLANCE_SECONDS or not self._lock.acquire(blocking=False):
            return
        try:
            if not self._closed and len(self._buffer) < LONGEST_MESSAGE:
                self._receive(socket.MSG_DONTWAIT)
            new = list(self._waiting)
            offered, new = new[: self._offered], new[self._offered :]
            self._waiting = deque([*offered, *(message for message in new if not self._interrupt(message))])
            self._offered = len(self._waiting)
        finally:
            self._lock.release()

    def _receive(self, flags: int = 0) -> bool:
        try:
            chunk = self._link.recv(65536, flags)
            acknowledge(self._link)
        except BlockingIOError:
            return True
        except OSError:
            chunk = b""
        self._buffer += chunk
        try:
            self._waiting.extend(self._cut(self._buffer))
        except LinkDropped:  # nonsense, after which nothing can be found again
            chunk = b""
            self._buffer.clear()
        if len(self._buffer) > LONGEST_MESSAGE:
            chunk = b""
            self._buffer.clear()
        self._closed = not chunk
        if self._closed:
            self._gone()
        return not self._closed


def acknowledge(link: socket.socket) -> None:
    """Let TCP say at once that something came: a client that writes twice before it reads would wait 40 ms for that."""
    if sys.platform == "linux":
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def hang_up(link: socket.socket) -> None:
    """Close a connection at once, also under the hands of a thread that waits on it."""
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()
