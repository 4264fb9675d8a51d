"""Endurance: cells written back and forth within a budget; contrast and switching yield against the number of cycles.

A cell that shows the current of a short is left alone from then on, and its partner lines float: it would draw current
from every pulse on its row and column.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.cost import Cost, CostMeter
from labmtj.fitting.proportions import OF_FAMILY, Proportion, one_trial_of_each
from labmtj.health import Health
from labmtj.quantities import Bias, BoolArray, FloatArray
from labmtj.results import Estimate, Fact, Quantity, Result, record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import CellVolts, Key, Limited, PulseSeconds, check_pulses
from procedures.common.health import record_finding
from procedures.common.reference import Outcome, reference_maps
from procedures.common.single_cells import (
    OF_CELL,
    Cells,
    SingleCells,
    TrialSettings,
    groups_sharing_no_line,
    refused_widths,
)

PATH = "endurance"
CHECKS, READS = ("check",), ("check", "cell")
NEVER = -1


class Endurance(TrialSettings):
    """Write cycles of chosen cells: P, then AP."""

    cycles: int = Field(ge=1, description="the budget: cycles per cell, two pulses each; it has no default")
    check_cycles: int = Field(100, ge=1, description="at most this many cycles before a cell is read again")
    checks: int = Field(30, ge=2, le=10_000, description="reads of both states, evenly spaced in log(cycles)")
    parallel_volts: CellVolts = Field(0.6, description="volts across a cell written to P")
    antiparallel_volts: CellVolts = Field(0.7, description="volts across a cell written to AP")
    pulse_seconds: PulseSeconds = Field(1e-3, description="width of a write pulse")

    def check_together(self, array: Limited, key: Key) -> None:
        """Raise SettingError for a budget beyond the life of a cell."""
        super().check_together(array, key)
        check_pulses(array, (*key, "cycles"), 2 * self.cycles + 8 * self.reference.initialise_pulses)

    @property
    def marks(self) -> NDArray[np.intp]:
        """Numbers of cycles after which both states are read, rising."""
        spaced = np.geomspace(1, self.cycles, self.checks).round()
        between = np.arange(self.check_cycles, self.cycles, self.check_cycles)
        return np.unique(np.concatenate([spaced, between])).astype(np.intp)

    def execute(self, crossbar: Crossbar, log: Log) -> EnduranceResult:
        """Cycle, read and record; leaves the array all-AP, but for cells that no longer take it."""
        self.check(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            meter = CostMeter(crossbar)
            reference = reference_maps(meter, self.reference)
            record(log, "reference", reference)
            cells = SingleCells(meter, reference, self)
            chosen = self.chosen(reference)
            for volts in (self.parallel_volts, -self.antiparallel_volts):
                refused_widths(meter, cells.biases(chosen, np.full(len(chosen), volts)), [self.pulse_seconds])
            found = np.full((2, len(self.marks), len(chosen)), np.nan)
            broken_at = np.full(len(chosen), NEVER)
            for group in groups_sharing_no_line(chosen):
                self._cycle(cells, chosen[group], group, found, broken_at)
            cells.initialise(False)  # noqa: FBT003 - a state is a bit
            threshold = reference.threshold_amperes[chosen[:, 0], chosen[:, 1]]
            seen = np.isfinite(found[0])
            right = np.stack([found[0] > threshold, found[1] < threshold])
            whole, gone = seen.sum(axis=1), (broken_at != NEVER) & (broken_at <= self.marks[:, np.newaxis])
            result = EnduranceResult(
                chosen, self.marks, found[0], found[1], one_trial_of_each((seen & right).sum(axis=2), whole),
                one_trial_of_each(gone.sum(axis=1), len(chosen)), whole, broken_at, cells.limited, meter.cost,
            )  # fmt: skip
            record(log, PATH, result)
            shorts = np.zeros(crossbar.shape, bool)
            shorts[tuple(chosen[broken_at != NEVER].T)] = True
            record_finding(log, shorts, Health.SHORT, "became a short while cycled", result.cost, PATH)
        return result

    def _cycle(
        self, cells: SingleCells, group: Cells, numbers: NDArray[np.intp], found: FloatArray, broken_at: Cells
    ) -> None:
        """Cycle a group from mark to mark; cells that have become shorts are left out."""
        alive, done = np.ones(len(group), bool), 0
        for place, mark in enumerate(self.marks.tolist()):
            now = np.flatnonzero(alive)
            if not len(now):
                return
            self._write(cells, group[now], mark - done - 1)
            for direction, state in enumerate((True, False)):  # the last cycle of a block, looked at
                if not len(now):
                    return
                volts = cells.sign(state) * (self.parallel_volts if state else self.antiparallel_volts)
                cells.pulse(group[now], np.full(len(now), volts), self.pulse_seconds)
                amperes = cells.amperes(group[now])
                shorts = _shorts(cells, group[now], amperes)
                found[direction, place, numbers[now]] = np.where(shorts, np.nan, amperes)
                broken_at[numbers[now[shorts]]] = mark
                alive[now[shorts]] = False
                now = now[~shorts]
            done = mark

    def _write(self, cells: SingleCells, group: Cells, cycles: int) -> None:
        """Write a group P and AP so often, in one batch."""
        if cycles < 1:
            return
        to_parallel, to_antiparallel = (
            cells.biases(group, np.full(len(group), cells.sign(state) * volts)).line_volts
            for state, volts in ((True, self.parallel_volts), (False, self.antiparallel_volts))
        )
        one = np.concatenate([to_parallel, to_antiparallel])
        cells.crossbar.pulse(Bias.from_lines(np.tile(one, (cycles, 1)), cells.crossbar.shape), self.pulse_seconds)


def _shorts(cells: SingleCells, group: Cells, amperes: FloatArray) -> BoolArray:
    """Return which cells read as shorts, and have their partner lines float from now on."""
    whole = np.full(cells.crossbar.shape, np.nan)
    whole[group[:, 0], group[:, 1]] = amperes
    outcome = cells.reference.with_broken(whole).outcome
    shorts = np.asarray(outcome[group[:, 0], group[:, 1]] == Outcome.SHORT, bool)
    if shorts.any():
        marked = cells.reference.outcome.copy()
        marked[group[shorts, 0], group[shorts, 1]] = Outcome.SHORT
        cells.reference = replace(cells.reference, outcome=marked)
    return shorts


class EnduranceResult(Result, kind="endurance", signal="contrast"):
    """What cycling did; reads are (checks, cells), NaN from the breakdown of a cell on."""

    cells: Annotated[Cells, OF_CELL]
    cycles: Annotated[NDArray[np.intp], Quantity("1", "write cycles so far", CHECKS)]
    parallel_amperes: Annotated[FloatArray, Quantity("A", "read after writing P", READS)]
    antiparallel_amperes: Annotated[FloatArray, Quantity("A", "read after writing AP", READS)]
    switched: Annotated[
        Proportion,
        Estimate(
            "1", "whole cells that read as written", ("direction", *CHECKS),
            name="switched_fraction", ends="switched_{}", of=OF_FAMILY,
        ),
    ]  # fmt: skip
    """(2, checks); P first, then AP"""
    broken: Annotated[
        Proportion,
        Estimate("1", "cells that have broken down", CHECKS, name="broken_fraction", ends="broken_{}", of=OF_FAMILY),
    ]
    whole: Annotated[NDArray[np.intp], Quantity("1", "cells that have not broken down", CHECKS)]
    broken_at: Annotated[NDArray[np.intp], Quantity("1", "cycles at which a short was seen, -1 for never", ("cell",))]
    limited: Annotated[int, Fact("1", "pulses in which a source was in compliance")]
    cost: Cost

    @property
    def switched_fraction(self) -> FloatArray:
        """(2, checks): of the cells that are whole, the fraction that reads as written; P first, then AP."""
        return self.switched.value

    @property
    def contrast(self) -> Annotated[FloatArray, Quantity("1", "(P - AP) / AP of the reads", READS)]:
        """Contrast of every cell."""
        return (self.parallel_amperes - self.antiparallel_amperes) / self.antiparallel_amperes
