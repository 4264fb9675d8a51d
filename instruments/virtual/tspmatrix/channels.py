"""The `channel` table of a TSP matrix: what a script asks of its channels, and what it sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from instruments.virtual.tspmatrix.cards import Kind
from instruments.virtual.tspmatrix.matrix import AT_ONCE, BREAK_FIRST, FOUR_POLES, MAKE_FIRST, Matrix
from instruments.virtual.tspmatrix.names import BACKPLANE_ROW, BAD_CHANNEL, LETTERS
from labmtj.virtual.network.terminals import Crosspoint
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Members, number, one_of, text, within

MOST_DELAY_SECONDS = 60.0
MOST_LABEL_CHARACTERS = 19  # Series 3700A reference (web help), channel.setlabel
LABEL_IN_USE = 1115  # there
POLES = {"POLES_ONE": 1, "POLES_TWO": 2, "POLES_FOUR": FOUR_POLES}


class Channels:
    """What `channel` has for relays.

    Args:
        changed: called with the channels whose setting has changed: a scan list that has one of them is lost.
    """

    def __init__(self, engine: Engine, matrix: Matrix, changed: Callable[[Iterable[Crosspoint]], None]) -> None:
        self._engine, self._matrix, self._names, self._changed = engine, matrix, matrix.names, changed

    def reset(self) -> None:
        """Forget labels and patterns."""
        self._names.labels.clear()
        self._names.patterns.clear()

    # Moving

    def _close(self, given: object) -> None:
        wanted = self._matrix.closable(self._names.channels(given, groups=False))
        self._matrix.run(self._matrix.moving([], wanted))

    def _open(self, given: object) -> None:
        given_channels = self._matrix.switches(self._matrix.with_backplane(given))
        self._matrix.run(self._matrix.moving(self._matrix.images(given_channels), []))

    def _close_exclusively(self, given: object) -> None:
        wanted = self._matrix.closable(self._names.channels(given, groups=False))
        self._matrix.run(self._matrix.replacing(self._matrix.closed(), wanted))

    def _close_exclusively_in_slots(self, given: object) -> None:
        wanted = self._matrix.closable(self._names.channels(given, groups=False))
        slots = {slot for slot, _, _ in wanted}
        present = {each for each in self._matrix.closed() if each[0] in slots}
        self._matrix.run(self._matrix.replacing(present, wanted))

    def _reset_channels(self, given: object) -> None:
        asked = self._matrix.with_backplane(given)
        matrix = self._matrix
        matrix.run(matrix.moving(matrix.images(matrix.switches(asked)), []))
        matrix.forbidden.difference_update(asked)
        for each in asked:
            matrix.delays.pop(each, None)
            matrix.planes.pop(each, None)
            matrix.poles.pop(each, None)
        labels = self._names.labels
        for label in [label for label, channel in labels.items() if channel in asked]:
            del labels[label]
        self._changed(asked)

    # Asking

    def _joined(self, channels: Iterable[Crosspoint], separator: str) -> str | None:
        return separator.join(map(self._with_pair, sorted(channels))) or None

    def _with_pair(self, channel: Crosspoint) -> str:
        pair = self._matrix.pair(channel)
        return self._names.text(channel) + ("" if pair is None else f"({self._names.text(pair)})")

    def _list_closed(self, given: object) -> str | None:
        asked = set(self._matrix.with_backplane(given))
        if not asked:
            raise Complaint(BAD_CHANNEL, "parameter 1 is invalid: the list names no channel")
        return self._joined((asked & self._matrix.closed()) - self._matrix.paired(), ";")

    def _images(self, given: object) -> str:
        matrix = self._matrix
        asked = [each for each in matrix.switches(matrix.with_backplane(given)) if each not in matrix.paired()]
        planes = {each: map(self._names.text, matrix.planes.get(each, ())) for each in asked}
        return ";".join(",".join([self._with_pair(each), *planes[each]]) for each in asked)

    def _states(self, given: object, mask: object = 0) -> str:
        number(mask)
        asked, closed = self._matrix.with_backplane(given), self._matrix.closed()
        return ",".join(str(int(each in closed)) for each in asked)

    def _counts(self, given: object) -> str:
        answer: Iterable[Any] = self._engine.remote("closures")
        counts = {(slot, row, column): count for slot, row, column, count in answer}
        return ",".join(str(counts.get(each, 0)) for each in self._names.channels(given, groups=True))

    def _types(self, given: object) -> str:
        return ",".join(str(int(self._names.kind(each))) for each in self._matrix.with_backplane(given))

    # Setting

    def _set_delay(self, given: object, seconds: object = None) -> None:
        wait = float(within(0.0, MOST_DELAY_SECONDS)(seconds))
        self._matrix.delays.update(dict.fromkeys(self._names.channels(given, groups=True), wait))

    def _get_delay(self, given: object) -> str:
        asked = self._names.channels(given, groups=True)
        return ",".join(self._engine.format.text(self._matrix.delays.get(each, 0.0)) for each in asked)

    def _set_forbidden(self, given: object) -> None:
        self._matrix.forbidden.update(self._names.channels(given, groups=True))

    def _clear_forbidden(self, given: object) -> None:
        self._matrix.forbidden.difference_update(self._names.channels(given, groups=True))

    def _get_forbidden(self, given: object) -> str | None:
        forbidden = self._matrix.forbidden.intersection(self._names.channels(given, groups=True))
        return ",".join(map(self._names.text, sorted(forbidden))) or None

    def _set_label(self, given: object, label: object = "") -> None:
        named, channels = text(label).strip(), self._names.channels(given, groups=False)
        if len(channels) != 1 or len(named) > MOST_LABEL_CHARACTERS or any(sign in named for sign in ",;:"):
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a label is for one channel, of 19 characters")
        (channel,) = channels
        labels = self._names.labels
        if named in self._names.patterns:
            raise Complaint(LABEL_IN_USE, f"Parameter error label already used with pattern {named}")
        if named in labels and labels[named] != channel:
            other = self._names.text(labels[named])
            raise Complaint(LABEL_IN_USE, f"Parameter error label already used with channel {other}")
        for present in [present for present, labelled in labels.items() if labelled == channel]:
            del labels[present]
        if named and named != self._names.text(channel):
            labels[named] = channel

    def _get_label(self, given: object) -> str:
        return ",".join(map(self._names.label, self._names.channels(given, groups=True)))

    def _set_plane(self, given: object, planes: object = "") -> None:
        wanted = self._names.channels(planes, groups=False)
        if any(row != BACKPLANE_ROW for _, row, _ in wanted):
            raise Complaint(INVALID_PARAMETER, "parameter 2 is invalid: a backplane relay is expected")
        channels = self._matrix.switches(self._names.channels(given, groups=True))
        if any(row == BACKPLANE_ROW for _, row, _ in channels):
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a backplane relay has none of its own")
        self._matrix.planes.update(dict.fromkeys(channels, tuple(wanted)))
        self._changed(channels)

    def _get_plane(self, given: object) -> str | None:
        asked = self._names.channels(given, groups=True)
        found = [",".join(map(self._names.text, self._matrix.planes.get(each, ()))) for each in asked]
        return ";".join(found) if any(found) else None

    def _set_pole(self, given: object, poles: object = None) -> None:
        wanted = int(one_of(*POLES.values())(poles))
        items = self._names.split(given)
        channels = self._matrix.switches(self._names.channels(given, groups=True))
        cards = self._names.cards
        fitting = [each for each in channels if _takes(cards[each[0]].poles, cards[each[0]].partner(each[2]), wanted)]
        if (fitting != channels and not all(map(self._names.is_group, items))) or not fitting:
            raise Complaint(INVALID_PARAMETER, f"parameter 2 is invalid: a channel does not take {wanted} poles")
        for each in fitting:
            partner = cards[each[0]].partner(each[2])
            for one in (each, *([] if partner is None else [(each[0], each[1], partner)])):
                self._matrix.planes.pop(one, None)
            self._matrix.poles[each] = wanted
        patterns = self._names.patterns
        for name in [name for name, image in patterns.items() if set(image) & set(fitting)]:
            del patterns[name]
        self._changed(fitting)

    def _get_pole(self, given: object) -> str:
        asked = self._names.channels(given, groups=True)
        if any(self._names.kind(each) is not Kind.SWITCH for each in asked):
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a channel has no poles")
        return ",".join(str(self._matrix.pole(each)) for each in asked)

    def _specifier(self, *parts: object) -> str:
        """Return the name of a channel from slot, bank, row and column; slot, bank, column; or slot and index."""
        numbers = [int(number(part)) for part in parts]
        slot, *place = numbers or [0]
        card = self._names.cards.get(slot)
        names: list[str] = []
        if len(place) == 3 and place[0] == 1:
            row, column = place[1:]
            letter = LETTERS[row - 1 : row] if self._names.letters else str(row)
            names = [f"{slot}{letter}{column:02d}"]
        elif len(place) in (1, 2) and card is not None:
            bank, index = place if len(place) == 2 else (1, place[0])
            shift = (bank - 1) * card.columns // 2 if card.multiplexer else 0
            names = [f"{slot}{index + shift:03d}"]
        for name in names:
            channel = self._names.specified(name)
            if channel is not None:
                return self._names.text(channel)
        raise Complaint(BAD_CHANNEL, "parameter 1 is invalid: no card has such a channel")

    def settings(self) -> Iterator[str]:
        """Yield the lines of a script that bring the channels to their present settings, all of them open."""
        name, matrix = self._names.text, self._matrix
        yield from (f'channel.setpole("{name(each)}", {pole})' for each, pole in sorted(matrix.poles.items()))
        for each, planes in sorted(matrix.planes.items()):
            yield f'channel.setbackplane("{name(each)}", "{",".join(map(name, planes))}")'
        yield from (f'channel.setlabel("{name(each)}", "{label}")' for label, each in self._names.labels.items())
        yield from (f'channel.setdelay("{name(each)}", {delay!r})' for each, delay in sorted(matrix.delays.items()))
        yield from (f'channel.setforbidden("{name(each)}")' for each in sorted(matrix.forbidden))
        for pattern, channels in self._names.patterns.items():
            yield f'channel.pattern.setimage("{",".join(map(name, channels))}", "{pattern}")'

    def members(self) -> Members:
        """Return what is in the table."""
        return {
            "OFF": 0, "ON": 1, "BREAK_BEFORE_MAKE": BREAK_FIRST, "MAKE_BEFORE_BREAK": MAKE_FIRST, **POLES,
            **{f"TYPE_{kind.name}": int(kind) for kind in Kind},
            "connectrule": self._matrix.rule, "connectsequential": self._matrix.sequential,
            "close": self._close, "open": self._open,
            "exclusiveclose": self._close_exclusively, "exclusiveslotclose": self._close_exclusively_in_slots,
            "getclose": self._list_closed, "getstate": self._states, "getcount": self._counts,
            "getimage": self._images, "gettype": self._types,
            "setdelay": self._set_delay, "getdelay": self._get_delay,
            "setforbidden": self._set_forbidden, "clearforbidden": self._clear_forbidden,
            "getforbidden": self._get_forbidden, "setlabel": self._set_label, "getlabel": self._get_label,
            "setbackplane": self._set_plane, "getbackplane": self._get_plane,
            "setpole": self._set_pole, "getpole": self._get_pole,
            "createspecifier": self._specifier, "reset": self._reset_channels,
        }  # fmt: skip


assert AT_ONCE == 0, "channel.OFF is the rule of moving at once"


def _takes(poles: tuple[int, ...], partner: int | None, wanted: int) -> bool:
    return wanted in poles and (wanted != FOUR_POLES or partner is not None)
