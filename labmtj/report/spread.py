"""Whether two sets of values differ by more than they scatter: paired where they belong together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report.measures import Measure

_FEWEST = 3
"""least values, or pairs, for which a spread is reported"""


@dataclass(frozen=True)
class Difference:
    """Second minus first, with half of its 95 % interval."""

    first: float
    """mean, over the pairs if there are any"""
    second: float
    half_interval: float
    """NaN for fewer than three"""
    pairs: int
    """0 if the values do not belong together one by one"""

    @property
    def mean(self) -> float:
        """Difference of the means."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """Say whether they are equal, within the spread, or differ; or that there are too few; "-" for none."""
        if math.isnan(self.mean):
            return "-"
        if math.isnan(self.half_interval):
            return "too few"
        if self.half_interval == 0 and self.mean == 0:
            return "equal"
        return "within" if abs(self.mean) <= self.half_interval else "differs"


def difference(first: Measure, second: Measure) -> Difference:
    """Compare two measures: pair by pair if they have three keys in common, else as two samples (Welch).

    The interval is Student's t for the mean of the differences; values that are no number are left out. A measure
    that says so is compared pair by pair or not at all.
    """
    places = {key: at for at, key in enumerate(second.keys)}
    common = [(at, places[key]) for at, key in enumerate(first.keys) if key in places]
    if len(common) >= _FEWEST:
        left, right = (np.array(each) for each in zip(*common, strict=True))
        return _paired(first.values[left], second.values[right])
    if first.paired_only or second.paired_only:
        return Difference(math.nan, math.nan, math.nan, 0)
    return _apart(first.values[np.isfinite(first.values)], second.values[np.isfinite(second.values)])


def _paired(first: FloatArray, second: FloatArray) -> Difference:
    good = np.isfinite(first) & np.isfinite(second)
    first, second = first[good], second[good]
    count = len(first)
    if not count:
        return Difference(math.nan, math.nan, math.nan, 0)
    half = _student(count - 1) * _error(second - first) if count >= _FEWEST else math.nan
    return Difference(float(first.mean()), float(second.mean()), half, count)


def _apart(first: FloatArray, second: FloatArray) -> Difference:
    one, other = (float(each.mean()) if len(each) else math.nan for each in (first, second))
    if min(len(first), len(second)) < _FEWEST:
        return Difference(one, other, math.nan, 0)
    errors = np.array([_error(first) ** 2, _error(second) ** 2])
    total = errors.sum()
    freedom = total**2 / (errors**2 / (len(first) - 1, len(second) - 1)).sum() if total else 1.0
    return Difference(one, other, _student(float(freedom)) * math.sqrt(total), 0)


def _error(values: FloatArray) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def _student(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))
