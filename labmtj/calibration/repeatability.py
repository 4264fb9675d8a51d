"""How well a resistance repeats: from one write to the next, and from one read to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.calibration.cell_reads import writes_of
from labmtj.fitting.scatter import median_of_mean_square
from labmtj.quantities import BoolArray, FloatArray

LARGEST_JUMP = 30.0
"""times the usual scatter: a cell that scatters more counts as if it did so much, in the mean of all"""
LEAST_WRITES = 20
"""cells written twice to one state, before the spread from write to write counts as measured"""


@brief
@dataclass(frozen=True, eq=False)
class Written:
    """How cells repeat from one write to the next."""

    mean: FloatArray
    """(networks, cells) mean relative residual of the write that a cell was in"""
    writes: NDArray[np.intp]
    """(2, cells) in P and in AP, as far as they were read"""
    spread: tuple[float, float]
    """relative standard deviation of the mean of a write, in P and in AP, noise of its reads included"""
    measured: bool
    """whether it follows from the log; else it is assumed"""


def from_write_to_write(by_network: FloatArray, states: BoolArray, fit: BoolArray, assumed: float) -> Written:
    """Return how cells repeat, from residuals, NaN where a cell was not read, and states, (networks, cells) each."""
    cells = by_network.shape[1]
    write = writes_of(states) * cells + np.arange(cells)
    told = np.isfinite(by_network) & fit
    size = int(write.max()) + 1
    count = np.bincount(write[told], minlength=size)
    mean = np.bincount(write[told], by_network[told], size) / np.maximum(count, 1)
    numbers = np.flatnonzero(count)
    # a cell's writes alternate between the states: the parity of its number says which, from its first state on
    parallel = states[0][numbers % cells] ^ ((numbers // cells) % 2 == 1)
    key = np.where(parallel, 0, 1) * cells + numbers % cells
    writes = np.bincount(key, minlength=2 * cells)
    centre = np.bincount(key, mean[numbers], 2 * cells) / np.maximum(writes, 1)
    squares: FloatArray = (
        np.bincount(key, (mean[numbers] - centre[key]) ** 2, 2 * cells).reshape(2, cells).astype(float)
    )
    writes = writes.reshape(2, cells).astype(np.intp)
    if (writes > 1).sum() < LEAST_WRITES:
        return Written(mean[write], writes, (assumed, assumed), measured=False)
    both = _spread(squares, writes)
    each = [_spread(*of) if (of[1] > 1).sum() >= LEAST_WRITES else both for of in zip(squares, writes, strict=True)]
    return Written(mean[write], writes, (each[0], each[1]), measured=True)


def _spread(squares: FloatArray, writes: NDArray[np.intp]) -> float:
    """Return the typical spread: the median, because a telegraph cell does not show how a write repeats."""
    freedom = (writes[writes > 1] - 1).astype(float)
    return float(np.sqrt(np.median(squares[writes > 1] / freedom / median_of_mean_square(freedom))))


def repeatability(by_network: FloatArray, fit: BoolArray, cycle: float, within: FloatArray) -> FloatArray:
    """Return how well each cell can be predicted: its own scatter about the fit, drawn towards that of all cells.

    The mean of all, not the median: which of the quiet cells jump is not known yet. No cell is predicted better
    than a write repeats.
    """
    square = np.where(np.isfinite(by_network), by_network**2, 0.0).sum(axis=0)
    freedom = np.maximum(np.isfinite(by_network).sum(axis=0) - 2, 0)
    repeated = fit & (freedom > 0)
    if freedom[repeated].sum() < LEAST_WRITES:
        return np.hypot(cycle, within)
    each = square[repeated] / freedom[repeated]
    usual = float(np.mean(np.minimum(each, LARGEST_JUMP**2 * np.median(each))))
    return np.asarray(np.sqrt(np.maximum((square + 4 * usual) / (freedom + 4), cycle**2)), float)


def from_read_to_read(by_network: FloatArray, written: FloatArray, fit: BoolArray) -> FloatArray:
    """Return the relative scatter of every cell between reads of one write, drawn towards that of all cells."""
    square = np.where(np.isfinite(by_network), (by_network - written) ** 2, 0.0).sum(axis=0)
    freedom = np.isfinite(by_network).sum(axis=0)
    each = square[fit & (freedom > 0)] / freedom[fit & (freedom > 0)]
    usual = float(np.median(each)) if each.size else 0.0  # the median: a telegraph cell is no measure of the others
    return np.asarray(np.sqrt((square + 4 * usual) / (freedom + 4)), float)
