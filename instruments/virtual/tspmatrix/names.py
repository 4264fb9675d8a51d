"""How channels are written: `1A05` on a 707B, `1105` on a 3706A; lists, ranges, slots and patterns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from instruments.virtual.tspmatrix.cards import Card
from labmtj.virtual.terminals import Crosspoint
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, OUT_OF_RANGE, Complaint

BAD_CHANNEL = OUT_OF_RANGE
"""error number for a channel that does not exist [assumed: the manuals' table was not readable]"""
BACKPLANE_ROW = 9
"""of a 3706A: S911 to S916 and S921 to S926, kept as row 9"""


@dataclass
class Names:
    """The channels of one mainframe.

    Args:
        cards: by slot.
        letters: rows are letters (707B), not digits (3706A).
        patterns: lists of channels with a name of their own; looked up at each use.
    """

    cards: Mapping[int, Card]
    letters: bool
    patterns: dict[str, tuple[Crosspoint, ...]] = field(default_factory=dict)

    def channels(self, given: object, *, groups: bool) -> list[Crosspoint]:
        """Return the channels of a list, in its order, none twice.

        Args:
            given: text such as "1A01:1A05, 2B03; pattern".
            groups: whether `slotX` and `allslots` are allowed.

        Raises:
            Complaint: for anything that does not exist.
        """
        if not isinstance(given, str):
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a channel list is expected")
        found: dict[Crosspoint, None] = {}
        for item in filter(None, map(str.strip, re.split("[,;]", given))):
            found.update(dict.fromkeys(self._item(item, groups=groups)))
        return list(found)

    def text(self, channel: Crosspoint) -> str:
        """Return a channel as it is written."""
        slot, row, column = channel
        if row == BACKPLANE_ROW or self.cards[slot].multiplexer:
            return f"{slot}{column:03d}"
        return f"{slot}{'ABCDEFGH'[row - 1] if self.letters else row}{column:02d}"

    def slot(self, number: int) -> list[Crosspoint]:
        """Return all relays of one slot, by row, then column; none of an empty slot."""
        card = self.cards.get(number)
        if card is None:
            return []
        return [(number, row, column) for row in range(1, card.rows + 1) for column in range(1, card.columns + 1)]

    def _item(self, item: str, *, groups: bool) -> list[Crosspoint]:
        group = re.fullmatch(r"slot(\d)", item.lower())
        if item.lower() == "allslots" or group:
            if not groups:
                raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: {item} is not allowed here")
            if group and int(group[1]) not in self.cards:
                raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: slot {group[1]} is empty")
            return [each for slot in ([int(group[1])] if group else sorted(self.cards)) for each in self.slot(slot)]
        if item in self.patterns:
            return list(self.patterns[item])
        first, colon, last = item.partition(":")
        return self._range(first.strip(), last.strip()) if colon else [self._one(item)]

    def _range(self, first: str, last: str) -> list[Crosspoint]:
        start, stop = self._one(first), self._one(last)
        if start[0] != stop[0] or start > stop:
            raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: range {first}:{last} does not rise within one slot")
        return [each for each in self.slot(start[0]) if start <= each <= stop]

    def _one(self, name: str) -> Crosspoint:
        pattern = r"([1-6])([A-Ha-h])(\d\d)" if self.letters else r"([1-6])(\d)(\d\d)"
        parts = re.fullmatch(pattern, name)
        if parts:
            channel = self._crosspoint(int(parts[1]), parts[2].upper(), int(parts[3]))
            if channel is not None:
                return channel
        raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: channel {name} does not exist")

    def _crosspoint(self, slot: int, row: str, column: int) -> Crosspoint | None:
        card = self.cards.get(slot)
        if card is None:
            return None
        if not self.letters and row == str(BACKPLANE_ROW):
            return (slot, BACKPLANE_ROW, 900 + column) if column // 10 in (1, 2) and 1 <= column % 10 <= 6 else None
        if card.multiplexer:
            place = (slot, 1, int(row) * 100 + column)
        else:
            place = (slot, "ABCDEFGH".index(row) + 1 if self.letters else int(row), column)
        return place if card.has(place[1], place[2]) else None
