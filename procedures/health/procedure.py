"""Health of a chip: which cells are fit for use. Every cell is switched back and forth, and read again and again.

    stuck, short, open   from the reference maps: the cell does not show the contrast of the others
    noisy                its readings scatter more than those of usual cells in the same state, in any state

What is found of a chip on instruments is kept, and later runs read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from labmtj.brief import brief
from labmtj.cost import Cost, CostMeter
from labmtj.health import Health, HealthMap
from labmtj.quantities import BoolArray, FloatArray
from labmtj.results import record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.health import HealthRecord
from procedures.common.read_map import CellReads, ReadMapSettings, read_map
from procedures.common.reference import HEALTH_OF, Outcome, ReferenceMaps, ReferenceSettings, initialise, reference_maps


class HealthCheck(ReferenceSettings):
    """Reference maps, then repeated reads in both states; leaves the array all-AP."""

    binary: ClassVar[str] = "a health map"

    repeats: int = Field(16, ge=8, le=10_000, description="readings of every cell in each state, to find noisy ones")
    noisy_factor: float = Field(
        4.0, gt=1, description="a cell is noisy if its readings scatter more than this times the usual cell's"
    )

    def execute(self, crossbar: Crossbar, log: Log) -> Checked:
        """Check every cell; record the maps, and the health in the group `health`."""
        meter = CostMeter(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            reference = reference_maps(meter, self)
            reads = {"antiparallel": read_map(meter, self._reads)}
            self._initialise(meter, reference.polarity)
            reads["parallel"] = read_map(meter, self._reads)
            initialise(meter, -reference.polarity * self.initialise_volts, self.pulse_seconds, self.initialise_pulses)
            found = Checked(self._judged(reference, reads), reference, reads, meter.cost)
            record(log, "reference", reference)
            for name, each in reads.items():
                record(log, f"read_map_{name}", each)
            record(log, "health", HealthRecord(found.health, found.cost))
        return found

    def _initialise(self, crossbar: Crossbar, sign: int) -> None:
        initialise(crossbar, sign * self.initialise_volts, self.pulse_seconds, self.initialise_pulses)

    @property
    def _reads(self) -> ReadMapSettings:
        return ReadMapSettings(read_volts=self.read_volts, aperture_seconds=self.aperture_seconds, repeats=self.repeats)

    def _judged(self, reference: ReferenceMaps, reads: dict[str, CellReads]) -> HealthMap:
        health = HealthMap.unknown("", reference.outcome.shape)
        for outcome, state in HEALTH_OF.items():
            cells = reference.outcome == outcome
            if cells.any():
                states = np.full(cells.shape, state, np.uint8)
                health = health.with_evidence(states, cells, f"reference maps: {_WHY[outcome]}")
        for name, each in reads.items():
            noisy = noisy_cells(each, reference.usable, self.noisy_factor)
            if noisy.any():
                states = np.full(noisy.shape, Health.NOISY, np.uint8)
                text = f"{self.repeats} readings in {name} scatter over {self.noisy_factor:g} x the usual"
                health = health.with_evidence(states, noisy, text)
        return health


_WHY = {
    Outcome.WRITTEN: "switches back and forth", Outcome.STUCK_P: "always reads as P",
    Outcome.STUCK_AP: "always reads as AP",
    Outcome.UNSTABLE: "follows a pulse, but does not stay",
    Outcome.SHORT: "over 3 times the conductance of P", Outcome.OPEN: "under 0.3 of the conductance of AP",
}  # fmt: skip


@brief
@dataclass(frozen=True, eq=False)
class Checked:
    """What a check found."""

    health: HealthMap
    """the chip is not named in it: the caller knows which it was"""
    reference: ReferenceMaps
    reads: dict[str, CellReads]
    """by state of the array, "antiparallel" and "parallel" """
    cost: Cost


def noisy_cells(reads: CellReads, usable: BoolArray, factor: float) -> BoolArray:
    """Return which usable cells scatter over `factor` times as much as the usual one of about the same current.

    The scatter of a meter grows with the current on a range: cells are compared by scatter over current.
    """
    relative: FloatArray = np.where(usable, reads.scatter_amperes / np.abs(reads.amperes), np.nan)
    return np.asarray(usable & (relative > factor * np.nanmedian(relative)), bool) if usable.any() else usable
