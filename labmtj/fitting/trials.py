"""Trials that succeed with probability 1 - exp(-exp(eta)): likelihood, and its maximum for any model of eta.

Thermally activated switching is of this kind: exp(eta) is the hazard of one pulse, its width times the rate. Many sets
of trials, such as those of many cells, are fitted at once: the first axis of every array counts them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from labmtj.quantities import FloatArray

Model = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""from parameters (sets, k) to eta (sets, trials) and its derivatives (sets, trials, k)"""

LARGEST_ETA = 30.0
"""beyond it every trial succeeds; keeps exponentials finite"""
LARGEST_STEP = 2.0
"""by which eta may change in one step of a fit"""


@dataclass(frozen=True, eq=False)
class Trials:
    """Outcomes, (sets, trials) each; a weight of 0 stands for a trial that was not made, of n for n equal ones."""

    success: FloatArray
    """1 or 0, or the fraction of the equal trials that succeeded"""
    weight: FloatArray

    def log_likelihood(self, eta: FloatArray) -> FloatArray:
        """Return the log likelihood of every set, (sets,)."""
        hazard = np.exp(np.minimum(eta, LARGEST_ETA))
        yes = np.log(-np.expm1(-np.maximum(hazard, 1e-300)))
        return np.asarray(np.sum(self.weight * (self.success * yes - (1 - self.success) * hazard), axis=1), float)


def maximise(
    model: Model, start: FloatArray, trials: Trials, rounds: int = 60, enough: float = 1e-8
) -> tuple[FloatArray, FloatArray]:
    """Return the parameters (sets, k) of the largest likelihood, and its logarithm (sets,).

    Fisher scoring, damped where a step would lower the likelihood. A set that has no maximum, such as one in which
    every trial succeeded, ends far out. It ends when a step gains less than `enough` everywhere.
    """
    found = np.array(start, float)
    eta, slopes = model(found)
    best = trials.log_likelihood(eta)
    damping = np.full(len(found), 1e-9)
    for _ in range(rounds):
        step = _step(eta, slopes, trials, damping)
        tried = found + step
        new_eta, new_slopes = model(tried)
        value = trials.log_likelihood(new_eta)
        better = value >= best
        gain = np.where(better, value - best, 0.0)
        found = np.where(better[:, np.newaxis], tried, found)
        eta = np.where(better[:, np.newaxis], new_eta, eta)
        slopes = np.where(better[:, np.newaxis, np.newaxis], new_slopes, slopes)
        best = np.where(better, value, best)
        settled = (better & (gain < enough)) | (damping > 1e6)
        damping = np.where(better, np.maximum(damping / 10, 1e-9), np.maximum(damping * 30, 1e-3))
        if settled.all():
            break
    return found, best


def information(model: Model, parameters: FloatArray, trials: Trials) -> FloatArray:
    """Return the expected information on the parameters, (sets, k, k)."""
    eta, slopes = model(parameters)
    return _curvature(slopes, trials.weight * _expected(eta))


def _expected(eta: FloatArray) -> FloatArray:
    """Return the expected information of one trial on its eta: h^2 / (exp(h) - 1)."""
    hazard = np.exp(np.clip(eta, -LARGEST_ETA, 6.0))
    return np.asarray(hazard * hazard / np.expm1(hazard), float)


def _curvature(slopes: FloatArray, weight: FloatArray) -> FloatArray:
    return np.asarray(np.swapaxes(slopes, 1, 2) @ (slopes * weight[..., np.newaxis]), float)


def _step(eta: FloatArray, slopes: FloatArray, trials: Trials, damping: FloatArray) -> FloatArray:
    hazard = np.exp(np.clip(eta, -LARGEST_ETA, 6.0))
    score = trials.weight * (trials.success * hazard / np.expm1(hazard) - (1 - trials.success) * hazard)
    gradient = np.einsum("sn,snk->sk", score, slopes)
    curvature = _curvature(slopes, trials.weight * hazard * hazard / np.expm1(hazard))
    size = np.einsum("skk->sk", curvature)
    diagonal = np.einsum("skk->sk", curvature)
    diagonal += damping[:, np.newaxis] * size + 1e-12 * (1 + size.max(axis=1, keepdims=True))
    step = np.linalg.solve(curvature, gradient[..., np.newaxis])[..., 0]
    change = np.abs(np.einsum("snk,sk->sn", slopes, step) * (trials.weight > 0)).max(axis=1)
    return np.asarray(step * np.minimum(1.0, LARGEST_STEP / np.maximum(change, 1e-300))[:, np.newaxis], float)


class Profile:
    """The largest likelihood with one parameter held, for one value after another that lie close together.

    Args:
        best: log likelihood without that, (sets,).
        start: of the other parameters, (sets, k).
        trials: the outcomes.
        model: from the values held, (sets,), to the model of the other parameters.
    """

    def __init__(
        self, best: FloatArray, start: FloatArray, trials: Trials, model: Callable[[FloatArray], Model]
    ) -> None:
        self._best, self._last, self._trials, self._model = best, start, trials, model

    def __call__(self, value: FloatArray) -> FloatArray:
        """Return how far the log likelihood lies below the best, (sets,)."""
        self._last, there = maximise(self._model(value), self._last, self._trials, rounds=25, enough=1e-4)
        return self._best - there
