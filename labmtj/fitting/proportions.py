"""Binomial proportions with exact intervals (Clopper and Pearson, Biometrika 26, 404 (1934)).

Exact here means that an interval never covers the truth less often than stated; it is a little wide for few trials, and
stays right where nothing, or everything, was counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from labmtj.errors import UsageError
from labmtj.quantities import FloatArray


@dataclass(frozen=True, eq=False)
class Proportion:
    """Counted fractions and their intervals, all of one shape."""

    value: FloatArray
    """count / trials; NaN without trials"""
    low: FloatArray
    high: FloatArray
    """of the interval: 0 and 1 without trials"""


def proportion(count: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Proportion:
    """Return `count` of `trials` as fractions with Clopper-Pearson intervals; the arguments broadcast.

    Where nothing was counted, `low` is 0 and `high` the end of the two-sided interval, (1 - level) / 2 in its tail.

    Raises:
        UsageError: for counts below zero or above the trials, or a level outside 0 to 1.
    """
    from scipy.special import betaincinv

    hits, tries = np.broadcast_arrays(np.asarray(count, float), np.asarray(trials, float))
    if not 0 < level < 1 or ((hits < 0) | (hits > tries)).any():
        raise UsageError("a proportion needs 0 <= count <= trials, and a level between 0 and 1")
    tail = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.asarray(hits / tries, float)
        low = np.where(hits > 0, betaincinv(np.maximum(hits, 1), tries - hits + 1, tail), 0.0)
        high = np.where(hits < tries, betaincinv(hits + 1, np.maximum(tries - hits, 1), 1 - tail), 1.0)
    return Proportion(value, low, high)


def per_exposure(flipped: ArrayLike, cells: ArrayLike, exposures: ArrayLike, level: float = 0.95) -> Proportion:
    """Return the probability per exposure, when `flipped` of `cells` had left their state after `exposures` of each.

    A cell that has left does not come back: the fraction left is 1 - (1 - p)^exposures.
    """
    whole = proportion(flipped, cells, level)
    times = np.asarray(exposures, float)

    def single(fraction: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(-np.expm1(np.log1p(-fraction) / times), float)

    return Proportion(single(whole.value), single(whole.low), single(whole.high))


def per_second(flipped: ArrayLike, cells: ArrayLike, seconds: ArrayLike, level: float = 0.95) -> Proportion:
    """Return the rate in 1/s at which cells leave a state, when `flipped` of `cells` had left it after `seconds`."""
    whole = proportion(flipped, cells, level)
    time = np.asarray(seconds, float)

    def rate(fraction: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(-np.log1p(-fraction) / time, float)

    return Proportion(rate(whole.value), rate(whole.low), rate(whole.high))
