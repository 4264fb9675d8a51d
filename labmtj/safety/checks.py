"""What a cell and a line survive: a whole batch is checked before its first element is applied.

The check needs no model of the array: in a passive network no cell sees more than the spread of all driven lines. Only
where that bound is too wide, and only for a calibrated array, the network itself is solved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import Instead, LimitExceeded
from labmtj.quantities import Bias, BoolArray, FloatArray, Limits
from labmtj.safety.exposure import Exposure, most_across, worst_cell
from labmtj.safety.stepping import most_while_stepping

ROUNDING_VOLTS = 1e-9
"""0.45 V - (-0.45 V) may print as 0.9 and be a little more"""
COUNTED_FRACTION = 0.5
"""a pulse counts for a cell that sees more than this part of limits.cell_volts (a choice): the half-selected neighbours
of a write at the limit are not worn by it, because breakdown rises with a high power of the voltage"""


def spread_volts(bias: Bias) -> FloatArray:
    """Return the largest voltage any cell can see under each bias, (batch,): floating lines lie in between."""
    volts = bias.line_volts
    spread = np.fmax.reduce(volts, axis=1) - np.fmin.reduce(volts, axis=1)
    return np.where(np.isnan(spread), 0.0, spread)


def line_name(line: int, shape: tuple[int, int]) -> str:
    """Return "row 3" or "column 0"."""
    return f"row {line}" if line < shape[0] else f"column {line - shape[0]}"


@brief
@dataclass(frozen=True, eq=False)
class Envelope:
    """What is allowed on one array."""

    limits: Limits
    shape: tuple[int, int]
    """rows and columns"""
    cell_siemens: float
    """nominal conductance of a cell in P"""
    most_cell_volts: Callable[[FloatArray], FloatArray] | None = None
    """of a calibrated array: from volts (batch, lines) to the most that any cell sees in any state, (batch,)"""

    def check(
        self,
        bias: Bias,
        pulse_seconds: float | None = None,
        hold_seconds: float = 0.0,
        shots_seconds: float | None = None,
        *,
        both_signs: bool = False,
    ) -> None:
        """Raise LimitExceeded naming the quantity, its value, the limit and the remedy.

        Args:
            bias: the whole batch.
            pulse_seconds: width of every pulse, None for a reading.
            hold_seconds: settle and aperture of a shot of a reading. One that may disturb a cell is a pulse to it.
            shots_seconds: how long all shots of a reading hold each bias, default `hold_seconds`. To the cell, they go
                on with each other, and with those of the bias before: see `labmtj.safety.exposure`.
            both_signs: a reading applies each bias with either sign, one after the other.
        """
        if bias.shape != self.shape:
            raise LimitExceeded(
                f"a bias for {bias.shape[0]} x {bias.shape[1]} lines does not fit the "
                f"{self.shape[0]} x {self.shape[1]} array; it was not applied: build it for this array"
            )
        spread = spread_volts(bias)
        largest = float(spread.max())
        if largest > self.limits.cell_volts + ROUNDING_VOLTS:
            self._check_volts(bias, spread)
        peak = float(np.fmax.reduce(np.abs(bias.line_volts), axis=None, initial=0.0))
        if 2 * peak > self.limits.cell_volts:  # else no mixture of levels can be too much
            self._check_stepping(bias, both_signs=both_signs, is_pulse=pulse_seconds is not None)
        largest = max(largest, peak)  # lines that share a voltage do not reach it together
        if max(self.shape) * largest * self.cell_siemens > self.limits.line_amperes:
            self._check_amperes(bias)
        if pulse_seconds is not None:
            self._check_seconds(pulse_seconds, largest)
        elif largest > self.limits.disturb_volts + ROUNDING_VOLTS:
            self._check_seconds(hold_seconds, largest)
            self._check_exposure(bias, hold_seconds if shots_seconds is None else shots_seconds)

    def _check_volts(self, bias: Bias, spread: FloatArray) -> None:
        wide = np.flatnonzero(spread > self.limits.cell_volts + ROUNDING_VOLTS)
        seen = spread[wide] if self.most_cell_volts is None else self.most_cell_volts(bias.line_volts[wide])
        if (most := float(seen.max())) <= self.limits.cell_volts + ROUNDING_VOLTS:
            return
        worst = int(wide[seen.argmax()])
        volts = bias.line_volts[worst]
        high, low = (line_name(int(pick(volts)), self.shape) for pick in (np.nanargmax, np.nanargmin))
        raise LimitExceeded(
            f"{high} at {np.nanmax(volts):.3g} V against {low} at {np.nanmin(volts):.3g} V puts "
            f"{'' if self.most_cell_volts is None else 'up to '}{most:.3g} V across a cell{_place(worst, bias)}; "
            f"the limit is {self.limits.cell_volts:g} V (limits.cell_volts). It was not applied: lower the amplitude"
        )

    def _check_stepping(self, bias: Bias, *, both_signs: bool, is_pulse: bool) -> None:
        """Raise if a cell may see too much while levels step."""
        stepping = most_while_stepping(bias, both_signs=both_signs, from_zero=is_pulse)
        stepping = np.where(stepping > spread_volts(bias) + ROUNDING_VOLTS, stepping, 0.0)  # else checked as it is held
        if (most := float(stepping.max())) > self.limits.cell_volts + ROUNDING_VOLTS:
            raise LimitExceeded(
                f"up to {most:.3g} V may be across a cell while levels step, one after another"
                f"{_place(int(stepping.argmax()), bias)}; the limit is {self.limits.cell_volts:g} V "
                "(limits.cell_volts). It was not applied: take less common voltage on all lines, one polarity, or "
                "calls of their own for biases that differ much: each call returns to 0 V"
            )

    def _check_amperes(self, bias: Bias) -> None:
        amperes = self.cell_siemens * largest_sums(bias)
        worst = int(amperes.max(axis=1).argmax())
        line = int(amperes[worst].argmax())
        if amperes[worst, line] > self.limits.line_amperes:
            raise LimitExceeded(
                f"{line_name(line, self.shape)} would draw {amperes[worst, line]:.3g} A with all its cells in P"
                f"{_place(worst, bias)}; the limit is {self.limits.line_amperes:g} A (limits.line_amperes). Nothing "
                "was applied: drive fewer lines at a time, or lower the amplitude"
            )

    def _check_seconds(self, seconds: float, largest_volts: float) -> None:
        if not 0 <= seconds <= self.limits.pulse_seconds:
            raise LimitExceeded(
                f"a pulse of {seconds:g} s is not within the limit of {self.limits.pulse_seconds:g} s "
                "(limits.pulse_seconds); it was not applied: give another width"
            ).advising(Instead("pulse_seconds", seconds, self.limits.pulse_seconds))
        joules = largest_volts**2 * self.cell_siemens * seconds
        if joules > self.limits.pulse_joules:
            raise LimitExceeded(
                f"{largest_volts:.3g} V for {seconds:g} s put {joules:.3g} J into a cell in P; the limit is "
                f"{self.limits.pulse_joules:g} J (limits.pulse_joules). It was not applied: shorten the pulse"
            ).advising(Instead("pulse_seconds", seconds, _below(seconds * self.limits.pulse_joules / joules)))

    def _check_exposure(self, bias: Bias, seconds: float) -> None:
        """Raise if consecutive shots and biases are too long, or too much energy, for a cell."""
        across = most_across(bias.line_volts, self.shape)
        stressing = across[across > self.limits.disturb_volts + ROUNDING_VOLTS]
        if len(stressing) * seconds <= self.limits.pulse_seconds and (
            float((stressing**2).sum()) * self.cell_siemens * seconds <= self.limits.pulse_joules
        ):
            return
        exposure = self.exposure()
        exposure.add(bias.line_volts, np.full(len(bias), seconds))
        if problem := self.problem(exposure):
            raise LimitExceeded(
                f"a reading of {seconds:g} s under {f'each of {len(bias)} biases' if len(bias) > 1 else 'a bias'} is "
                f"one pulse to a cell, because no shot returns to 0 V: {problem[1]}. It was not applied: read at no "
                f"more than {self.limits.disturb_volts:g} V (limits.disturb_volts), or with fewer repeats, a shorter "
                "aperture or fewer biases at a time"
            )

    def exposure(self) -> Exposure:
        """Return a new count of what cells see without a break."""
        return Exposure(self.shape, self.limits.disturb_volts + ROUNDING_VOLTS, self.cell_siemens)

    def problem(self, exposure: Exposure, fraction: float = 1.0 + 1e-9) -> tuple[BoolArray, str] | None:
        """Return which cells (rows, columns) are beyond the limits times `fraction`, and what the worst got.

        None if there is none.
        """
        limits = self.limits
        if (beyond := exposure.seconds > limits.pulse_seconds * fraction).any():
            worst = worst_cell(np.where(beyond, exposure.volts, -1.0))
            return beyond | (exposure.joules > limits.pulse_joules * fraction), (
                f"cell {worst} sees more than {limits.disturb_volts:g} V for {exposure.seconds[worst]:.4g} s in one "
                f"go, {exposure.volts[worst]:.3g} V at most; the limit is {limits.pulse_seconds:g} s "
                "(limits.pulse_seconds)"
            )
        if (beyond := exposure.joules > limits.pulse_joules * fraction).any():
            worst = worst_cell(exposure.joules)
            return beyond, (
                f"cell {worst} gets {exposure.joules[worst]:.3g} J in one go of {exposure.seconds[worst]:.4g} s, in P; "
                f"the limit is {limits.pulse_joules:g} J (limits.pulse_joules)"
            )
        return None

    def pulses_of_cells(self, bias: Bias) -> NDArray[np.int64] | None:
        """Return how many biases of the batch count as a pulse for each cell, (cells,); None if there is none."""
        threshold = COUNTED_FRACTION * self.limits.cell_volts + ROUNDING_VOLTS
        if not (spread_volts(bias) > threshold).any():
            return None
        across = bias.row_volts[:, :, np.newaxis] - bias.column_volts[:, np.newaxis, :]
        counted: NDArray[np.int64] = np.count_nonzero(np.abs(across) > threshold, axis=0).ravel()
        return counted if counted.any() else None


def largest_sums(bias: Bias) -> FloatArray:
    """Return the largest sum of the voltages across all cells of each line, (batch, lines).

    A floating line lies anywhere between the driven ones, and is taken where it draws most.
    """
    volts = bias.line_volts
    high, low = np.fmax.reduce(volts, axis=1)[:, np.newaxis], np.fmin.reduce(volts, axis=1)[:, np.newaxis]
    top, bottom = np.where(np.isnan(volts), high, volts), np.where(np.isnan(volts), low, volts)
    sums = np.empty_like(volts)
    rows, columns = slice(None, bias.shape[0]), slice(bias.shape[0], None)
    for own, other in ((rows, columns), (columns, rows)):
        mine = volts[:, own, np.newaxis]
        farthest = np.maximum(np.abs(mine - top[:, np.newaxis, other]), np.abs(mine - bottom[:, np.newaxis, other]))
        sums[:, own] = farthest.sum(axis=2)
    return np.nan_to_num(sums)


def _below(value: float) -> float:
    """Return the value with two digits, rounded down."""
    digit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.floor(value / digit * (1 + 1e-9)) * digit:.2g}")


def _place(number: int, bias: Bias) -> str:
    return f" (bias {number} of {len(bias)})" if len(bias) > 1 else ""
