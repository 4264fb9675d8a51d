"""Telegraph cells in series of reads: two levels or one, jump and dwell times.

The statistic is the likelihood ratio of two normal clusters of one width against one normal. What it reaches by chance
in noise of the series' own white and 1/f level is drawn, not looked up: a wandering series forms clusters, too. A
series counts as telegraph if it exceeds every one of 1 / rate - 1 drawn ones, so that the false alarm rate is `rate`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.fitting.noise import NoiseLevels, check_series, fit_noise, pink_shape
from labmtj.quantities import BoolArray, FloatArray

BINS = 128
"""of the values of a series: finer than any cluster that can be separated from its neighbour"""
ROUNDS = 60


@brief
@dataclass(frozen=True, eq=False)
class TelegraphTest:
    """What was found in n series, (n,) each; NaN where there is one level."""

    found: BoolArray
    false_alarm_rate: float
    """stated, per series"""
    ratio: FloatArray
    """twice the log likelihood ratio of two levels against one"""
    low_level: FloatArray
    high_level: FloatArray
    """in the unit of the series"""
    low_seconds: FloatArray
    """mean dwell in the low level; NaN where the jumps are faster than the samples can follow"""
    high_seconds: FloatArray
    jumps: FloatArray
    """expected number of jumps in the record: the dwell times are good to about 1 / sqrt(jumps / 2)"""

    @property
    def jump(self) -> FloatArray:
        """Height of the jumps."""
        return self.high_level - self.low_level


def find_telegraph(
    series: FloatArray,
    interval_seconds: float,
    aperture_seconds: float,
    *,
    false_alarm_rate: float = 0.005,
    seed: int = 0,
) -> TelegraphTest:
    """Test n series (n, samples) for two levels.

    Args:
        series: evenly spaced.
        interval_seconds: between samples.
        aperture_seconds: over which each is a mean.
        false_alarm_rate: per series of plain noise.
        seed: of the drawn noise.

    Raises:
        UsageError: for series too short, or a rate outside 0.0005 to 0.5.
    """
    check_series(series, interval_seconds)
    if not 5e-4 <= false_alarm_rate <= 0.5:
        raise UsageError(f"false_alarm_rate = {false_alarm_rate} must lie between 0.0005 and 0.5")
    draw = np.random.default_rng(seed)
    varying = series.std(axis=1) > 0
    ratio = np.zeros(len(series))
    ratio[varying] = two_level_ratio(series[varying])
    found = ratio > -2 * math.log(false_alarm_rate)  # chi square, 2 degrees: those that pass if all noise is white
    levels = fit_noise(series[found], interval_seconds, aperture_seconds) if found.any() else None
    for place, number in enumerate(np.flatnonzero(found)):
        assert levels is not None, "there are levels for what was found"
        null = _drawn(levels, place, series.shape[1], interval_seconds, aperture_seconds, false_alarm_rate, draw)
        found[number] = ratio[number] > two_level_ratio(null).max()
    columns = np.full((5, len(series)), np.nan)
    if found.any():
        columns[:, found] = _dwells(series[found], interval_seconds)
    return TelegraphTest(found, false_alarm_rate, ratio, *columns)


def two_level_ratio(series: FloatArray) -> FloatArray:
    """Return twice the log likelihood ratio of two normal clusters of one width against one normal, (n,)."""
    scaled = (series - series.mean(axis=1, keepdims=True)) / series.std(axis=1, keepdims=True)
    values, counts = _binned(scaled)
    best = np.zeros(len(series))
    for share in (0.5, 0.1, 0.9):
        best = np.maximum(best, _clusters(values, counts, np.quantile(scaled, share, axis=1)))
    return best


def _binned(scaled: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return values and counts of the bins, (n, bins)."""
    low, high = scaled.min(axis=1, keepdims=True), scaled.max(axis=1, keepdims=True)
    width = (high - low) / BINS
    number = np.minimum(((scaled - low) / width).astype(np.intp), BINS - 1)
    flat = number + BINS * np.arange(len(scaled))[:, np.newaxis]
    counts = np.bincount(flat.ravel(), minlength=BINS * len(scaled)).reshape(-1, BINS)
    return low + width * (np.arange(BINS) + 0.5), counts.astype(float)


def _clusters(values: FloatArray, counts: FloatArray, split: FloatArray) -> FloatArray:
    """Return twice the log likelihood ratio by expectation and maximisation, from a first split."""
    total = counts.sum(axis=1)
    member = (values > split[:, np.newaxis]) * 0.98 + 0.01  # of the high cluster
    mean = (counts * values).sum(axis=1) / total
    single = (counts * (values - mean[:, np.newaxis]) ** 2).sum(axis=1) / total
    for _ in range(ROUNDS):
        high = (counts * member).sum(axis=1)
        share = np.clip(high / total, 1e-6, 1 - 1e-6)
        above = (counts * member * values).sum(axis=1) / (share * total)
        below = (counts * (1 - member) * values).sum(axis=1) / ((1 - share) * total)
        up, down = ((values - each[:, np.newaxis]) ** 2 for each in (above, below))
        variance = np.maximum((counts * (member * up + (1 - member) * down)).sum(axis=1) / total, 1e-4)
        log_up = np.log(share)[:, np.newaxis] - up / (2 * variance[:, np.newaxis])
        log_down = np.log(1 - share)[:, np.newaxis] - down / (2 * variance[:, np.newaxis])
        together = np.logaddexp(log_up, log_down)
        member = np.exp(log_up - together)
    two = (counts * together).sum(axis=1) - total * np.log(variance) / 2
    return np.asarray(2 * (two - (-total / 2 - total * np.log(single) / 2)), float)


