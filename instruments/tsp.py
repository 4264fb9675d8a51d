"""The session with a box that runs Test Script Processor (TSP) Lua: numbered messages, checked errors, numbers.

Every message is a few lines of Lua in one write, and ends with a line that prints the number of the message and how
many errors are queued. So one round trip runs, answers and checks; a late or doubled answer carries an older number and
is dropped; and a line that the box refuses does not leave the reader waiting.
"""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pyvisa.errors
from pymeasure.adapters import Adapter
from pymeasure.instruments import Channel, Instrument

from labmtj.errors import InstrumentError, Stopped
from labmtj.shots import Identity

SENTINEL = 9e37
"""Numbers beyond this stand for "no number" (9.91e37) on every box of the family."""
PRECISION = 16
"""`format.asciiprecision`: 16 digits lose nothing that a meter shows. After a restart it is 6: that gives it away."""
LINE_LENGTH = 900
"""Longest line that is sent; the buffer of a line on the oldest boxes is about 1000 characters (from memory)."""
LOADING_CHARACTERS_PER_SECOND = 20_000
"""At which a box takes a script, on a slow bus (assumed); only the patience with long scripts follows from it."""

_SETTINGS = (
    "localnode.prompts = 0",
    "localnode.showerrors = 0",
    f"format.data = 1 format.asciiprecision = {PRECISION}",
)
_DRAIN = "while errorqueue.count > 0 do print(errorqueue.next()) end"
_TRANSPORT = (pyvisa.errors.Error, OSError, UnicodeError, ValueError, EOFError)


def number(text: str) -> float:
    """Return a printed value: NaN for nil, for nothing and for a sentinel; 1 and 0 for booleans; else ValueError."""
    words = {"nil": math.nan, "": math.nan, "true": 1.0, "false": 0.0}
    text = text.strip()
    value = words[text] if text in words else float(text)
    return math.nan if abs(value) > SENTINEL else value


def numbers(text: str) -> list[float]:
    """Return the values of a line that `printbuffer` or `table.concat` made; sentinels are kept, nil is NaN."""
    return [math.nan if field.strip() in ("nil", "") else float(field) for field in text.split(",")]


