"""Keithley 3706A system switch with matrix cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymeasure.adapters import Adapter

from instruments.cards import Card
from instruments.factorynames import NameTest, holds
from instruments.relied_on import ReliedOn
from instruments.tspmatrix import TSPMatrix
from instruments.tspnumbers import number

CARDS = {"3730": Card(6, 16, 0.004)}  # two poles, latching; the time is a note in a public driver


class Keithley3706A(TSPMatrix):
    """Keithley 3706A: six slots; a crosspoint is slot, row and two-digit column, such as 1205."""

    models = ("3706A", "3706A-S", "3706A-SNFP", "3706A-NFP")
    slots = 6
    known_cards = CARDS

    def __init__(
        self,
        adapter: Adapter | str | int,
        name: str = "Keithley 3706A",
        *,
        cards: Mapping[int, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(adapter, name, cards=cards, **kwargs)

    def _name(self, slot: int, row: int, column: int) -> str:
        return f"{slot}{row}{column:02d}"

    def relied_on(self) -> tuple[ReliedOn, ...]:
        """Return what the driver relies on; also that no backplane relay closes along with a crosspoint."""
        planes = (
            ReliedOn(
                f"number of backplane relays of slot {slot}", f'channel.setbackplane("{slot}101", "{slot}911")',
                ask=f'string.find(channel.getbackplane("slot{slot}") or "", "%d") and 1 or 0', wanted=0,
                advice=f'free its crosspoints with channel.setbackplane("slot{slot}", "")',
            )
            for slot in sorted(self.cards)
        )  # fmt: skip
        return (*super().relied_on(), *planes)

    def _names_to_work(self) -> list[NameTest]:
        return [*super()._names_to_work(), holds("scan", "scan")]

    def self_test(self) -> list[str]:
        """Return errors left in the queue, and cards whose interlock is open: their backplane relays do not move."""
        found, slots = super().self_test(), sorted(self.cards)
        states = self.each(self.run(*(f"print(slot[{slot}].interlock.state)" for slot in slots)), len(slots))
        open_slots = [slot for slot, state in zip(slots, states, strict=True) if number(state) == 0]
        return found + [
            f"the interlock of slot {slot} is open: its backplane relays do not move" for slot in open_slots
        ]
