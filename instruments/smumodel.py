"""What the drivers of source-measure units know of a model: its commands, its data sheet, and what fits into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from instruments.relied_on import ReliedOn
from labmtj.errors import CannotDo
from labmtj.quantities import Flag, FloatArray
from labmtj.shots import UnitFacts

LINE_HERTZ = (45.0, 65.0)
"""between which a power line has its frequency, anywhere; all apertures follow from it"""


@dataclass(frozen=True, slots=True)
class Commands:
    """What a brand calls the things that every unit has, with {ch} for the number of the channel."""

    function: str
    level: str
    current_level: str
    """of the source, should an earlier user have left it a current source"""
    source_range: str
    limit: str
    output: str
    relied_on: tuple[ReliedOn, ...]
    """make a channel a fixed voltage source and a current meter that answers as expected; its output stays as it is"""
    current_range: str
    end_sequence: tuple[str, ...]
    """stop every kind of sequence and go back to a fixed level"""
    abort: str
    limited: str
    """asks whether a channel is at its limit now"""


@dataclass(frozen=True, slots=True)
class Model:
    """What the data sheet of a model says, and what one sequence may hold."""

    facts: UnitFacts
    """without line frequency and apertures, which follow from the box"""
    apertures_in_line_cycles: tuple[float, float] | None
    """None where the facts give them in seconds"""
    source_ranges_volts: tuple[float, ...]
    source_reach: float
    """highest level of a range as a fraction of it"""
    longest_sequence: int
    """points"""
    point_seconds: float
    """what a point of a sequence takes beyond settling and aperture, at most"""
    status: Mapping[int, Flag]
    """what bits of the status word of a reading mean"""

    def facts_at(self, line_hertz: float) -> UnitFacts:
        """Return the facts for a line frequency."""
        facts, cycles = replace(self.facts, line_hertz=line_hertz), self.apertures_in_line_cycles
        if cycles is None:
            return facts
        return replace(facts, aperture_seconds=(cycles[0] / line_hertz, cycles[1] / line_hertz))

    def source_range(self, who: str, amperes: float, highest_volts: float) -> float:
        """Return the source range for a limit and the levels within it; CannotDo if the model has none."""
        if not 0 < amperes <= self.facts.highest_amperes:
            raise CannotDo(f"{who}: compliance {amperes:g} A is not within 0 to {self.facts.highest_amperes:g} A")
        fitting = [each for each in self.source_ranges_volts if each * self.source_reach >= highest_volts]
        if not (0 <= highest_volts <= self.facts.highest_volts and fitting):
            raise CannotDo(f"{who}: level {highest_volts:g} V is not within 0 to {self.facts.highest_volts:g} V")
        return fitting[0]

    def current_range(self, who: str, amperes: float) -> float:
        """Return the current range that holds a current; CannotDo if none does."""
        if not 0 < amperes <= self.facts.range_amperes[-1]:
            raise CannotDo(f"{who}: no current range holds {amperes:g} A")
        return self.facts.range_for(amperes)

    def resting_range(self, limit_amperes: float) -> float:
        """Return the current range whose reach is a limit: a lower one would itself limit the source."""
        return self.facts.range_for(limit_amperes / self.facts.over_range)

    def ranges_of(self, amperes: FloatArray) -> FloatArray:
        """Return the smallest range that holds each reading, as autorange chooses it."""
        scales = np.array(self.facts.range_amperes)
        place = np.searchsorted(scales, np.abs(np.nan_to_num(amperes, nan=np.inf)))
        return np.asarray(scales[np.minimum(place, len(scales) - 1)], float)


def check_aperture(who: str, facts: UnitFacts, seconds: float) -> None:
    """Raise CannotDo for an aperture that a unit lacks."""
    shortest, longest = facts.aperture_seconds
    if not shortest * (1 - 1e-9) <= seconds <= longest * (1 + 1e-9):
        raise CannotDo(f"{who}: aperture {seconds:g} s is not within {shortest:g} to {longest:g} s")


def check_width(who: str, seconds: float, shortest_seconds: float) -> None:
    """Raise CannotDo for a pulse that is too short for a unit."""
    if not seconds >= shortest_seconds:
        raise CannotDo(f"{who}: a pulse of {seconds:g} s is too short; its shortest is {shortest_seconds:g} s")
