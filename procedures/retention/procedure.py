"""Retention: the fraction of cells that have lost their state after a time at rest.

The cells differ, and their rates by decades: what is reported is a fraction after each time. It bounds a mean rate from
below only, because cells that were lost at once may have any rate.

The time passes on the crossbar's clock: it is waited for on a bench, and booked where the clock is virtual.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from labmtj.cost import Cost, CostMeter
from labmtj.errors import SettingError
from labmtj.fitting.proportions import OF_FAMILY, Proportion, least_rate, one_trial_of_each
from labmtj.quantities import FloatArray
from labmtj.results import Estimate, Quantity, record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import Key, Limited, Settings
from procedures.common.reference import ReferenceSettings, reference_maps
from procedures.common.single_cells import DIRECTIONS, ByDirection
from procedures.common.uniform import Uniform

WAITS = ("direction", "wait")
RATE = "least mean rate that this leaves possible"


class Retention(Settings):
    """Cells left alone at 0 V in either state."""

    binary: ClassVar[str] = "retention"

    waits_seconds: list[float] = Field(
        [60.0, 600.0, 3600.0], min_length=1, description="read again this long after writing, per state; rising"
    )
    reference: ReferenceSettings = ReferenceSettings()

    def check_together(self, array: Limited, key: Key) -> None:  # noqa: ARG002 - of any array
        """Raise SettingError for times that do not rise."""
        waits = self.waits_seconds
        if sorted(set(waits)) != waits or waits[0] <= 0 or waits[-1] > 1e7:
            raise SettingError((*key, "waits_seconds"), "give rising times above 0 s and up to 1e7 s")

    def execute(self, crossbar: Crossbar, log: Log) -> RetentionResult:
        """Write, wait, read and record; leaves the array all-AP."""
        self.check(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            meter = CostMeter(crossbar)
            # a cell that is lost before the maps are read is no stuck one here
            array = Uniform(meter, reference_maps(meter, self.reference, many_stuck=0.0), self.reference)
            record(log, "reference", array.reference)
            waited = np.array([self._wait(array, state) for state in DIRECTIONS]).swapaxes(0, 1)
            array.initialise(False)  # noqa: FBT003 - a state is a bit
            away, flipped, cells, seconds = waited
            result = RetentionResult(
                seconds, away, flipped, cells, one_trial_of_each(away, cells), meter.cost
            )  # fmt: skip
            record(log, "retention", result)
        return result

    def _wait(self, array: Uniform, state: bool) -> FloatArray:  # noqa: FBT001
        """Return cells away, cells seen away so far, all cells and seconds since the write, (4, waits), for a state."""
        array.initialise(not state)
        written = array.reference.writable
        clock, begun, found = array.crossbar.clock, array.crossbar.clock.now(), []
        left = np.zeros(array.shape, bool)
        for wait in self.waits_seconds:
            clock.sleep(max(0.0, wait - (clock.now() - begun)))
            passed = clock.now() - begun
            away = written & (array.read() == state)
            left |= away
            found.append((float(away.sum()), float(left.sum()), float(written.sum()), passed))
        return np.array(found).T


class RetentionResult(ByDirection, kind="retention", signal="lost"):
    """Cells that lost their state at rest; arrays are (2, waits): towards P first, then towards AP."""

    seconds: Annotated[FloatArray, Quantity("s", "since the cells were written, and read once", WAITS)]
    away: Annotated[FloatArray, Quantity("1", "cells that read as the other state after this time", WAITS)]
    flipped: Annotated[FloatArray, Quantity("1", "cells that did so after this time or a shorter one", WAITS)]
    """some came back since"""
    cells: Annotated[FloatArray, Quantity("1", "cells that can be written", WAITS)]
    """also those that do not stay long enough to be seen in their state"""
    lost: Annotated[Proportion, Estimate("1", "fraction of the cells away after this time", WAITS, of=OF_FAMILY)]
    """a cell that left and came back in between counts as not lost: with many flips the fraction tends to 0.5"""
    cost: Cost

    @property
    def least_rate(self) -> Annotated[FloatArray, Quantity("1/s", RATE, WAITS, name="rate_low")]:
        """Least mean rate of leaving the state; no largest one follows."""
        return least_rate(self.lost, self.seconds)
