"""Re-fit of gains and biases after measurement: a few numbers per network, the array left as it is.

Every neuron may get its own gain and bias: x_2 = tanh(d1 / g1 + b1), logits = (x_2 @ t2) / g2 + b2. Fitted by Adam on
the cross-entropy of twice the logits. Shapes and units of d1 and t2 as in `tuning`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.network.adam import Adam
from labmtj.quantities import BoolArray, FloatArray

Variant = Literal["gain", "bias", "both"]
VARIANTS: tuple[Variant, ...] = ("gain", "bias", "both")
CHUNK = 100
"""solutions per pass: keeps the arrays of a pass in the cache"""
WORKING = np.float32
"""precision of the fit: its steps are a million times coarser, and it runs twice as fast"""
SHARPNESS = 2.0
"""cross-entropy is taken of this times the logits"""


@brief
@dataclass(frozen=True, eq=False)
class Readout:
    """The numbers kept in software, per solution and neuron."""

    g1: FloatArray
    """gains of the hidden neurons, (solutions, hidden)"""
    g2: FloatArray
    """gains of the outputs, (solutions, outputs)"""
    b1: FloatArray
    """(solutions, hidden)"""
    b2: FloatArray
    """(solutions, outputs)"""

    @classmethod
    def of(cls, b1: FloatArray, b2: FloatArray, gain: ArrayLike = 1.0, gain2: ArrayLike | None = None) -> Readout:
        """Return biases with a gain per solution, (solutions,), or one for all; `gain2` where layer 2 differs."""
        first = np.asarray(gain, float)[..., np.newaxis]
        second = first if gain2 is None else np.asarray(gain2, float)[..., np.newaxis]
        return cls(np.broadcast_to(first, b1.shape), np.broadcast_to(second, b2.shape), b1, b2)

    def hidden(self, d1: FloatArray) -> FloatArray:
        """Return the hidden activations, (solutions, samples, hidden), which drive layer 2."""
        activations: FloatArray = np.tanh(d1 / self.g1[:, np.newaxis, :] + self.b1[:, np.newaxis, :])
        return activations

    def logits(self, d2: FloatArray) -> FloatArray:
        """Return the logits, (solutions, samples, outputs), of raw pair differences of layer 2 of that shape."""
        values: FloatArray = d2 / self.g2[:, np.newaxis, :] + self.b2[:, np.newaxis, :]
        return values


def refit(
    d1: FloatArray,
    t2: FloatArray,
    classes: NDArray[np.integer],
    start: Readout,
    variant: Variant = "both",
    steps: int = 300,
    rate: float = 0.02,
) -> Readout:
    """Return the readout that classifies the given samples best, found from `start`.

    Of all steps the one with the most correct samples is kept, then the one with the least loss: never worse than the
    start on the samples of the fit.

    Args:
        d1: raw pair differences of layer 1, (solutions, samples, hidden).
        t2: layer 2 as a matrix, (solutions, hidden, outputs).
        classes: (samples,).
        start: where to begin: the best gains of a scan, the biases of training.
        variant: what is free: "gain" per neuron, "bias" per neuron, or "both".
        steps: of Adam.
        rate: of Adam, for log-gains and biases alike.

    Raises:
        UsageError: for another variant, or gains that are not positive.
    """
    if variant not in VARIANTS:
        raise UsageError(f"variant {variant!r} of the re-fit is not one of {', '.join(VARIANTS)}")
    if not (np.all(start.g1 > 0) and np.all(start.g2 > 0)):
        raise UsageError("a re-fit starts from positive gains; the start holds others")
    parts = [slice(first, first + CHUNK) for first in range(0, len(d1), CHUNK)]
    fitted = [_Fit(d1[part], t2[part], classes, _part(start, part), variant).run(steps, rate) for part in parts]
    return Readout(*(np.concatenate([getattr(one, key) for one in fitted]) for key in ("g1", "g2", "b1", "b2")))


def _part(readout: Readout, part: slice) -> Readout:
    return Readout(readout.g1[part], readout.g2[part], readout.b1[part], readout.b2[part])


class _Fit:
    """One chunk; samples run along the last axis."""

    def __init__(
        self, d1: FloatArray, t2: FloatArray, classes: NDArray[np.integer], start: Readout, variant: Variant
    ) -> None:
        self.raw, self.t2 = np.ascontiguousarray(d1.transpose(0, 2, 1), WORKING), np.ascontiguousarray(t2, WORKING)
        self.classes, self.start = classes, start
        self.onehot = (np.arange(t2.shape[2])[:, np.newaxis] == classes).astype(WORKING)
        self.logs = [np.log(start.g1).astype(WORKING), np.log(start.g2).astype(WORKING)]
        self.biases = [np.array(start.b1, WORKING), np.array(start.b2, WORKING)]
        self.free_gain, self.free_bias = variant != "bias", variant != "gain"

    def run(self, steps: int, rate: float) -> Readout:
        """Fit and return the best readout."""
        moved = [*(self.logs if self.free_gain else []), *(self.biases if self.free_bias else [])]
        adam = Adam(moved, rate)
        best = [values.copy() for values in (*self.logs, *self.biases)]
        best_score = np.full(len(self.raw), -np.inf)
        for step in range(steps + 1):
            score, gradients = self._evaluate()
            self._keep(best, score > best_score)
            best_score = np.maximum(score, best_score)
            if step < steps:
                adam.step(gradients)
        found = [values.astype(float) for values in best]
        gains = [np.exp(values) for values in found[:2]] if self.free_gain else [self.start.g1, self.start.g2]
        return Readout(*gains, *(found[2:] if self.free_bias else [self.start.b1, self.start.b2]))

    def _keep(self, best: list[NDArray[np.float32]], better: BoolArray) -> None:
        for mine, new in zip(best, (*self.logs, *self.biases), strict=True):
            mine[better] = new[better]

    def _evaluate(self) -> tuple[FloatArray, list[FloatArray]]:
        """Return the score of every solution and the gradients of what is free."""
        u1, scale2 = self.raw * np.exp(-self.logs[0])[..., np.newaxis], np.exp(-self.logs[1])[..., np.newaxis]
        h = np.tanh(u1 + self.biases[0][..., np.newaxis])
        u2 = np.matmul(self.t2.transpose(0, 2, 1), h) * scale2
        scaled = SHARPNESS * (u2 + self.biases[1][..., np.newaxis])
        top, own = scaled.max(axis=1), (scaled * self.onehot).sum(axis=1)
        p = np.exp(scaled - top[:, np.newaxis])
        total = p.sum(axis=1)
        p /= total[:, np.newaxis]
        e2 = (p - self.onehot) * (SHARPNESS / len(self.classes))
        e1 = np.matmul(self.t2, e2 * scale2) * (1 - h * h)
        gains = [-(e1 * u1).sum(axis=-1), -(e2 * u2).sum(axis=-1)] if self.free_gain else []
        biases = [e1.sum(axis=-1), e2.sum(axis=-1)] if self.free_bias else []
        return _score(own >= top, np.log(total) + top - own), gains + biases


def _score(right: BoolArray, losses: FloatArray) -> FloatArray:
    """Return correct samples less a share below one that grows with the loss, (solutions,); from (..., samples)."""
    loss = losses.mean(axis=-1)
    return np.asarray(np.count_nonzero(right, axis=-1) - loss / (1 + loss), float)
