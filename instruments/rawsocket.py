"""A TCP connection to an instrument, without a VISA library: one deadline for every call, and a longest answer."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import time
from collections.abc import Callable

from instruments.bounded import BoundedCalls

LONGEST_ANSWER_BYTES = 1 << 24
"""of one answer (16 MB): a hundred times more than the longest that any driver asks for"""
_PIECE_BYTES = 1 << 16
_SHORTEST_SECONDS = 1e-3
"""even if the time is over, what has arrived already is taken"""
_ABORTIVE = struct.pack("ii", 1, 0)
"""SO_LINGER with 0 s: closing drops what was not sent yet and resets the connection"""


class AnswerTooLong(OSError):
    """More bytes have come in one answer than any instrument sends."""

    def __init__(self) -> None:
        super().__init__(f"sent more than {LONGEST_ANSWER_BYTES >> 20} MB in one answer")


class NeverHeard(TimeoutError):
    """No answer came in time, and none has ever come over this connection."""


class RawSocket:
    """What the connection of a PyMeasure adapter is for `TCPIP::HOST::PORT::SOCKET`.

    Args:
        host, port: of the instrument.
        timeout: milliseconds, as in PyVISA: the deadline of one answer, of one message that is sent, however the bytes
            drip; counted on the monotonic clock.
        read_termination, write_termination: end of an answer and of a message.
        open_timeout: milliseconds for the connection; default `timeout`.

    Raises:
        OSError: no answer at this address.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timeout: float = 2000.0,
        read_termination: str = "\n",
        write_termination: str = "\n",
        open_timeout: float | None = None,
    ) -> None:
        self.timeout = timeout
        self.read_termination, self.write_termination = read_termination, write_termination
        self._host, self._port = host, port
        self._received = bytearray()
        self._link: socket.socket | None = None
        self._heard = False
        """whether anything has come over the present connection"""
        self.renew((timeout if open_timeout is None else open_timeout) / 1000)

    # -- the connection ----------------------------------------------------------------------------------------------

    def renew(self, seconds: float) -> None:
        """Connect anew; then reset the connection before, so that nothing that still waits in it is ever sent.

        In this order, because many instruments serve one client at a time: a reset that is sent during an outage is
        lost, and the instrument would keep its old client. A new connection shows that the outage is over.
        """
        link = socket.create_connection((self._address(seconds), self._port), timeout=max(seconds, _SHORTEST_SECONDS))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reset()
        self._link, self._heard = link, False

    def _address(self, seconds: float) -> str:
        """Return the host as a number; a name server is waited for no longer than the instrument."""
        try:
            return str(ipaddress.ip_address(self._host))
        except ValueError:
            return BoundedCalls().call(seconds, lambda: socket.gethostbyname(self._host))

    def reset(self) -> None:
        """End the connection at once; what was not sent yet never is."""
        if self._link is not None:
            with contextlib.suppress(OSError):
                self._link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORTIVE)
        self.close()

    def close(self) -> None:
        """End the connection; what was sent still arrives."""
        link, self._link = self._link, None
        self._received.clear()
        if link is not None:
            link.close()

    def clear(self) -> None:
        """Drop what has arrived so far."""
        with contextlib.suppress(TimeoutError):
            while len(self._received) <= LONGEST_ANSWER_BYTES:
                self._receive(0.0)
        self._received.clear()

    # -- messages ----------------------------------------------------------------------------------------------------

    def write(self, message: str) -> None:
        """Send a message with its end; raises as `write_raw`."""
        self.write_raw((message + self.write_termination).encode("ascii"))

    def write_raw(self, content: bytes) -> None:
        """Send bytes; TimeoutError if the other side does not take them, ConnectionError if it has hung up."""
        link = self._connected()
        link.settimeout(max(self.timeout / 1000, _SHORTEST_SECONDS))
        link.sendall(content)  # the time is that of all of it

    def read(self) -> str:
        """Return the next answer without its end, a character for each byte (Latin-1).

        Raises:
            TimeoutError: its end did not come in time; what has come is dropped. NeverHeard if nothing ever came.
            AnswerTooLong: it does not end; the connection is given up.
            ConnectionError: the other side has ended the connection.
        """
        end = self.read_termination.encode("ascii")
        return self._taken(lambda: self._received.find(end), drop=len(end)).decode("latin-1")

    def read_bytes(self, count: int, *, break_on_termchar: bool = False) -> bytes:
        """Return this many bytes, or all that come until the time is over if negative; raises as `read`."""
        if break_on_termchar:
            return (self.read() + self.read_termination).encode("latin-1")
        if count >= 0:
            return self._taken(lambda: count if len(self._received) >= count else -1)
        with contextlib.suppress(TimeoutError):
            self._taken(lambda: -1, keep=True)
        content = bytes(self._received)
        self._received.clear()
        return content

    def _taken(self, length: Callable[[], int], drop: int = 0, *, keep: bool = False) -> bytes:
        """Return the front of what was received, once `length` says how long it is (-1: not yet), and drop its end."""
        until, received = time.monotonic() + self.timeout / 1000, False
        try:
            while (size := length()) < 0:
                if len(self._received) > LONGEST_ANSWER_BYTES:
                    self.reset()
                    raise AnswerTooLong
                if received and time.monotonic() >= until:  # it drips
                    raise TimeoutError(f"{len(self._received)} bytes have come, and no end of the answer")
                self._receive(until)
                received = True
        except TimeoutError:
            if not keep:
                self._received.clear()
            raise
        content = bytes(self._received[:size])
        del self._received[: size + drop]
        return content

    def _receive(self, until: float) -> None:
        """Take what has arrived, or wait for it until then; TimeoutError if that time is over and there is nothing."""
        link = self._connected()
        link.settimeout(max(until - time.monotonic(), _SHORTEST_SECONDS))
        try:
            piece = link.recv(_PIECE_BYTES)
        except TimeoutError:  # another thread that sends may have set a shorter time
            if time.monotonic() < until:
                return
            if self._heard:
                raise
            raise NeverHeard from None
        if not piece:
            self.close()
            raise ConnectionResetError("it has ended the connection")
        self._received += piece
        self._heard = True

    def _connected(self) -> socket.socket:
        if self._link is None:
            raise ConnectionError("there is no connection")
        return self._link
