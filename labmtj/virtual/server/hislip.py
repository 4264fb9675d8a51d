"""A virtual instrument over HiSLIP (IVI-6.1), `TCPIP::127.0.0.1::hislip0,PORT::INSTR`: serial poll and device clear.

A session is two connections: messages and answers go over the first; status queries and device clears over the second,
and so they get through while a message is handled.
"""

from __future__ import annotations

import itertools
import socket
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from labmtj.virtual.server.exchange import LONGEST_MESSAGE, Intake, LinkDropped, Served
from labmtj.virtual.server.rawsocket import LOOPBACK, Listener, encoded

_HEADER = struct.Struct("!2sBBIQ")
_VERSION = 0x0100_0000
_MESSAGE_AVAILABLE = 16


class Type(IntEnum):
    """What a frame is (IVI-6.1, table 4)."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    ASYNC_MAX_MESSAGE_SIZE = 15
    ASYNC_MAX_MESSAGE_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


class Frame(NamedTuple):
    """One HiSLIP message."""

    type: int
    control: int
    parameter: int
    payload: bytes

    @classmethod
    def read(cls, raw: bytes) -> Frame:
        """Take a complete frame apart."""
        _, kind, control, parameter, _ = _HEADER.unpack_from(raw)
        return cls(kind, control, parameter, raw[_HEADER.size :])


def frames(buffer: bytearray) -> Iterator[bytes]:
    """Take the complete frames off a buffer; LinkDropped if it does not start with one."""
    while len(buffer) >= _HEADER.size:
        mark, _, _, _, length = _HEADER.unpack_from(buffer)
        if mark != b"HS" or length > LONGEST_MESSAGE:
            raise LinkDropped
        if len(buffer) < _HEADER.size + length:
            return
        yield bytes(buffer[: _HEADER.size + length])
        del buffer[: _HEADER.size + length]


def send(link: socket.socket, kind: Type, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
    """Send one frame."""
    link.sendall(_HEADER.pack(b"HS", kind, control, parameter, len(payload)) + payload)


class _Session:
    """One client: what is under way on its message connection."""

    def __init__(self, number: int, link: socket.socket, served: Served) -> None:
        self.number = number
        self.clearing = False
        """between a device clear and its completion nothing is handled and nothing answered"""
        self.unread = False
        """whether an answer is on its way that the client has not reported as read"""
        self._link, self._served = link, served
        self._partial = b""

    def message(self, frame: Frame) -> None:
        """Deal with a frame of the message connection."""
        if frame.type == Type.DEVICE_CLEAR_COMPLETE:
            self.clearing, self.unread, self._partial = False, False, b""
            send(self._link, Type.DEVICE_CLEAR_ACKNOWLEDGE)
        elif self.clearing:
            return
        elif frame.type == Type.TRIGGER:
            self._reply(self._answer("*TRG"), frame.parameter)
        elif frame.type in (Type.DATA, Type.DATA_END):
            self._partial += frame.payload
            if len(self._partial) > LONGEST_MESSAGE:
                raise LinkDropped
            if frame.type == Type.DATA_END:
                text, self._partial = self._partial.decode("latin-1"), b""
                self._reply(self._answer(text), frame.parameter)
        else:
            send(self._link, Type.ERROR, 1, payload=b"unrecognized message type")

    def _answer(self, text: str) -> bytes:
        lines = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
        replies = [self._served.answer(line, more=number < len(lines)) for number, line in enumerate(lines, 1)]
        return b"".join(encoded(reply) for reply in replies if reply is not None)

    def _reply(self, payload: bytes, message_id: int) -> None:
        if payload and not self.clearing:
            self.unread = True
            send(self._link, Type.DATA_END, 0, message_id, payload)

    def aside(self, frame: Frame, link: socket.socket) -> None:
        """Deal with a frame of the second connection."""
        instrument = self._served.instrument
        if frame.type == Type.ASYNC_STATUS_QUERY:
            self.unread = self.unread and not frame.control & 1
            status = instrument.status_byte() | (_MESSAGE_AVAILABLE if self.unread else 0)
            send(link, Type.ASYNC_STATUS_RESPONSE, status)
        elif frame.type == Type.ASYNC_DEVICE_CLEAR:
            self.clearing = True
            instrument.device_clear()
            send(link, Type.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE)
        elif frame.type == Type.ASYNC_MAX_MESSAGE_SIZE:
            size = struct.pack("!Q", LONGEST_MESSAGE)
            send(link, Type.ASYNC_MAX_MESSAGE_SIZE_RESPONSE, payload=size)
        elif frame.type == Type.ASYNC_LOCK:
            send(link, Type.ASYNC_LOCK_RESPONSE)  # 0: no lock is given, because none would be kept
        elif frame.type == Type.ASYNC_LOCK_INFO:
            send(link, Type.ASYNC_LOCK_INFO_RESPONSE)
        elif frame.type == Type.ASYNC_REMOTE_LOCAL:
            send(link, Type.ASYNC_REMOTE_LOCAL_RESPONSE)
        else:
            send(link, Type.ERROR, 1, payload=b"unrecognized message type")


class HislipServer(Listener):
    """HiSLIP sessions with one instrument, any number at a time.

    Args:
        served: the instrument.
        port: 0 for a free one; 4880 is HiSLIP's own.
    """

    def __init__(self, served: Served, port: int = 0) -> None:
        self._served = served
        self._sessions: dict[int, _Session] = {}
        self._numbers = itertools.count(1)
        super().__init__(port)

    @property
    def resource(self) -> str:
        """VISA resource string."""
        return f"TCPIP::{LOOPBACK}::hislip0,{self.port}::INSTR"

    def serve(self, link: socket.socket) -> None:
        """Talk to one client until it goes."""
        intake = Intake(link, frames, self._interrupt)
        first = intake.take()
        if first is None:
            return
        frame = Frame.read(first)
        if frame.type == Type.INITIALIZE:
            self._serve_messages(link, intake)
        elif frame.type == Type.ASYNC_INITIALIZE and frame.parameter in self._sessions:
            self._serve_aside(link, intake, self._sessions[frame.parameter])
        else:
            send(link, Type.FATAL_ERROR, 3, payload=b"invalid initialization sequence")

    def _serve_messages(self, link: socket.socket, intake: Intake) -> None:
        session = _Session(next(self._numbers) & 0xFFFF, link, self._served)
        self._sessions[session.number] = session
        send(link, Type.INITIALIZE_RESPONSE, 0, _VERSION | session.number)
        try:
            with intake.watched():
                while (raw := intake.take()) is not None:
                    session.message(Frame.read(raw))
        finally:
            del self._sessions[session.number]

    def _serve_aside(self, link: socket.socket, intake: Intake, session: _Session) -> None:
        send(link, Type.ASYNC_INITIALIZE_RESPONSE)
        while (raw := intake.take()) is not None:
            session.aside(Frame.read(raw), link)

    def _interrupt(self, raw: bytes) -> bool:
        """Offer the first line of a message; what comes with an abort in one message is still to be answered."""
        frame = Frame.read(raw)
        first, _, rest = frame.payload.decode("latin-1").strip().partition("\n")
        return frame.type == Type.DATA_END and self._served.instrument.interrupt(first.strip()) and not rest

    def close(self) -> None:
        """Stop what the instrument does, then end."""
        self._closing.set()
        self._served.instrument.device_clear()
        super().close()
