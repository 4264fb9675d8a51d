"""S-curves: from single pulses of one width to V50 and the steepness of the curve, with likelihood intervals.

The curve is P(V) = 1 - exp(-ln 2 exp(s (V - V50))): exact for a barrier that falls linearly with the voltage. For one
that falls with the square, a thousand pulses do not show the difference, because the curve is narrow. Derived here: the
law of `labmtj.device.mtj.switching` at one width, linear in V around V50.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.fitting.likelihood import Model, Profile, information, maximise
from labmtj.fitting.profile import likelihood_interval
from labmtj.fitting.trials import Trials
from labmtj.quantities import BoolArray, FloatArray

ETA_AT_MEDIAN = math.log(math.log(2.0))
STEEPEST = 1e4
"""of s V50; a curve in which no failure lies above a success may be as steep as one likes"""


@brief
@dataclass(frozen=True, eq=False)
class SwitchingCurves:
    """What the pulses say of n curves, (n,) each; intervals are of 95 % likelihood."""

    median_volts: FloatArray
    """V50; NaN where all pulses switched, or none"""
    median_low: FloatArray
    median_high: FloatArray
    efolds_per_volt: FloatArray
    """s: factors of e by which the rate rises per volt; dP/dV at V50 is s ln(2) / 2; infinite if nothing bounds it"""
    efolds_low: FloatArray
    efolds_high: FloatArray
    trials: FloatArray
    """pulses of each"""

    @property
    def determined(self) -> BoolArray:
        """Curves with a V50 and bounds on both sides of it."""
        return np.isfinite(self.median_volts) & np.isfinite(self.median_low) & np.isfinite(self.median_high)

    @property
    def median_sigma(self) -> FloatArray:
        """Standard error of V50: the interval as that of a normal error."""
        return (self.median_high - self.median_low) / (2 * 1.959964)


def fit_curves(volts: FloatArray, switched: FloatArray) -> SwitchingCurves:
    """Fit one curve to each row of pulses.

    Args:
        volts: (n, trials), positive towards the other state; NaN where there was no pulse.
        switched: (n, trials), 1 or 0; anything where there was no pulse.

    Raises:
        UsageError: if the shapes differ or a voltage is not positive.
    """
    if volts.ndim != 2 or volts.shape != np.shape(switched) or not (np.isnan(volts) | (volts > 0)).all():
        raise UsageError("curves need positive volts and outcomes of one shape, (curves, trials)")
    weight = np.isfinite(volts).astype(float)
    trials = Trials(np.where(weight > 0, switched, 0.0), weight)
    count, hits = weight.sum(axis=1), (trials.success * weight).sum(axis=1)
    mixed = (hits > 0) & (hits < count)
    columns = np.full((7, len(volts)), np.nan)
    columns[6] = count
    if mixed.any():
        columns[:6, mixed] = _fit(volts[mixed], Trials(trials.success[mixed], weight[mixed]))
    return SwitchingCurves(*columns)


def _fit(volts: FloatArray, trials: Trials) -> tuple[FloatArray, ...]:
    """Return V50 and s with their intervals, for sets that hold both outcomes."""
    scale = np.nanmean(volts, axis=1)
    reduced = np.where(trials.weight > 0, volts / scale[:, np.newaxis], 1.0)  # about 1: so the steps are of like size

    def line(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        slopes = np.stack([np.ones_like(reduced), reduced - 1], axis=2)
        return np.einsum("snk,sk->sn", slopes, parameters), slopes

    start = np.tile([ETA_AT_MEDIAN, 20.0], (len(volts), 1))
    found, best = maximise(line, start, trials)
    steep = np.clip(found[:, 1], 1e-3, STEEPEST)
    median = 1 + (ETA_AT_MEDIAN - found[:, 0]) / steep
    covariance = np.linalg.pinv(information(line, found, trials), hermitian=True)
    gradient = np.stack([-1 / steep, (1 - median) / steep], axis=1)
    sigma = np.sqrt(np.clip(np.einsum("sk,skl,sl->s", gradient, covariance, gradient), 1e-8, 0.05))

    def at_median(value: FloatArray) -> Model:
        offset = reduced - value[:, np.newaxis]

        def through(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
            # in the logarithm, so that the curve keeps rising
            slope = np.exp(np.clip(parameters, -7.0, math.log(STEEPEST))) * offset
            return ETA_AT_MEDIAN + slope, slope[..., np.newaxis]

        return through

    def at_steepness(value: FloatArray) -> Model:
        def shifted(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
            return parameters + value[:, np.newaxis] * (reduced - median[:, np.newaxis]), ones

        return shifted

    ones = np.ones((*reduced.shape, 1))
    of_median = Profile(best, np.log(steep)[:, np.newaxis], trials, at_median)
    of_steepness = Profile(best, np.full((len(volts), 1), ETA_AT_MEDIAN), trials, at_steepness)
    low, high = likelihood_interval(of_median, median, 2 * sigma, 0.0, 10.0)
    least, most = likelihood_interval(of_steepness, steep, 0.3 * steep, 1e-3, STEEPEST)
    unbounded = np.where(most >= STEEPEST, np.inf, 1.0)
    return (
        median * scale, np.where(low <= 0, np.nan, low * scale), np.where(high >= 10, np.nan, high * scale),
        np.where(steep >= STEEPEST, np.inf, steep / scale), least / scale, most / scale * unbounded,
    )  # fmt: skip


@brief
@dataclass(frozen=True, eq=False)
class MedianSlope:
    """How V50 moves with the width of the pulses, (n,) each."""

    volts_per_decade: FloatArray
    """of the straight line of least squares through V50 against log10(width), every width counted alike"""
    low: FloatArray
    high: FloatArray
    """95 %, from the standard errors of the V50"""


def slope_per_decade(widths_seconds: FloatArray, median_volts: FloatArray, sigma_volts: FloatArray) -> MedianSlope:
    """Return the slope of V50 (n, widths) per decade of width; NaN where a V50 is missing or there is one width.

    Every width counts alike, so that the slope of a curved law is a property of the law and the widths, not of how
    well each width happened to be measured.
    """
    decades = np.log10(widths_seconds)
    around = decades - decades.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        weights = around / np.sum(around**2)
    slope = np.asarray(median_volts @ weights, float)
    reach = 1.959964 * np.sqrt(np.asarray(sigma_volts**2 @ weights**2, float))
    return MedianSlope(slope, slope - reach, slope + reach)
