"""Offsets of the sources and meters on the lines, as an array file holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from labmtj.device.parameter import DescribedModel, Provenance


class RangeOffsets(DescribedModel):
    """What the meters of all lines show on one range when no current flows."""

    full_scale_amperes: float = Field(gt=0.0)
    amperes: list[float | None]
    """by line, rows first; null for a line that was not read on the range"""
    scatter_amperes: float = Field(0.0, ge=0.0)
    """rms of a reading about what the offsets predict"""
    gain: float = Field(1.0, gt=0.5, lt=2.0)
    """what the meters show on this range, over what they show on the others"""


class LineOffsets(DescribedModel):
    """Fitted offsets of the sources and meters on the lines: they belong to the bench, not to the chip."""

    provenance: Provenance = "fitted"
    source: str = Field(min_length=1)
    source_volts: list[float]
    """by line, rows first: what a source puts out when set to 0 V"""
    ranges: list[RangeOffsets] = Field(default_factory=list)
    meter_gains: list[Annotated[float, Field(gt=0.5, lt=2.0)]] | None = None
    """by line: what a meter shows over what the mean of all shows; None: all alike"""
    source_gains: list[Annotated[float, Field(gt=0.5, lt=2.0)]] | None = None
    """by line: what a source puts out over what it is set to, against the mean of all; None: all alike"""

    def check(self, lines: int) -> None:
        """Raise ValueError for lists of another length than the lines."""
        lists: dict[str, Sequence[float | None]] = {"source_volts": self.source_volts} | {
            f"ranges.{number}.amperes": each.amperes for number, each in enumerate(self.ranges)
        }
        lists |= {"meter_gains": self.meter_gains or [1.0] * lines, "source_gains": self.source_gains or [1.0] * lines}
        for name, values in lists.items():
            if len(values) != lines:
                raise ValueError(f"offsets.{name} holds {len(values)} values; the array has {lines} lines")
