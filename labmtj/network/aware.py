"""Training that knows the array: on the cells of one chip as they were measured, or on many chips drawn at random.

Both go on from given networks and change bits and biases. Hardware-aware training computes with the conductances that
the cells of one chip show in either state, so that stuck, shorted and open cells are part of the network. It fits that
chip and no other. Statistics-aware training draws new chips at every step and fits none in particular, but most of them
(the distinction of Borders et al., Phys. Rev. Applied 21, 054028, 2024; their networks and method of training differ).
The gradient passes the bits as in `straight_through`; a cell that does not switch keeps its bit.

The target is not the classes but the outputs of the given network in software, on the samples and on noisy copies of
them: with the classes alone, training overfits the 148 samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.network.pairs import difference
from labmtj.network.readout import Readout, refit
from labmtj.network.straight_through import Networks, Pass, descend, to_cells
from labmtj.quantities import BoolArray, FloatArray
from labmtj.streams import stream

MARGIN = 0.3
"""latent of a given bit: how long the gradient must insist before it turns"""
SHARPNESS = 2.0
"""cross-entropy is taken of this times the outputs, as in `TrainingSettings.logit_scale`"""
LEAST_STEP = 0.25
"""of the usual step between the states: a cell that shows less of one is taken as stuck"""
JUDGES = 8
"""chips, the same at every step, on which the epochs of statistics-aware training are compared"""
NOISY_COPIES, NOISE = 3, 0.1
"""further copies of the samples, and the standard deviation that is added to their inputs, which lie in [0, 1]"""


@brief
@dataclass(frozen=True, eq=False)
class Cells:
    """What the cells of a layer conduct in either state, (networks, chips, inputs, columns), in one unit.

    Raises:
        UsageError: for shapes that differ, values that are not finite, or a layer of which no cell switches.
    """

    parallel: FloatArray
    antiparallel: FloatArray

    def __post_init__(self) -> None:
        if self.parallel.ndim != 4 or self.parallel.shape != self.antiparallel.shape:
            raise UsageError(f"cells need two maps of 4 axes; got {self.parallel.shape}, {self.antiparallel.shape}")
        if not (np.isfinite(self.parallel).all() and np.isfinite(self.antiparallel).all()):
            raise UsageError("the conductances of cells hold values that are not finite; read the cells again")
        if not self.usual_step.min() > 0:
            raise UsageError("most cells of a layer show no step between the states; read them again in both")

    @property
    def step(self) -> FloatArray:
        """What a cell conducts more in P, of its shape."""
        return self.parallel - self.antiparallel

    @property
    def usual_step(self) -> FloatArray:
        """The median over the cells of each chip, (networks, chips, 1, 1)."""
        return np.asarray(np.median(self.step, axis=(2, 3), keepdims=True), float)

    def scaled(self) -> Self:
        """Return the same in units of the usual step of each chip: what a gain makes of it."""
        return type(self)(self.parallel / self.usual_step, self.antiparallel / self.usual_step)

    def weights(self, bits: BoolArray) -> FloatArray:
        """Return the weights, (networks, chips, inputs, neurons), with bits (networks, inputs, columns) written."""
        return difference(np.where(bits[:, np.newaxis], self.parallel, self.antiparallel))


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is wrong with the cells of a kind of array; fractions of all cells."""

    stuck_parallel: float = 0.01
    stuck_antiparallel: float = 0.01
    short: float = 0.0
    """no bits prepare for a short, which gain and bias of its own chip must make good"""
    open: float = 0.005
    short_steps: float = 30.0
    """conductance of a short in steps between the states (assumed)"""
    variation: float = 0.1
    """standard deviation of ln G"""
    tmr: float = 1.0
    """(R_AP - R_P) / R_P"""

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Cells:
        """Return new cells of the shape (networks, chips, inputs, columns), in units of the nominal step."""
        spread = np.exp(self.variation * generator.standard_normal(shape))
        parallel, antiparallel = (1 + 1 / self.tmr) * spread, spread / self.tmr
        edges = np.cumsum([self.stuck_parallel, self.stuck_antiparallel, self.short, self.open])
        kind = np.searchsorted(edges, generator.random(shape), side="right")
        fixed = [parallel, antiparallel, np.full(shape, self.short_steps), np.zeros(shape)]
        return Cells(np.choose(kind, [*fixed, parallel]), np.choose(kind, [*fixed, antiparallel]))


Layers = tuple[Cells, Cells]


class Trained(NamedTuple):
    """Networks with a gain for every neuron: tanh(u / gain + bias)."""

    networks: Networks
    gain1: FloatArray
    """(networks, hidden), in the unit of the cells that the training knew"""
    gain2: FloatArray
    """(networks, outputs)"""


def hardware_aware(
    x: FloatArray, classes: NDArray[np.intp], start: Networks, layers: Layers, epochs: int = 300, rate: float = 0.02
) -> Trained:
    """Return the networks trained on for the cells of one chip each.

    It begins with the given bits on these cells, gains and biases re-fitted. If no step is better that is the answer.

    Args:
        x: inputs, (samples, inputs).
        classes: (samples,), for the re-fit at the beginning.
        start: bits and biases to go on from, (networks, ...).
        layers: the cells under layer 1 and 2, as placed, of one chip per network.
        epochs: full-batch steps; the best is kept.
        rate: of Adam.
    """
    cells = layers[0].scaled(), layers[1].scaled()
    d1, t2 = x @ cells[0].weights(start.w1)[:, 0], cells[1].weights(start.w2)[:, 0]
    found = refit(d1, t2, classes, Readout.of(start.b1, start.b2, np.ones(len(d1))))
    forward = _OnChips(x, start, cells, lambda: cells, free_gains=True)
    free = [found.b1, found.b2, np.log(found.g1), np.log(found.g2)]
    trained = _train(forward, start, free, epochs, rate)
    unit1, unit2 = (each.usual_step[:, 0, 0] for each in layers)
    return Trained(trained.networks, trained.gain1 * unit1, trained.gain2 * unit2)


