"""R-V loops: where each cell switched, and TMR against voltage with intervals, many cells at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.errors import DataError
from labmtj.quantities import BoolArray, FloatArray

_ROUNDS = 20


@brief
@dataclass(frozen=True, eq=False)
class TmrFit:
    """TMR(V) = TMR0 / (1 + (V / V_h)^2), as in `labmtj.device.mtj.conduction`, of n cells.

    Each array is (n,), NaN where a cell has no reads; intervals are of 95 %.
    """

    tmr: FloatArray
    """TMR0, at zero voltage"""
    tmr_low: FloatArray
    tmr_high: FloatArray
    half_volts: FloatArray
    """V_h, at which half of TMR0 is left; inf where TMR does not fall within what was read"""
    half_low_volts: FloatArray
    half_high_volts: FloatArray
    """inf where the reads do not exclude that TMR does not fall at all"""


def has_switched(before: FloatArray, after: FloatArray, least_tmr: float) -> BoolArray:
    """Return where the resistance rose or fell at least by the factor 1 + `least_tmr`; both in ohm or in ampere."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(np.log(after / before)) >= np.log1p(least_tmr), bool)


def fit_tmr(volts: FloatArray, tmr: FloatArray) -> TmrFit:
    """Fit TMR(V) by least squares; intervals from the scatter of the sweeps, whatever the noise of a reading is.

    What changes more slowly than all the sweeps together does not scatter, and is not in the intervals.

    Args:
        volts: (n, v) across each cell; NaN for cells without reads.
        tmr: (n, sweeps, v) each sweep read for itself.

    Raises:
        DataError: for fewer than three voltages or sweeps.
    """
    if volts.shape[1] < 3 or tmr.shape[1] < 3:
        raise DataError(f"TMR(V) needs 3 voltages and 3 sweeps or more; got {volts.shape[1]} and {tmr.shape[1]}")
    usable = np.isfinite(volts).all(axis=1) & np.isfinite(tmr).all(axis=(1, 2))
    found = np.full((6, len(volts)), np.nan)
    if usable.any():
        found[:, usable] = _fitted(volts[usable], tmr[usable])
    return TmrFit(*found)


def _fitted(volts: FloatArray, tmr: FloatArray) -> FloatArray:
    """Return the six arrays of a `TmrFit`."""
    from scipy.stats import t as student

    scale = volts.max(axis=1, keepdims=True)
    squared = (volts / scale) ** 2
    mean, weights = tmr.mean(axis=1), squared  # a fixed range makes the error of a ratio grow as 1/V
    level, fall = mean.mean(axis=1), np.zeros(len(volts))  # TMR0, and (V_max / V_h)^2
    for _ in range(_ROUNDS):
        step = _linear(level, fall, squared, weights, (mean - _model(level, fall, squared))[:, np.newaxis])[:, 0]
        level, fall = level + step[:, 0], np.maximum(fall + step[:, 1], -0.5)
    apart = _linear(level, fall, squared, weights, tmr - _model(level, fall, squared)[:, np.newaxis])
    reach = student.ppf(0.975, tmr.shape[1] - 1) * apart.std(axis=1, ddof=1) / np.sqrt(tmr.shape[1])
    half = [scale[:, 0] * _inverse_root(each) for each in (fall, fall + reach[:, 1], fall - reach[:, 1])]
    return np.stack([level, level - reach[:, 0], level + reach[:, 0], *half])


def _model(level: FloatArray, fall: FloatArray, squared: FloatArray) -> FloatArray:
    return np.asarray(level[:, np.newaxis] / (1 + fall[:, np.newaxis] * squared), float)


def _linear(
    level: FloatArray, fall: FloatArray, squared: FloatArray, weights: FloatArray, rest: FloatArray
) -> FloatArray:
    """Return the steps of both parameters that explain residuals (n, sweeps, v) best near a point, (n, sweeps, 2)."""
    below = 1 + fall[:, np.newaxis] * squared
    slopes = np.stack([1 / below, -level[:, np.newaxis] * squared / below**2], axis=1)
    weighed = slopes * weights[:, np.newaxis]
    solved = np.linalg.solve(weighed @ slopes.swapaxes(1, 2), weighed @ rest.swapaxes(1, 2))
    return np.asarray(solved.swapaxes(1, 2), float)


def _inverse_root(fall: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(fall > 0, 1 / np.sqrt(np.maximum(fall, 0)), np.inf)
