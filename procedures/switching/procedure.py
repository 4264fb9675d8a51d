"""Switching probability of single cells against amplitude and width, in both directions, and the law fitted to it.

Every trial begins in a known state, as the read before it shows: a cell that switched is brought back by a pulse well
above V50, and read again. Where a pulse goes is decided by the outcomes so far, for each cell by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import Field

from labmtj.cost import Cost, CostMeter
from labmtj.errors import SettingError, UsageError
from labmtj.fitting.steering import Steering
from labmtj.fitting.switching_curve import SwitchingCurves, fit_curves, slope_per_decade
from labmtj.fitting.switching_law import Pulses, fit_laws, judge_exponent, model_range, ridge_of
from labmtj.quantities import BoolArray, FloatArray
from labmtj.results import record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import CellVolts, Key, Limited, Within, check_pulses
from procedures.common.reference import read_cells, reference_maps
from procedures.common.single_cells import (
    DIRECTIONS,
    Cells,
    SingleCells,
    TrialSettings,
    delivered_to,
    groups_sharing_no_line,
    limited,
    refused_widths,
)
from procedures.switching.results import SwitchingResult, append_trials, declare_trials

_T = TypeVar("_T")
PULSES_TO_FIND = 12
"""of one outcome only: then V50 lies outside the range, and no more is spent on the curve"""


class SwitchingProbability(TrialSettings):
    """Switching probability of chosen cells."""

    widths_seconds: Annotated[list[float], Within("pulse_seconds")] = Field(
        [1e-4, 1e-3, 1e-2, 1e-1], min_length=1, description="widths of the test pulses"
    )
    pulses: int = Field(1200, ge=20, description="test pulses per cell and direction, for all widths together")
    lowest_volts: float = Field(0.05, gt=0, description="below any V50")
    highest_volts: CellVolts = Field(0.9, description="highest amplitude of a test pulse")
    attempt_seconds: float = Field(1e-9, gt=0, description="tau0 at which Delta and Vc0 are quoted (assumed)")
    exponent: Literal[1, 2] = Field(2, description="exponent of the barrier at which they are quoted (assumed)")

    def check_together(self, array: Limited, key: Key) -> None:
        """Raise SettingError for amplitudes without a range, and for more pulses than the life of a cell."""
        super().check_together(array, key)
        check_pulses(array, (*key, "pulses"), 2 * (2 * self.pulses + len(self.widths_seconds) * self.resets))
        if self.lowest_volts >= self.highest_volts:
            raise SettingError((*key, "lowest_volts"), f"not below highest_volts = {self.highest_volts:g} V; lower it")

    def most_rows(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return the pulses and the shots of reads of all trials, at most."""
        return self.rows_of_trials(shape, 2 * self.pulses)

    def execute(self, crossbar: Crossbar, log: Log, *, delivered: FloatArray | None = None) -> SwitchingResult:
        """Measure, fit and record; leaves the array all-AP.

        Args:
            crossbar: the array.
            log: where the result goes.
            delivered: (rows, columns), the part of the voltage between its lines that reaches each cell, such as
                `ArrayInfo.delivered_fraction`: voltages are then quoted across the cell. Or (2, rows, columns), all
                other cells in AP, then in P, as they are while cells go to P, then to AP: the two differ by some
                percent. Without it voltages are quoted between the lines.
        """
        self.check(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            meter = CostMeter(crossbar)
            reference = reference_maps(meter, self.reference)
            record(log, "reference", reference)
            run = _Run(SingleCells(meter, reference, self), self, log)
            outcomes = [run.direction(state) for state in DIRECTIONS]
            run.cells.initialise(False)  # noqa: FBT003
            result = _result(self, run, outcomes, meter.cost, delivered)
            record(log, "switching", result)
        return result


@dataclass
class _Outcomes:
    """Test pulses of one direction, (cells, widths, trials) each; NaN where there was none."""

    volts: FloatArray
    seconds: FloatArray
    switched: FloatArray
    comes_back: BoolArray
    disturbed: int = 0


class _Run:
    """The trials of one array."""

    def __init__(self, cells: SingleCells, settings: SwitchingProbability, log: Log) -> None:
        self.cells, self.settings, self.log = cells, settings, log
        self.chosen = settings.chosen(cells.reference)
        self.each = settings.pulses // len(settings.widths_seconds)
        highest = max(settings.highest_volts, settings.reset_volts)
        probe = cells.biases(self.chosen, np.full(len(self.chosen), highest))
        refused_widths(cells.crossbar, probe, [*settings.widths_seconds, settings.reset_seconds])
        declare_trials(log)

    def direction(self, state: bool) -> _Outcomes:  # noqa: FBT001 - a state is a bit
        """Try all cells towards one state, in an array that is all in the other."""
        shape = (len(self.chosen), len(self.settings.widths_seconds), self.each)
        volts, times, switched = np.full((3, *shape), np.nan)
        found = _Outcomes(volts, times, switched, np.ones(len(self.chosen), bool))
        self.cells.initialise(not state)
        for number, seconds in enumerate(self.settings.widths_seconds):
            for group in groups_sharing_no_line(self.chosen):
                self._width(found, group, number, seconds, state)
            append_trials(self.log, self.chosen, state, seconds, *(part[:, number] for part in _parts(found)))
        found.disturbed = self._disturbed(state)
        return found

    def _width(self, found: _Outcomes, group: Cells, number: int, seconds: float, state: bool) -> None:  # noqa: FBT001
        """Try one group with one width; a cell that does not come back, or is out of range, is left alone."""
        cells = self.chosen[group]
        steering = Steering(len(group), self.settings.lowest_volts, self.settings.highest_volts)
        ready = self.cells.reset(cells, not state, fresh=False) & found.comes_back[group]
        for trial in range(self.each):
            now = np.flatnonzero(ready & self._worth(found.switched[group, number], trial))
            if not len(now):
                break
            volts = steering.next_volts()
            pulse = self.cells.pulse(cells[now], self.cells.sign(state) * volts[now], seconds)
            switched = self.cells.read(cells[now]) == state
            clean = ~limited(pulse)
            got_volts, got_seconds = delivered_to(pulse, cells[now])
            kept = now[clean]
            for part, values in zip(_parts(found), (got_volts, got_seconds, switched), strict=True):
                part[group[kept], number, trial] = values[clean]
            self._tell(steering, volts, kept, switched[clean])
            gone = now[switched]
            ready[gone] = self.cells.reset(cells[gone], not state)
        found.comes_back[group] &= ready

    @staticmethod
    def _tell(steering: Steering, volts: FloatArray, counted: Cells, switched: BoolArray) -> None:
        outcome, told = np.zeros((2, len(volts)), bool)
        outcome[counted], told[counted] = switched, True
        steering.tell(volts, outcome, told)

    @staticmethod
    def _worth(switched: FloatArray, trial: int) -> BoolArray:
        """Return the curves that showed both outcomes, or had too few pulses to."""
        if trial < PULSES_TO_FIND:
            return np.ones(len(switched), bool)
        made = np.isfinite(switched)
        hits = np.nansum(switched, axis=1)
        return np.asarray((hits > 0) & (hits < made.sum(axis=1)), bool)

    def _disturbed(self, state: bool) -> int:  # noqa: FBT001
        """Return how many usable cells other than the chosen ones have switched to the state."""
        reference = self.cells.reference
        amperes = read_cells(self.cells.crossbar, reference.read_volts, self.cells.how)
        bystanders = reference.usable.copy()
        bystanders[self.chosen[:, 0], self.chosen[:, 1]] = False
        return int(((amperes > reference.threshold_amperes) == state)[bystanders].sum())


def _parts(found: _Outcomes) -> tuple[FloatArray, FloatArray, FloatArray]:
    return found.volts, found.seconds, found.switched


def _result(
    settings: SwitchingProbability, run: _Run, outcomes: list[_Outcomes], cost: Cost, delivered: FloatArray | None
) -> SwitchingResult:
    """Fit what was found."""
    parts = _parts_of(run.chosen, run.cells.crossbar.shape, delivered)
    for found, part in zip(outcomes, parts, strict=True):
        found.volts *= part
    widths = np.array(settings.widths_seconds)
    pulses = [_pulses(found) for found in outcomes]
    curves = [_curves(each, (len(run.chosen), len(widths))) for each in outcomes]
    got = [np.nan_to_num(_mean(found.seconds), nan=0.0) for found in outcomes]
    seconds = np.array([np.where(each > 0, each, widths) for each in got])
    slopes = [slope_per_decade(widths, each.median_volts, each.median_sigma) for each in curves]
    laws = [fit_laws(each, settings.attempt_seconds, settings.exponent) for each in pulses]
    return SwitchingResult(
        run.chosen, widths, seconds, "lines" if delivered is None else "cell", _pair(curves), _pair(slopes),
        _pair(laws), _pair([model_range(each, law) for each, law in zip(pulses, laws, strict=True)]),
        _pair([ridge_of(each, law) for each, law in zip(pulses, laws, strict=True)]),
        _pair([judge_exponent(each) for each in pulses]), _pair(pulses),
        np.array([found.comes_back for found in outcomes]), _pair([found.disturbed for found in outcomes]),
        run.cells.limited, cost,
    )  # fmt: skip


def _curves(found: _Outcomes, shape: tuple[int, int]) -> SwitchingCurves:
    """Return a curve per cell and width, fields (cells, widths)."""
    flat = fit_curves(*(each.reshape(-1, each.shape[-1]) for each in (found.volts, found.switched)))
    return SwitchingCurves(*(getattr(flat, each.name).reshape(shape) for each in fields(SwitchingCurves)))


def _parts_of(chosen: Cells, shape: tuple[int, int], delivered: FloatArray | None) -> FloatArray:
    """Return the part of the lines' voltage that counts, (2, cells, 1, 1)."""
    if delivered is None:
        return np.ones((2, len(chosen), 1, 1))
    if delivered.shape not in (shape, (2, *shape)):
        raise UsageError(f"the delivered fraction is {delivered.shape}, the array {shape}; give one value per cell")
    both = np.broadcast_to(delivered, (2, *shape))
    return np.asarray(both[:, chosen[:, 0], chosen[:, 1], np.newaxis, np.newaxis], float)


def _pulses(found: _Outcomes) -> Pulses:
    flat = (len(found.volts), -1)
    return Pulses(found.volts.reshape(flat), found.seconds.reshape(flat), found.switched.reshape(flat))


def _mean(seconds: FloatArray) -> FloatArray:
    """Return the mean over the trials, NaN where there were none."""
    made = np.isfinite(seconds)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(made, seconds, 0.0).sum(axis=-1) / made.sum(axis=-1), float)


def _pair(values: list[_T]) -> tuple[_T, _T]:
    first, second = values
    return first, second
