"""One chunk of networks trained together by straight-through estimation; samples run along the last axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from labmtj.network.adam import Adam
from labmtj.network.pairs import conductances, difference
from labmtj.network.settings import TrainingSettings
from labmtj.quantities import BoolArray, FloatArray

LayerShapes = tuple[tuple[int, int], tuple[int, int]]
BLOCK = 100
"""epochs whose disturbances are drawn at once; part of what a seed means, as the draws alternate per block"""


class Networks(NamedTuple):
    """Bits and biases, leading axis networks; shapes as in `Solutions`."""

    w1: BoolArray
    w2: BoolArray
    b1: FloatArray
    b2: FloatArray


class _Disturbance(NamedTuple):
    """What one epoch does to the forward pass: deviates and wrong bits per layer and cell, gain per network."""

    deviates: tuple[FloatArray, FloatArray]
    wrong: tuple[BoolArray, BoolArray]
    gain: FloatArray


class Pass:
    """Forward and backward pass of a chunk; x is (inputs, samples), outputs are (networks, classes, samples)."""

    def __init__(self, x: FloatArray, w1: FloatArray, w2: FloatArray, biases: Sequence[FloatArray], gain: FloatArray):
        self.x, self.w2, self.gain = x, w2, gain
        self.h = np.tanh(np.matmul(w1.transpose(0, 2, 1), x) / gain + biases[0][..., np.newaxis])
        self.out = np.tanh(np.matmul(w2.transpose(0, 2, 1), self.h) / gain + biases[1][..., np.newaxis])

    def probabilities(self, scale: float) -> FloatArray:
        """Return the softmax of scale * outputs, (networks, classes, samples)."""
        raised: FloatArray = np.exp(scale * self.out)  # outputs are within +-1, so exp needs no shift
        raised /= raised.sum(axis=1, keepdims=True)
        return raised

    def error(self, onehot: FloatArray, scale: float) -> FloatArray:
        """Return the gradient of the outputs, of the cross-entropy of scale * outputs, mean over samples."""
        wrong: FloatArray = (self.probabilities(scale) - onehot) * (scale / self.x.shape[-1])
        return wrong

    def gradients(self, d_out: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return the gradients of w1, w2, b1, b2 from that of the outputs."""
        d2 = d_out * (1 - self.out * self.out)
        d1 = np.matmul(self.w2, d2 / self.gain) * (1 - self.h * self.h)
        g2 = np.matmul(self.h, (d2 / self.gain).transpose(0, 2, 1))
        g1 = np.matmul(self.x, (d1 / self.gain).transpose(0, 2, 1))
        return g1, g2, d1.sum(axis=-1), d2.sum(axis=-1)


class Forward(Protocol):
    """How the bits of a chunk compute while they are trained, with what else is free: biases, perhaps gains."""

    def judged(self, bits: Sequence[BoolArray], free: Sequence[FloatArray]) -> FloatArray:
        """Return how good the networks are, (networks,): the best epoch of each is kept."""

    def gradients(self, bits: Sequence[BoolArray], free: Sequence[FloatArray]) -> Sequence[FloatArray]:
        """Return the gradients of the cells of layers 1 and 2, then of what is free; after `judged`, once an epoch."""


class Nominal:
    """Ideal cells, disturbed as the settings say."""

    def __init__(
        self, x: FloatArray, onehot: FloatArray, disturbances: Iterator[_Disturbance], settings: TrainingSettings
    ) -> None:
        self.x, self.onehot, self.disturbances, self.settings = x, onehot, disturbances, settings
        self._clean: Pass | None = None

    def judged(self, bits: Sequence[BoolArray], free: Sequence[FloatArray]) -> FloatArray:
        """Return the score of the undisturbed networks."""
        still = np.ones((len(bits[0]), 1, 1))
        self._clean = Pass(self.x, difference(bits[0]), difference(bits[1]), free, still)
        return score(self._clean, self.onehot, self.settings.logit_scale)

    def gradients(self, bits: Sequence[BoolArray], free: Sequence[FloatArray]) -> Sequence[FloatArray]:
        """Return the gradients with the disturbance of this epoch, if there is any."""
        felt = self._clean
        if self.settings.noisy or felt is None:
            felt = _disturbed(self.x, bits, free, next(self.disturbances), self.settings)
        g1, g2, gb1, gb2 = felt.gradients(felt.error(self.onehot, self.settings.logit_scale))
        return to_cells(g1), to_cells(g2), gb1, gb2


