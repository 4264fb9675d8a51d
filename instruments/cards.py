"""Matrix cards in the slots of a mainframe: what the data sheets say, and which crosspoints there are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from labmtj.errors import UsageError


@dataclass(frozen=True, slots=True)
class Card:
    """What the data sheet of a card says."""

    rows: int
    columns: int
    relay_seconds: float
    """from the command to the end of bounce"""


class Mainframe:
    """The part of `labmtj.verbs.SwitchMatrix` that is about cards; a brand says how it names a crosspoint."""

    name: str
    slots: ClassVar[int]
    known_cards: ClassVar[Mapping[str, Card]]
    cards: dict[int, str]
    """card model by slot, counted from 1 as on the box"""

    def _take_cards(self, name: str, cards: Mapping[int, str] | None) -> None:
        """Keep the cards; UsageError for a slot that does not exist, or a card that is not in the table."""
        self.cards = dict(cards or {})
        for slot, model in self.cards.items():
            if not 1 <= slot <= self.slots:
                raise UsageError(f"{name} has no slot {slot} for a card; its slots are 1 to {self.slots}")
            if model not in self.known_cards:
                known = ", ".join(self.known_cards)
                raise UsageError(f"{name}: card {model!r} in slot {slot} is unknown; known are {known}")

    def _cards(self) -> dict[int, Card]:
        """Return what is known of each card, by slot."""
        return {slot: self.known_cards[model] for slot, model in sorted(self.cards.items())}

    @abstractmethod
    def _name(self, slot: int, row: int, column: int) -> str:
        """Return the name of a crosspoint."""

    @property
    def relay_seconds(self) -> float:
        """From a command to the end of bounce, of the slowest card."""
        return max((card.relay_seconds for card in self._cards().values()), default=0.0)

    def crosspoint(self, slot: int, row: int, column: int) -> str:
        """Return the name of a relay in the language of the box, all counted from 1; UsageError if no card has it."""
        card = self._cards().get(slot)
        if card is None:
            there = ", ".join(map(str, sorted(self.cards))) or "none known before `identify`"
            raise UsageError(f"{self.name} has no card in slot {slot}; slots with cards: {there}")
        if not (1 <= row <= card.rows and 1 <= column <= card.columns):
            size = f"{self.cards[slot]} has rows 1 to {card.rows}, columns 1 to {card.columns}"
            raise UsageError(f"{self.name} has no relay at row {row}, column {column} of slot {slot}: {size}")
        return self._name(slot, row, column)
