"""A network on hardware compared with the same one in software: agreement, gaps, tuning curves, ranks.

Pure functions on arrays. Accuracies are fractions. Leading axes (...) are solutions, arrays, gains: whatever the caller
compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.errors import UsageError
from labmtj.quantities import FloatArray


def logit_rmse(hardware: FloatArray, software: FloatArray) -> FloatArray:
    """Return the rms difference of logits (..., samples, outputs), (...)."""
    return np.asarray(np.sqrt(np.mean(np.square(np.asarray(hardware) - software), axis=(-2, -1))), float)


def logit_margin(logits: FloatArray, classes: NDArray[np.integer]) -> FloatArray:
    """Return the true class's logit minus the largest other, (..., samples): negative where the sample is misread."""
    values = np.asarray(logits, float)
    mine = np.arange(values.shape[-1]) == np.asarray(classes)[:, np.newaxis]
    own = np.where(mine, values, -np.inf).max(axis=-1)
    margin: FloatArray = own - np.where(mine, -np.inf, values).max(axis=-1)
    return margin


def agreement(hardware: NDArray[np.integer], software: NDArray[np.integer]) -> FloatArray:
    """Return the share of samples given the same class, (...), right or wrong; classes (..., samples)."""
    return np.asarray(np.mean(np.asarray(hardware) == software, axis=-1), float)


def confusion(reference: NDArray[np.integer], predicted: NDArray[np.integer], outputs: int) -> NDArray[np.intp]:
    """Return how often reference class r was predicted as p, (..., r, p); classes (..., samples) broadcast."""
    first, second = np.broadcast_arrays(reference, predicted)
    kinds = np.arange(outputs)[:, np.newaxis]
    of_first, of_second = ((which[..., np.newaxis, :] == kinds).astype(np.intp) for which in (first, second))
    counts: NDArray[np.intp] = np.matmul(of_first, of_second.swapaxes(-1, -2))
    return counts


@dataclass(frozen=True, eq=False)
class MatchedGap:
    """Accuracy on hardware minus in software, paired by solution."""

    median: float
    quartiles: tuple[float, float]
    wilcoxon_statistic: float
    wilcoxon_p: float
    """two-sided, that the gaps are symmetric about zero; 1 if every gap is zero"""


def matched_gap(hardware: FloatArray, software: FloatArray) -> MatchedGap:
    """Return the paired gap of accuracies (solutions,) on the same samples.

    Raises:
        UsageError: if the two differ in shape or hold nothing.
    """
    if np.shape(hardware) != np.shape(software) or np.ndim(hardware) != 1 or np.size(hardware) == 0:
        raise UsageError(f"accuracies to be paired have shapes {np.shape(hardware)} and {np.shape(software)}")
    # counts of samples: their differences are multiples of 1 / samples, which rounding must not make unequal
    gaps = np.round(np.asarray(hardware, float) - software, 12)
    low, middle, high = np.percentile(gaps, (25, 50, 75))
    if not gaps.any():
        return MatchedGap(0.0, (0.0, 0.0), 0.0, 1.0)
    from scipy.stats import wilcoxon  # slow to import

    # the normal approximation: the exact distribution does not hold for tied accuracies
    how: Any = {"zero_method": "wilcox", "method": "asymptotic"}
    answer = wilcoxon(gaps, **how)
    return MatchedGap(float(middle), (float(low), float(high)), float(answer.statistic), float(answer.pvalue))


@dataclass(frozen=True)
class PairedGain:
    """The gain of one method over another, paired by chip."""

    mean: float
    low: float
    high: float
    """interval of the mean over chips"""


def paired_gain(differences: FloatArray, level: float = 0.95) -> PairedGain:
    """Return the mean of differences (chips,) with Student's interval for it; NaN of one chip alone.

    Chips differ far more than solutions on one chip, so average over solutions first. Of 20 chips with normal
    differences 95 % intervals cover in 95 % of cases, with differences as skewed as an exponential in 93 %; there a
    bootstrap of the mean covers in 92 and 91 %. What is missed lies above such an interval, not below.

    Raises:
        UsageError: for no chip, or a level outside of (0, 1).
    """
    values = np.asarray(differences, float)
    if values.ndim != 1 or not len(values) or not 0 < level < 1:
        raise UsageError(f"differences of shape {values.shape} at level {level} have no interval; wanted are (chips,)")
    mean = float(values.mean())
    if len(values) == 1:
        return PairedGain(mean, float("nan"), float("nan"))
    from scipy.stats import t as student  # slow to import

    reach = float(student.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return PairedGain(mean, mean - reach, mean + reach)


def tuning_width(gains: FloatArray, curves: FloatArray, drop: float = 0.02) -> FloatArray:
    """Return the width in gain around its best within which accuracy loses at most `drop`, (...).

    The crossings are interpolated between the gains scanned; a curve that does not fall so far ends at the scan's edge.

    Args:
        gains: rising, (gains,).
        curves: accuracies, (..., gains).
        drop: as a fraction.
    """
    values = np.asarray(curves, float)
    widths = [_width(np.asarray(gains, float), curve, drop) for curve in values.reshape(-1, values.shape[-1])]
    return np.array(widths).reshape(values.shape[:-1])


def recovered_fraction(tuned: ArrayLike, untuned: ArrayLike, software: ArrayLike) -> FloatArray:
    """Return (tuned - untuned) / (software - untuned) of accuracies, (...): NaN where nothing was lost."""
    gained, lost = np.subtract(tuned, untuned), np.subtract(software, untuned)
    nothing = np.full(np.broadcast_shapes(gained.shape, lost.shape), np.nan)
    fraction: FloatArray = np.divide(gained, lost, out=nothing, where=np.broadcast_to(lost != 0, nothing.shape))
    return fraction


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rho of a metric with accuracy; NaN if either is constant or fewer than three pairs are finite."""

    rho: float
    p: float
    pairs: int


def rank_correlations(metrics: Mapping[str, FloatArray], accuracy: FloatArray) -> dict[str, RankCorrelation]:
    """Return how each metric, (solutions,), ranks the solutions as their accuracy, (solutions,), does."""
    return {name: _spearman(np.asarray(values, float), np.asarray(accuracy, float)) for name, values in metrics.items()}


def _width(gains: FloatArray, curve: FloatArray, drop: float) -> float:
    best, floor = int(np.argmax(curve)), curve.max() - drop
    return _crossing(gains[best:], curve[best:], floor) - _crossing(gains[best::-1], curve[best::-1], floor)


def _crossing(gains: FloatArray, curve: FloatArray, floor: float) -> float:
    """Return where a curve that starts above the floor first falls below it, or its last gain."""
    # a tolerance far below one sample: accuracies are ratios, and a drop of exactly `drop` is inside
    below = np.flatnonzero(curve < floor - 1e-9)
    if not len(below):
        return float(gains[-1])
    k = below[0]
    share = (curve[k - 1] - floor) / (curve[k - 1] - curve[k])
    return float(gains[k - 1] + share * (gains[k] - gains[k - 1]))


def _spearman(values: FloatArray, accuracy: FloatArray) -> RankCorrelation:
    finite = np.isfinite(values) & np.isfinite(accuracy)
    first, second = values[finite], accuracy[finite]
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return RankCorrelation(np.nan, np.nan, len(first))
    from scipy.stats import spearmanr  # slow to import

    answer = spearmanr(first, second)
    return RankCorrelation(float(answer.statistic), float(answer.pvalue), len(first))
