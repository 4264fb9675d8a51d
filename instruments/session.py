"""A conversation with one instrument that speaks SCPI: numbered questions, no stale reply, no restart unnoticed."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pyvisa
from pymeasure.instruments import Instrument

from instruments.trust import Trust, plain
from instruments.wire import wired
from labmtj.errors import AnswerLost

REPLY_SECONDS = 5.0
"""longest wait for the answer to a message that takes no time of its own, unless stated otherwise"""
STALE_REPLIES = 32
"""most late or doubled replies that are thrown away before a session is given up"""
_FIRST = 100
_NUMBERED = re.compile(r"\+?(\d{1,3});\+?(1\d\d)(?:;|$)")


class Session(Trust, Instrument):
    """Guards reading and writing of a PyMeasure instrument that knows the common commands of IEEE 488.2.

    A late or doubled reply would be taken for the answer to the next question. So every query has a number, which it
    sets as the event mask and asks back in front of its answer (`*ESE?;*ESE 102;*ESE?;...`); replies with another one
    are thrown away. The mask before is returned first: after a restart it is 0, which is no number of a question.
    The mask itself has no effect unless service is requested. (Power-on clears it, unless `*PSC 0` was sent.)

    Args:
        adapter: a VISA resource string, or an adapter of PyMeasure.
        name: of the instrument on the bench, for messages.
        kwargs: for the VISA resource, such as `visa_library="@py"` or `timeout=2000` (milliseconds).

    Raises:
        InstrumentError: the resource cannot be opened. A socket opens even without an instrument: call `identify` next.
    """

    def __init__(self, adapter: Any, name: str, **kwargs: Any) -> None:
        self.name = name
        self.address = str(adapter if isinstance(adapter, str | int) else getattr(adapter, "resource_name", "adapter"))
        self._sent, self._number = "", -1
        self._masked = False
        """whether the event mask was set, so that it is no number of ours only after a restart"""
        for key, value in (("read_termination", "\n"), ("write_termination", "\n"), ("timeout", 1000 * REPLY_SECONDS)):
            kwargs.setdefault(key, value)
        with self.guarded(""):
            super().__init__(wired(adapter, kwargs), name)

    def write(self, command: str, **kwargs: Any) -> None:
        """Send a message."""
        self.ready()
        self._sent = command
        with self.guarded(command):
            super().write(command, **kwargs)

    def read(self, **kwargs: Any) -> str:
        """Receive a reply."""
        return self._plain(self._read(**kwargs))

    def _read(self, **kwargs: Any) -> str:
        with self.guarded(self._sent), self.patience(0.0):
            return str(super().read(**kwargs))

    def _plain(self, reply: str) -> str:
        """Return a reply; AnswerLost if it holds bytes that are no text."""
        with self.guarded(self._sent):
            return plain(reply)

    def ask(self, command: str, query_delay: float | None = None) -> str:
        """Send a query, and return the reply to it and to no other; InstrumentError if the box was restarted."""
        return self._plain(self.ask_leniently(command, query_delay))

    def ask_leniently(self, command: str, query_delay: float | None = None) -> str:
        """Send a query, and return the reply to it, which may hold any bytes: a character each."""
        self.ready()
        if self._number < 0:
            self._number = self.drawn(100)
        self._number = _FIRST + (self._number + 1) % 100
        self.write(f"*ESE?;*ESE {self._number};*ESE?" + f";{command}" * bool(command))
        self.wait_for(query_delay)
        with self.patience(0.0), self.one_answer() as go_on:
            for _ in range(STALE_REPLIES):
                with self.guarded(self._sent):
                    go_on()
                reply = self._read().strip()
                numbered = _NUMBERED.match(reply)
                if numbered is None:
                    break
                if int(numbered[2]) == self._number:
                    self._check_mask(int(numbered[1]), reply)
                    return reply[numbered.end() :]
        raise self.taint("answered something that does not begin with the number of the question", self._plain(reply))

    def _check_mask(self, mask: int, reply: str) -> None:
        before, self._masked = self._masked, True
        if before and mask < _FIRST:
            raise self.forgotten("has been restarted", self._sent, reply)

    def ask_plainly(self, command: str) -> str:
        """Send a query that may meet another instrument or language than expected, and return the next reply.

        On a socket after a line feed, which ends half a line of a client that died.
        """
        self.write("\n" * self.address.upper().endswith("SOCKET") + command)
        return self.read().strip()

    def taint(self, problem: str, reply: str) -> AnswerLost:
        """Return an error about a senseless reply."""
        return self.lost(problem, self._sent, reply)

    def expect_nothing(self) -> None:
        """Forget all settings and the event mask."""
        super().expect_nothing()
        self._masked = False

    def _echo(self) -> None:
        self.ask("")

    def _asked_identity(self) -> str:
        return self.ask("*IDN?")

    def interrupt(self, command: str) -> None:
        """Reach an instrument that another thread is waiting for, if the interface can carry that."""
        with suppress(pyvisa.errors.Error, OSError):
            if self.address.upper().startswith("GPIB"):
                self.adapter.connection.clear()
            elif self.address.upper().endswith("SOCKET"):  # both directions of a socket are independent
                self.adapter.write(command)
