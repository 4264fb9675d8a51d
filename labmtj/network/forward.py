"""The two-layer perceptron in software: x -> tanh(u / g + b) twice, then the largest output wins.

u = x @ W is the pre-activation in units of dG * V_read, g the one number that scales measured currents to activations
(Gnorm / dG). Vectorised: leading axes of weights, biases and gains are solutions, gains or whatever broadcasts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.quantities import FloatArray


def preactivation(u: FloatArray, bias: FloatArray, gain: ArrayLike) -> FloatArray:
    """Return u / gain + bias: u (..., samples, n), bias (..., n), gain (...) broadcast over the leading axes."""
    scale = np.asarray(gain, float)[..., np.newaxis, np.newaxis]
    scaled: FloatArray = np.asarray(u) / scale + np.asarray(bias)[..., np.newaxis, :]
    return scaled


def hidden(x: FloatArray, w1: FloatArray, b1: FloatArray, gain: ArrayLike = 1.0) -> FloatArray:
    """Return the hidden activations, (..., samples, hidden); arguments as of `forward`."""
    return np.tanh(preactivation(np.matmul(x, w1), b1, gain))


def logits(
    x: FloatArray,
    w1: FloatArray,
    b1: FloatArray,
    w2: FloatArray,
    b2: FloatArray,
    gain: ArrayLike = 1.0,
    gain2: ArrayLike | None = None,
) -> FloatArray:
    """Return what enters the last tanh, (..., samples, outputs); arguments as of `forward`."""
    activations = hidden(x, w1, b1, gain)
    return preactivation(np.matmul(activations, w2), b2, gain if gain2 is None else gain2)


def forward(
    x: FloatArray,
    w1: FloatArray,
    b1: FloatArray,
    w2: FloatArray,
    b2: FloatArray,
    gain: ArrayLike = 1.0,
    gain2: ArrayLike | None = None,
) -> FloatArray:
    """Return the network's outputs, (..., samples, outputs), each in (-1, 1).

    Args:
        x: inputs, (samples, inputs).
        w1: effective weights W+ - W- of layer 1, (..., inputs, hidden).
        b1: biases, (..., hidden).
        w2: effective weights of layer 2, (..., hidden, outputs).
        b2: biases, (..., outputs).
        gain: g of both layers, a number or an array that broadcasts over the leading axes.
        gain2: g of layer 2 where it differs.
    """
    return np.tanh(logits(x, w1, b1, w2, b2, gain, gain2))


def predictions(outputs: FloatArray) -> NDArray[np.intp]:
    """Return the class of every sample, (..., samples), from outputs or logits (..., samples, classes).

    Logits are the safer argument: at small gains several outputs saturate at exactly 1.
    """
    winners: NDArray[np.intp] = np.argmax(outputs, axis=-1)
    return winners


def correct(outputs: FloatArray, classes: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return how many samples are classified correctly, (...)."""
    return np.asarray(np.count_nonzero(predictions(outputs) == classes, axis=-1), np.intp)


def accuracy(outputs: FloatArray, classes: NDArray[np.integer]) -> FloatArray:
    """Return the fraction of samples that are classified correctly, (...)."""
    return np.divide(correct(outputs, classes), len(classes))
