"""The cards of the TSP matrices; from memory, unverified, unless a source is given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """One model of card."""

    description: str
    """second field of its identity"""
    rows: int
    columns: int
    relay_seconds: float
    """to close or to open, bounce included"""
    keeps_count: bool = True
    """whether the closures are stored on the card; 707B manual 2-85"""
    multiplexer: bool = False
    """a single row, and channels of three digits behind the slot"""

    def has(self, row: int, column: int) -> bool:
        """Return whether there is such a relay."""
        return 1 <= row <= self.rows and 1 <= column <= self.columns


CARDS_707 = {
    "7072": Card("8x12 Semiconductor Matrix", 8, 12, 0.015, keeps_count=False),
    "7072-HV": Card("8x12 Semiconductor Matrix HV", 8, 12, 0.015, keeps_count=False),
    "7173-50": Card("4x12 High Frequency Matrix", 4, 12, 0.003, keeps_count=False),
    "7174A": Card("8x12 Low Current Matrix", 8, 12, 0.003, keeps_count=False),
}
CARDS_3706 = {
    "3730": Card("6x16 High Density Matrix", 6, 16, 0.004),  # identity as recorded; the time is a public driver's note
    "3720": Card("Dual 1x30 Multiplexer", 1, 60, 0.004, multiplexer=True),
}
CARD_FIRMWARE, CARD_SERIAL = "01.40h", "4447332"  # as recorded
EMPTY = "Empty Slot"
