"""Fractions with their intervals: of the trials of one cell, and means over cells that differ.

`proportion` is for trials that are alike, such as those of one cell: exact intervals (Clopper and Pearson, Biometrika
26, 404 (1934)), which never cover the truth less often than stated, and stay right where the count is 0 or all
trials. Cells differ: a spread of 10 % in Delta spreads their rates over decades. What is counted over many of them is
a mean, either of their family, from which these are a sample, or of the very cells that were tested.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.quantities import BoolArray, FloatArray

OF_FAMILY = "mean over the family of cells, of which these are a sample"
OF_TESTED = "mean over the very cells tested; others may differ"
WEIGHTINGS = 20_000
"""random weights of cells for an interval: its tails of 2.5 % are right to 0.1 %"""


@brief
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


def mean_over_family(hits: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Proportion:
    """Return the mean fraction of a family, (...), from hits and trials of each cell of a sample, (..., cells).

    Each cell has a probability of its own, of which nothing is assumed: a rare cell that was not met may make up the
    mean. The interval is Gaffke's for the mean of a bounded variable (Mathematical Methods of Statistics 14, 451
    (2005); Learned-Miller and Thomas, arXiv:1905.06208): means of the fractions of the cells, and of one more cell at
    the end of the range, with random weights. Here that cell is at either end as often, which makes the interval of
    one trial of each the mid-P one (Lancaster, JASA 56, 223 (1961)). It covers 95 %, not more, where cells differ; it
    covers more where all are alike, because it still allows for the cell that was not met.

    `value` is the mean of the fractions of the cells: a cell tried twice does not count twice.

    Raises:
        UsageError: for counts below zero or above the trials.
    """
    sample = _Sample(*_counts(hits, trials, level))
    found = _around(sample.mean, sample.cells, level)
    some = np.asarray((sample.fractions != np.round(sample.fractions)).any(axis=-1))  # else every cell is one trial
    if some.any():
        found.low[some], found.high[some] = _weighted(sample.fractions[some], sample.tried[some], level)
    return found


def _weighted(each: FloatArray, tried: BoolArray, level: float) -> FloatArray:
    """Return the ends, (2, n), of the interval of `mean_over_family` for fractions (n, cells); of one seed."""
    draw, means = np.random.default_rng(0), []
    for _ in range(WEIGHTINGS // 1000):
        weights, end = draw.standard_exponential((1000, each.shape[1])), draw.standard_exponential((1000, 1))
        total, summed = weights @ tried.T + end, weights @ each.T
        means += [summed / total, (summed + end) / total]
    return np.asarray(np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2], axis=0), float)


def one_trial_of_each(count: ArrayLike, cells: ArrayLike, level: float = 0.95) -> Proportion:
    """Return the mean fraction of a family of cells, when `count` of `cells` did it in one trial of each.

    As `mean_over_family`; raises UsageError for counts below zero or above the cells.
    """
    k, n = _counts(count, cells, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _around(np.asarray(k / n, float), n, level)


def mean_over_tested(hits: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Proportion:
    """Return the mean fraction over the very cells that were tested, (...), from many trials of each, (..., cells).

    Other cells may differ: this says nothing of them. Trials of a cell are alike, so that the variance of the mean is
    the sum of the cells' own, and never more than that of as many trials of one cell. Intervals are mid-P, of as many
    trials as have this variance.

    Raises:
        UsageError: for counts below zero or above the trials.
    """
    k, m = _counts(hits, trials, level)
    sample = _Sample(k, m)
    value, tried, cells = sample.mean, sample.tried, sample.cells
    with np.errstate(divide="ignore", invalid="ignore"):
        near = np.where(tried, (k + 0.5) / (m + 1), 0.0)  # a cell that always did the same may yet do otherwise
        own = np.where(tried, near * (1 - near) / m, 0.0).sum(axis=-1) / cells**2
        effective = (value * (1 - value)) / own
    least = cells * np.where(tried, m, m.max(initial=0)).min(axis=-1)  # p (1 - p) is concave
    same = (value <= 0) | (value >= 1)
    size = np.where(same, m.sum(axis=-1), np.maximum(np.nan_to_num(effective, nan=0.0), least))
    return _around(value, np.where(cells > 0, size, 0.0), level)


class _Sample:
    """The fraction of each cell (..., cells) and their mean (...), from hits and trials (..., cells)."""

    def __init__(self, hits: FloatArray, trials: FloatArray) -> None:
        self.tried: BoolArray = np.asarray(trials > 0, bool)
        self.cells = np.asarray(self.tried.sum(axis=-1), float)
        """that were tried at all"""
        with np.errstate(divide="ignore", invalid="ignore"):
            self.fractions: FloatArray = np.where(self.tried, hits / trials, 0.0)
            self.mean: FloatArray = np.asarray(self.fractions.sum(axis=-1) / self.cells, float)
            """NaN without a cell that was tried"""


def _counts(hits: ArrayLike, trials: ArrayLike, level: float) -> tuple[FloatArray, FloatArray]:
    k, m = np.broadcast_arrays(np.asarray(hits, float), np.asarray(trials, float))
    if not 0 < level < 1 or ((k < 0) | (k > m)).any():
        raise UsageError("a fraction needs 0 <= hits <= trials, and a level between 0 and 1")
    return k, m


def _around(value: FloatArray, size: FloatArray, level: float) -> Proportion:
    """Return mid-P intervals of fractions seen in `size` trials, which need not be whole numbers; NaN in none."""
    from scipy.special import betainc

    n = np.asarray(size, float)
    k = np.nan_to_num(value) * n

    def beyond(chance: FloatArray) -> FloatArray:
        """P(more than k) + P(k) / 2."""
        more = np.where(k < n, betainc(k + 1, np.maximum(n - k, 1e-9), chance), 0.0)
        as_many = np.where(k > 0, betainc(np.maximum(k, 1e-9), n - k + 1, chance), 1.0)
        return np.asarray((more + as_many) / 2, float)

    def where(tail: float) -> FloatArray:
        low, high = np.zeros(n.shape), np.ones(n.shape)
        for _ in range(50):  # halves the interval each time
            middle = (low + high) / 2
            under = beyond(middle) < tail
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray((low + high) / 2, float)

    none = n <= 0
    low = np.where(none | (k <= 0), 0.0, where((1 - level) / 2))
    high = np.where(none | (k >= n), 1.0, where((1 + level) / 2))
    return Proportion(value, low, high)


def least_rate(lost: Proportion, seconds: ArrayLike) -> FloatArray:
    """Return the least mean rate in 1/s that a fraction lost after `seconds` leaves possible, from its lower end.

    Derived here: 1 - exp(-r t) <= r t for every cell, so that the mean rate is at least (fraction lost) / t, whatever
    the spread. There is no bound from above: cells that are lost at once may have any rate.
    """
    return np.asarray(lost.low / np.asarray(seconds, float), float)


def per_exposure_bounds(lost: Proportion, exposures: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the least and largest mean probability per exposure that a fraction lost after `exposures` allows.

    Derived here (Bernoulli's inequality): 1 - (1 - p)^n lies between p and n p for every cell, so that the mean
    probability lies between (fraction lost) / n and the fraction lost, whatever the spread: from the lower end of the
    one to the upper end of the other.
    """
    return np.asarray(lost.low / np.asarray(exposures, float), float), lost.high
