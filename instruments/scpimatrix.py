"""The verbs of a switch matrix that are the same for all SCPI matrices: cards, crosspoints, verified switching."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from instruments.cards import Mainframe
from instruments.relied_on import ReliedOn
from instruments.scpi import SCPIInstrument
from labmtj.errors import InstrumentError


class SCPIMatrix(Mainframe, SCPIInstrument):
    """Implements `labmtj.verbs.SwitchMatrix`; a brand adds its cards, its names of crosspoints and its commands.

    Args:
        adapter: a VISA resource string, or an adapter of PyMeasure.
        name: of the matrix on the bench.
        cards: card model by slot, slots counted from 1.
    """

    closed_query: ClassVar[str]
    """asks for all closed crosspoints"""
    open_all: ClassVar[str]
    _is_set_up = False
    """whether it has the settings that it needs before a relay moves"""

    def __init__(self, adapter: Any, name: str, *, cards: Mapping[int, str] | None = None, **kwargs: Any) -> None:
        self._take_cards(name, cards)
        super().__init__(adapter, name, **kwargs)

    def relied_on(self) -> tuple[ReliedOn, ...]:
        """Return what the driver relies on."""
        return ()

    def _set_up(self) -> list[str]:
        """Set what the box needs before a relay moves; return queries that show whether it still has that."""
        if not self._is_set_up:
            self.take_over(self.relied_on())
            self._is_set_up = True
        return []

    def _check_set_up(self, replies: Sequence[str]) -> None:
        """Raise InstrumentError if the replies to those queries show that it forgot."""

    def _listed(self, reply: str) -> frozenset[str]:
        """Return the crosspoints in a reply; an answer that is not understood in full is not believed in part."""
        raise NotImplementedError

    def _entries(self, reply: str) -> list[str]:
        """Return the entries of a channel list such as "(@a,b:c)"."""
        found = re.fullmatch(r"\(@([^()]*)\)", reply.strip())
        if found is None:
            raise self.taint("answered something that is not a channel list", reply)
        inside = found[1].strip()
        return [entry.strip() for entry in inside.split(",")] if inside else []

    @property
    def grounds_open_lines(self) -> bool:
        """Whether a column with no relay closed lies on ground by itself."""
        return False

    def closed(self) -> frozenset[str]:
        """Ask which relays are closed, once the box is set up: some do not know the question before."""
        *known, closed = self.exchange(*self._set_up(), self.closed_query)
        self._check_set_up(known)
        return self._listed(closed)

    def switch(self, opening: Sequence[str], closing: Sequence[str]) -> None:
        """Open, then close, then ask what is closed, in one message; InstrumentError if it is not as commanded."""
        commands = [
            f":ROUT:{verb} (@{','.join(names)})" for verb, names in (("OPEN", opening), ("CLOS", closing)) if names
        ]
        closed = self._move(commands)
        self._verify(closed, wanted=closing, unwanted=set(opening) - set(closing))

    def closures(self) -> Mapping[str, int]:
        """Return nothing: these boxes do not count."""
        return {}

    def expect_nothing(self) -> None:
        """Forget all settings; they are set anew before the next relay moves."""
        self._is_set_up = False
        super().expect_nothing()

    def make_safe(self) -> None:
        """Open every relay, verified; once more if that fails, as the hindrance may be gone."""
        self.expect_nothing()
        try:
            closed = self._move([self.open_all])
        except InstrumentError:
            self.expect_nothing()
            self.exchange(self.open_all)  # whatever else it refused
            closed = self._move([self.open_all])
        self._verify(closed)

    def shutdown(self) -> None:
        """Make the instrument safe."""
        self.make_safe()
        self.isShutdown = True

    def _move(self, commands: Sequence[str]) -> str:
        """Move relays and return the list of those that are closed afterwards; `*OPC?` answers when they settled."""
        *known, _, closed = self.exchange(*self._set_up(), *commands, "*OPC?", self.closed_query)
        self._check_set_up(known)
        return closed

    def _confirm_settings(self) -> None:
        self._check_set_up(self.exchange(*(self._set_up() if self._is_set_up else [])))

    def _verify(self, reply: str, *, wanted: Collection[str] = (), unwanted: Collection[str] | None = None) -> None:
        closed = self._listed(reply)
        stayed_closed = closed if unwanted is None else closed & set(unwanted)
        for failed, state in ((set(wanted) - closed, "open"), (stayed_closed, "closed")):
            if failed:
                problem = f"says that {', '.join(sorted(failed))} stayed {state}; check the card and its relay"
                raise self.complaint(problem, command=self._sent, reply=reply)
