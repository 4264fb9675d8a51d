"""The cards of the TSP matrices; from memory, unverified, unless a source is given."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """What a channel is, as `channel.gettype` answers."""

    SWITCH = 1
    BACKPLANE = 2
    DAC = 4
    DIGITAL = 8
    TOTALIZER = 16


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
    """a single row, and channels of three digits after the slot"""
    ports: tuple[Kind, ...] = ()
    """what the channels of a card without relays are"""
    pole: int = 2
    """of a channel unless it is set otherwise"""
    most_volts: float = 300.0

    def has(self, row: int, column: int) -> bool:
        """Return whether there is such a channel."""
        return 1 <= row <= self.rows and 1 <= column <= self.columns

    @property
    def poles(self) -> tuple[int, ...]:
        """The pole settings that the card takes: a multiplexer pairs the two halves of its channels to four poles."""
        return () if self.ports else (self.pole, 4) if self.multiplexer else (self.pole,)

    @property
    def relays(self) -> tuple[int, int]:
        """Rows and columns of relays."""
        return (0, 0) if self.ports else (self.rows, self.columns)

    def kind(self, column: int) -> Kind:
        """Return what a channel is."""
        return self.ports[column - 1] if self.ports else Kind.SWITCH

    def partner(self, column: int) -> int | None:
        """Return the channel that makes four poles with one of the first half; None for any other."""
        half = self.columns // 2
        return column + half if self.multiplexer and not self.ports and column <= half else None


CARDS_707 = {
    "7072": Card("8x12 Semiconductor Matrix", 8, 12, 0.015, keeps_count=False, most_volts=200.0),
    "7072-HV": Card("8x12 Semiconductor Matrix HV", 8, 12, 0.015, keeps_count=False, most_volts=1300.0),
    "7173-50": Card("4x12 High Frequency Matrix", 4, 12, 0.003, keeps_count=False, most_volts=30.0),
    "7174A": Card("8x12 Low Current Matrix", 8, 12, 0.003, keeps_count=False, most_volts=200.0),
}
CARDS_3706 = {
    "3730": Card("6x16 High Density Matrix", 6, 16, 0.004),  # identity as recorded; the time is a public driver's note
    "3720": Card("Dual 1x30 Multiplexer", 1, 60, 0.004, multiplexer=True),
    "3750": Card(  # channels: Series 3700A reference (web help), slot[slot].endchannel
        "Multifunction I/O", 1, 11, 0.0, multiplexer=True, pole=0, most_volts=12.0,
        ports=(*[Kind.DIGITAL] * 5, *[Kind.TOTALIZER] * 4, *[Kind.DAC] * 2),
    ),
}  # fmt: skip
CARD_FIRMWARE, CARD_SERIAL = "01.40h", "4447332"  # as recorded
EMPTY = "Empty Slot"
