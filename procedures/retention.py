"""Retention: how fast cells leave their state at rest, as a rate, or its upper limit where none did.

The time passes on the crossbar's clock: it is waited for on a bench, and booked where the clock is virtual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from labmtj.errors import SettingError
from labmtj.fitting.proportions import Proportion, per_second
from labmtj.quantities import FloatArray
from labmtj.schema import Purpose, Variable
from labmtj.strictmodel import StrictModel
from labmtj.verbs import Crossbar, Log
from procedures.bounds import Limited
from procedures.effort import Counting, Effort, effort_attributes
from procedures.reference import ReferenceSettings, put_reference, reference_maps
from procedures.single_cells import DIRECTION_NAMES, DIRECTIONS
from procedures.uniform import Uniform

PATH = "retention"


class Retention(StrictModel):
    """Cells left alone at 0 V in either state."""

    waits_seconds: list[float] = Field(
        [60.0, 600.0, 3600.0], min_length=1, description="read again this long after writing, per state; rising"
    )
    reference: ReferenceSettings = ReferenceSettings()

    def check(self, array: Limited, *key: str) -> None:
        """Raise SettingError for what the array does not survive, and times that do not rise."""
        self.reference.check(array, *key, "reference")
        waits = self.waits_seconds
        if sorted(set(waits)) != waits or waits[0] <= 0 or waits[-1] > 1e7:
            raise SettingError((*key, "waits_seconds"), "give rising times above 0 s and up to 1e7 s")

    def execute(self, crossbar: Crossbar, log: Log) -> RetentionResult:
        """Write, wait, read and record; leaves the array all-AP."""
        self.check(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            counting = Counting(crossbar)
            array = Uniform(counting, reference_maps(counting, self.reference), self.reference)
            put_reference(log, array.reference)
            flipped, cells, seconds = np.array([self._wait(array, state) for state in DIRECTIONS]).swapaxes(0, 1)
            array.initialise(False)  # noqa: FBT003 - a state is a bit
            rate = per_second(flipped, cells, seconds)
            result = RetentionResult(seconds, flipped, cells, rate, counting.effort)
            put_retention(log, result)
        return result

    def _wait(self, array: Uniform, state: bool) -> FloatArray:  # noqa: FBT001
        """Return flipped cells, cells and seconds since they were written, (3, waits), for leaving towards a state."""
        standing = array.initialise(not state) & array.reference.usable
        clock, begun, found = array.crossbar.clock, array.crossbar.clock.now(), []
        left = np.zeros(array.shape, bool)
        for wait in self.waits_seconds:
            clock.sleep(max(0.0, wait - (clock.now() - begun)))
            passed = clock.now() - begun
            left |= standing & (array.read() == state)
            found.append((float(left.sum()), float(standing.sum()), passed))
        return np.array(found).T


@dataclass(frozen=True, eq=False)
class RetentionResult:
    """Cells seen to have left their state at rest; arrays are (2, waits): towards P first, then towards AP."""

    seconds: FloatArray
    """since they were seen in their state"""
    flipped: FloatArray
    cells: FloatArray
    rate: Proportion
    """1/s, 95 % Clopper-Pearson; an upper limit where none flipped. Pooled over the cells, which differ. Too low where
    a good part has flipped: some of those came back unseen between two reads"""
    effort: Effort


def put_retention(log: Log, result: RetentionResult, path: str = PATH) -> None:
    """Record the counts and the rates."""
    dims = ("direction", "wait")
    log.put(
        path,
        {
            "direction": Variable(list(DIRECTION_NAMES), "1", "towards which state", ("direction",)),
            "seconds": Variable(result.seconds, "s", "since the cells were seen in their state", dims),
            "flipped": Variable(result.flipped, "1", "cells that left their state", dims),
            "cells": Variable(result.cells, "1", "cells that stood in it", dims),
            "rate": Variable(result.rate.value, "1/s", "rate of leaving the state at rest", dims),
            "rate_low": Variable(result.rate.low, "1/s", "lower end of its 95 % interval", dims),
            "rate_high": Variable(result.rate.high, "1/s", "upper end of its 95 % interval", dims),
        },
        signal="rate",
    )
    log.attributes(path, effort_attributes(result.effort))
