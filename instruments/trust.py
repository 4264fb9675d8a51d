"""Trust in a session: after a failure it is used again only when it has echoed a number and still has its settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from secrets import randbelow
from types import MappingProxyType
from typing import Any

import pyvisa

from instruments.rawsocket import AnswerTooLong, NeverHeard
from labmtj.errors import AnswerLost, InstrumentError
from labmtj.extras import how_to_install

REOPENINGS = 3
"""most times that a connection is opened anew before its instrument is given up"""
RESTORE_SECONDS = 5.0
"""after which no further try to reach an instrument begins"""
BOUNDED_WAIT_SECONDS = 2.0
"""that one instrument may cost while a bench is made safe"""
KNOCK_SECONDS = 0.02
"""in which the other end of a dead TCP connection reports that it is dead (assumed: a local network)"""
_OF_CONNECTION = ("timeout", "read_termination", "write_termination")
_TRANSPORT = (
    pyvisa.errors.Error, OSError, EOFError,
    ValueError,  # bytes that are no text, a bad address
    RuntimeError,  # PyVISA-py, of a HiSLIP connection that was dropped
)  # fmt: skip
_NO_PYVISA_PY = ("Wrapper not found", "Could not locate a VISA implementation")
"""how PyVISA begins to say that there is no library of this name"""
_HUNG_UP = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)
"""what a write or a read raises once the other side has ended the connection: which of them is a matter of time"""


class Garbled(ValueError):
    """The reply does not answer the message; the text names the reply and what was expected."""


class Trust:
    """What both kinds of session share: one error for all failures, and the way back from a failure.

    A failed exchange taints the session. Its next use begins with `restore`: the connection is cleared or opened anew,
    a number must come back, then identity and settings are compared with those known. A restart that was noticed, or
    settings that are gone, are reported at every use until `make_safe` has cleared what is expected.
    """

    name: str
    address: str
    adapter: Any
    _tainted = False
    _restoring = False
    _known_identity = ""
    """the answer to `*IDN?` when it was last believed"""
    _forgotten: InstrumentError | None = None
    """that the settings are gone"""
    _bounded_wait_seconds: float | None = None
    _settings_of_connection: Mapping[str, Any] = MappingProxyType({})
    _gone: InstrumentError | None = None
    """during a bounded wait: the instrument is not there"""

    def complaint(self, problem: str, command: str = "", reply: str = "") -> InstrumentError:
        """Return an error that names this instrument and its address."""
        return InstrumentError(self.name, self.address, problem, command=command, reply=reply)

    def lost(self, problem: str, command: str = "", reply: str = "") -> AnswerLost:
        """Return an error about an answer that did not come or makes no sense; nothing is believed until restored."""
        self._tainted = True
        return AnswerLost(self.name, self.address, problem, command=command, reply=reply)

    def forgotten(self, problem: str, command: str = "", reply: str = "") -> InstrumentError:
        """Return an error about settings that are gone; every further use raises it until `expect_nothing`."""
        self._forgotten = self.complaint(
            f"{problem}: its settings are gone; make the bench safe and arm it again", command, reply
        )
        return self._forgotten

    def expect_nothing(self) -> None:
        """Forget all settings: the instrument is made safe, whatever its state."""
        self._forgotten = None

    @contextmanager
    def guarded(self, command: str) -> Iterator[None]:
        """Turn whatever fails on the wire into one error; a stop in between leaves an answer unread and taints, too."""
        try:
            yield
        except _TRANSPORT as error:
            raise self.lost(_in_words(error), command) from error
        except BaseException:
            self._tainted = True
            raise

    def drawn(self, below: int) -> int:
        """Return a number to begin counting questions at, another one for each session.

        So nothing that an earlier user has left in the instrument carries the number of a question of this session. The
        seed of a run does not give it; recorded traffic does, when it is replayed.
        """
        number = randbelow(below)
        record = getattr(self.adapter, "drawn", None)
        return number if record is None else int(record(number))

    # -- the way back ------------------------------------------------------------------------------------------------

    def ready(self) -> None:
        """Raise what is known to be wrong, or restore a tainted session; to be called before anything is sent."""
        if self._restoring:
            return
        if known := self._gone or self._forgotten:
            raise known
        if self._tainted:
            self.restore()

    def restore(self) -> None:
        """Make a session worth trusting again.

        Raises:
            AnswerLost: no answer, although the connection was opened again.
            InstrumentError: another instrument answers, or the settings are gone.
        """
        self._restoring = True
        try:
            self._reach()
            self._confirm()
            self._tainted = False
        finally:
            self._restoring = False

    def confirm(self) -> None:
        """Check that it is still the instrument that was identified and has kept its settings.

        Raises:
            InstrumentError: it is not, it does not, or there is an error in its queue.
        """
        self.ready()
        self._confirm()

    def _confirm(self) -> None:
        if self._known_identity:
            reply = self._asked_identity()
            if reply != self._known_identity:
                raise self.forgotten(f"was {self._known_identity} and is another instrument now", "*IDN?", reply)
        self._confirm_settings()

    def _reach(self) -> None:
        end = time.monotonic() + (self._bounded_wait_seconds or RESTORE_SECONDS)
        for reopenings in range(1 + REOPENINGS):
            try:
                with self.guarded("(resynchronising)"):
                    self._reopen(end - time.monotonic()) if reopenings else self._clear()
                    self.end_line()
                self._echo()
                return
            except AnswerLost as error:
                last = error
            if time.monotonic() >= end:
                break
        if self._bounded_wait_seconds is not None:
            self._gone = last
        raise last

    def _clear(self) -> None:
        """Let the instrument drop what it was about to answer, where the interface can carry that.

        A socket knows no device clear (PyVISA-py would read on for ever). Instead an empty line goes out: if the
        connection is dead, the next line finds out at once, not after a timeout.
        """
        if self.address.upper().endswith("INSTR"):
            self.adapter.connection.clear()
        else:
            self.end_line()
            time.sleep(KNOCK_SECONDS)

    def end_line(self) -> None:
        """Send an empty line to a socket, which every instrument ignores; it ends half a line of a client that died."""
        connection = self.adapter.connection
        if hasattr(connection, "write") and not self.address.upper().endswith("INSTR"):
            connection.write("")

    def _reopen(self, seconds: float) -> None:
        """Close the connection and open it anew, with its old settings."""
        connection = self.adapter.connection
        if hasattr(connection, "renew"):
            connection.renew(seconds)
            return
        if not hasattr(connection, "open"):
            return
        with suppress(*_TRANSPORT):
            self._settings_of_connection = {name: getattr(connection, name) for name in _OF_CONNECTION}
        with suppress(*_TRANSPORT):
            connection.close()
        try:
            connection.open(open_timeout=max(1, round(1000 * seconds)))
        except Exception as error:  # PyVISA-py raises no better one
            raise ConnectionError(str(error)) from error
        for name, value in self._settings_of_connection.items():
            setattr(connection, name, value)

    def _echo(self) -> None:
        """Have the instrument give back a number that it was never given before; drop whatever comes before it."""
        raise NotImplementedError

    def _asked_identity(self) -> str:
        raise NotImplementedError

    def _confirm_settings(self) -> None:
        """Raise `forgotten` if the instrument has lost its settings."""

    # -- time --------------------------------------------------------------------------------------------------------

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Wait longer for the replies within: `seconds` more than for a message that takes no time, unless in haste."""
        usual = self._timeout()
        if usual is None or (seconds == 0 and self._bounded_wait_seconds is None):
            yield
            return
        most = usual + 1000 * seconds
        with self._timeout_of(
            most if self._bounded_wait_seconds is None else min(most, 1000 * self._bounded_wait_seconds)
        ):
            yield

    @contextmanager
    def one_answer(self) -> Iterator[Callable[[], None]]:
        """Give all reads within together the time of one; what is given is to be called before each of them.

        It raises TimeoutError once that time is over: lines that come one by one do not prolong it.
        """
        allowed = self._timeout()
        if allowed is None:
            yield lambda: None
            return
        end = time.monotonic() + allowed / 1000

        def go_on() -> None:
            left = 1000 * (end - time.monotonic())
            if left <= 0:
                raise TimeoutError
            self.adapter.connection.timeout = left

        with self._timeout_of(allowed):
            yield go_on

    def _timeout(self) -> float | None:
        """Return how long the connection waits, in ms; None if it does not know or there is none."""
        with suppress(*_TRANSPORT):  # a connection that could not be opened anew has none
            milliseconds = getattr(getattr(self.adapter, "connection", None), "timeout", None)
            return milliseconds if isinstance(milliseconds, int | float) else None
        return None

    @contextmanager
    def _timeout_of(self, milliseconds: float) -> Iterator[None]:
        usual, connection = self._timeout(), self.adapter.connection
        connection.timeout = milliseconds
        try:
            yield
        finally:
            with suppress(*_TRANSPORT):
                connection.timeout = usual

    @contextmanager
    def bounded_wait(self, seconds: float = BOUNDED_WAIT_SECONDS) -> Iterator[None]:
        """Within, spend about `seconds` at most on an instrument that does not answer, however often it is asked."""
        # half for the first silence, half for the way back
        before, self._bounded_wait_seconds = self._bounded_wait_seconds, seconds / 2
        try:
            yield
        finally:
            self._bounded_wait_seconds, self._gone = before, None


