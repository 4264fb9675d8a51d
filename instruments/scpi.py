"""What all SCPI drivers share: a message followed by a query of the error queue, identities, numbers without loss."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymeasure.instruments import Instrument, SCPIMixin

from instruments.relied_on import ReliedOn, commands, questions, refusals
from instruments.session import Session
from labmtj.errors import AnswerLost, InstrumentError
from labmtj.quantities import Flag, FloatArray
from labmtj.shots import Identity

OVERFLOW = 9.9e37
"""what is sent for a reading beyond the range"""
QUEUE_DEPTH = 32
"""most errors that are read from a queue"""
SENTINEL = 9e37
"""numbers beyond this stand for no number (9.91e37) or for one beyond the range (9.9e37)"""
_ERROR = re.compile(r'(?:^|;)\s*([+-]?\d+)\s*,\s*"((?:[^"]|"")*)"\s*$')


class SCPIInstrument(Session, SCPIMixin, Instrument):
    """A driver whose messages end with a look into the error queue, so that no complaint of the box is lost."""

    models: ClassVar[tuple[str, ...]] = ()
    """what the model may begin with in the identity"""
    remedies: ClassVar[Mapping[int, str]] = {}
    """what to do about an error of the box, by its number"""
    plain_numbers: ClassVar[tuple[str, ...]] = ()
    """sent before the first numbered question: the box answers with status registers in decimal digits"""
    _left_over: Sequence[tuple[int, str]] = ()
    """errors that another user had left in the queue"""

    def exchange(self, *parts: str) -> list[str]:
        """Send commands and queries as one message and return the replies of the queries.

        Raises:
            InstrumentError: the instrument queued an error (quoted), or another number of replies came than asked.
        """
        message = ";".join((*parts, ":SYST:ERR?"))
        reply = self.ask_leniently(message).strip()
        found = _ERROR.search(reply)
        if found is None:
            raise self.taint("answered something that does not end with its error queue", self._plain(reply))
        if int(found[1]):
            raise self._reported([(int(found[1]), found[2]), *self.next_errors()], message)
        replies = self._plain(reply[: found.start()]).split(";") if found.start() else []
        if len(replies) != sum("?" in part for part in parts):
            raise self.taint(f"gave {len(replies)} replies to a message with another number of queries", reply)
        return [each.strip() for each in replies]

    def take_over(self, table: Sequence[ReliedOn], channel: str = "") -> None:
        """Bring the box, or a channel of it, to what the driver relies on, whatever an earlier user left.

        Raises:
            InstrumentError: it does not take a setting, or one that is only asked stands otherwise; names the setting.
        """
        asked = questions(table, channel)
        kept = [reply.strip('"').upper() for reply in self.exchange(*asked)] if asked else []
        if problems := refusals(table, kept):
            raise self.complaint(f"is not set as it must be: {'; '.join(problems)}", command=self._sent)
        try:
            self.exchange(*commands(table, channel))
        except InstrumentError as error:
            # a header that the box does not know ends its message, and with it the answer
            if isinstance(error, AnswerLost) and not self._complains():
                raise
            for entry in table:  # which one is it?
                self._set_alone(entry, channel)

    def _complains(self) -> bool:
        """Empty the error queue and say whether there was anything in it; AnswerLost if no answer comes."""
        try:
            return bool(self.next_errors())
        except AnswerLost:
            raise
        except InstrumentError:  # read on the way back to a session that is believed
            return True

    def _set_alone(self, entry: ReliedOn, channel: str) -> None:
        for command in commands([entry], channel):
            self.write(command)
            if found := self.next_errors():
                problem = f"does not take its {entry.name}: {self._reported(found, command).problem}"
                raise self.complaint(problem, command=command)

    def _reported(self, entries: list[tuple[int, str]], message: str) -> InstrumentError:
        listed = "; ".join(dict.fromkeys(f"error {code}, {words.split(';')[0]}" for code, words in entries))
        remedy = next((f": {self.remedies[code]}" for code, _ in entries if code in self.remedies), "")
        return self.complaint(f"reports {listed}{remedy}", command=message)

    def next_errors(self) -> list[tuple[int, str]]:
        """Empty the error queue and return what was in it, (code, text) each; the text may quote any bytes."""
        entries: list[tuple[int, str]] = []
        while len(entries) < QUEUE_DEPTH:
            reply = self.ask_leniently(":SYST:ERR?").strip()
            found = _ERROR.search(reply)
            if found is None:
                raise self.taint("answered something that is not an entry of an error queue", self._plain(reply))
            if not int(found[1]):
                break
            entries.append((int(found[1]), found[2]))
        else:
            self.write("*CLS")  # a queue so full says nothing more
        return entries

    def check_errors(self) -> list[Any]:
        """Raise InstrumentError if there is an entry in the error queue; PyMeasure would only log it."""
        sent, entries = self._sent, self.next_errors()
        if entries:
            raise self._reported(entries, sent)
        return []

    def identify(self) -> Identity:
        """Ask who answers; raise InstrumentError if it is another model than the class is for.

        Errors that wait in the queue are not about us: they are kept for `self_test`.
        """
        self.expect_nothing()
        reply = self.ask_plainly("*IDN?")
        parts = [part.strip() for part in reply.split(",", 3)]
        if len(parts) != 4:
            raise self.taint("gave no identity; check that the address is the right instrument", reply)
        model = re.sub(r"^MODEL\s+", "", parts[1], flags=re.IGNORECASE)
        if not model.upper().startswith(self.models):
            expected = " or ".join(self.models)
            raise self.complaint(
                f"is a {model}, not a {expected}; correct its driver or its resource in the bench file",
                command="*IDN?", reply=reply,
            )  # fmt: skip
        self._known_identity = reply
        self._number_plainly()
        self._left_over = [*self._left_over, *self.next_errors()]
        return Identity(parts[0], model, parts[2], parts[3])

    def _number_plainly(self) -> None:
        for command in self.plain_numbers:
            self.write(command)

    def _echo(self) -> None:
        self._number_plainly()
        super()._echo()

    def abort(self) -> None:
        """Stop what runs, from any thread."""

    def send_safe(self) -> None:
        """Send what makes it safe, as far as that may be sent unasked, and wait for nothing.

        For an instrument whose answers cannot be trusted yet, if there are any; `make_safe` then asks. Raises nothing.
        """
        self.abort()
        with suppress(InstrumentError), self.guarded("(making safe)"), self.patience(0.0):
            self.end_line()
            for line in self._unasked():
                self.adapter.write(line)

    def _unasked(self) -> Sequence[str]:
        """Return the messages of `send_safe`."""
        return ()

    def self_test(self) -> list[str]:
        """Return the errors that were waiting in the queue; changes no output."""
        found, self._left_over = [*self._left_over, *self.next_errors()], ()
        return [f"error {code}, {words.split(';')[0]}" for code, words in found]

    def floats(self, reply: str) -> FloatArray:
        """Return the numbers of a reply; raise InstrumentError if there is anything else in it."""
        try:
            return np.array(reply.split(","), float)
        except ValueError:
            raise self.taint("answered something that is not a number", reply) from None

    def number(self, reply: str) -> float:
        """Return the only number of a reply; raise InstrumentError if there is anything else in it, or a sentinel."""
        values = self.floats(reply)
        if len(values) != 1:
            raise self.taint(f"answered {len(values)} numbers where one was asked", reply)
        if not abs(values[0]) <= SENTINEL:
            raise self.taint("answered a placeholder instead of a number", reply)
        return float(values[0])

    def table(self, reply: str, rows: int, columns: int) -> FloatArray:
        """Return the numbers of a reply, (rows, columns); raise InstrumentError if there are more or fewer."""
        values = self.floats(reply)
        if values.size != rows * columns:
            raise self.taint(f"answered {values.size} numbers instead of {rows} times {columns}", reply)
        return values.reshape(rows, columns)


def text(value: float) -> str:
    """Return a number as it is sent: the shortest text that gives exactly this number again."""
    return repr(float(value))


def texts(values: Iterable[float]) -> str:
    """Return numbers as they are sent in a list."""
    return ",".join(text(value) for value in values)


def without_sentinels(values: ArrayLike) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Return readings with NaN instead of sentinels, and flags: 9.91e37 means no number, 9.9e37 beyond range."""
    raw = np.asarray(values, float)
    invalid = ~(np.abs(raw) <= SENTINEL)  # NaN is, too
    beyond = invalid & (np.abs(raw) < 9.905e37)
    flags = Flag.INVALID * invalid.astype(np.uint8) | Flag.OVERFLOW * beyond.astype(np.uint8)
    return np.where(invalid, np.nan, raw), np.asarray(flags, np.uint8)


def decoded(status: FloatArray, meaning: Mapping[int, Flag]) -> NDArray[np.uint8]:
    """Return the flags of status words that came as numbers, by bit; a word that is no number is INVALID."""
    known = np.abs(status) < SENTINEL
    words = np.where(known, status, 0).astype(np.int64)
    flags = np.where(known, 0, int(Flag.INVALID)).astype(np.uint8)
    for bit, flag in meaning.items():
        flags |= (words >> bit & 1).astype(np.uint8) * np.uint8(flag)
    return flags
