"""What a cell and a line survive: a whole batch is checked before its first element is applied.

The check needs no model of the array: in a passive network no cell sees more than the spread of all driven lines. Only
where that bound is too wide, and only for an array that is calibrated, the network itself is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import LimitExceeded
from labmtj.quantities import Bias, FloatArray, Limits

ROUNDING_VOLTS = 1e-9
"""0.45 V - (-0.45 V) may print as 0.9 and be a little more"""
COUNTED_FRACTION = 0.5
"""a pulse counts for a cell that sees more than this part of limits.cell_volts (a choice): the half-selected neighbours
of a write at the limit are not worn by it, for breakdown rises with a high power of the voltage"""


def spread_volts(bias: Bias) -> FloatArray:
    """Return the largest voltage any cell can see under each bias, (batch,): floating lines lie in between."""
    volts = bias.line_volts
    spread = np.fmax.reduce(volts, axis=1) - np.fmin.reduce(volts, axis=1)
    return np.where(np.isnan(spread), 0.0, spread)


def line_name(line: int, shape: tuple[int, int]) -> str:
    """Return "row 3" or "column 0"."""
    return f"row {line}" if line < shape[0] else f"column {line - shape[0]}"


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

    def check(self, bias: Bias, pulse_seconds: float | None = None, hold_seconds: float = 0.0) -> None:
        """Raise LimitExceeded naming what is too much, by how much, and the remedy.

        Args:
            bias: the whole batch.
            pulse_seconds: width of every pulse, None for a reading.
            hold_seconds: how long a reading holds each bias. One that may disturb a cell is a pulse to the cell.
        """
        if bias.shape != self.shape:
            raise LimitExceeded(
                f"a bias for {bias.shape[0]} x {bias.shape[1]} lines does not fit the "
                f"{self.shape[0]} x {self.shape[1]} array; nothing was applied: build it for this array"
            )
        spread = spread_volts(bias)
        largest = float(spread.max())
        if largest > self.limits.cell_volts + ROUNDING_VOLTS:
            self._check_volts(bias, spread)
        if max(self.shape) * largest * self.cell_siemens > self.limits.line_amperes:
            self._check_amperes(bias)
        if pulse_seconds is None:
            pulse_seconds = hold_seconds if largest > self.limits.disturb_volts + ROUNDING_VOLTS else 0.0
        self._check_seconds(pulse_seconds, largest)

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
            f"the limit is {self.limits.cell_volts:g} V (limits.cell_volts). Nothing was applied: lower the amplitude"
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
                "(limits.pulse_seconds); nothing was applied: give another width"
            )
        joules = largest_volts**2 * self.cell_siemens * seconds
        if joules > self.limits.pulse_joules:
            raise LimitExceeded(
                f"{largest_volts:.3g} V for {seconds:g} s put {joules:.3g} J into a cell in P; the limit is "
                f"{self.limits.pulse_joules:g} J (limits.pulse_joules). Nothing was applied: shorten the pulse"
            )

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


def _place(number: int, bias: Bias) -> str:
    return f" (bias {number} of {len(bias)})" if len(bias) > 1 else ""
