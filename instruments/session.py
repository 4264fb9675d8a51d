"""A conversation with one instrument: whatever fails on the wire is one InstrumentError, and no stale reply is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyvisa
from pymeasure.instruments import Instrument

from labmtj.errors import InstrumentError

REPLY_SECONDS = 5.0
"""longest wait for the answer to a message that takes no time of its own"""
STALE_REPLIES = 16
"""most replies that are thrown away before a session is given up"""


class Session(Instrument):
    """Guards reading and writing of a PyMeasure instrument.

    After a failed exchange a late reply may still arrive and would be taken for the answer to the next question. So
    the next message is sent only after the instrument has echoed a fresh number (`resynchronise`).

    Args:
        adapter: a VISA resource string, or an adapter of PyMeasure.
        name: of the instrument on the bench, for messages.
        kwargs: for the VISA resource, such as `visa_library="@py"` or `timeout=2000` (milliseconds).

    Raises:
        InstrumentError: the resource cannot be opened. A socket opens even if nobody answers: call `identify` next.
    """

    def __init__(self, adapter: Any, name: str, **kwargs: Any) -> None:
        self.name = name
        self.address = str(adapter if isinstance(adapter, str | int) else getattr(adapter, "resource_name", "adapter"))
        self._sent, self._tainted, self._nonce = "", False, 0
        for key, value in (("read_termination", "\n"), ("write_termination", "\n"), ("timeout", 1000 * REPLY_SECONDS)):
            kwargs.setdefault(key, value)
        with self._guarded():
            super().__init__(adapter, name, **kwargs)

    def complaint(self, problem: str, *, command: str = "", reply: str = "") -> InstrumentError:
        """Return an error that names this instrument and its address."""
        return InstrumentError(self.name, self.address, problem, command=command, reply=reply)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (pyvisa.errors.Error, OSError, ValueError) as error:  # ValueError: bytes that are no text, a bad address
            self._tainted = True
            raise self.complaint(_in_words(error), command=self._sent) from error
        except BaseException:  # a stop in the middle of an exchange leaves a reply behind
            self._tainted = True
            raise

    def write(self, command: str, **kwargs: Any) -> None:
        """Send a message."""
        if self._tainted:
            self.resynchronise()
        self._sent = command
        with self._guarded():
            super().write(command, **kwargs)

    def receive(self) -> str:
        """Receive a reply; what PyMeasure calls `read` is a verb of a source-measure unit here."""
        with self._guarded():
            return str(self.adapter.read())

    def ask(self, command: str, query_delay: float | None = None) -> str:
        """Send a query and return the reply."""
        self.write(command)
        self.wait_for(query_delay)
        return self.receive()

    def distrust(self, problem: str, reply: str) -> InstrumentError:
        """Return an error about a senseless reply; nothing is believed until the session is resynchronised."""
        self._tainted = True
        return self.complaint(problem, command=self._sent, reply=reply)

    def resynchronise(self) -> None:
        """Throw stale replies away until the instrument echoes a number that was just made up."""
        self._tainted = False
        if self.address.upper().endswith("INSTR"):  # a socket knows no device clear
            with self._guarded():
                self.adapter.connection.clear()
        self._nonce = 100 + (self._nonce + 1) % 100
        self.write(f"*ESE {self._nonce};*ESE?")
        for _ in range(STALE_REPLIES):
            if self.receive().strip().lstrip("+") == str(self._nonce):
                return
        raise self.distrust("does not echo a number that was just sent; power-cycle it", "")

    def interrupt(self, command: str) -> None:
        """Reach an instrument that another thread is waiting for, if the interface can carry that."""
        with suppress(pyvisa.errors.Error, OSError):
            if self.address.upper().startswith("GPIB"):
                self.adapter.connection.clear()
            elif self.address.upper().endswith("SOCKET"):  # both directions of a socket are independent
                self.adapter.write(command)

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Wait longer for the replies within: for `seconds` more than for a message that takes no time."""
        connection = self.adapter.connection
        before, connection.timeout = connection.timeout, 1000 * (seconds + REPLY_SECONDS)
        try:
            yield
        finally:
            connection.timeout = before


def _in_words(error: Exception) -> str:
    if isinstance(error, pyvisa.errors.VisaIOError) and error.error_code == pyvisa.constants.StatusCode.error_timeout:
        return "did not answer in time; check that it is on, its cable and its address"
    if isinstance(error, UnicodeError):
        return f"sent bytes that are no text ({error}); check the cable and the terminators"
    return f"cannot be reached ({error}); check that it is on, its cable and its address"
