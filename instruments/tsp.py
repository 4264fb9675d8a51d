"""An instrument that runs Test Script Processor (TSP) Lua, in the idiom of PyMeasure: it prints what is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pymeasure.instruments import Channel

from instruments.tspnumbers import number
from instruments.tspsession import TSPSession
from labmtj.errors import AnswerLost, InstrumentError
from labmtj.shots import Identity


class Replies:
    """How instruments and channels turn the fields of a reply into values: strictly."""

    ask: Callable[..., str]
    lost: Callable[..., AnswerLost]

    def values(self, command: str, *_: Any, cast: Any = float, **__: Any) -> list[Any]:
        """Ask, and return the tab-separated fields; InstrumentError if a number is asked for and none came."""
        reply = self.ask(command)
        try:
            return [field if cast is str else number(field) for field in reply.split("\t")]
        except ValueError as error:
            raise self.lost("answered with something that is not a number", command, reply) from error


class TSPChannel(Replies, Channel):
    """A part of a TSP box, such as a source-measure channel."""

    def lost(self, problem: str, command: str = "", reply: str = "") -> AnswerLost:
        """Return the error to raise for a senseless answer of the box."""
        return self.parent.lost(problem, self.insert_id(command), reply)  # type: ignore[no-any-return]


class TSPInstrument(Replies, TSPSession):
    """A TSP box: properties write a line and read what it printed; verbs that every box has."""

    models: ClassVar[tuple[str, ...]] = ()
    """What `*IDN?` may call it."""
    _unread: Sequence[str] = ()
    """what the last `write` printed and nobody has read"""

    def write(self, command: str, **_: Any) -> None:
        """Run one line, and keep what it prints for `read`; InstrumentError for every complaint."""
        self._unread = self.run(command)

    def ask(self, command: str, query_delay: float | None = None) -> str:  # noqa: ARG002 - PyMeasure's form
        """Run one line, and return the line that it prints."""
        self.write(command)
        return self.read()

    def read(self, **_: Any) -> str:
        """Return the next line that the last `write` printed."""
        if not self._unread:
            raise self.lost("printed nothing")
        line, *self._unread = self._unread
        return line

    def check_errors(self) -> list[Any]:
        """Raise InstrumentError if an error is queued."""
        self.run()
        return []

    def identify(self) -> Identity:
        """Ask who answers; InstrumentError for another model, or a box that does not speak TSP."""
        self.expect_nothing()
        reply = self.ask("*IDN?")
        maker, model, serial, firmware = ([field.strip() for field in reply.split(",", 3)] + [""] * 4)[:4]
        model = model_of(model)
        if model.upper() not in self.models:
            expected = " or ".join(self.models)
            problem = f"is {model or 'unknown'}, not {expected}; correct the driver or the resource in the bench file"
            raise self.complaint(problem, "*IDN?", reply)
        self._known_identity = reply
        return Identity(maker, model, serial, firmware)

    def self_test(self) -> list[str]:
        """Return the errors that were in the queue before this session, and what else the box finds wrong."""
        self.run()
        found, self._left_over = self._left_over, []
        return [f"error left in the queue: {each}" for each in found]

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
            self.expect_nothing()
            self.abort() if self.trusted else self.send_safe()
            return self.line(self.run(*lines))
        except InstrumentError:
            self.expect_nothing()  # a restart, for example
            return self.line(self.run(*lines))


def model_of(card: str) -> str:
    """Return the model in the identity of a card, such as "3730" of "3730,6x16 High Density Matrix,01.40h,4447332"."""
    return re.sub(r"(?i)^model\s+", "", card.split(",")[0].strip())
