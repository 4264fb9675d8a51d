"""Keithley 707B and 708B semiconductor switch matrices in their TSP language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymeasure.adapters import Adapter

from instruments.cards import Card
from instruments.tspmatrix import TSPMatrix

# Geometry and times from memory, unverified; bounce is included in the times.
CARDS = {
    "7072": Card(8, 12, 0.015),
    "7072-HV": Card(8, 12, 0.015),
    "7173-50": Card(4, 12, 0.003),
    "7174A": Card(8, 12, 0.003),
}
ROWS = "ABCDEFGH"


class Keithley707B(TSPMatrix):
    """Keithley 707B: six slots; a crosspoint is slot, row letter and two-digit column, such as 1B05."""

    models = ("707B",)
    slots = 6
    known_cards = CARDS

    def __init__(
        self,
        adapter: Adapter | str | int,
        name: str = "Keithley 707B",
        *,
        cards: Mapping[int, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(adapter, name, cards=cards, **kwargs)

    def _name(self, slot: int, row: int, column: int) -> str:
        return f"{slot}{ROWS[row - 1]}{column:02d}"


class Keithley708B(Keithley707B):
    """Keithley 708B: the same with one slot."""

    models = ("708B",)
    slots = 1

    def __init__(
        self,
        adapter: Adapter | str | int,
        name: str = "Keithley 708B",
        *,
        cards: Mapping[int, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(adapter, name, cards=cards, **kwargs)