def literal(value: float) -> str:
    """Return a number as Lua reads it, without loss; ValueError for what is not finite."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no place in a command")
    return repr(float(value))


def listing(values: Iterable[float]) -> list[str]:
    """Return a Lua table of numbers as lines that are short enough to send."""
    lines, line = ["{"], ""
    for value in map(literal, values):
        if len(line) + len(value) >= LINE_LENGTH:
            lines.append(line)
            line = ""
        line += value + ","
    return [*lines, line, "}"]


class Replies:
    """How instruments and channels turn the fields of a reply into values: strictly."""

    ask: Callable[..., str]
    complaint: Callable[..., InstrumentError]

    def values(self, command: str, *_: Any, cast: Any = float, **__: Any) -> list[Any]:
        """Ask, and return the tab-separated fields; InstrumentError if a number is asked for and none came."""
        reply = self.ask(command)
        try:
            return [field if cast is str else number(field) for field in reply.split("\t")]
        except ValueError as error:
            raise self.complaint("answered with something that is not a number", command, reply) from error


class TSPChannel(Replies, Channel):
    """A part of a TSP box, such as a source-measure channel."""

    def read(self, **_: Any) -> str:
        """Return the next line that the last `write` printed."""
        return str(self.parent.receive())

    def complaint(self, problem: str, command: str = "", reply: str = "") -> InstrumentError:
        """Return the error to raise for the box."""
        return self.parent.complaint(problem, self.insert_id(command), reply)  # type: ignore[no-any-return]


class TSPInstrument(Replies, Instrument):
    """A TSP box. Nothing is sent before the first use; then prompts, unasked errors and lossy numbers go off.

    Args:
        adapter: VISA resource, or an adapter of PyMeasure.
        name: of the instrument on the bench.
        kwargs: for PyVISA; terminators are line feeds unless said otherwise.
    """

    models: ClassVar[tuple[str, ...]] = ()
    """What `*IDN?` may call it."""

    def __init__(self, adapter: Adapter | str | int, name: str, **kwargs: Any) -> None:
        self.address = str(getattr(adapter, "resource_name", adapter))
        self.name = name
        self._lock, self._sending = threading.RLock(), threading.Lock()
        self._number, self._aborts, self._opened, self._waiting = 0, 0, False, False
        self._unread: deque[str] = deque()
        self._left_over: list[str] = []
        terminators = {"read_termination": "\n", "write_termination": "\n"}
        try:
            super().__init__(adapter, name, includeSCPI=False, **(terminators | kwargs))
        except _TRANSPORT as error:
            raise self.complaint(f"cannot be opened ({error}); check the resource, the cable and the power") from error

    # ---- one message ----

    def run(self, *lines: str, seconds: float = 0.0) -> list[str]:
        """Run lines of Lua in one message, and return what they printed, line by line.

        Args:
            lines: each is a chunk of its own (or part of a script); one that fails does not stop the next.
            seconds: what the box is expected to take.

        Raises:
            InstrumentError: for silence, garbage, a restart of the box, or anything in its error queue.
            Stopped: `abort` was called meanwhile.
        """
        with self._lock:
            if not self._opened:
                self._open()
            aborts = self._aborts
            printed, errors, precision = self._exchange(lines, seconds)
            command = "\n".join(lines)
            if self._aborts != aborts:
                raise Stopped
            if precision != PRECISION:
                self._opened = False
                raise self.complaint("has been restarted: its settings are gone; arm the bench again", command)
            if errors:
                queued = self._exchange((_DRAIN,), 0.0)[0]
                raise self.complaint("reports " + "; ".join(map(_error, queued)), command, "\n".join(queued))
            return printed

    def script(self, *lines: str, seconds: float = 0.0) -> list[str]:
        """Run lines as one script, in one message; the rest is as for `run`."""
        seconds += sum(map(len, lines)) / LOADING_CHARACTERS_PER_SECOND
        return self.run("loadandrunscript", *lines, "endscript", seconds=seconds)

    def line(self, printed: list[str]) -> str:
        """Return the only line that was printed; InstrumentError if it is not the only one."""
        return self.each(printed, 1)[0]

    def each(self, printed: list[str], count: int) -> list[str]:
        """Return the lines that were printed; InstrumentError if they are not `count`."""
        if len(printed) != count:
            raise self.complaint(f"printed {len(printed)} lines, not {count}", reply="\n".join(printed))
        return printed

    def state(self, *lines: str, count: int) -> list[float]:
        """Run lines of which one prints `count` values, and return these; InstrumentError if they are no numbers."""
        return self.parsed(self.line(self.run(*lines)), count)

    def parsed(self, line: str, count: int) -> list[float]:
        """Return the values in a line that was printed; InstrumentError if it is not `count` numbers."""
        try:
            values = [number(field) for field in line.split("\t")]
        except ValueError as error:
            raise self.complaint("sent something else than numbers", reply=line) from error
        if len(values) != count:
            raise self.complaint(f"sent something else than {count} numbers", reply=line)
        return values

    def complaint(self, problem: str, command: str = "", reply: str = "") -> InstrumentError:
        """Return the error to raise for this box."""
        return InstrumentError(self.name, self.address, problem, command=command, reply=reply)

    def _open(self) -> None:
        """Switch off what would disturb the dialogue; errors that were queued before are kept for the self-test."""
        try:
            printed = self._exchange((*_SETTINGS, _DRAIN), 0.0)[0]
        except InstrumentError as error:
            hint = "; is it switched on, at this address, free of other clients, and in its TSP language?"
            raise self.complaint(error.problem + hint, error.command) from error
        self._left_over += [_error(line) for line in printed if re.match(r"-?[0-9.e+-]+\t", line)]
        self._opened = True

    def _exchange(self, lines: Iterable[str], seconds: float) -> tuple[list[str], int, float]:
        self._number += 1
        message = "\n".join([*lines, self._last_line()])
        try:
            with self._patience(seconds):
                with self._sending:
                    self._waiting = True
                    self.adapter.write(message)
                answer = self._collect()
                self._waiting = False
                return answer
        except _TRANSPORT as error:
            raise self.complaint(f"did not answer ({type(error).__name__}: {error})", message) from error

    def _last_line(self) -> str:
        return f'print("={self._number}", errorqueue.count, format.asciiprecision)'

    def _collect(self) -> tuple[list[str], int, float]:
        """Return the lines printed by the present message, the number of queued errors, and the precision."""
        printed: list[str] = []
        while True:
            line = self.adapter.read().rstrip("\r\n")
            head, *rest = line.split("\t")
            if head == f"={self._number}":
                errors, precision = map(float, rest)
                return printed, int(errors), precision
            if head.startswith("="):
                printed.clear()  # a late answer to an older message
            else:
                printed.append(line)

    @contextmanager
    def _patience(self, seconds: float) -> Iterator[None]:
        """Wait longer than usual for what takes long, if the connection has a timeout."""
        connection: Any = getattr(self.adapter, "connection", None)
        usual = getattr(connection, "timeout", None)
        if seconds == 0 or usual is None:
            yield
            return
        connection.timeout = usual + 1000 * seconds
        try:
            yield
        finally:
            connection.timeout = usual

    # ---- the idiom of PyMeasure: properties write, and read what was printed ----

    # `read` is a verb of source-measure units, so PyMeasure's `read` is `receive` here.

    def write(self, command: str, **_: Any) -> None:
        """Run one line, and keep what it prints for `receive`; InstrumentError for every complaint."""
        self._unread = deque(self.run(command))

    def ask(self, command: str, query_delay: float | None = None) -> str:  # noqa: ARG002 - PyMeasure's form
        """Run one line, and return the line that it prints."""
        self.write(command)
        return self.receive()

    def receive(self) -> str:
        """Return the next line that the last `write` printed."""
        if not self._unread:
            raise self.complaint("printed nothing")
        return self._unread.popleft()

    def check_errors(self) -> list[Any]:
        """Raise InstrumentError if an error is queued."""
        self.run()
        return []

    # ---- verbs of every instrument ----

    def identify(self) -> Identity:
        """Ask who answers; InstrumentError for another model, or a box that does not speak TSP."""
        reply = self.ask("*IDN?")
        maker, model, serial, firmware = ([field.strip() for field in reply.split(",", 3)] + [""] * 4)[:4]
        model = model_of(model)
        if model.upper() not in self.models:
            expected = " or ".join(self.models)
            problem = f"is {model or 'unknown'}, not {expected}; correct the driver or the resource in the bench file"
            raise self.complaint(problem, "*IDN?", reply)
        return Identity(maker, model, serial, firmware)

    def self_test(self) -> list[str]:
        """Return the errors that were in the queue before this session, and what else the box finds wrong."""
        self.run()
        found, self._left_over = self._left_over, []
        return [f"error left in the queue: {each}" for each in found]

    def abort(self) -> None:
        """Stop a running script, from any thread; who waits for it gets Stopped."""
        self._aborts += 1
        try:
            with self._sending:
                self.adapter.write(f"abort\n{self._last_line()}")
        except _TRANSPORT as error:
            raise self.complaint(f"cannot be told to abort ({error})", "abort") from error

    def shutdown(self) -> None:
        """Bring the box to a safe state, as `make_safe` does."""
        self.make_safe()
        super().shutdown()

    def make_safe(self) -> None:
        """Bring the box to a safe state, verified."""
        raise NotImplementedError

    def _insist(self, *lines: str) -> str:
        """Run lines that make the box safe, ending what runs; once more if that fails, as the hindrance may be gone."""
        try:
            self.abort()
            return self.line(self.run(*lines))
        except InstrumentError:
            return self.line(self.run(*lines))


def _error(line: str) -> str:
    """Return code and text of a line of `errorqueue.next()`: three or four fields, by firmware."""
    fields = line.split("\t")
    return f"error {int(number(fields[0]))}: {fields[1] if len(fields) > 1 else ''}"


def model_of(card: str) -> str:
    """Return the model in the identity of a card, such as "3730" of "3730,6x16 High Density Matrix,01.40h,4447332"."""
    return re.sub(r"(?i)^model\s+", "", card.split(",")[0].strip())
