"""An instrument that runs Test Script Processor (TSP) Lua, in the idiom of PyMeasure: it prints what is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from pymeasure.instruments import Channel

from instruments import factorynames
from instruments.factorynames import NameTest
from instruments.tspnumbers import number
from instruments.tspsession import EVERY_SESSION, SETTINGS, TSPSession
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
    unsafe_state: ClassVar[str] = ""
    """what may be, where `make_safe` cannot be sure"""
    _unread: Sequence[str] = ()
    """what the last `write` printed, unread"""
    _redefined: str | None = None
    """a name that a script has redefined, "" if there is none, None if that has not been asked"""

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

    def expect_nothing(self) -> None:
        """Forget all settings, and what is known of names."""
        self._redefined = None
        super().expect_nothing()

    def require_own_names(self) -> None:
        """Raise InstrumentError if a script has redefined a name that is relied on; asked once after arming."""
        if self._redefined is None:
            tests = [*self._names_to_make_safe(), *self._names_to_work()]
            self._redefined = next(iter(factorynames.redefined(tests, self.run(*self._asking(tests)))), "")
        self._refuse_redefined()

    def _refuse_redefined(self) -> None:
        """Raise InstrumentError if it is known that a script has redefined a name."""
        if self._redefined:
            raise self.complaint(_another(self._redefined) + "; switch it off and on")

    def _names_to_make_safe(self) -> list[NameTest]:
        """Return tests of the names by which `make_safe` moves and asks."""
        return []

    def _names_to_work(self) -> list[NameTest]:
        """Return tests of the names by which all else is done: here those of the session."""
        return factorynames.tests_of((*EVERY_SESSION, factorynames.FORGETTING))

    def _asking(self, tests: Sequence[NameTest]) -> list[str]:
        """Return lines that test names, and bring back settings of the session that a stand-in has taken a text for."""
        return [*factorynames.asking(tests), *SETTINGS]

    def _insist(self, moves: Sequence[str], *questions: str) -> list[str]:
        """Run lines that make the box safe, then some that ask whether it is, and return what these printed.

        Raises:
            InstrumentError: not sure, as a script has redefined a name in these lines; the box was reset.
        """
        # complaints about the moves go with those of the tests: the answers to the questions decide
        known = self._redefined
        # these are asked once in a session, the first time before a relay moves: each name costs a line
        needed, others = self._names_to_make_safe(), [] if known == "" else self._names_to_work()
        tests = [*needed, *others]
        try:
            printed = self._run_safely(*moves, *questions, *self._asking(tests))
        except InstrumentError as error:
            if not self.trusted or self._forgotten is not None:  # silent, or another user's instrument
                raise
            raise self._not_sure(error.problem, error.command, error.reply) from error
        answers, wrong = factorynames.judged(tests, printed)
        harmless = {test.name for test in others} - {test.name for test in needed}
        if fatal := [name for name in wrong if name not in harmless]:
            raise self._not_sure(_another(fatal[0]), "\n".join((*moves, *questions)), "\n".join(printed))
        self._redefined = next(iter(wrong), "")
        return answers

    def _run_safely(self, *lines: str) -> list[str]:
        """Run lines, ending what runs; once more if that fails, as the hindrance may be gone."""
        try:
            self.expect_nothing()
            self.abort() if self.trusted else self.send_safe()
            return self.run(*lines)
        except InstrumentError:
            self.expect_nothing()  # a restart, for example
            return self.run(*lines)

    def _not_sure(self, problem: str, command: str, reply: str) -> InstrumentError:
        """Reset the box by a common command, for which no name of a script stands, and return the error to raise.

        By the manuals `*RST` brings levels to 0, outputs off and relays open; in which order they do not say. Outputs
        that are off are held at 0 V, so nothing is known to step beyond the level that is on. It also takes forbidden
        crosspoints and labels, so it is for a box whose names are not its own. Whether its firmware looks the global
        `reset` up is not known (virtual ones do not): no answer makes the box safe.
        """
        self._opened = False  # settings of the session are gone, too
        was_reset = False
        with suppress(InstrumentError):
            if self._exchange(("*IDN?",), 0.0, strict=False)[0] == [self._known_identity]:  # and not another user's box
                self._exchange(("*RST",), 0.0, strict=False)
                was_reset = True
        tried = "*RST was sent" if was_reset else "it is not known to be the box that was identified, and was not reset"
        remedy = f"{tried}; {self.unsafe_state}; make it safe by hand, then switch the box off and on"
        return self.complaint(f"not sure: it {problem}; {remedy}", command, reply)


def _another(name: str) -> str:
    return f"has a {name} that a script has redefined"


def model_of(card: str) -> str:
    """Return the model in the identity of a card, such as "3730" of "3730,6x16 High Density Matrix,01.40h,4447332"."""
    return re.sub(r"(?i)^model\s+", "", card.split(",")[0].strip())