def train_chunk(
    x: FloatArray,
    classes: NDArray[np.intp],
    outputs: int,
    generators: Sequence[np.random.Generator],
    settings: TrainingSettings,
) -> Networks:
    """Return one trained network per generator.

    Args:
        x: inputs, (samples, inputs).
        classes: (samples,), values 0 to outputs - 1.
        outputs: number of classes.
        generators: the random stream of each network, read for its start and its disturbances.
        settings: how to train.
    """
    shapes = ((x.shape[1], 2 * settings.hidden), (settings.hidden, 2 * outputs))
    latents = [np.array(start) for start in zip(*(_start(one, shapes) for one in generators), strict=True)]
    biases = [np.zeros((len(generators), settings.hidden)), np.zeros((len(generators), outputs))]
    disturbances = _disturbances(generators, shapes, settings)
    forward = Nominal(np.ascontiguousarray(x.T), onehot_of(classes, outputs), disturbances, settings)
    bits, (b1, b2) = descend(forward, latents, biases, settings.epochs, settings.learning_rate)
    return Networks(bits[0], bits[1], b1, b2)


def onehot_of(classes: NDArray[np.intp], outputs: int) -> FloatArray:
    """Return 1 where a sample is of a class, (outputs, samples)."""
    return np.asarray(np.arange(outputs)[:, np.newaxis] == classes, float)


def _start(generator: np.random.Generator, shapes: LayerShapes) -> list[FloatArray]:
    return [generator.uniform(-1, 1, shape) for shape in shapes]


def descend(
    forward: Forward, latents: Sequence[FloatArray], free: Sequence[FloatArray], epochs: int, rate: float
) -> tuple[list[BoolArray], list[FloatArray]]:
    """Move latents and what is free in place for all epochs; return bits and free values of the best epoch of each."""
    best_bits, best_free = [latent > 0 for latent in latents], [values.copy() for values in free]
    best_score = np.full(len(latents[0]), -np.inf)
    adam = Adam([*latents, *free], rate)
    for _ in range(epochs):
        bits = [latent > 0 for latent in latents]
        found = forward.judged(bits, free)
        better = found > best_score
        for mine, new in zip([*best_bits, *best_free], [*bits, *free], strict=True):
            mine[better] = new[better]
        best_score = np.maximum(found, best_score)
        adam.step(forward.gradients(bits, free))
        for latent in latents:
            np.clip(latent, -1, 1, out=latent)
    return best_bits, best_free


def to_cells(gradient: FloatArray) -> FloatArray:
    """Return the gradient of the cells, (..., 2 n), from that of the weights, (..., n)."""
    return np.stack([gradient, -gradient], axis=-1).reshape(*gradient.shape[:-1], -1)


def score(clean: Pass, onehot: FloatArray, scale: float) -> FloatArray:
    """Return correct samples minus a share below one that grows with the loss: most correct first, then the surest."""
    hits = np.count_nonzero(clean.out.argmax(axis=1) == onehot.argmax(axis=0), axis=-1)
    loss = -np.log(np.sum(clean.probabilities(scale) * onehot, axis=1)).mean(axis=-1)
    return np.asarray(hits - loss / (1 + loss), float)


def _disturbances(
    generators: Sequence[np.random.Generator], shapes: LayerShapes, settings: TrainingSettings
) -> Iterator[_Disturbance]:
    """Yield one disturbance per epoch; every network draws from its own stream only."""
    sizes = [rows * columns for rows, columns in shapes]
    for start in range(0, settings.epochs, BLOCK):
        epochs = min(BLOCK, settings.epochs - start)
        deviates = np.array([generator.standard_normal((epochs, sum(sizes) + 1)) for generator in generators])
        wrong = np.array([generator.random((epochs, sum(sizes))) for generator in generators]) < settings.flips
        for k in range(epochs):
            normal1, normal2, jitter = np.split(deviates[:, k], [sizes[0], sum(sizes)], axis=1)
            wrong1, wrong2 = np.split(wrong[:, k], [sizes[0]], axis=1)
            yield _Disturbance(
                deviates=(normal1.reshape(-1, *shapes[0]), normal2.reshape(-1, *shapes[1])),
                wrong=(wrong1.reshape(-1, *shapes[0]), wrong2.reshape(-1, *shapes[1])),
                gain=np.exp(settings.gain_jitter * jitter)[..., np.newaxis],
            )


def _disturbed(
    x: FloatArray,
    bits: Sequence[BoolArray],
    biases: Sequence[FloatArray],
    disturbance: _Disturbance,
    settings: TrainingSettings,
) -> Pass:
    w1, w2 = (
        difference(conductances(states ^ wrong, deviates, settings.variation, settings.tmr))
        for states, wrong, deviates in zip(bits, disturbance.wrong, disturbance.deviates, strict=True)
    )
    return Pass(x, w1, w2, biases, disturbance.gain)
