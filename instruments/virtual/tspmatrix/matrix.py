"""The relays of a TSP matrix: closed and opened together or one after another, all that was asked for or nothing."""

from __future__ import annotations

from collections.abc import Iterable

from instruments.virtual.tspmatrix.cards import Kind
from instruments.virtual.tspmatrix.names import BACKPLANE_ROW, BAD_CHANNEL, Names
from labmtj.virtual.network.terminals import Crosspoint
from labmtj.virtual.tsp.clock import Course, Wait
from labmtj.virtual.tsp.complaints import Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Setting, one_of, switch

AT_ONCE, BREAK_FIRST, MAKE_FIRST = 0, 1, 2
FOUR_POLES = 4


class Matrix:
    """All relays of one mainframe, as a script moves them."""

    def __init__(self, engine: Engine, names: Names) -> None:
        self._engine, self.names = engine, names
        self.rule = Setting(float(BREAK_FIRST), one_of(AT_ONCE, BREAK_FIRST, MAKE_FIRST))
        self.sequential = Setting(0.0, switch)
        self.delays: dict[Crosspoint, float] = {}
        self.forbidden: set[Crosspoint] = set()
        self.planes: dict[Crosspoint, tuple[Crosspoint, ...]] = {}
        """backplane relays that move along with a channel"""
        self.poles: dict[Crosspoint, int] = {}
        """settings other than that of the card"""
        self._backplane: set[Crosspoint] = set()
        self._commanded: set[Crosspoint] | None = None
        """relays of cards that were commanded to close, kept after the first query: nothing else moves them"""

    def reset(self) -> None:
        """Open everything; forget delays, poles, forbidden channels and backplane relays."""
        self.run(self.moving(self.everything(), []))
        for kept in (self.delays, self.forbidden, self.planes, self.poles):
            kept.clear()

    def closed(self) -> set[Crosspoint]:
        """Return what is closed."""
        if self._commanded is None:
            answer: Iterable[list[int]] = self._engine.remote("closed")
            self._commanded = {(slot, row, column) for slot, row, column in answer}
        return self._commanded | self._backplane

    # What a channel stands for

    def pole(self, channel: Crosspoint) -> int:
        """Return the pole setting of a channel."""
        return self.poles.get(channel, self.names.cards[channel[0]].pole)

    def pair(self, channel: Crosspoint) -> Crosspoint | None:
        """Return the channel that moves along for four poles."""
        if self.poles.get(channel) != FOUR_POLES:
            return None
        partner = self.names.cards[channel[0]].partner(channel[2])
        return None if partner is None else (channel[0], channel[1], partner)

    def paired(self) -> set[Crosspoint]:
        """Return the channels that belong to another one's four poles."""
        return {pair for channel in self.poles if (pair := self.pair(channel)) is not None}

    def image(self, channel: Crosspoint) -> list[Crosspoint]:
        """Return all relays that move with a channel."""
        pair = self.pair(channel)
        return [channel, *([] if pair is None else [pair]), *self.planes.get(channel, ())]

    def images(self, channels: Iterable[Crosspoint]) -> list[Crosspoint]:
        """Return all relays that move with some channels, none twice."""
        return list(dict.fromkeys(each for channel in channels for each in self.image(channel)))

    def closable(self, channels: Iterable[Crosspoint]) -> list[Crosspoint]:
        """Return all relays that move with some channels; Complaint if one of these must not close."""
        channels, paired = list(channels), self.paired()
        for channel in channels:
            why = (
                "has no relay" if self.names.kind(channel) not in (Kind.SWITCH, Kind.BACKPLANE)
                else "is paired with another one for four poles" if channel in paired
                else ""
            )  # fmt: skip
            if why:
                raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: channel {self.names.text(channel)} {why}")
        relays = self.images(channels)
        for channel in relays:
            if channel in self.forbidden:
                raise Complaint(BAD_CHANNEL, f"channel {self.names.text(channel)} is forbidden to close")
        return relays

    def switches(self, channels: Iterable[Crosspoint]) -> list[Crosspoint]:
        """Return the channels that are relays."""
        return [each for each in channels if self.names.kind(each) in (Kind.SWITCH, Kind.BACKPLANE)]

    def everything(self) -> list[Crosspoint]:
        """Return all relays."""
        slots = (each for slot in sorted(self.names.cards) for each in self.names.slot(slot))
        return self.switches(slots) + sorted(self._backplane)

    def with_backplane(self, given: object) -> list[Crosspoint]:
        """Return the channels of a list, with the backplane relays of the slots that it names as a whole."""
        found = self.names.channels(given, groups=True)
        items = [item.lower() for item in self.names.split(given)]
        slots = {int(item[4:]) for item in items if item[:4] == "slot" and item[4:].isdigit()}
        if "allslots" in items:
            slots = set(self.names.cards)
        return found + [each for each in sorted(self._backplane) if each[0] in slots and each not in found]

    # Moving

    def run(self, course: Course[None]) -> None:
        """Let a movement take its time before the script goes on."""
        self._engine.clock.run(course)

    def replacing(self, present: Iterable[Crosspoint], wanted: list[Crosspoint]) -> Course[None]:
        """Close some relays instead of others, in the order of the connection rule."""
        opening = sorted(set(present) - set(wanted))
        if self.rule.value == AT_ONCE:
            yield from self.moving(opening, wanted)
        elif self.rule.value == BREAK_FIRST:
            yield from self.moving(opening, [])
            yield from self.moving([], wanted)
        else:
            yield from self.moving([], wanted)
            yield from self.moving(opening, [])

    def moving(self, opening: Iterable[Crosspoint], closing: Iterable[Crosspoint]) -> Course[None]:
        """Move relays that are not yet where they shall be, and wait until they have settled."""
        closed = self.closed()
        opening = [each for each in opening if each in closed]
        closing = [each for each in closing if each not in closed]
        if self.sequential.value:
            for each in opening:
                yield from self._together([each], [])
            for each in closing:
                yield from self._together([], [each])
        elif opening or closing:
            yield from self._together(opening, closing)

    def _together(self, opening: list[Crosspoint], closing: list[Crosspoint]) -> Course[None]:
        self._backplane.difference_update(opening)
        self._backplane.update(each for each in closing if each[1] == BACKPLANE_ROW)
        self._engine.remote("operate", _relays(opening), _relays(closing))
        self._commanded = None if self._commanded is None else (self._commanded - set(opening)) | set(_relays(closing))
        yield Wait(max(self.names.cards[slot].relay_seconds for slot, _, _ in [*opening, *closing]), "relay")
        yield Wait(max((self.delays.get(each, 0.0) for each in closing), default=0.0), "settle")


def _relays(channels: Iterable[Crosspoint]) -> list[Crosspoint]:
    """Return those that the network knows: backplane relays lead nowhere there."""
    return [each for each in channels if each[1] != BACKPLANE_ROW]
