"""Delta and Vc0 from pulses of several widths, conditional on the attempt time and the exponent of the barrier.

The law is P = 1 - exp(-t / tau), tau = tau0 exp(Delta (1 - V / Vc0)^xi), as in `labmtj.device.mtj.switching`. Pulses
determine ln(rate) as a function of V over the narrow range in which they switch: a height and a slope. With tau0 free,
Delta and Vc0 slide along a ridge on which every pair fits equally well (exactly for xi = 1); only the curvature
determines xi, and it takes 1e4 pulses and more. So Delta and Vc0 are fitted at a stated tau0 and xi, the ridge is
returned with them, and xi is reported only if the likelihood ratio exceeds 100.

The law itself is an approximation: the attempt rate of a macrospin falls with the voltage as (1 - v^2) (1 - v), v = V /
Vc0 (Brown, Phys. Rev. 130, 1677 (1963)), and tau0 is 0.3 to 1 ns. Fitted with a constant 1 ns, a macrospin of Delta 50
looks like one of 47.3, with an interval that leaves 50 out. `model_range` is what Delta and Vc0 may be if that counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.fitting.likelihood import Model, Profile, information, maximise
from labmtj.fitting.profile import likelihood_interval
from labmtj.fitting.trials import Trials
from labmtj.quantities import BoolArray, FloatArray

ATTEMPT_RANGE = (1e-10, 1e-8)
"""seconds; texts give 0.3 to 1 ns, the judgement on the exponent allows for more"""
TYPICAL_ATTEMPTS = (3e-10, 1e-9)
"""seconds, as texts give them"""
LARGEST_DRIVE = 0.95
"""of Vc0, up to which the attempt rate of a macrospin is followed: the barrier is gone soon after"""
TELLING_RATIO = 100.0
"""likelihood ratio beyond which an exponent is reported"""


@brief
@dataclass(frozen=True, eq=False)
class SwitchingLaws:
    """Laws of n sets of pulses, (n,) each, conditional on `attempt_seconds` and `exponent`; intervals of 95 %.

    Voltages are of the kind that was given: across the cell, or between the lines.
    """

    attempt_seconds: float
    exponent: int
    stability: FloatArray
    """Delta"""
    stability_low: FloatArray
    stability_high: FloatArray
    critical_volts: FloatArray
    """Vc0"""
    critical_low: FloatArray
    critical_high: FloatArray
    correlation: FloatArray
    """of the errors of Delta and Vc0, to first order: near -1, because they slide along a ridge"""
    log_likelihood: FloatArray


@brief
@dataclass(frozen=True, eq=False)
class ModelRange:
    """Delta and Vc0 with the error of the law: the intervals moved by what other laws find instead, (n,) each.

    Other laws have tau0 anywhere from 0.3 to 1 ns and, for exponent 2, the attempt rate of a macrospin.
    """

    stability_low: FloatArray
    stability_high: FloatArray
    critical_low: FloatArray
    critical_high: FloatArray


@brief
@dataclass(frozen=True, eq=False)
class Ridge:
    """What fits as well when tau0 is not known: for every Delta the best Vc0 and tau0, (n, points) each."""

    stability: FloatArray
    critical_volts: FloatArray
    attempt_seconds: FloatArray
    fall: FloatArray
    """of the log likelihood below the largest on the ridge; below 1.92 the data do not exclude it at 95 %"""


@brief
@dataclass(frozen=True, eq=False)
class ExponentTest:
    """Whether the pulses determine the exponent of the barrier, (n,) each."""

    log_ratio: FloatArray
    """log likelihood of xi = 2 less that of xi = 1, the first with the best tau0 of ATTEMPT_RANGE"""

    @property
    def exponent(self) -> NDArray[np.int8]:
        """1 or 2, or 0 where the data do not determine it."""
        sure = np.abs(self.log_ratio) > math.log(TELLING_RATIO)
        return np.where(sure, np.where(self.log_ratio > 0, 2, 1), 0).astype(np.int8)

    @property
    def together(self) -> ExponentTest:
        """All cells taken to have the same exponent, n = 1."""
        return ExponentTest(np.array([np.nansum(self.log_ratio)]))

    @property
    def verdicts(self) -> list[str]:
        """The same in words."""
        return [
            _verdict(float(ratio), int(exponent)) for ratio, exponent in zip(self.log_ratio, self.exponent, strict=True)
        ]


def _verdict(ratio: float, exponent: int) -> str:
    if not exponent:
        return f"the data do not distinguish exponent 1 from 2 (log likelihood ratio {ratio:.2f})"
    return f"the data favour exponent {exponent} (log likelihood ratio {ratio:.1f}; tau0 anywhere from 0.1 to 10 ns)"


@brief
@dataclass(frozen=True, eq=False)
class Pulses:
    """Pulses of n cells, (n, trials) each; NaN volts where there was none.

    Raises:
        UsageError: if the shapes differ.
    """

    volts: FloatArray
    seconds: FloatArray
    switched: FloatArray
    counts: FloatArray | None = None
    """how many pulses each stands for, where many were alike; None for one"""

    def __post_init__(self) -> None:
        if not self.volts.shape == self.seconds.shape == self.switched.shape or self.volts.ndim != 2:
            raise UsageError("pulses need volts, seconds and outcomes of one shape, (cells, trials)")

    @property
    def trials(self) -> Trials:
        """The outcomes."""
        made = np.isfinite(self.volts)
        counts = made if self.counts is None else made * self.counts
        return Trials(np.where(made, self.switched, 0.0), counts.astype(float))

    @property
    def fittable(self) -> BoolArray:
        """Cells with both outcomes and at least two widths, (n,)."""
        made = np.isfinite(self.volts)
        hits = (self.switched * made).sum(axis=1)
        longest = np.where(made, self.seconds, 0.0).max(axis=1)
        shortest = np.where(made, self.seconds, np.inf).min(axis=1)
        return np.asarray((hits > 0) & (hits < made.sum(axis=1)) & (longest > shortest), bool)

    def of(self, chosen: BoolArray) -> Pulses:
        """Return those of some cells."""
        counts = None if self.counts is None else self.counts[chosen]
        return Pulses(self.volts[chosen], self.seconds[chosen], self.switched[chosen], counts)


def fit_laws(pulses: Pulses, attempt_seconds: float, exponent: int) -> SwitchingLaws:
    """Return Delta and Vc0 of every cell by maximum likelihood; NaN for cells without both outcomes or two widths.

    Raises:
        UsageError: for an exponent that is not 1 or 2.
    """
    if exponent not in (1, 2):
        raise UsageError(f"the exponent of the barrier is 1 or 2, not {exponent}")
    chosen = pulses.fittable
    columns = np.full((8, len(chosen)), np.nan)
    if chosen.any():
        columns[:, chosen] = _Law(pulses.of(chosen), attempt_seconds, exponent).fit()
    return SwitchingLaws(attempt_seconds, exponent, *columns)


def model_range(pulses: Pulses, laws: SwitchingLaws) -> ModelRange:
    """Return the intervals of Delta and Vc0 widened to all that other forms of the law find in the same pulses."""
    chosen = np.isfinite(laws.stability)
    ends = np.array([laws.stability_low, laws.stability_high, laws.critical_low, laws.critical_high])
    if chosen.any():
        some = pulses.of(chosen)
        prefactors = (False, True) if laws.exponent == 2 else (False,)
        for attempt_seconds in (*TYPICAL_ATTEMPTS, laws.attempt_seconds):
            for prefactor in prefactors:
                law = _Law(some, attempt_seconds, laws.exponent, macrospin=prefactor)
                a, b = law.maximum()[0].T
                moved = np.array([a**laws.exponent - laws.stability[chosen], a / b - laws.critical_volts[chosen]])
                ends[::2, chosen] = np.fmin(ends[::2, chosen], _own(laws, chosen)[::2] + moved)
                ends[1::2, chosen] = np.fmax(ends[1::2, chosen], _own(laws, chosen)[1::2] + moved)
    return ModelRange(*ends)


def _own(laws: SwitchingLaws, chosen: BoolArray) -> FloatArray:
    """Return the ends of the intervals that hold if the law does, (4, n)."""
    own = (laws.stability_low, laws.stability_high, laws.critical_low, laws.critical_high)
    return np.array([each[chosen] for each in own])


def ridge_of(pulses: Pulses, laws: SwitchingLaws, points: int = 25, reach: float = 2.0) -> Ridge:
    """Return the ridge from Delta / `reach` to Delta x `reach`, tau0 free."""
    chosen = np.isfinite(laws.stability)
    found = np.full((4, len(chosen), points), np.nan)
    found[0] = laws.stability[:, np.newaxis] * np.geomspace(1 / reach, reach, points)
    if chosen.any():
        law = _Law(pulses.of(chosen), laws.attempt_seconds, laws.exponent)
        for point in range(points):
            found[1:, chosen, point] = law.with_free_attempts(found[0, chosen, point], laws.stability[chosen])
        found[3] = np.nanmax(found[3], axis=1, initial=-np.inf, keepdims=True) - found[3]
    return Ridge(*found)


def judge_exponent(pulses: Pulses) -> ExponentTest:
    """Compare the exponents 1 and 2 on the same pulses.

    For xi = 1 the attempt time shifts Delta and nothing else, so it needs no choice there. Voltages between lines bend
    the law: a cell in AP conducts more at more volts, and the wires then take more. That looks like xi = 2; where wires
    take some percent it is a small part of the difference, where they take much, judge on voltages across the cell.
    """
    chosen = pulses.fittable
    ratio = np.full(len(chosen), np.nan)
    if chosen.any():
        some = pulses.of(chosen)
        attempts = np.geomspace(*ATTEMPT_RANGE, 5)
        two = np.max([_Law(some, float(seconds), 2).maximum()[1] for seconds in attempts], axis=0)
        ratio[chosen] = two - _Law(some, 1e-9, 1).maximum()[1]
    return ExponentTest(ratio)


class _Law:
    """The law of some cells at one attempt time and exponent, in a = Delta^(1/xi) and b = a / Vc0.

    eta = ln(t / tau0) - max(a - b V, 0)^xi: nearly linear in both, so that the fit needs few steps. With the attempt
    rate of a macrospin, ln((1 - v^2) (1 - v)) is added, v = b V / a.
    """

    def __init__(self, pulses: Pulses, attempt_seconds: float, exponent: int, *, macrospin: bool = False) -> None:
        self.exponent, self.trials, self.macrospin = exponent, pulses.trials, macrospin
        made = self.trials.weight > 0
        self.volts = np.where(made, pulses.volts, 1.0)
        self.reduced_seconds = np.log(np.where(made, pulses.seconds, 1.0) / attempt_seconds)
        self.attempt_seconds = attempt_seconds

    def eta(self, a: FloatArray, b: FloatArray, shift: FloatArray | float = 0.0) -> tuple[FloatArray, FloatArray]:
        """Return eta and its derivative by a, (cells, trials), for a and b (cells, 1); that by b is -V times it."""
        barrier = np.maximum(a - b * self.volts, 0.0)
        slope = -self.exponent * barrier ** (self.exponent - 1) * (barrier > 0)
        return self.reduced_seconds - shift - barrier**self.exponent, slope

    def start(self) -> FloatArray:
        """Return a and b of a line through the voltages at which outcomes are mixed, (cells, 2)."""
        level = np.maximum(self.reduced_seconds - math.log(math.log(2.0)), 0.1) ** (1 / self.exponent)
        weight = self.trials.weight
        total = weight.sum(axis=1)
        mean_volts, mean_level = (weight * self.volts).sum(axis=1) / total, (weight * level).sum(axis=1) / total
        away = self.volts - mean_volts[:, np.newaxis]
        slope = -(weight * away * level).sum(axis=1) / np.maximum((weight * away**2).sum(axis=1), 1e-12)
        slope = np.maximum(slope, 0.2 * mean_level / mean_volts)
        return np.stack([mean_level + slope * mean_volts, slope], axis=1)

    def maximum(self) -> tuple[FloatArray, FloatArray]:
        """Return the best a and b, (cells, 2), and the log likelihood."""
        return maximise(self._both, self.start(), self.trials)

    def _both(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        eta, slope = self.eta(parameters[:, :1], parameters[:, 1:])
        slopes = np.stack([slope, -slope * self.volts], axis=2)
        if not self.macrospin:
            return eta, slopes
        a, drive = parameters[:, :1], parameters[:, 1:] * self.volts / parameters[:, :1]
        v = np.clip(drive, 0.0, LARGEST_DRIVE)
        rise = np.where(v == drive, 1 / (1 + v) - 2 / (1 - v), 0.0)
        slopes += np.stack([-rise * drive / a, rise * self.volts / a], axis=2)
        return eta + np.log((1 + v) * (1 - v) ** 2), slopes

    def correlation(self, parameters: FloatArray) -> FloatArray:
        """Return that of the errors of ln a and ln(a / b), (cells,), from the information on a and b."""
        known = (
            information(self._both, parameters, self.trials) * parameters[:, :, np.newaxis] * parameters[:, np.newaxis]
        )
        inverse = np.linalg.pinv(known, hermitian=True)  # of ln a and ln b
        height, shared = inverse[:, 0, 0], inverse[:, 0, 1]
        critical = height + inverse[:, 1, 1] - 2 * shared
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((height - shared) / np.sqrt(height * critical), float)

    def fit(self) -> tuple[FloatArray, ...]:
        """Return Delta and Vc0 with their intervals, and the log likelihood."""
        found, best = self.maximum()
        a, critical = found[:, 0], found[:, 0] / found[:, 1]
        of_stability = Profile(best, found[:, 1:], self.trials, self._at_stability)
        of_critical = Profile(best, found[:, :1], self.trials, self._at_critical)
        low, high = likelihood_interval(of_stability, a, 0.03 * a, 1e-3)
        least, most = likelihood_interval(of_critical, critical, 0.02 * critical, 1e-3)
        stability = (a**self.exponent, low**self.exponent, high**self.exponent)
        return *stability, critical, least, most, self.correlation(found), best

    def _at_stability(self, a: FloatArray) -> Model:
        def model(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
            eta, slope = self.eta(a[:, np.newaxis], parameters)
            return eta, (-slope * self.volts)[..., np.newaxis]

        return model

    def _at_critical(self, critical: FloatArray) -> Model:
        def model(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
            eta, slope = self.eta(parameters, parameters / critical[:, np.newaxis])
            return eta, (slope * (1 - self.volts / critical[:, np.newaxis]))[..., np.newaxis]

        return model

    def with_free_attempts(self, stability: FloatArray, best: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the best Vc0 and tau0 at given Delta, and the log likelihood, (cells,) each."""
        a = stability ** (1 / self.exponent)
        start = self.start()
        middle = (self.trials.weight * self.volts).sum(axis=1) / self.trials.weight.sum(axis=1)
        # keep the slope of the law at the middle of the data: d eta / dV = xi b (a - b V)^(xi - 1)
        fitted = best ** (1 / self.exponent)
        b = start[:, 1] * (a if self.exponent == 2 else np.ones_like(a)) / np.where(self.exponent == 2, fitted, 1.0)

        def model(parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
            eta, slope = self.eta(a[:, np.newaxis], parameters[:, :1], parameters[:, 1:])
            return eta, np.stack([-slope * self.volts, -np.ones_like(eta)], axis=2)

        level = (a - b * middle).clip(0) ** self.exponent
        wanted = np.maximum((start[:, 0] - start[:, 1] * middle), 0.0) ** self.exponent
        found, value = maximise(model, np.stack([b, wanted - level], axis=1), self.trials, rounds=120)
        return a / found[:, 0], self.attempt_seconds * np.exp(found[:, 1]), value
