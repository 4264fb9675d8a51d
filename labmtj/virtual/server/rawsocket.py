"""A virtual instrument on a raw TCP socket of the loopback interface, `TCPIP::127.0.0.1::PORT::SOCKET`."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from typing import Literal, Self

from labmtj.virtual.server.exchange import Intake, LinkDropped, Served, Unterminated, hang_up
from labmtj.virtual.server.web import no_web

LOOPBACK = "127.0.0.1"
_OPTION = re.compile(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xfa]", re.DOTALL)
Second = Literal["queue", "refuse"]
"""what becomes of a client that comes while another is connected"""


class Listener:
    """A port with one thread that accepts, and one for each client; ends without leaving a thread or a port.

    Args:
        port: 0 for a free one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, port: int = 0) -> None:
        self._socket = socket.create_server((LOOPBACK, port))
        self._socket.settimeout(0.5)  # where closing a socket does not wake the thread that waits on it
        self.port: int = self._socket.getsockname()[1]
        self._links: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._accept, name=f"listen:{self.port}", daemon=True)]
        self._threads[0].start()

    def serve(self, link: socket.socket) -> None:
        """Talk to one client until it goes; runs in a thread of its own."""
        raise NotImplementedError

    def admit(self) -> bool:
        """Say whether a new client may come in; it may also wait before it answers."""
        return True

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                link, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.admit() and not self._closing.is_set():
                self._start(link)
            else:
                hang_up(link)

    def _start(self, link: socket.socket) -> None:
        thread = threading.Thread(target=self._run, args=(link,), name=f"serve:{self.port}", daemon=True)
        with self._lock:
            self._links.add(link)
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def _run(self, link: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError, LinkDropped):  # the client has gone, or is to think that we have
                self.serve(link)
        finally:
            hang_up(link)
            with self._lock:
                self._links.discard(link)

    def close(self) -> None:
        """Hang up on every client, free the port, end the threads."""
        self._closing.set()
        hang_up(self._socket)
        with self._lock:
            links, threads = list(self._links), list(self._threads)
        for link in links:
            hang_up(link)
        for thread in threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def lines(buffer: bytearray) -> Iterator[bytes]:
    """Take the complete lines off a buffer, without CR and LF; empty ones are dropped.

    What a telnet client asks about options (RFC 854) is dropped, too: a line is a line with every one of them refused.
    """
    *complete, rest = bytes(buffer).split(b"\n")
    buffer[:] = rest
    return filter(None, (_OPTION.sub(b"", line).strip(b"\r\0") for line in complete))


class SocketServer(Listener):
    """Lines in, lines out; one client at a time, as on instruments of this age.

    Half a line whose client dies stays in the input of the instrument, and the next client's first line goes on after
    it [assumed: the worse of two cases].

    Args:
        served: the instrument.
        port: 0 for a free one.
        second: whether a second client waits for its turn or is refused.
    """

    def __init__(self, served: Served, port: int = 0, second: Second = "queue") -> None:
        self._served, self._second = served, second
        self._half = b""
        """a line that clients before have begun"""
        self._free = threading.Event()
        self._free.set()
        self._done = threading.Event()
        """that all lines of the present client, or of the last one, are done"""
        self._done.set()
        super().__init__(port)

    @property
    def resource(self) -> str:
        """VISA resource string."""
        return f"TCPIP::{LOOPBACK}::{self.port}::SOCKET"

    def admit(self) -> bool:
        """Let one client in at a time."""
        if self._second == "refuse" and not self._free.is_set():
            return False
        while not self._free.wait(0.1):
            if self._closing.is_set():
                return False
        self._free.clear()
        return True

    def serve(self, link: socket.socket) -> None:
        """Talk to one client until it goes."""
        instrument = self._served.instrument
        before, self._done = self._done, threading.Event()
        with contextlib.ExitStack() as stack:
            stack.callback(self._done.set)
            place = stack.enter_context(contextlib.ExitStack())
            place.callback(self._free.set)  # once, even if a script of the client still runs

            def gone() -> None:
                self._half += intake.rest
                place.close()

            cut = no_web(self._lines)
            intake = Intake(link, cut, lambda line: instrument.interrupt(line.decode("latin-1")), gone)
            with intake.watched():
                while (line := intake.take()) is not None:
                    self._answer(line.decode("latin-1"), link, before, more=intake.more)

    def _lines(self, buffer: bytearray) -> Iterator[bytes]:
        if b"\n" in buffer:
            buffer[:0], self._half = self._half, b""
        return lines(buffer)

    def _answer(self, line: str, link: socket.socket, before: threading.Event, *, more: bool) -> None:
        """Answer a line once the client before is done; until then an abort reaches what it left running.

        Lines of one client among those of the next would become part of each other's scripts.
        """
        if not before.is_set() and self._served.instrument.interrupt(line):
            return
        while not before.wait(0.1):
            if self._closing.is_set():
                raise LinkDropped
        reply = self._served.answer(line, more=more)
        if reply is not None:
            link.sendall(encoded(reply))

    def close(self) -> None:
        """Stop what the instrument does, then end."""
        self._closing.set()
        self._served.instrument.device_clear()
        super().close()


def encoded(reply: str) -> bytes:
    """Return a reply as it goes out: one byte per character, with its terminator."""
    return (reply if isinstance(reply, Unterminated) else reply + "\n").encode("latin-1", "replace")
