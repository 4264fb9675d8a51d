"""How well a resistance repeats: from one write to the next, and from one read to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labmtj.quantities import BoolArray, FloatArray

LARGEST_JUMP = 30.0
"""times the usual scatter: a cell that scatters more counts as if it did so much, in the mean of all"""
LEAST_WRITES = 20
"""cells written twice to one state, before the spread from write to write counts as measured"""


def from_write_to_write(
    by_network: FloatArray, states: BoolArray, fit: BoolArray, assumed: float
) -> tuple[FloatArray, NDArray[np.intp], float, bool]:
    """Return the mean residual of each write at its reads, writes per state and cell, and their relative spread."""
    cells = by_network.shape[1]
    flipped = np.diff(states, axis=0, prepend=states[:1])
    write = np.cumsum(flipped, axis=0) * cells + np.arange(cells)
    told = np.isfinite(by_network) & fit
    size = int(write.max()) + 1
    count = np.bincount(write[told], minlength=size)
    mean = np.bincount(write[told], by_network[told], size) / np.maximum(count, 1)
    writes = np.zeros((2, cells), np.intp)
    numbers = np.flatnonzero(count)
    # a cell's writes alternate between the states: the parity of its number tells which, from its first state on
    state = states[0][numbers % cells] ^ ((numbers // cells) % 2 == 1)
    np.add.at(writes, (np.where(state, 0, 1), numbers % cells), 1)
    key = np.where(state, 0, 1) * cells + numbers % cells
    centre = np.bincount(key, mean[numbers], 2 * cells) / np.maximum(writes.ravel(), 1)
    squares = np.bincount(key, (mean[numbers] - centre[key]) ** 2, 2 * cells)
    freedom = np.maximum(writes.ravel() - 1, 0)
    told_twice = freedom > 0
    if told_twice.sum() < LEAST_WRITES:
        return mean[write], writes, assumed, False
    # the median, for a telegraph cell is no measure of how a write repeats
    spread = float(
        np.sqrt(np.median(squares[told_twice] / freedom[told_twice]) / _median_of_mean_square(freedom[told_twice]))
    )
    return mean[write], writes, spread, True


def _median_of_mean_square(freedom: NDArray[np.intp]) -> float:
    """Return the median of chi-square over its degrees of freedom, of the typical number of them."""
    n = float(np.median(freedom))
    return (1 - 2 / (9 * n)) ** 3  # Wilson and Hilferty


def repeatability(by_network: FloatArray, fit: BoolArray, cycle: float, within: FloatArray) -> FloatArray:
    """Return how well a prediction of each cell can do: its own scatter about the fit, drawn towards that of all.

    The mean of all, and not the median: nobody knows yet which of the quiet cells jump. No cell does better than a
    write repeats.
    """
    square = np.where(np.isfinite(by_network), by_network**2, 0.0).sum(axis=0)
    freedom = np.maximum(np.isfinite(by_network).sum(axis=0) - 2, 0)
    told = fit & (freedom > 0)
    if freedom[told].sum() < LEAST_WRITES:
        return np.hypot(cycle, within)
    each = square[told] / freedom[told]
    usual = float(np.mean(np.minimum(each, LARGEST_JUMP**2 * np.median(each))))
    return np.asarray(np.sqrt(np.maximum((square + 4 * usual) / (freedom + 4), cycle**2)), float)


def from_read_to_read(by_network: FloatArray, written: FloatArray, fit: BoolArray) -> FloatArray:
    """Return the relative scatter of every cell between reads of one write, drawn towards that of all cells."""
    square = np.where(np.isfinite(by_network), (by_network - written) ** 2, 0.0).sum(axis=0)
    freedom = np.isfinite(by_network).sum(axis=0)
    each = square[fit & (freedom > 0)] / freedom[fit & (freedom > 0)]
    usual = float(np.median(each)) if each.size else 0.0  # the median: a telegraph cell is no measure of the others
    return np.asarray(np.sqrt((square + 4 * usual) / (freedom + 4)), float)
