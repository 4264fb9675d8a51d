"""A virtual instrument over VXI-11, `TCPIP::127.0.0.1,PORT::inst0::INSTR`: what most examples of the makers open.

VXI-11 (VXIbus TCP/IP instrument protocol, revision 1.0) is a dozen calls of ONC RPC (RFC 5531) over TCP. Clients ask a
port mapper on port 111 for the port, which only the system may open: so the port stands in the address. Locks, service
requests and the abort channel are refused as not supported; an abort is a message, as on a socket.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from labmtj.virtual.server.exchange import LONGEST_MESSAGE, Intake, LinkDropped, Served
from labmtj.virtual.server.rawsocket import LOOPBACK, Listener, encoded

CORE = 0x0607AF
CREATE_LINK, WRITE, READ, READ_STATUS, TRIGGER, CLEAR, REMOTE, LOCAL, DESTROY_LINK = 10, 11, 12, 13, 14, 15, 16, 17, 23
NO_ERROR, INVALID_LINK, NOT_SUPPORTED, IO_TIMEOUT = 0, 4, 8, 15
END_FLAG, TERMINATOR_FLAG = 8, 128
"""of a write: its message ends here; of a read: a terminator is set"""
COUNT_REACHED, TERMINATOR_SEEN, END_REACHED = 1, 2, 4
"""why a read ended"""
MESSAGE_AVAILABLE = 16
_LAST = 1 << 31


class Fields:
    """The fields of a call (XDR, RFC 4506): 4 bytes each, or counted bytes filled up to a multiple of 4."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._place = raw, 0

    def number(self) -> int:
        """Return the next whole number; LinkDropped at the end."""
        return int(struct.unpack("!I", self._taken(4))[0])

    def counted(self) -> bytes:
        """Return the next counted bytes."""
        length = self.number()
        return self._taken(length + -length % 4)[:length]

    def _taken(self, count: int) -> bytes:
        found = self._raw[self._place : self._place + count]
        if len(found) < count:
            raise LinkDropped
        self._place += count
        return found


def numbers(*values: int) -> bytes:
    """Return whole numbers as fields."""
    return struct.pack(f"!{len(values)}I", *values)


def counted(data: bytes) -> bytes:
    """Return counted bytes as a field."""
    return numbers(len(data)) + data + b"\0" * (-len(data) % 4)


def calls(buffer: bytearray) -> Iterator[bytes]:
    """Take the complete calls off a buffer; LinkDropped for a fragment that is too long."""
    while True:
        whole, place = b"", 0
        while len(buffer) >= place + 4:
            mark = int.from_bytes(buffer[place : place + 4], "big")
            length = mark & ~_LAST
            if length > LONGEST_MESSAGE + 1024:
                raise LinkDropped
            if len(buffer) < place + 4 + length:
                return
            whole += bytes(buffer[place + 4 : place + 4 + length])
            place += 4 + length
            if mark & _LAST:
                break
        else:
            return
        del buffer[:place]
        yield whole


