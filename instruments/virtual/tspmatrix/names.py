"""How channels are written: `1A05` on a 707B, `1105` on a 3706A; lists, ranges, slots, labels and patterns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from instruments.virtual.tspmatrix.cards import Card, Kind
from labmtj.virtual.network.terminals import Crosspoint
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, OUT_OF_RANGE, Complaint

BAD_CHANNEL = OUT_OF_RANGE
"""error number for a channel that does not exist [assumed: the manuals' table was not readable]"""
BACKPLANE_ROW = 9
"""of a 3706A: S911 to S916 and S921 to S926, kept as row 9"""
LETTERS = "ABCDEFGH"


@dataclass
class Names:
    """The channels of one mainframe.

    Args:
        cards: by slot.
        letters: rows are letters (707B), not digits (3706A).
        patterns: lists of channels with a name of their own; looked up at each use.
        labels: of single channels; they serve wherever a channel does (3700A reference, channel.setlabel).
    """

    cards: Mapping[int, Card]
    letters: bool
    patterns: dict[str, tuple[Crosspoint, ...]] = field(default_factory=dict)
    labels: dict[str, Crosspoint] = field(default_factory=dict)

    def channels(self, given: object, *, groups: bool) -> list[Crosspoint]:
        """Return the channels of a list, in its order, none twice.

        Args:
            given: text such as "1A01:1A05, 2B03; pattern".
            groups: whether `slotX` and `allslots` are allowed.

        Raises:
            Complaint: for anything that does not exist.
        """
        return list(dict.fromkeys(channel for item in self.items(given, groups=groups) for channel in item))

    def items(self, given: object, *, groups: bool) -> list[list[Crosspoint]]:
        """Return the channels of each item of a list; see `channels`."""
        return [self._item(item, groups=groups) for item in self.split(given)]

    def split(self, given: object) -> list[str]:
        """Return the items of a list as they are written."""
        if not isinstance(given, str):
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a channel list is expected")
        return [item for item in map(str.strip, re.split("[,;]", given)) if item]

    def text(self, channel: Crosspoint) -> str:
        """Return a channel as it is written."""
        slot, row, column = channel
        if row == BACKPLANE_ROW or self.cards[slot].multiplexer:
            return f"{slot}{column:03d}"
        return f"{slot}{LETTERS[row - 1] if self.letters else row}{column:02d}"

    def label(self, channel: Crosspoint) -> str:
        """Return the label of a channel, which is its name unless one was set."""
        return next((label for label, labelled in self.labels.items() if labelled == channel), self.text(channel))

    def kind(self, channel: Crosspoint) -> Kind:
        """Return what a channel is."""
        return Kind.BACKPLANE if channel[1] == BACKPLANE_ROW else self.cards[channel[0]].kind(channel[2])

    def slot(self, number: int) -> list[Crosspoint]:
        """Return all channels of one slot, by row, then column; none of an empty slot."""
        card = self.cards.get(number)
        if card is None:
            return []
        return [(number, row, column) for row in range(1, card.rows + 1) for column in range(1, card.columns + 1)]

    def is_group(self, item: str) -> bool:
        """Return whether an item of a list stands for several channels without naming them."""
        return ":" in item or bool(re.fullmatch(r"slot\d|allslots", item.lower()))

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
        if name in self.labels:
            return self.labels[name]
        channel = self.specified(name)
        if channel is None:
            raise Complaint(BAD_CHANNEL, f"parameter 1 is invalid: channel {name} does not exist")
        return channel

    def specified(self, name: str) -> Crosspoint | None:
        """Return the channel of a name that is no label; None if no card has it."""
        pattern = r"([1-6])([A-Ha-h])(\d\d)" if self.letters else r"([1-6])(\d)(\d\d)"
        parts = re.fullmatch(pattern, name)
        return self._crosspoint(int(parts[1]), parts[2].upper(), int(parts[3])) if parts else None

    def _crosspoint(self, slot: int, row: str, column: int) -> Crosspoint | None:
        card = self.cards.get(slot)
        if card is None:
            return None
        if not self.letters and row == str(BACKPLANE_ROW):
            there = not card.ports and column // 10 in (1, 2) and 1 <= column % 10 <= 6
            return (slot, BACKPLANE_ROW, 900 + column) if there else None
        if card.multiplexer:
            place = (slot, 1, int(row) * 100 + column)
        else:
            place = (slot, LETTERS.index(row) + 1 if self.letters else int(row), column)
        return place if card.has(place[1], place[2]) else None
