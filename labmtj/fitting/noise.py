"""Noise of a series of reads: a white level and a 1/f level with intervals, by Whittle's likelihood of the periodogram.

The ordinates of a periodogram are exponential around the spectrum, nearly independent of each other (Whittle, Ark. Mat.
2, 423 (1953)): that is a likelihood, and gives intervals that hold for short series, where a fit through an averaged
spectrum does not. Welch's average is for the eye.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.fitting.likelihood import Model, Profile, maximise
from labmtj.fitting.profile import likelihood_interval
from labmtj.quantities import FloatArray

FEWEST_SAMPLES = 64
ALIASES = 8
"""orders of aliases that count; those beyond are averaged away by the aperture"""
NOTHING = 1e-9
"""a share of the variance that stands for none"""


@brief
@dataclass(frozen=True, eq=False)
class NoiseLevels:
    """Levels of n series, (n,) each, with 95 % intervals: S(f) = white + pink / f, one-sided."""

    white: FloatArray
    """unit of the series squared per hertz"""
    white_low: FloatArray
    white_high: FloatArray
    pink: FloatArray
    """unit of the series squared; 0 where no 1/f noise is seen, and `pink_high` is then its upper limit"""
    pink_low: FloatArray
    pink_high: FloatArray


@dataclass(frozen=True, eq=False)
class _Ordinates:
    """Of a periodogram, (sets, frequencies): exponential with mean exp(eta)."""

    power: FloatArray

    def log_likelihood(self, eta: FloatArray) -> FloatArray:
        return np.asarray(-(eta + self.power * np.exp(-eta)).sum(axis=1), float)

    def score(self, eta: FloatArray) -> FloatArray:
        return np.asarray(self.power * np.exp(-eta) - 1, float)

    def information(self, eta: FloatArray) -> FloatArray:
        return np.ones_like(eta)


def check_series(series: FloatArray, interval_seconds: float) -> None:
    """Raise UsageError for series (n, samples) that say nothing about noise."""
    if series.ndim != 2 or series.shape[1] < FEWEST_SAMPLES or not interval_seconds > 0:
        raise UsageError(
            f"noise needs series (n, samples) of at least {FEWEST_SAMPLES} evenly spaced samples; got {series.shape}"
        )
    if not np.isfinite(series).all():
        raise UsageError("a series of noise holds values that are no numbers; leave that series out")


def pink_shape(frequencies: FloatArray, interval_seconds: float, aperture_seconds: float) -> FloatArray:
    """Return what 1/f noise looks like to means over apertures: smoothed by them, folded at half the sample rate.

    Derived here: a mean over T multiplies the density by sinc(f T)^2; sampling adds the densities at f + n / interval.
    """
    orders = np.arange(-ALIASES, ALIASES + 1) / interval_seconds
    folded = np.abs(frequencies[:, np.newaxis] + orders)
    return np.asarray((np.sinc(folded * aperture_seconds) ** 2 / folded).sum(axis=1), float)


def fit_noise(series: FloatArray, interval_seconds: float, aperture_seconds: float) -> NoiseLevels:
    """Return the levels of n series (n, samples); a series without any variance has levels of zero.

    Raises:
        UsageError: for series too short, or with values that are no numbers.
    """
    check_series(series, interval_seconds)
    count = series.shape[1]
    frequencies = np.asarray(np.fft.rfftfreq(count, interval_seconds)[1 : (count + 1) // 2], float)
    away = series - series.mean(axis=1, keepdims=True)
    variance = np.where(away.var(axis=1) > 0, away.var(axis=1), 1.0)
    power = 2 * interval_seconds / count * np.abs(np.fft.rfft(away, axis=1)[:, 1 : len(frequencies) + 1]) ** 2
    shape = pink_shape(frequencies, interval_seconds, aperture_seconds)
    unit = 2 * interval_seconds  # white noise of variance 1 has this density
    scaled = _fit(power / (variance[:, np.newaxis] * unit) + 1e-300, shape / shape.mean())
    levels = scaled * np.where(away.var(axis=1) > 0, variance * unit, 0.0)
    return NoiseLevels(*levels[:3], *(levels[3:] / shape.mean()))


def _fit(power: FloatArray, shape: FloatArray) -> FloatArray:
    """Return white, low, high, pink, low, high for ordinates of mean white + pink shape, (6, sets)."""
    data = _Ordinates(power)
    ends = np.log(NOTHING), np.log(1e6)

    def mean(white: FloatArray, pink: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return eta, and the parts of the mean: its derivatives by the logarithms."""
        parts = white, pink * shape
        total = parts[0] + parts[1]
        return np.log(total), parts[0] / total, parts[1] / total

    def both(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        levels = np.exp(np.clip(parameters, *ends))
        eta, by_white, by_pink = mean(levels[:, :1], levels[:, 1:])
        return eta, np.stack([np.broadcast_to(by_white, eta.shape), by_pink], axis=2)

    def at_white(white: FloatArray) -> Model:
        def model(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
            eta, _, by_pink = mean(white[:, np.newaxis], np.exp(np.clip(parameters, *ends)))
            return eta, by_pink[..., np.newaxis]

        return model

    def at_pink(pink: FloatArray) -> Model:
        def model(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
            eta, by_white, _ = mean(np.exp(np.clip(parameters, *ends)), pink[:, np.newaxis])
            return eta, np.broadcast_to(by_white, eta.shape)[..., np.newaxis]

        return model

    found, best = _better(both, data, len(power))
    white, pink = np.exp(np.clip(found, *ends)).T
    of_white = Profile(best, found[:, 1:], data, at_white)
    of_pink = Profile(best, found[:, :1], data, at_pink)
    step = 3 / np.sqrt(power.shape[1])
    low, high = likelihood_interval(of_white, white, step * np.maximum(white, 0.01), NOTHING)
    least, most = likelihood_interval(of_pink, pink, step * np.maximum(pink, 0.1), NOTHING)
    seen = least > 10 * NOTHING
    return np.array([white, low, high, np.where(seen | (pink > 1e-6), pink, 0), np.where(seen, least, 0), most])


def _better(model: Model, data: _Ordinates, sets: int) -> tuple[FloatArray, FloatArray]:
    """Return the better of two maxima: from nearly white and from nearly pink."""
    starts = [np.tile(np.log([0.9, 0.1]), (sets, 1)), np.tile(np.log([0.05, 0.95]), (sets, 1))]
    (one, first), (two, second) = (maximise(model, start, data) for start in starts)
    return np.where((first >= second)[:, np.newaxis], one, two), np.maximum(first, second)


def welch(series: FloatArray, interval_seconds: float, segments: int = 8) -> tuple[FloatArray, FloatArray]:
    """Return frequencies (f,) and averaged one-sided spectra (n, f) of Welch, for the eye; without that at zero."""
    from scipy import signal

    check_series(series, interval_seconds)
    each = max(FEWEST_SAMPLES // 2, 2 * series.shape[1] // (segments + 1))
    frequencies, density = signal.welch(series, fs=1 / interval_seconds, nperseg=each, axis=-1)
    return np.asarray(frequencies[1:], float), np.asarray(density[..., 1:], float)
