"""The `channel` table of a TSP matrix: closing and opening, one after another or together, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from instruments.virtual.tspmatrix.names import BACKPLANE_ROW, BAD_CHANNEL, Names
from labmtj.virtual.terminals import Crosspoint
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Group, Members, Setting, one_of, switch, text, within

AT_ONCE, BREAK_FIRST, MAKE_FIRST = 0, 1, 2
MOST_DELAY_SECONDS = 60.0


class Matrix:
    """All relays of one mainframe, as a script moves them."""

    def __init__(self, engine: Engine, names: Names) -> None:
        self._engine, self._names = engine, names
        self._rule = Setting(float(BREAK_FIRST), one_of(AT_ONCE, BREAK_FIRST, MAKE_FIRST))
        self._sequential = Setting(0.0, switch)
        self._delays: dict[Crosspoint, float] = {}
        self._forbidden: set[Crosspoint] = set()
        self._labels: dict[Crosspoint, str] = {}
        self._planes: dict[Crosspoint, str] = {}
        self._backplane: set[Crosspoint] = set()
        self._told: set[Crosspoint] | None = None
        """relays of cards that were told to close, once that was asked for: nobody else moves them"""
        self.group = Group("channel", self._tree())

    def reset(self) -> None:
        """Open everything, forget delays, labels and forbidden channels; patterns too."""
        self._move(self._all(), [])
        for kept in (self._delays, self._forbidden, self._labels, self._planes, self._names.patterns):
            kept.clear()
        self.group.reset()

    def closed(self) -> set[Crosspoint]:
        """Return what is closed."""
        if self._told is None:
            answer: Iterable[Any] = self._engine.remote("closed")
            self._told = {(slot, row, column) for slot, row, column in answer}
        return self._told | self._backplane

    def _close(self, given: object) -> None:
        self._move([], self._closable(given))

    def _open(self, given: object) -> None:
        self._move(self._with_backplane(given), [])

    def _close_exclusively(self, given: object) -> None:
        wanted = self._closable(given)
        self._replace(self.closed(), wanted)

    def _close_exclusively_in_slots(self, given: object) -> None:
        wanted = self._closable(given)
        slots = {slot for slot, _, _ in wanted}
        self._replace({each for each in self.closed() if each[0] in slots}, wanted)

    def _closable(self, given: object) -> list[Crosspoint]:
        """Return the channels of a list; Complaint if one of them must not close."""
        wanted = self._names.channels(given, groups=False)
        for channel in wanted:
            if channel in self._forbidden:
                raise Complaint(BAD_CHANNEL, f"channel {self._names.text(channel)} is forbidden to close")
        return wanted

    def _replace(self, present: set[Crosspoint], wanted: list[Crosspoint]) -> None:
        """Let some channels take the place of others, in the order of the connection rule."""
        opening = sorted(present - set(wanted))
        if self._rule.value == AT_ONCE:
            self._move(opening, wanted)
        elif self._rule.value == BREAK_FIRST:
            self._move(opening, [])
            self._move([], wanted)
        else:
            self._move([], wanted)
            self._move(opening, [])

    def _move(self, opening: Iterable[Crosspoint], closing: Iterable[Crosspoint]) -> None:
        """Move relays that are not yet where they shall be, and wait until they have settled."""
        closed = self.closed()
        opening = [each for each in opening if each in closed]
        closing = [each for each in closing if each not in closed]
        if self._sequential.value:
            for each in opening:
                self._move_together([each], [])
            for each in closing:
                self._move_together([], [each])
        elif opening or closing:
            self._move_together(opening, closing)

    def _move_together(self, opening: list[Crosspoint], closing: list[Crosspoint]) -> None:
        self._backplane.difference_update(opening)
        self._backplane.update(each for each in closing if each[1] == BACKPLANE_ROW)
        self._engine.remote("operate", _relays(opening), _relays(closing))
        self._told = None if self._told is None else (self._told - set(opening)) | set(_relays(closing))
        moved = [*opening, *closing]
        seconds = max(self._names.cards[slot].relay_seconds for slot, _, _ in moved)
        self._engine.clock.spend(seconds, "relay")
        self._engine.clock.spend(max((self._delays.get(each, 0.0) for each in closing), default=0.0), "settle")

    def _all(self) -> list[Crosspoint]:
        return [each for slot in sorted(self._names.cards) for each in self._names.slot(slot)] + sorted(self._backplane)

    def _with_backplane(self, given: object) -> list[Crosspoint]:
        """Return the channels of a list, with the backplane relays of the slots that it names as a whole."""
        found = self._names.channels(given, groups=True)
        if isinstance(given, str) and "slot" in given.lower():
            slots = {slot for slot, _, _ in found}
            found += [each for each in sorted(self._backplane) if each[0] in slots]
        return found

    def _join(self, channels: Iterable[Crosspoint], separator: str) -> str | None:
        return separator.join(map(self._names.text, sorted(channels))) or None

    def _list_closed(self, given: object) -> str | None:
        asked = set(self._with_backplane(given))
        return self._join(asked & self.closed(), ";")

    def _states(self, given: object) -> str:
        asked, closed = self._with_backplane(given), self.closed()
        return ",".join(str(int(each in closed)) for each in asked)

    def _counts(self, given: object) -> str:
        answer: Iterable[Any] = self._engine.remote("closures")
        counts = {(slot, row, column): count for slot, row, column, count in answer}
        return ",".join(str(counts.get(each, 0)) for each in self._names.channels(given, groups=True))

    def _set_delay(self, given: object, seconds: object = None) -> None:
        wait = float(within(0.0, MOST_DELAY_SECONDS)(seconds))
        self._delays.update(dict.fromkeys(self._names.channels(given, groups=True), wait))

    def _get_delay(self, given: object) -> str:
        asked = self._names.channels(given, groups=True)
        return ",".join(self._engine.format.text(self._delays.get(each, 0.0)) for each in asked)

    def _set_forbidden(self, given: object) -> None:
        self._forbidden.update(self._names.channels(given, groups=True))

    def _clear_forbidden(self, given: object) -> None:
        self._forbidden.difference_update(self._names.channels(given, groups=True))

    def _get_forbidden(self, given: object) -> str | None:
        return self._join(self._forbidden.intersection(self._names.channels(given, groups=True)), ",")

    def _set_label(self, given: object, label: object = "") -> None:
        self._labels.update(dict.fromkeys(self._names.channels(given, groups=False), text(label)))

    def _get_label(self, given: object) -> str:
        asked = self._names.channels(given, groups=False)
        return ",".join(self._labels.get(each) or self._names.text(each) for each in asked)

    def _set_plane(self, given: object, plane: object = "") -> None:
        planes = self._names.channels(plane, groups=False)
        if any(row != BACKPLANE_ROW for _, row, _ in planes):
            raise Complaint(INVALID_PARAMETER, "parameter 2 is invalid: a backplane relay is expected")
        self._planes.update(dict.fromkeys(self._names.channels(given, groups=True), text(plane)))

    def _get_plane(self, given: object) -> str:
        return ";".join(self._planes.get(each, "") for each in self._names.channels(given, groups=True))

    def _reset_channels(self, given: object) -> None:
        asked = self._with_backplane(given)
        self._move(asked, [])
        self._forbidden.difference_update(asked)
        for each in asked:
            for kept in (self._delays, self._labels, self._planes):
                kept.pop(each, None)

    def _pattern(self, name: object) -> tuple[Crosspoint, ...]:
        found = self._names.patterns.get(text(name))
        if found is None:
            raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: no pattern {name}")
        return found

    def _keep_pattern(self, channels: Iterable[Crosspoint], name: object) -> None:
        named = text(name)
        if not named.isidentifier():
            raise Complaint(INVALID_PARAMETER, f"parameter 2 is invalid: {named!r} is no name")
        self._names.patterns[named] = tuple(channels)

    def _patterns(self) -> Group:
        def delete(name: object) -> None:
            self._pattern(name)
            del self._names.patterns[text(name)]

        def catalog() -> Callable[..., str | None]:
            names: Iterator[str] = iter(list(self._names.patterns))
            return lambda *_: next(names, None)

        return Group(
            "channel.pattern",
            {
                "setimage": lambda given, name="": self._keep_pattern(self._names.channels(given, groups=False), name),
                "snapshot": lambda name: self._keep_pattern(sorted(self.closed()), name),
                "getimage": lambda name: self._join(self._pattern(name), ","),
                "delete": delete,
                "catalog": catalog,
            },
        )

    def _tree(self) -> Members:
        return {
            "OFF": 0, "ON": 1, "BREAK_BEFORE_MAKE": BREAK_FIRST, "MAKE_BEFORE_BREAK": MAKE_FIRST,
            "connectrule": self._rule, "connectsequential": self._sequential,
            "close": self._close, "open": self._open,
            "exclusiveclose": self._close_exclusively, "exclusiveslotclose": self._close_exclusively_in_slots,
            "getclose": self._list_closed, "getstate": self._states, "getcount": self._counts,
            "setdelay": self._set_delay, "getdelay": self._get_delay,
            "setforbidden": self._set_forbidden, "clearforbidden": self._clear_forbidden,
            "getforbidden": self._get_forbidden, "setlabel": self._set_label, "getlabel": self._get_label,
            "setbackplane": self._set_plane, "getbackplane": self._get_plane,
            "reset": self._reset_channels, "pattern": self._patterns(),
        }  # fmt: skip


def _relays(channels: Iterable[Crosspoint]) -> list[Crosspoint]:
    """Return those that the network knows: backplane relays lead nowhere there."""
    return [each for each in channels if each[1] != BACKPLANE_ROW]
