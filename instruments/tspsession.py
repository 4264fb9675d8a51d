"""The session with a box that runs Test Script Processor (TSP) Lua: numbered messages, checked errors.

Every message is a few lines of Lua in one write, and ends with a line that prints the number of the message and how
many errors are queued. So one round trip runs, answers and checks; a late or doubled answer carries an older number and
is dropped; and a line that the box refuses does not leave the reader waiting. The first number is drawn anew for each
session: no text in the box, such as an error message of an earlier user, can stand for an answer.
"""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from instruments.rawsocket import LONGEST_ANSWER_BYTES, AnswerTooLong
from instruments.trust import Garbled, Trust, plain
from instruments.tspnumbers import number
from instruments.wire import wired
from labmtj.errors import InstrumentError, Stopped

PRECISION = 16
"""`format.asciiprecision`: 16 digits lose nothing that a meter shows. After a restart it is 6: that gives it away."""
LOADING_CHARACTERS_PER_SECOND = 20_000
"""At which a box takes a script, on a slow bus (assumed); only the patience with long scripts follows from it."""

SETTINGS = (
    "localnode.prompts = 0",
    "localnode.showerrors = 0",
    f"format.data = 1 format.asciiprecision = {PRECISION}",
)
_DRAIN = "while errorqueue.count > 0 do print(errorqueue.next()) end"
EVERY_SESSION = (*SETTINGS, _DRAIN)
"""lines of every session, whose names are relied on"""
_NUMBERS = 10**9
"""that a session may begin with"""
_NUMBER = re.compile(r"=\d{1,10}")
_ENTRY = re.compile(r"-?[0-9.e+-]+\t")
_NO_SCRIPT = ("", "return", "do end", "endscript")
"""End half a line, then a script whose own end was lost, and which would take every further line for a part of itself.

Statements after `return` keep Lua from compiling it, so that nothing of it runs. With no script to end, the last line
is a syntax error: so the queue holds one entry more either way.
"""
SYNTAX_ERROR = -285
RUNTIME_ERROR = -286
"""what a script leaves in the queue that was aborted, too"""
LONGEST_ANSWER = 100_000
"""lines; a box that prints more than any script of ours is not listened to any longer"""


