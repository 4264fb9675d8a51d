"""Tuning without touching the array: the gains that turn measured currents into activations, scanned.

What an array answered enters as two things. Layer 1 as raw pair differences d1, shape (solutions, samples, hidden), in
units of V_read * dG. Layer 2 as the matrix t2, (solutions, hidden, outputs), in units of dG, with which it answers any
activations: h @ t2. So layer 2 can be evaluated again at any gain of layer 1. Accuracies are fractions.

Tune on the training samples alone (slice d1 and the classes) and report the others with the gains found.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from labmtj.quantities import FloatArray

GAINS: FloatArray = np.arange(4, 41) / 20
"""0.2 to 2.0 in steps of 0.05, in units of dG"""
CHUNK = 25
"""solutions per pass: keeps the arrays of a pass within a few megabytes"""


def scan_common(
    d1: FloatArray,
    t2: FloatArray,
    b1: FloatArray,
    b2: FloatArray,
    classes: NDArray[np.integer],
    gains: FloatArray = GAINS,
) -> FloatArray:
    """Return the accuracy with the same gain in both layers, (solutions, gains).

    Args:
        d1: raw pair differences of layer 1, (solutions, samples, hidden).
        t2: layer 2 as a matrix, (solutions, hidden, outputs).
        b1: biases, (solutions, hidden).
        b2: biases, (solutions, outputs).
        classes: (samples,).
        gains: g, positive, (gains,).
    """
    return _scan(d1, t2, b1, b2, classes, [(gain, [gain]) for gain in gains])[:, :, 0]


def scan_layers(
    d1: FloatArray,
    t2: FloatArray,
    b1: FloatArray,
    b2: FloatArray,
    classes: NDArray[np.integer],
    gains1: FloatArray = GAINS,
    gains2: FloatArray = GAINS,
) -> FloatArray:
    """Return the accuracy for every pair of gains, (solutions, gains of layer 1, gains of layer 2)."""
    return _scan(d1, t2, b1, b2, classes, [(gain, gains2) for gain in gains1])


def best_common(curves: FloatArray, gains: FloatArray = GAINS) -> float:
    """Return the one gain with the highest median accuracy over the solutions; the mean decides between equals.

    Args:
        curves: (solutions, gains), as of `scan_common`.
        gains: (gains,).
    """
    return float(gains[_best_column(curves)])


def best_layers(grid: FloatArray, gains1: FloatArray = GAINS, gains2: FloatArray = GAINS) -> tuple[float, float]:
    """Return the pair of gains with the highest median accuracy over the solutions; `grid` as of `scan_layers`."""
    first, second = np.divmod(_best_column(grid.reshape(len(grid), -1)), len(gains2))
    return float(gains1[first]), float(gains2[second])


def best_each(curves: FloatArray, gains: FloatArray = GAINS) -> FloatArray:
    """Return the best gain of every solution, (solutions,); of several that are equally good, the middle one."""
    top = curves == curves.max(axis=1, keepdims=True)
    centre = (top * gains).sum(axis=1) / top.sum(axis=1)
    distance = np.where(top, np.abs(gains - centre[:, np.newaxis]), np.inf)
    chosen: FloatArray = np.asarray(gains, float)[np.argmin(distance, axis=1)]
    return chosen


def _best_column(table: FloatArray) -> int:
    # an accuracy difference of one sample in one solution is above 1e-9, so the mean only decides between equal medians
    return int(np.argmax(np.median(table, axis=0) + 1e-9 * table.mean(axis=0)))


def _scan(
    d1: FloatArray,
    t2: FloatArray,
    b1: FloatArray,
    b2: FloatArray,
    classes: NDArray[np.integer],
    gains: Iterable[tuple[float, Iterable[float]]],
) -> FloatArray:
    """Return (solutions, gains of layer 1, gains of layer 2 listed with each)."""
    chunks = [slice(start, start + CHUNK) for start in range(0, len(d1), CHUNK)]
    listed = [(first, list(seconds)) for first, seconds in gains]
    return np.concatenate([_scan_chunk(d1[c], t2[c], b1[c], b2[c], classes, listed) for c in chunks])


def _scan_chunk(
    d1: FloatArray,
    t2: FloatArray,
    b1: FloatArray,
    b2: FloatArray,
    classes: NDArray[np.integer],
    gains: list[tuple[float, list[float]]],
) -> FloatArray:
    # samples run along the last axis here, which is what NumPy is quick along
    raw, matrix = np.ascontiguousarray(d1.transpose(0, 2, 1)), t2.transpose(0, 2, 1)
    leads_by_bias = _leads(np.repeat(b2[:, :, np.newaxis], len(classes), axis=2), classes)
    least = _least_leads(b2.shape[1], classes)
    accuracies = np.empty((len(d1), len(gains), len(gains[0][1])))
    for i, (first, seconds) in enumerate(gains):
        leads = _leads(np.matmul(matrix, np.tanh(raw / first + b1[..., np.newaxis])), classes)
        for j, second in enumerate(seconds):
            right = (leads + second * leads_by_bias > least).all(axis=1)
            accuracies[:, i, j] = np.count_nonzero(right, axis=1)
    return accuracies / len(classes)


def _leads(values: FloatArray, classes: NDArray[np.integer]) -> FloatArray:
    """Return the true class's value minus every class's, (solutions, outputs, samples), of values of that shape."""
    own: FloatArray = np.take_along_axis(values, np.broadcast_to(classes, (len(values), 1, len(classes))), axis=1)
    return own - values


def _least_leads(outputs: int, classes: NDArray[np.integer]) -> FloatArray:
    """Return what a lead must exceed, (outputs, samples): 0, or just below it where argmax settles a tie for us."""
    earlier = np.arange(outputs)[:, np.newaxis] < classes
    return np.where(earlier, 0.0, np.nextafter(0.0, -1.0))
