"""The exposure of a cell: how long it sees more than a read voltage without a break, and the energy it takes meanwhile.

An exposure of a cell begins when it sees more than `limits.disturb_volts`, and ends when it sees no more than that. So
every shot of a reading in one sign or in both, and every bias of a batch, goes on with the exposure of the shot before
it: a bench steps from level to level, and passes 0 V between two polarities within microseconds. `Crossbar.measure` and
every pulse end at 0 V; a bench stays there for some 0.1 ms at least, and a pillar of some 10 nm cools within 0.1 us
(thermal diffusion through its leads; assumed): what comes after is an exposure of its own.

What a cell sees is bounded by its own two lines; where one of them floats, it lies anywhere between the driven lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.quantities import FloatArray

Shape = tuple[int, int]


def most_across(line_volts: FloatArray, shape: Shape) -> FloatArray:
    """Return the largest voltage between a row and a column under each bias (biases, lines), (biases,).

    Rows may differ by more, as inputs of both signs do: no cell joins two rows. With floating lines it is the
    largest difference of any two lines.
    """
    rows, columns = line_volts[:, : shape[0]], line_volts[:, shape[0] :]
    with np.errstate(invalid="ignore"):
        across = np.maximum(rows.max(axis=1) - columns.min(axis=1), columns.max(axis=1) - rows.min(axis=1))
    if np.isnan(across).any():
        floating = np.isnan(line_volts).any(axis=1)
        some = line_volts[floating]
        across[floating] = np.nan_to_num(np.fmax.reduce(some, axis=1) - np.fmin.reduce(some, axis=1))
    return np.asarray(across, float)


def cells_across(volts: FloatArray, shape: Shape) -> FloatArray:
    """Return the largest voltage that each cell can see under one bias (lines,), (rows, columns)."""
    if not np.isfinite(volts).any():
        return np.zeros(shape)
    floating = np.isnan(volts)
    high, low = np.where(floating, np.nanmax(volts), volts), np.where(floating, np.nanmin(volts), volts)
    rows, columns = slice(None, shape[0]), slice(shape[0], None)
    across: FloatArray = np.maximum(
        high[rows, np.newaxis] - low[np.newaxis, columns], high[np.newaxis, columns] - low[rows, np.newaxis]
    )
    return across


@brief
@dataclass(eq=False)
class Exposure:
    """The longest exposure of every cell, and the one of most energy, step by step.

    Args:
        shape: rows and columns.
        disturb_volts: what counts is above it.
        cell_siemens: nominal conductance of a cell in P.
    """

    shape: Shape
    disturb_volts: float
    cell_siemens: float
    seconds: FloatArray = field(init=False)
    """(rows, columns)"""
    joules: FloatArray = field(init=False)
    """(rows, columns), as if the cell were in P"""
    volts: FloatArray = field(init=False)
    """(rows, columns), the most that each cell saw"""

    def __post_init__(self) -> None:
        self._running_seconds, self._running_joules = np.zeros(self.shape), np.zeros(self.shape)
        self.seconds, self.joules, self.volts = np.zeros(self.shape), np.zeros(self.shape), np.zeros(self.shape)

    def add(self, line_volts: FloatArray, seconds: Iterable[float]) -> None:
        """Go on with biases (biases, lines) that follow each other, each held for a time; NaN = floating."""
        for volts, each in zip(line_volts, seconds, strict=True):
            if each <= 0:
                continue
            across = cells_across(volts, self.shape)
            stressed = across > self.disturb_volts
            self._running_seconds = np.where(stressed, self._running_seconds + each, 0.0)
            with np.errstate(over="ignore"):  # infinite is beyond every limit
                more = across**2 * self.cell_siemens * each
            self._running_joules = np.where(stressed, self._running_joules + more, 0.0)
            np.maximum(self.seconds, self._running_seconds, out=self.seconds)
            np.maximum(self.joules, self._running_joules, out=self.joules)
            np.maximum(self.volts, across, out=self.volts)

    def end(self) -> None:
        """All lines are at 0 V: what comes is an exposure of its own."""
        self._running_seconds[:], self._running_joules[:] = 0.0, 0.0


def worst_cell(values: NDArray[np.float64]) -> tuple[int, int]:
    """Return row and column of the largest value."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return int(row), int(column)
