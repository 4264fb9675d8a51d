"""The largest likelihood of any model in which each datum depends on one number, eta; for many sets of data at once.

The first axis of every array counts the sets, such as those of many cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from labmtj.quantities import FloatArray

Model = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""from parameters (sets, k) to eta (sets, data) and its derivatives (sets, data, k)"""

LARGEST_STEP = 2.0
"""by which eta may change in one step of a fit"""


class Outcomes(Protocol):
    """Data whose likelihood depends on eta, (sets, data)."""

    def log_likelihood(self, eta: FloatArray) -> FloatArray:
        """Return the log likelihood of every set, (sets,)."""
        ...

    def score(self, eta: FloatArray) -> FloatArray:
        """Return its derivative by every eta, (sets, data)."""
        ...

    def information(self, eta: FloatArray) -> FloatArray:
        """Return the expected information on every eta, (sets, data)."""
        ...


def maximise(
    model: Model, start: FloatArray, data: Outcomes, rounds: int = 60, enough: float = 1e-8
) -> tuple[FloatArray, FloatArray]:
    """Return the parameters (sets, k) of the largest likelihood, and its logarithm (sets,).

    Fisher scoring (McCullagh and Nelder, Generalized Linear Models), damped where a step would lower the likelihood. A
    set without a maximum, such as one in which every trial succeeded, ends far out. It ends when a step gains less than
    `enough` everywhere.
    """
    found = np.array(start, float)
    eta, slopes = model(found)
    best = data.log_likelihood(eta)
    damping = np.full(len(found), 1e-9)
    for _ in range(rounds):
        step = _step(eta, slopes, data, damping)
        tried = found + step
        new_eta, new_slopes = model(tried)
        value = data.log_likelihood(new_eta)
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


def information(model: Model, parameters: FloatArray, data: Outcomes) -> FloatArray:
    """Return the expected information on the parameters, (sets, k, k)."""
    eta, slopes = model(parameters)
    return _curvature(slopes, data.information(eta))


def _curvature(slopes: FloatArray, weight: FloatArray) -> FloatArray:
    return np.asarray(np.swapaxes(slopes, 1, 2) @ (slopes * weight[..., np.newaxis]), float)


def _step(eta: FloatArray, slopes: FloatArray, data: Outcomes, damping: FloatArray) -> FloatArray:
    gradient = np.einsum("sn,snk->sk", data.score(eta), slopes)
    weight = data.information(eta)
    curvature = _curvature(slopes, weight)
    size = np.einsum("skk->sk", curvature)
    diagonal = np.einsum("skk->sk", curvature)
    diagonal += damping[:, np.newaxis] * size + 1e-12 * (1 + size.max(axis=1, keepdims=True))
    step = np.linalg.solve(curvature, gradient[..., np.newaxis])[..., 0]
    change = np.abs(np.einsum("snk,sk->sn", slopes, step) * (weight > 0)).max(axis=1)
    return np.asarray(step * np.minimum(1.0, LARGEST_STEP / np.maximum(change, 1e-300))[:, np.newaxis], float)


class Profile:
    """The largest likelihood with one parameter held, for one value after another that lie close together.

    Args:
        best: log likelihood without that, (sets,).
        start: of the other parameters, (sets, k).
        data: the outcomes.
        model: from the values held, (sets,), to the model of the other parameters.
    """

    def __init__(
        self, best: FloatArray, start: FloatArray, data: Outcomes, model: Callable[[FloatArray], Model]
    ) -> None:
        self._best, self._last, self._data, self._model = best, start, data, model

    def __call__(self, value: FloatArray) -> FloatArray:
        """Return how far the log likelihood lies below the best, (sets,)."""
        self._last, there = maximise(self._model(value), self._last, self._data, rounds=25, enough=1e-4)
        return self._best - there
