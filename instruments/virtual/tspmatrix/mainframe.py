"""A TSP matrix on the side of the bench: its relays are those of the box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from instruments.virtual.tspmatrix.cards import CARDS_707, CARDS_3706
from instruments.virtual.tspmatrix.engine import SLOTS
from labmtj.errors import UsageError
from labmtj.virtual.network.terminals import Box, Crosspoint
from labmtj.virtual.tsp.instrument import TSPInstrument
from labmtj.virtual.tsp.process import Functions


class Mainframe(TSPInstrument):
    """What the models have in common.

    Raises:
        UsageError: the box has no relays, or a card that the model does not take.
    """

    engine_module = "instruments.virtual.tspmatrix.engine"
    model: str

    def __init__(self, box: Box, *, script_seconds: float = 10.0) -> None:
        if box.relays is None:
            raise UsageError(f"virtual instrument {box.name!r} is a matrix without relays; give its box some")
        self._relays = box.relays
        known = CARDS_3706 if self.model == "3706A" else CARDS_707
        for slot, card in box.cards.items():
            if card not in known or not 1 <= slot <= SLOTS[self.model]:
                raise UsageError(
                    f"virtual instrument {box.name!r}: a {self.model} takes no card {card!r} in slot {slot}; "
                    f"slots are 1 to {SLOTS[self.model]}, cards are {', '.join(known)}"
                )
        self._cards = {slot: known[card] for slot, card in box.cards.items()}
        self._forgotten: Mapping[Crosspoint, int] = {}
        """closures that were counted before power-on, on cards that do not keep them"""
        super().__init__(box, script_seconds=script_seconds)

    @classmethod
    def geometry(cls, cards: Mapping[int, str]) -> dict[int, tuple[int, int]]:
        """Return rows and columns by slot; UsageError for a card that the model does not take."""
        known = CARDS_3706 if cls.model == "3706A" else CARDS_707
        if unknown := [card for card in cards.values() if card not in known]:
            raise UsageError(f"a virtual {cls.model} takes no card {unknown[0]!r}; cards are {', '.join(known)}")
        return {slot: known[card].relays for slot, card in cards.items()}

    @property
    def settings(self) -> Mapping[str, object]:
        """Plain values that the engine is built from."""
        box = self.box
        cards = {str(slot): card for slot, card in box.cards.items()}
        return {"model": self.model, "serial": box.serial, "line_hertz": box.line_hertz, "cards": cards}

    @property
    def functions(self) -> Functions:
        """What the engine may call."""
        return {
            "now": lambda: (self.box.time.now(),),
            "spend": self._spend,
            "operate": self._operate,
            "closed": lambda: sorted(self._relays.closed()),
            "closures": lambda: [(*place, count - self._forgotten.get(place, 0)) for place, count in self._counted()],
        }

    def terminals_off(self) -> None:
        """Open every relay, as latching relays are at power-on too."""
        self._relays.operate(sorted(self._relays.closed()), [])
        self._forgotten = {place: count for place, count in self._counted() if not self._cards[place[0]].keeps_count}

    def _counted(self) -> Iterable[tuple[Crosspoint, int]]:
        return self._relays.closures().items()

    def _spend(self, seconds: float, purpose: str) -> list[Any]:
        self.box.time.spend(seconds, purpose)
        return []

    def _operate(self, opened: list[list[int]], closed: list[list[int]]) -> list[Any]:
        self._relays.operate([(a, b, c) for a, b, c in opened], [(a, b, c) for a, b, c in closed])
        return []