def plain(reply: str) -> str:
    """Return a reply as it is; UnicodeDecodeError if it holds other characters than ASCII, as garbled ones do.

    Complaints of an instrument are read without this: they may quote what a user wrote.
    """
    return reply.encode("latin-1").decode("ascii")


def _in_words(error: Exception) -> str:
    if isinstance(error, Garbled):
        return str(error)
    if isinstance(error, AnswerTooLong):
        return f"{error}, and it does not end; is it an instrument of this kind, at this address?"
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection; is it switched on, at this address and port, and free of other clients?"
    if isinstance(error, NeverHeard):
        return (
            "did not answer in time, and never has over this connection; another client may have it (many instruments "
            "serve one at a time), or it hangs, or is another instrument"
        )
    code = getattr(error, "error_code", None)
    if isinstance(error, _HUNG_UP) or code == pyvisa.constants.StatusCode.error_connection_lost:
        return (
            "has ended the connection; does another client have the instrument (many serve one at a time)? Was it "
            "switched off?"
        )
    if isinstance(error, TimeoutError) or code == pyvisa.constants.StatusCode.error_timeout:
        return "did not answer in time; check that it is on, its cable and its address"
    if isinstance(error, UnicodeError):
        return f"sent bytes that are no text ({error}); check the cable and the terminators"
    if str(error).startswith(_NO_PYVISA_PY):
        return how_to_install("pyvisa_py")
    if str(error).startswith("Could not open VISA library"):
        return (
            "needs the VISA library of NI or Keysight (visa_library: @ivi in the bench file), which is not installed "
            "on this machine"
        )
    return f"cannot be reached ({error}); check that it is on, its cable and its address"
