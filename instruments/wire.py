"""Where bytes are sent and read: adapters of PyMeasure whose every call ends at its deadline, over any VISA library."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pyvisa
from pymeasure.adapters import Adapter, VISAAdapter
from pyvisa.constants import StatusCode

from instruments.bounded import Answer, BoundedCalls
from instruments.rawsocket import LONGEST_ANSWER_BYTES, AnswerTooLong, RawSocket

OPEN_SECONDS = 30.0
"""longest wait for a VISA library to open a session"""
CLOSE_SECONDS = 1.0
"""longest wait for it to close one"""
GRACE_SECONDS = 0.25
"""beyond a VISA timeout, so that the library's own error comes first where it keeps its timeout"""
LONGEST_SECONDS = 3600.0
"""instead of an infinite timeout"""
_PIECE_BYTES = 20 * 1024
_MORE = StatusCode.success_max_count_read


class VISAResource:
    """A session of a VISA library, every call of which is waited for until its deadline only.

    Args:
        resource: VISA resource.
        settings: for PyMeasure's `VISAAdapter`: `visa_library`, `timeout` in milliseconds, terminations and others.

    Raises:
        OSError, pyvisa.errors.Error, ValueError: it cannot be opened.
    """

    def __init__(self, resource: str, settings: Mapping[str, Any]) -> None:
        self.timeout = float(settings.get("timeout", 2000.0))
        """milliseconds"""
        self._resource_name, self._settings = resource, dict(settings)
        self._visa: VISAAdapter | None = None
        self._begin()
        self.renew(OPEN_SECONDS)

    def _begin(self) -> None:
        """Wait for no earlier call any more. An abort must get out, or a device clear, while another thread reads."""
        self._reads, self._writes, self._clears = BoundedCalls(), BoundedCalls(), BoundedCalls()

    def renew(self, seconds: float) -> None:
        """Close the session, however much of it hangs, and open a new one."""
        self.close()
        self._begin()
        self._visa = BoundedCalls().call(seconds, lambda: VISAAdapter(self._resource_name, **self._settings))

    def close(self) -> None:
        """Close the session; one that does not close is abandoned."""
        visa, self._visa = self._visa, None
        if visa is not None:
            closing = threading.Thread(target=_closed, args=(visa,), name="close", daemon=True)
            closing.start()
            closing.join(CLOSE_SECONDS)

    def clear(self) -> None:
        """Have the instrument drop what it was about to answer (device clear)."""
        self._within(self._clears, lambda session: session.clear())

    def write(self, message: str) -> None:
        """Send a message with its end."""
        self._within(self._writes, lambda session: session.write(message))

    def write_raw(self, content: bytes) -> None:
        """Send bytes."""
        self._within(self._writes, lambda session: session.write_raw(content))

    def read(self) -> str:
        """Return the next answer without its end, a character for each byte; AnswerTooLong if it does not end."""
        end = str(self._settings.get("read_termination") or "")
        return self._answer().decode("latin-1").removesuffix(end)

    def read_bytes(self, count: int, *, break_on_termchar: bool = False) -> bytes:
        """Return this many bytes, or a whole answer if negative."""
        if count < 0:
            return self._answer()
        return self._within(
            self._reads, lambda session: bytes(session.read_bytes(count, break_on_termchar=break_on_termchar))
        )

    def _answer(self) -> bytes:
        return self._within(self._reads, self._pieces)

    def _pieces(self, session: Any) -> bytes:
        until = time.monotonic() + self.timeout / 1000
        content, status = bytearray(), _MORE
        with session.ignore_warning(StatusCode.success_device_not_present, _MORE):
            while status == _MORE:
                piece, status = session.visalib.read(session.session, _PIECE_BYTES)
                content += piece
                if len(content) > LONGEST_ANSWER_BYTES:
                    raise AnswerTooLong
                if status == _MORE and time.monotonic() > until:
                    raise TimeoutError(f"{len(content)} bytes have come, and no end of the answer")
        return bytes(content)

    def _within(self, calls: BoundedCalls, call: Callable[[Any], Answer]) -> Answer:
        if self._visa is None:
            raise ConnectionError("there is no connection")
        session, milliseconds = self._visa.connection, min(self.timeout, 1000 * LONGEST_SECONDS)

        def timed() -> Answer:
            if session.timeout != milliseconds:
                session.timeout = milliseconds
            return call(session)

        return calls.call(milliseconds / 1000 + GRACE_SECONDS, timed)


def _closed(visa: VISAAdapter) -> None:
    with contextlib.suppress(Exception):  # whatever a library raises: it is given up
        visa.close()


class WireAdapter(Adapter):
    """A PyMeasure adapter over one of the connections above.

    Args:
        connection: open.
        resource_name: VISA resource.
    """

    def __init__(self, connection: RawSocket | VISAResource, resource_name: str) -> None:
        super().__init__()
        self.connection, self.resource_name = connection, resource_name

    def flush_read_buffer(self) -> None:
        """Drop what has arrived."""
        self.connection.clear()

    def _write(self, command: str) -> None:
        self.connection.write(command)

    def _write_bytes(self, content: bytes) -> None:
        self.connection.write_raw(content)

    def _read(self) -> str:
        return self.connection.read()

    def _read_bytes(self, count: int, break_on_termchar: bool = False) -> bytes:  # noqa: FBT001, FBT002 - PyMeasure's
        return self.connection.read_bytes(count, break_on_termchar=break_on_termchar)


def wired(adapter: Any, settings: Mapping[str, Any]) -> Any:
    """Return an adapter for a VISA resource or a GPIB address, connected; any other adapter as it is.

    A raw socket needs no VISA library, and goes through one only where one is named other than PyVISA-py.

    Raises:
        OSError, pyvisa.errors.Error, ValueError: it cannot be opened.
        TypeError: a setting is none of this connection.
    """
    if not isinstance(adapter, int | str):
        return adapter
    resource = f"GPIB0::{adapter}::INSTR" if isinstance(adapter, int) else adapter
    parsed = pyvisa.rname.ResourceName.from_string(resource)
    if not isinstance(parsed, pyvisa.rname.TCPIPSocket) or settings.get("visa_library", "@py") not in ("", "@py"):
        return WireAdapter(VISAResource(resource, settings), resource)
    own = {name: value for name, value in settings.items() if name != "visa_library"}
    return WireAdapter(RawSocket(parsed.host_address, int(parsed.port), **own), resource)
