"""A conversation with one instrument: whatever fails on the wire is one InstrumentError, and no stale reply is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyvisa
from pymeasure.instruments import Instrument

from labmtj.errors import InstrumentError

REPLY_SECONDS = 5.0
"""longest wait for the answer to a message that takes no time of its own"""
STALE_REPLIES = 32
"""most late or doubled replies that are thrown away before a session is given up"""
_NUMBERED = re.compile(r"\+?(1\d\d)(?:;|$)")


class Session(Instrument):
    """Guards reading and writing of a PyMeasure instrument that knows the common commands of IEEE 488.2.

    A late or doubled reply would be taken for the answer to the next question. So every query has a number, which it
    sets as the event mask and asks back in front of its answer (`*ESE 101;*ESE?;...`); replies with another number are
    thrown away. The mask itself matters to nobody who requests no service.

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
        self._sent, self._tainted, self._number = "", False, 0
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
        self._sent = command
        with self._guarded():
            if self._tainted and self.address.upper().endswith("INSTR"):  # a socket knows no device clear
                self.adapter.connection.clear()
            self._tainted = False
            super().write(command, **kwargs)

    def read(self, **kwargs: Any) -> str:
        """Receive a reply."""
        with self._guarded():
            return str(super().read(**kwargs))

    def ask(self, command: str, query_delay: float | None = None) -> str:
        """Send a query, and return the reply to it and to no other."""
        self._number = 100 + (self._number + 1) % 100
        self.write(f"*ESE {self._number};*ESE?;{command}")
        self.wait_for(query_delay)
        for _ in range(STALE_REPLIES):
            reply = self.read().strip()
            numbered = _NUMBERED.match(reply)
            if numbered is None:
                break
            if int(numbered[1]) == self._number:
                return reply[numbered.end() :]
        raise self.distrust("answered something that does not begin with the number of the question", reply)

    def ask_plainly(self, command: str) -> str:
        """Send a query that may meet another instrument or language than expected, and return the next reply."""
        self.write(command)
        return self.read().strip()

    def distrust(self, problem: str, reply: str) -> InstrumentError:
        """Return an error about a senseless reply."""
        self._tainted = True
        return self.complaint(problem, command=self._sent, reply=reply)

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
