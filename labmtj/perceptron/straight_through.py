"""One chunk of networks trained together by straight-through estimation; samples run along the last axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labmtj.perceptron.adam import Adam
from labmtj.perceptron.pairs import conductances, difference
from labmtj.perceptron.settings import TrainingSettings
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


class _Pass:
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

    def gradients(self, d_out: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return the gradients of w1, w2, b1, b2 from that of the outputs."""
        d2 = d_out * (1 - self.out * self.out)
        d1 = np.matmul(self.w2, d2 / self.gain) * (1 - self.h * self.h)
        g2 = np.matmul(self.h, (d2 / self.gain).transpose(0, 2, 1))
        g1 = np.matmul(self.x, (d1 / self.gain).transpose(0, 2, 1))
        return g1, g2, d1.sum(axis=-1), d2.sum(axis=-1)


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
    onehot = (np.arange(outputs)[:, np.newaxis] == classes).astype(float)
    latents = [np.array(start) for start in zip(*(_start(one, shapes) for one in generators), strict=True)]
    biases = [np.zeros((len(generators), settings.hidden)), np.zeros((len(generators), outputs))]
    return _descend(
        np.ascontiguousarray(x.T), onehot, latents, biases, _disturbances(generators, shapes, settings), settings
    )


def _start(generator: np.random.Generator, shapes: LayerShapes) -> list[FloatArray]:
    return [generator.uniform(-1, 1, shape) for shape in shapes]


def _descend(
    x: FloatArray,
    onehot: FloatArray,
    latents: list[FloatArray],
    biases: list[FloatArray],
    disturbances: Iterator[_Disturbance],
    settings: TrainingSettings,
) -> Networks:
    """Move latents and biases in place for all epochs; return the network of the best epoch of each."""
    best = Networks(latents[0] > 0, latents[1] > 0, biases[0].copy(), biases[1].copy())
    best_score = np.full(len(latents[0]), -np.inf)
    adam = Adam([*latents, *biases], settings.learning_rate)
    still = np.ones((len(latents[0]), 1, 1))
    for _ in range(settings.epochs):
        bits = [latent > 0 for latent in latents]
        clean = felt = _Pass(x, difference(bits[0]), difference(bits[1]), biases, still)
        score = _score(clean, onehot, settings.logit_scale)
        _keep(best, score > best_score, Networks(bits[0], bits[1], biases[0], biases[1]))
        best_score = np.maximum(score, best_score)
        if settings.noisy:
            felt = _disturbed(x, bits, biases, next(disturbances), settings)
        error = felt.probabilities(settings.logit_scale) - onehot
        g1, g2, gb1, gb2 = felt.gradients(error * (settings.logit_scale / x.shape[1]))
        adam.step([_to_cells(g1), _to_cells(g2), gb1, gb2])
        for latent in latents:
            np.clip(latent, -1, 1, out=latent)
    return best


def _to_cells(gradient: FloatArray) -> FloatArray:
    """Return the gradient of the cells, (..., 2 n), from that of the weights, (..., n)."""
    return np.stack([gradient, -gradient], axis=-1).reshape(*gradient.shape[:-1], -1)


def _score(clean: _Pass, onehot: FloatArray, scale: float) -> FloatArray:
    """Return correct samples minus a share below one that grows with the loss: most correct first, then the surest."""
    hits = np.count_nonzero(clean.out.argmax(axis=1) == onehot.argmax(axis=0), axis=-1)
    loss = -np.log(np.sum(clean.probabilities(scale) * onehot, axis=1)).mean(axis=-1)
    return np.asarray(hits - loss / (1 + loss), float)


def _keep(best: Networks, better: BoolArray, networks: Networks) -> None:
    for mine, new in zip(best, networks, strict=True):
        mine[better] = new[better]


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
) -> _Pass:
    w1, w2 = (
        difference(conductances(states ^ wrong, deviates, settings.variation, settings.tmr))
        for states, wrong, deviates in zip(bits, disturbance.wrong, disturbance.deviates, strict=True)
    )
    return _Pass(x, w1, w2, biases, disturbance.gain)
