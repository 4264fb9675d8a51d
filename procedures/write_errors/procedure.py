"""Write error rate of single cells against amplitude, per direction; an upper limit where no error was seen."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from labmtj.cost import Cost, CostMeter
from labmtj.fitting.proportions import OF_FAMILY, OF_TESTED, Proportion, mean_over_family, mean_over_tested, proportion
from labmtj.quantities import FloatArray
from labmtj.results import Estimate, Fact, Quantity, record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import Key, Limited, PulseSeconds, Within, check_pulses
from procedures.common.reference import ReferenceMaps, reference_maps
from procedures.common.single_cells import (
    DIRECTIONS,
    OF_CELL,
    ByDirection,
    Cells,
    SingleCells,
    TrialSettings,
    groups_sharing_no_line,
    limited,
    refused_widths,
)

CASES, MEANS = ("direction", "cell", "volts"), ("direction", "volts")


class WriteErrors(TrialSettings):
    """Write error rate of chosen cells, or all."""

    every: bool = Field(default=False, description="try all usable cells, where none are named")
    volts: Annotated[list[float], Within("cell_volts")] = Field(
        [0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9], min_length=1, description="amplitudes of the write pulse"
    )
    pulse_seconds: PulseSeconds = Field(1e-3, description="width of the write pulse")
    pulses: int = Field(100, ge=1, description="write pulses per cell, direction and amplitude")

    def check_together(self, array: Limited, key: Key) -> None:
        """Raise SettingError for more pulses than the life of a cell."""
        super().check_together(array, key)
        check_pulses(array, (*key, "pulses"), 2 * len(self.volts) * (2 * self.pulses + self.resets))

    def most_rows(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return the pulses and the shots of reads of all trials, at most."""
        return self.rows_of_trials(shape, 2 * len(self.volts) * self.pulses)

    def most_cells(self, shape: tuple[int, int]) -> int:
        """Return how many cells are tried, at most."""
        return shape[0] * shape[1] if self.every and self.cells is None else super().most_cells(shape)

    def chosen(self, reference: ReferenceMaps) -> Cells:
        """Return the cells."""
        if self.every and self.cells is None:
            return np.argwhere(reference.usable)
        return super().chosen(reference)

    def execute(self, crossbar: Crossbar, log: Log) -> WriteErrorResult:
        """Write, count and record; leaves the array all-AP."""
        self.check(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            meter = CostMeter(crossbar)
            reference = reference_maps(meter, self.reference)
            record(log, "reference", reference)
            cells = SingleCells(meter, reference, self)
            chosen = self.chosen(reference)
            probe = cells.biases(chosen, np.full(len(chosen), max(*self.volts, self.reset_volts)))
            refused_widths(meter, probe, [self.pulse_seconds, self.reset_seconds])
            errors, trials = np.array([self._direction(cells, chosen, state) for state in DIRECTIONS]).swapaxes(0, 1)
            cells.initialise(False)  # noqa: FBT003 - a state is a bit
            result = WriteErrorResult(
                chosen, np.array(self.volts), errors, trials, proportion(errors, trials),
                mean_over_tested(errors.swapaxes(1, 2), trials.swapaxes(1, 2)),
                mean_over_family(errors.swapaxes(1, 2), trials.swapaxes(1, 2)), cells.limited,
                meter.cost,
            )  # fmt: skip
            record(log, "write_errors", result)
        return result

    def _direction(self, cells: SingleCells, chosen: Cells, state: bool) -> FloatArray:  # noqa: FBT001
        """Return errors and trials, (2, cells, amplitudes)."""
        found = np.zeros((2, len(chosen), len(self.volts)))
        cells.initialise(not state)
        for number, volts in enumerate(self.volts):
            for group in groups_sharing_no_line(chosen):
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


class WriteErrorResult(ByDirection, kind="write_errors", signal="pooled_rate"):
    """Write errors; arrays are (2, cells, amplitudes), towards P first, then towards AP."""

    cells: Annotated[Cells, OF_CELL]
    volts: Annotated[FloatArray, Quantity("V", "amplitude between the lines of the cell", ("volts",))]
    errors: Annotated[FloatArray, Quantity("1", "pulses that did not write", CASES)]
    trials: Annotated[FloatArray, Quantity("1", "pulses that count", CASES)]
    """fewer than asked for where a cell did not come back, or a source limited"""
    rate: Annotated[Proportion, Estimate("1", "write error rate", CASES)]
    """Clopper-Pearson: where no error was seen, `high` is the upper limit"""
    pooled: Annotated[
        Proportion,
        Estimate("1", f"write error rate, {OF_TESTED}", MEANS, name="pooled_rate", ends="pooled_{}", of=OF_TESTED),
    ]
    """(2, amplitudes)"""
    family: Annotated[Proportion, Estimate("1", "", MEANS, of=OF_FAMILY)]
    """(2, amplitudes): wide for few cells, because a rare cell that none of them is like may make up the mean"""
    limited: Annotated[int, Fact("1", "pulses in which a source was in compliance")]
    cost: Cost