class TSPSession(Trust, Instrument):
    """Exchanges messages with a box. Nothing is sent before the first; then prompts and lossy numbers go off.

    Args:
        adapter: VISA resource, or an adapter of PyMeasure.
        name: of the instrument on the bench.
        kwargs: for PyVISA; terminators are line feeds unless said otherwise.
    """

    def __init__(self, adapter: Adapter | str | int, name: str, **kwargs: Any) -> None:
        self.address = str(getattr(adapter, "resource_name", adapter))
        self.name = name
        self._lock, self._sending = threading.RLock(), threading.Lock()
        self._number, self._aborts, self._opened, self._waiting = 0, 0, False, False
        self._begun_after = 0
        """number before that of the first message: drawn, so that no line in the box carries one of this session"""
        self._forgiven = 0
        """aborts whose traces in the queue of errors have been looked away"""
        self._ends = 0
        """how often `_NO_SCRIPT` was sent since the queue of errors was emptied"""
        self._left_over: list[str] = []
        self._received: deque[str] = deque()
        terminators = {"read_termination": "\n", "write_termination": "\n"}
        with self.guarded(""):
            super().__init__(wired(adapter, terminators | kwargs), name, includeSCPI=False)

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
            if not (self._opened or self._restoring):
                self._open()
            self.ready()
            aborts, command = self._aborts, "\n".join(lines)
            printed, errors = self._exchange(lines, seconds)
            if self._aborts != aborts:
                raise Stopped
            if errors:
                queued = self._exchange((_DRAIN,), 0.0, strict=False)[0]
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
            raise self.lost(f"printed {len(printed)} lines, not {count}", reply="\n".join(printed))
        return printed

    def state(self, *lines: str, count: int) -> list[float]:
        """Run lines of which one prints `count` values, and return these; InstrumentError if they are no numbers."""
        return self.parsed(self.line(self.run(*lines)), count)

    def parsed(self, line: str, count: int) -> list[float]:
        """Return the values in a line that was printed; InstrumentError if it is not `count` numbers."""
        try:
            values = [number(field) for field in line.split("\t")]
        except ValueError as error:
            raise self.lost("did not send numbers", reply=line) from error
        if len(values) != count or any(map(math.isnan, values)):
            raise self.lost(f"did not send {count} numbers", reply=line)
        return values

    def _open(self) -> None:
        """Switch off what would disturb the dialogue; errors that were queued before are kept for the self-test."""
        if self._gone:
            raise self._gone
        try:
            if self._tainted:
                self._reach()
            self._ends += 1
            printed = self._exchange((*_NO_SCRIPT, *SETTINGS, _DRAIN), 0.0, strict=False)[0]
        except InstrumentError as error:
            hint = (
                f"{'' if error.problem.endswith('?') else '.'} Is it in its TSP language? Has a script redefined "
                "print, errorqueue or format? Then switch it off and on"
            )
            raise self.lost(error.problem + hint, error.command) from error
        entries = [line for line in printed if _ENTRY.match(line)]
        self._left_over += map(_error, _without_last(entries, SYNTAX_ERROR, self._ends))
        self._opened, self._tainted, self._ends = True, False, 0

    def _exchange(self, lines: Iterable[str], seconds: float, *, strict: bool = True) -> tuple[list[str], int]:
        """Return the lines that a message printed, ASCII if `strict`, and the number of queued errors."""
        if not self._number:
            self._number = self._begun_after = self.drawn(_NUMBERS)
        self._number += 1
        message = "\n".join([*lines, self._last_line()])
        with self.guarded(message), self.patience(seconds):
            with self._sending:
                self._waiting = True
                self.adapter.write(message)
            with self.one_answer() as go_on:
                printed, errors, precision = self._collect(go_on, plain if strict else str)
            self._waiting = False
        if precision != PRECISION and self._opened:
            raise self.forgotten("has been restarted", message)
        return printed, errors

    def _last_line(self) -> str:
        return f'print("={self._number}", errorqueue.count, format.asciiprecision)'

    def _collect(self, go_on: Callable[[], None], text: Callable[[str], str]) -> tuple[list[str], int, float]:
        """Return the lines printed by the present message, the number of queued errors, and the precision."""
        printed: list[str] = []
        size = 0
        for _ in range(LONGEST_ANSWER):
            if not self._received:
                go_on()
            line = text(self._next_line())
            size += len(line)
            if size > LONGEST_ANSWER_BYTES:
                raise AnswerTooLong
            head, *rest = line.split("\t")
            if head == f"={self._number}":
                return printed, *_counts(line, rest)
            if head.startswith("=") and (not self._opened or self._is_earlier(head)):
                printed.clear()  # a late answer to an older message
            else:
                printed.append(line)
        raise Garbled(
            f"printed {LONGEST_ANSWER} lines, and none begins with ={self._number}, the number of the message; does a "
            "script of an earlier user run? Switch it off and on"
        )

    def _is_earlier(self, head: str) -> bool:
        """Say whether a line ends the answer to an earlier message of this session."""
        return bool(_NUMBER.fullmatch(head)) and self._begun_after < int(head[1:]) < self._number

    def _next_line(self) -> str:
        """Return the next line; where messages have an end of their own (HiSLIP), all lines of one come at once."""
        if not self._received:
            self._received = deque(self.adapter.read().rstrip("\r\n").split("\n"))
        return self._received.popleft()

    def expect_nothing(self) -> None:
        """Forget all settings; after a restart those of the session are to be set again, too."""
        self._opened = self._opened and self._forgotten is None
        super().expect_nothing()

    def _echo(self) -> None:
        printed, _ = self._exchange((*_NO_SCRIPT, 'print("")', _DRAIN), 0.0, strict=False)  # "" ends half a line
        expected = {SYNTAX_ERROR} if self._aborts == self._forgiven else {SYNTAX_ERROR, RUNTIME_ERROR}
        self._forgiven, self._ends = self._aborts, 0
        if found := [_error(line) for line in printed if _ENTRY.match(line) and _code(line) not in expected]:
            raise self.complaint("reports " + "; ".join(found))

    def _asked_identity(self) -> str:
        return self.line(self.run("*IDN?"))

    def abort(self) -> None:
        """Stop a running script, from any thread; who waits for it gets Stopped."""
        self._cut_in(())

    def send_safe(self) -> None:
        """Send what makes it safe, as far as that may be sent unasked, and wait for nothing.

        For a box whose answers cannot be trusted yet, if there are any; `make_safe` then asks. Raises nothing.
        """
        with suppress(InstrumentError):
            self._cut_in(self._unasked())

    def _unasked(self) -> Sequence[str]:
        """Return the lines of `send_safe`."""
        return ()

    def _cut_in(self, lines: Sequence[str]) -> None:
        """Stop a running script and run lines, whatever another thread waits for; it hears of it."""
        self._aborts += 1
        with self.guarded("abort"), self.patience(0.0), self._sending:
            first = ["abort"]
            if not self.trusted:  # what was cut off, of this session or of a client before it, may be a script
                first, self._ends = ["", "abort", *_NO_SCRIPT], self._ends + 1
            self.adapter.write("\n".join([*first, *lines, self._last_line()]))

    @property
    def trusted(self) -> bool:
        """Whether the box has answered the last message, and the first."""
        return self._opened and not self._tainted


def _counts(line: str, fields: Sequence[str]) -> tuple[int, float]:
    """Return the number of queued errors and the precision that the last line of an answer holds; Garbled if none."""
    try:
        errors, precision = map(float, fields)
        return int(errors), precision
    except (ValueError, OverflowError) as error:
        raise Garbled(
            f"ended its answer with {line[:80]!r}, not with the number of the message, of queued errors and of digits; "
            "has a script redefined print, errorqueue or format?"
        ) from error


def _code(line: str) -> int | None:
    """Return the code in a line of `errorqueue.next()`; None if it cannot be read."""
    with suppress(ValueError):
        return int(number(line.split("\t")[0]))
    return None


def _error(line: str) -> str:
    """Return code and text of a line of `errorqueue.next()`: three or four fields, by firmware; else the line."""
    code, (_, *rest) = _code(line), line.split("\t")
    return line if code is None else f"error {code}: {rest[0] if rest else ''}"


def _without_last(entries: Sequence[str], code: int, count: int) -> list[str]:
    """Return the entries of an error queue without the last `count` of a code."""
    places = [place for place, line in enumerate(entries) if _code(line) == code][-count:]
    return [line for place, line in enumerate(entries) if place not in places]