def _drawn(
    levels: NoiseLevels, place: int, samples: int, interval: float, aperture: float, rate: float,
    draw: np.random.Generator,
) -> FloatArray:  # fmt: skip
    """Return noise of the levels of one series, (1 / rate - 1, samples)."""
    many, longer = math.ceil(1 / rate) - 1, 4 * samples  # cut from longer ones: slower noise is part of 1/f
    frequencies = np.asarray(np.fft.rfftfreq(longer, interval)[1:], float)
    density = levels.white[place] + levels.pink[place] * pink_shape(frequencies, interval, aperture)
    spectrum = np.fft.rfft(draw.standard_normal((many, longer)), axis=1)
    spectrum[:, 0] = 0.0
    spectrum[:, 1:] *= np.sqrt(density / (2 * interval))
    return np.asarray(np.fft.irfft(spectrum, longer, axis=1)[:, :samples], float)


def _dwells(series: FloatArray, interval: float) -> FloatArray:
    """Return low and high level, dwell in each, and jumps, (5, n): a hidden Markov chain by Baum and Welch."""
    scale, centre = series.std(axis=1, keepdims=True), series.mean(axis=1, keepdims=True)
    scaled = (series - centre) / scale
    middle = (scaled.max(axis=1) + scaled.min(axis=1)) / 2
    high = scaled > middle[:, np.newaxis]
    level = np.stack([_mean(scaled, ~high), _mean(scaled, high)], axis=1)
    width = np.maximum(np.sqrt(np.mean((scaled - np.where(high, level[:, 1:], level[:, :1])) ** 2, axis=1)), 1e-2)
    moves = np.tile([[0.9, 0.1], [0.1, 0.9]], (len(series), 1, 1))
    for _ in range(20):
        member, pairs = _smooth(scaled, level, width, moves)
        weight = member.sum(axis=1)
        level = np.einsum("nts,nt->ns", member, scaled) / weight
        away = (scaled[..., np.newaxis] - level[:, np.newaxis]) ** 2
        width = np.maximum(np.sqrt((member * away).sum(axis=(1, 2)) / series.shape[1]), 1e-2)
        moves = np.clip(pairs / pairs.sum(axis=2, keepdims=True), 1e-6, 1 - 1e-6)
    up, down = moves[:, 0, 1], moves[:, 1, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = -np.log(1 - up - down) / interval  # what of the present level is left one sample later
        dwell = np.stack([(up + down) / (up * rate), (up + down) / (down * rate)])
    order = np.argsort(level, axis=1).T
    levels = np.take_along_axis(level * scale + centre, order.T, axis=1).T
    return np.vstack([levels, np.take_along_axis(dwell, order, axis=0), pairs[:, 0, 1] + pairs[:, 1, 0]])


def _mean(values: FloatArray, chosen: BoolArray) -> FloatArray:
    return np.asarray((values * chosen).sum(axis=1) / np.maximum(chosen.sum(axis=1), 1), float)


def _smooth(
    values: FloatArray, level: FloatArray, width: FloatArray, moves: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the probability of each level at each time, (n, t, 2), and expected numbers of moves, (n, 2, 2)."""
    away = (values[..., np.newaxis] - level[:, np.newaxis]) / width[:, np.newaxis, np.newaxis]
    seen = np.exp(-0.5 * (away**2 - (away**2).min(axis=2, keepdims=True))) + 1e-30
    samples = values.shape[1]
    forward, backward = np.empty_like(seen), np.ones_like(seen)
    forward[:, 0] = seen[:, 0] / seen[:, 0].sum(axis=1, keepdims=True)
    for t in range(1, samples):
        ahead = (forward[:, t - 1, np.newaxis] @ moves)[:, 0] * seen[:, t]
        forward[:, t] = ahead / ahead.sum(axis=1, keepdims=True)
    for t in range(samples - 2, -1, -1):
        behind = (moves @ (seen[:, t + 1] * backward[:, t + 1])[..., np.newaxis])[..., 0]
        backward[:, t] = behind / behind.sum(axis=1, keepdims=True)
    member = forward * backward
    member /= member.sum(axis=2, keepdims=True)
    pairs = forward[:, :-1, :, np.newaxis] * moves[:, np.newaxis] * (seen * backward)[:, 1:, np.newaxis]
    pairs /= pairs.sum(axis=(2, 3), keepdims=True)
    return member, pairs.sum(axis=1)