def statistics_aware(
    x: FloatArray, start: Networks, statistics: Statistics, generator: np.random.Generator,
    epochs: int = 300, rate: float = 0.02, chips: int = 4,
) -> Trained:  # fmt: skip
    """Return the networks trained on for many chips: `chips` new ones at every step, drawn from the statistics.

    The best epoch is the one that is best over a few further chips; gains stay 1, in units of the nominal step. Other
    arguments as of `hardware_aware`.
    """
    shapes = start.w1.shape, start.w2.shape

    def drawn(count: int) -> Layers:
        first, second = (statistics.draw(generator, (len(start.w1), count, *shape[1:])) for shape in shapes)
        return first, second

    forward = _OnChips(x, start, drawn(JUDGES), lambda: drawn(chips), free_gains=False)
    free = [start.b1, start.b2, np.zeros_like(start.b1), np.zeros_like(start.b2)]
    return _train(forward, start, free, epochs, rate)


def _train(forward: _OnChips, start: Networks, free: Sequence[FloatArray], epochs: int, rate: float) -> Trained:
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    latents = [MARGIN * np.where(bits, 1.0, -1.0) for bits in (start.w1, start.w2)]
    with threadpool_limits(limits=1, user_api="blas"):  # one thread: the same sums every time
        bits, (b1, b2, log1, log2) = descend(forward, latents, [np.array(each) for each in free], epochs, rate)
    return Trained(Networks(bits[0], bits[1], b1, b2), np.exp(log1), np.exp(log2))


class _OnChips:
    """The forward pass on chips: the judges decide which epoch is best, the drawn ones give the gradients.

    What is free are the biases and the logarithms of the gains, per neuron.
    """

    def __init__(
        self, x: FloatArray, start: Networks, judges: Layers, drawn: Callable[[], Layers], *, free_gains: bool
    ) -> None:
        noise = stream(0, "inputs").standard_normal((NOISY_COPIES, *x.shape))
        inputs = np.concatenate([x, *np.clip(x + NOISE * noise, 0, 1)])
        self.x, self.judges, self.drawn, self.free_gains = np.ascontiguousarray(inputs.T), judges, drawn, free_gains
        ones = np.ones((len(start.w1), 1, 1))
        ideal = Pass(self.x, difference(start.w1), difference(start.w2), (start.b1, start.b2), ones)
        self.wanted = ideal.probabilities(SHARPNESS)

    def judged(self, bits: Sequence[BoolArray], free: Sequence[FloatArray]) -> FloatArray:
        """Return minus the cross-entropy with the ideal network, mean over the judges, (networks,)."""
        found = np.log(self._pass(self.judges, bits, free).probabilities(SHARPNESS))
        losses = (self._wanted_of(len(found)) * found).sum(axis=1).mean(axis=-1)
        return np.asarray(losses.reshape(len(bits[0]), -1).mean(axis=1), float)

    def gradients(self, bits: Sequence[BoolArray], free: Sequence[FloatArray]) -> Sequence[FloatArray]:
        """Return the gradients of cells, biases and log-gains, mean over the chips drawn for this epoch."""
        layers, networks = self.drawn(), len(bits[0])
        felt = self._pass(layers, bits, free)
        parts = felt.gradients(felt.error(self._wanted_of(len(felt.out)), SHARPNESS))
        g1, g2, gb1, gb2 = (each.reshape(networks, -1, *each.shape[1:]) for each in parts)
        scales = [np.exp(-each)[:, np.newaxis, np.newaxis] for each in free[2:]]
        cells = [_felt_by_cells(each * scale, one) for each, scale, one in zip((g1, g2), scales, layers, strict=True)]
        weights = zip((g1, g2), layers, bits, scales, strict=True)
        gains = [-(each * one.weights(held) * scale).sum(axis=2).mean(axis=1) for each, one, held, scale in weights]
        return [*cells, gb1.mean(axis=1), gb2.mean(axis=1), *(self.free_gains * each for each in gains)]

    def _wanted_of(self, passes: int) -> FloatArray:
        return np.repeat(self.wanted, passes // len(self.wanted), axis=0)

    def _pass(self, layers: Layers, bits: Sequence[BoolArray], free: Sequence[FloatArray]) -> Pass:
        first, second = (
            cells.weights(held) * np.exp(-log)[:, np.newaxis, np.newaxis]
            for cells, held, log in zip(layers, bits, free[2:], strict=True)
        )
        biases = [np.repeat(each, first.shape[1], axis=0) for each in free[:2]]
        ones = np.ones((len(biases[0]), 1, 1))
        return Pass(self.x, first.reshape(-1, *first.shape[2:]), second.reshape(-1, *second.shape[2:]), biases, ones)


def _felt_by_cells(gradient: FloatArray, cells: Cells) -> FloatArray:
    """Return the gradient of the bits, (networks, inputs, columns), from that of weights on every chip."""
    moved = np.where(np.abs(cells.step) < LEAST_STEP, 0.0, cells.step)
    mean: FloatArray = (to_cells(gradient) * moved).mean(axis=1)
    return mean