class _Link:
    """One client: its messages are handled in turn by a thread of their own, so that a write returns at once."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._partial = b""
        self._messages: queue.Queue[tuple[int, str] | None] = queue.Queue()
        """each with the generation that it came in"""
        self._replies = bytearray()
        self._changed = threading.Condition()
        self._busy = 0
        self._generation = 0
        """counts device clears: what came before is not handled any more, or its answer is dropped"""
        threading.Thread(target=self._work, name="vxi11", daemon=True).start()

    def write(self, data: bytes, *, ends: bool) -> None:
        """Take a part of a message."""
        self._partial += data
        if len(self._partial) > LONGEST_MESSAGE:
            raise LinkDropped
        if not ends:
            return
        lines = [line.strip("\r") for line in self._partial.decode("latin-1").split("\n") if line.strip()]
        self._partial = b""
        for line in lines:
            if self._busy and self._served.instrument.interrupt(line):
                continue
            with self._changed:
                self._busy += 1
            self._messages.put((self._generation, line))

    def _work(self) -> None:
        while (message := self._messages.get()) is not None:
            generation, line = message
            reply: str | None = None
            if generation == self._generation:
                with contextlib.suppress(LinkDropped):
                    reply = self._served.answer(line, more=not self._messages.empty())
            with self._changed:
                self._busy -= 1
                if reply is not None and generation == self._generation:
                    self._replies += encoded(reply)
                self._changed.notify_all()

    def read(self, most: int, seconds: float, terminator: int | None) -> tuple[int, int, bytes]:
        """Return an error, why the read ended, and what was answered; waits for the answer that is on its way."""
        with self._changed:
            self._changed.wait_for(lambda: self._replies, seconds)
            if not self._replies:
                return IO_TIMEOUT, 0, b""
            found = bytes(self._replies[:most])
            if terminator is not None and terminator in found:
                found = found[: found.index(terminator) + 1]
            del self._replies[: len(found)]
            reason = 0 if self._replies else END_REACHED
            reason |= COUNT_REACHED if len(found) == most else 0
            reason |= TERMINATOR_SEEN if terminator is not None and found[-1:] == bytes([terminator]) else 0
            return NO_ERROR, reason, found

    def clear(self) -> None:
        """Clear input and output; stop what runs."""
        with self._changed:
            self._generation += 1
            self._partial = b""
            self._replies.clear()
        self._served.instrument.device_clear()

    def status(self) -> int:
        """Return the status byte."""
        return self._served.instrument.status_byte() | (MESSAGE_AVAILABLE if self._replies else 0)

    def close(self) -> None:
        """End the thread once it has done what it was given."""
        self._messages.put(None)


class Vxi11Server(Listener):
    """VXI-11 links with one instrument, any number at a time; each connection has its own.

    Args:
        served: the instrument.
        port: 0 for a free one.
    """

    def __init__(self, served: Served, port: int = 0) -> None:
        self._served = served
        self._numbers = itertools.count(1)
        super().__init__(port)

    @property
    def resource(self) -> str:
        """VISA resource string."""
        return f"TCPIP::{LOOPBACK},{self.port}::inst0::INSTR"

    def serve(self, link: socket.socket) -> None:
        """Answer the calls of one client until it goes."""
        intake, links = Intake(link, calls, lambda _: False), dict[int, _Link]()
        try:
            while (raw := intake.take()) is not None:
                fields = Fields(raw)
                number, _, _, program, version, procedure = (fields.number() for _ in range(6))
                for _ in range(2):  # credentials and verifier
                    fields.number(), fields.counted()
                known = program == CORE and version == 1
                result = self._result(procedure, fields, links) if known else b""
                accepted = 0 if known else 1  # program unavailable
                reply = numbers(number, 1, 0, 0, 0, accepted) + result
                link.sendall(numbers(_LAST | len(reply)) + reply)
        finally:
            for each in links.values():
                each.close()

    def _result(self, procedure: int, fields: Fields, links: dict[int, _Link]) -> bytes:
        if procedure == 0:
            return b""
        if procedure == CREATE_LINK:
            created = next(self._numbers)
            links[created] = _Link(self._served)
            return numbers(NO_ERROR, created, 0, LONGEST_MESSAGE)
        found = links.get(fields.number()) if procedure in _PROCEDURES else None
        if procedure not in _PROCEDURES:
            return numbers(NOT_SUPPORTED)
        if found is None:
            return numbers(INVALID_LINK) + _PADDING.get(procedure, b"")
        if procedure == DESTROY_LINK:
            found.close()
            links.pop(next(number for number, each in links.items() if each is found))
            return numbers(NO_ERROR)
        return _PROCEDURES[procedure](found, fields)

    def close(self) -> None:
        """Stop what the instrument does, then end."""
        self._closing.set()
        self._served.instrument.device_clear()
        super().close()


def _write(link: _Link, fields: Fields) -> bytes:
    _, _, flags = fields.number(), fields.number(), fields.number()
    data = fields.counted()
    link.write(data, ends=bool(flags & END_FLAG))
    return numbers(NO_ERROR, len(data))


def _read(link: _Link, fields: Fields) -> bytes:
    most, timeout, _, flags, terminator = (fields.number() for _ in range(5))
    mark = terminator & 0xFF if flags & TERMINATOR_FLAG else None
    error, reason, data = link.read(max(most, 1), timeout / 1000, mark)
    return numbers(error, reason) + counted(data)


def _read_status(link: _Link, _fields: Fields) -> bytes:
    return numbers(NO_ERROR, link.status())


def _trigger(link: _Link, _fields: Fields) -> bytes:
    link.write(b"*TRG\n", ends=True)
    return numbers(NO_ERROR)


def _clear(link: _Link, _fields: Fields) -> bytes:
    link.clear()
    return numbers(NO_ERROR)


def _accept(_link: _Link, _fields: Fields) -> bytes:
    return numbers(NO_ERROR)


_PROCEDURES: dict[int, Callable[[_Link, Fields], bytes]] = {
    WRITE: _write, READ: _read, READ_STATUS: _read_status, TRIGGER: _trigger, CLEAR: _clear, REMOTE: _accept,
    LOCAL: _accept, DESTROY_LINK: _accept,
}  # fmt: skip
_PADDING = {WRITE: numbers(0), READ: numbers(0, 0), READ_STATUS: numbers(0)}
"""what else the answer to a call has, where there is an error"""
