"""Straight-through training of binary-pair networks, many at once, on NumPy alone.

Every cell has a real latent in [-1, 1]; its bit is latent > 0 in the forward pass, and the gradient passes to the
latent unchanged (straight-through estimator; Bengio et al., arXiv 1308.3432). Variation, wrong bits and gain errors can
enter the forward pass, so that the bits found tolerate what an array does to them. Solution k depends on its own random
streams only, never on how many are trained with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import UsageError
from labmtj.network.settings import TrainingSettings
from labmtj.network.solution import Solutions
from labmtj.network.straight_through import Networks, train_chunk
from labmtj.network.wine import Wine
from labmtj.quantities import FloatArray
from labmtj.streams import stream

CHUNK = 20
"""networks per pass: what still fits the cache of one core"""
ATTEMPTS = 100


def train(wine: Wine, count: int, seed: int = 0, settings: TrainingSettings | None = None) -> Solutions:
    """Return `count` solutions with different bits, trained on the training samples of the Wine data.

    The same machine gives the same bits, whatever else runs and whatever `count` is. Other processors may round tanh
    otherwise, and training then takes another path to solutions of the same quality.

    Raises:
        UsageError: for a count below 1, or if the settings keep giving the same bits.
    """
    if count < 1:
        raise UsageError(f"count = {count}: train at least one solution")
    how = settings or TrainingSettings()
    networks = _unique_networks(wine.features[wine.train], wine.classes[wine.train], count, seed, how)
    text = ", ".join(f"{key} {value:g}" for key, value in asdict(how).items())
    w1, w2 = networks.w1.astype(np.uint8), networks.w2.astype(np.uint8)
    return Solutions(w1, w2, networks.b1, networks.b2, f"wine-{count}", f"labmtj train, seed {seed}, {text}")


def fit_networks(
    x: FloatArray,
    classes: NDArray[np.intp],
    outputs: int,
    generators: Sequence[np.random.Generator],
    settings: TrainingSettings,
) -> Networks:
    """Return one trained network per generator, for any inputs (samples, n) and classes (samples,) below `outputs`."""
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    # one thread: a library that splits a sum over threads may round it otherwise next time
    with threadpool_limits(limits=1, user_api="blas"):
        parts = [generators[start : start + CHUNK] for start in range(0, len(generators), CHUNK)]
        chunks = [train_chunk(x, classes, outputs, part, settings) for part in parts]
    return Networks(*(np.concatenate(arrays) for arrays in zip(*chunks, strict=True)))


def _unique_networks(
    x: FloatArray, classes: NDArray[np.intp], count: int, seed: int, settings: TrainingSettings
) -> Networks:
    """Train, and train again from its next stream whatever repeats an earlier solution."""
    outputs = int(classes.max()) + 1
    attempts = np.zeros(count, int)
    networks = fit_networks(x, classes, outputs, [stream(seed, "training", k, 0) for k in range(count)], settings)
    while len(repeated := _repeated(networks)):
        attempts[repeated] += 1
        if attempts.max() > ATTEMPTS:
            raise UsageError(
                f"solution {repeated[0]} repeats an earlier one {ATTEMPTS} times over; "
                "ask for fewer solutions or allow more hidden neurons"
            )
        streams = [stream(seed, "training", int(k), int(attempts[k])) for k in repeated]
        again = fit_networks(x, classes, outputs, streams, settings)
        for old, new in zip(networks, again, strict=True):
            old[repeated] = new
    return networks


def _repeated(networks: Networks) -> NDArray[np.intp]:
    """Return the networks whose bits an earlier one already has."""
    count = len(networks.w1)
    bits = np.concatenate([networks.w1.reshape(count, -1), networks.w2.reshape(count, -1)], axis=1)
    _, first = np.unique(bits, axis=0, return_index=True)
    return np.setdiff1d(np.arange(count), first)
