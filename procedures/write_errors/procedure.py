"""Write error rate of single cells against amplitude, per direction; an upper limit where no error was seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from labmtj.brief import brief
from labmtj.errors import SettingError
from labmtj.fitting.proportions import (
    OF_FAMILY,
    OF_TESTED,
    Proportion,
    mean_over_family,
    mean_over_tested,
    proportion,
)
from labmtj.quantities import FloatArray
from labmtj.schema import Purpose, Variable
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import Limited, check_pulse_seconds, check_pulses, check_volts
from procedures.common.cost import Counting, Effort, effort_attributes
from procedures.common.reference import ReferenceMaps, put_reference, reference_maps
from procedures.common.single_cells import (
    DIRECTION_NAMES,
    DIRECTIONS,
    Cells,
    SingleCells,
    TrialSettings,
    apart,
    limited,
    refused_widths,
)

PATH = "write_errors"


class WriteErrors(TrialSettings):
    """Write error rate of chosen cells, or all."""

    every: bool = Field(default=False, description="try all usable cells, where none are named")
    volts: list[float] = Field(
        [0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9], min_length=1, description="amplitudes of the write pulse"
    )
    pulse_seconds: float = Field(1e-3, gt=0, le=3600, description="width of the write pulse")
    pulses: int = Field(100, ge=1, description="write pulses per cell, direction and amplitude")

    def check(self, array: Limited, *key: str) -> None:
        """Raise SettingError for what the array does not survive."""
        super().check(array, *key)
        check_pulse_seconds(array, (*key, "pulse_seconds"), self.pulse_seconds)
        check_pulses(array, (*key, "pulses"), 2 * len(self.volts) * (2 * self.pulses + self.resets))
        for volts in self.volts:
            check_volts(array, (*key, "volts"), volts)
            if volts <= 0:
                raise SettingError((*key, "volts"), f"{volts:g} V is no amplitude; give more than 0")

    def chosen(self, reference: ReferenceMaps) -> Cells:
        """Return the cells."""
        if self.every and self.cells is None:
            return np.argwhere(reference.usable)
        return super().chosen(reference)

    def execute(self, crossbar: Crossbar, log: Log) -> WriteErrorResult:
        """Write, count and record; leaves the array all-AP."""
        self.check(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            counting = Counting(crossbar)
            reference = reference_maps(counting, self.reference)
            put_reference(log, reference)
            cells = SingleCells(counting, reference, self)
            chosen = self.chosen(reference)
            probe = cells.biases(chosen, np.full(len(chosen), max(*self.volts, self.reset_volts)))
            refused_widths(counting, probe, [self.pulse_seconds, self.reset_seconds])
            errors, trials = np.array([self._direction(cells, chosen, state) for state in DIRECTIONS]).swapaxes(0, 1)
            cells.initialise(False)  # noqa: FBT003 - a state is a bit
            result = WriteErrorResult(
                chosen, np.array(self.volts), errors, trials, proportion(errors, trials),
                mean_over_tested(errors.swapaxes(1, 2), trials.swapaxes(1, 2)),
                mean_over_family(errors.swapaxes(1, 2), trials.swapaxes(1, 2)), cells.limited,
                counting.effort,
            )  # fmt: skip
            put_write_errors(log, result)
        return result

    def _direction(self, cells: SingleCells, chosen: Cells, state: bool) -> FloatArray:  # noqa: FBT001
        """Return errors and trials, (2, cells, amplitudes)."""
        found = np.zeros((2, len(chosen), len(self.volts)))
        cells.initialise(not state)
        for number, volts in enumerate(self.volts):
            for group in apart(chosen):
                found[:, group, number] = self._group(cells, chosen[group], cells.sign(state) * volts, state)
        return found

    def _group(self, cells: SingleCells, group: Cells, volts: float, state: bool) -> FloatArray:  # noqa: FBT001
        """Return errors and trials of a group at one amplitude, (2, cells); limited pulses do not count."""
        found = np.zeros((2, len(group)))
        ready = cells.reset(group, not state, fresh=False)
        for _ in range(self.pulses):
            now = np.flatnonzero(ready)
            if not len(now):
                break
            clean = ~limited(cells.pulse(group[now], np.full(len(now), volts), self.pulse_seconds))
            written = cells.read(group[now]) == state
            found[0, now] += clean & ~written
            found[1, now] += clean
            ready[now[written]] = cells.reset(group[now[written]], not state)
        return found


@brief
@dataclass(frozen=True, eq=False)
class WriteErrorResult:
    """Write errors; arrays are (2, cells, amplitudes), towards P first, then towards AP."""

    cells: Cells
    volts: FloatArray
    """(amplitudes,), between the lines of the cell"""
    errors: FloatArray
    trials: FloatArray
    """fewer than asked for where a cell did not come back, or a source limited"""
    rate: Proportion
    """95 % Clopper-Pearson: where no error was seen, `high` is the upper limit"""
    pooled: Proportion
    """mean over the very cells that were tested, (2, amplitudes)"""
    family: Proportion
    """mean over the family of cells, of which these are a sample, (2, amplitudes): wide for few cells, because
    a rare cell that none of them is like may make up the mean"""
    limited: int
    effort: Effort


def put_write_errors(log: Log, result: WriteErrorResult, path: str = PATH) -> None:
    """Record the counts and the rates."""
    dims, pooled = ("direction", "cell", "volts"), ("direction", "volts")
    log.put(
        path,
        {
            "direction": Variable(list(DIRECTION_NAMES), "1", "towards which state", ("direction",)),
            "cells": Variable(result.cells, "1", "row and column of each cell", ("cell", "line")),
            "volts": Variable(result.volts, "V", "amplitude between the lines of the cell", ("volts",)),
            "errors": Variable(result.errors, "1", "pulses that did not write", dims),
            "trials": Variable(result.trials, "1", "pulses that count", dims),
            "rate": Variable(result.rate.value, "1", "write error rate", dims),
            "rate_low": Variable(result.rate.low, "1", "lower end of its 95 % interval", dims),
            "rate_high": Variable(result.rate.high, "1", "upper end of its 95 % interval", dims),
            "pooled_rate": Variable(result.pooled.value, "1", f"write error rate, {OF_TESTED}", pooled),
            "pooled_low": Variable(result.pooled.low, "1", f"lower end of its 95 % interval, {OF_TESTED}", pooled),
            "pooled_high": Variable(result.pooled.high, "1", f"upper end of its 95 % interval, {OF_TESTED}", pooled),
            "family_low": Variable(result.family.low, "1", f"lower end of a 95 % interval, {OF_FAMILY}", pooled),
            "family_high": Variable(result.family.high, "1", f"upper end of a 95 % interval, {OF_FAMILY}", pooled),
        },
        signal="pooled_rate",
        kind="write_errors",
    )
    log.attributes(path, {"limited": result.limited, **effort_attributes(result.effort)})
