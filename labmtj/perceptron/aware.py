"""Training that knows the array: on the cells of one chip as they were measured, or on many chips drawn at random.

Both go on from given networks and change bits and biases. Hardware-aware training computes with the conductances that
the cells of one chip show in either state, so that stuck, shorted and open cells are part of the network. It fits that
chip and no other. Statistics-aware training draws new chips at every step and fits none in particular, but most of them
(the distinction of Borders et al., Phys. Rev. Applied 21, 054028, 2024; their networks and method of training differ).
The gradient passes the bits as in `straight_through`; a cell that does not switch keeps its bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import UsageError
from labmtj.perceptron.pairs import difference
from labmtj.perceptron.straight_through import Networks, Pass, descend, onehot_of, score, to_cells
from labmtj.quantities import BoolArray, FloatArray

MARGIN = 0.3
"""latent of a given bit: how long the gradient must insist before it turns"""
SHARPNESS = 2.0
"""cross-entropy is taken of this times the outputs, as in `TrainingSettings.logit_scale`"""
LEAST_STEP = 0.25
"""of the usual step between the states: a cell that shows less of one is taken as stuck"""
JUDGES = 8
"""chips, the same at every step, on which the epochs of statistics-aware training are compared"""


@dataclass(frozen=True, eq=False)
class Cells:
    """What the cells of a layer conduct in either state, (networks, chips, inputs, columns), any unit.

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

    def holding(self, bits: BoolArray) -> FloatArray:
        """Return the conductances with bits (networks, inputs, columns) written, of the shape of the cells."""
        return np.where(bits[:, np.newaxis], self.parallel, self.antiparallel)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is wrong with the cells of a kind of array; fractions of all cells."""

    stuck_parallel: float = 0.01
    stuck_antiparallel: float = 0.01
    short: float = 0.005
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


def hardware_aware(
    x: FloatArray, classes: NDArray[np.intp], start: Networks, layers: Layers, epochs: int = 200, rate: float = 0.02
) -> Networks:
    """Return the networks trained on for the cells of one chip each; on these cells never worse than the start.

    Args:
        x: inputs, (samples, inputs).
        classes: (samples,).
        start: bits and biases to go on from, (networks, ...).
        layers: the cells under layer 1 and 2, as placed, of one chip: in units that a gain per layer makes good.
        epochs: full-batch steps; the best is kept.
        rate: of Adam.
    """
    measured = layers[0].scaled(), layers[1].scaled()
    return _train(x, classes, start, measured, lambda: measured, epochs, rate)


def statistics_aware(
    x: FloatArray, classes: NDArray[np.intp], start: Networks, statistics: Statistics, generator: np.random.Generator,
    epochs: int = 200, rate: float = 0.02, chips: int = 4,
) -> Networks:  # fmt: skip
    """Return the networks trained on for many chips: `chips` new ones at every step, drawn from the statistics.

    The best epoch is the one that is best over a few further chips. Other arguments as of `hardware_aware`.
    """
    shapes = start.w1.shape, start.w2.shape

    def drawn(count: int) -> Layers:
        first, second = (statistics.draw(generator, (len(start.w1), count, *shape[1:])) for shape in shapes)
        return first, second

    return _train(x, classes, start, drawn(JUDGES), lambda: drawn(chips), epochs, rate)


def _train(
    x: FloatArray, classes: NDArray[np.intp], start: Networks, judges: Layers, drawn: Callable[[], Layers],
    epochs: int, rate: float,
) -> Networks:  # fmt: skip
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    latents = [MARGIN * np.where(bits, 1.0, -1.0) for bits in (start.w1, start.w2)]
    biases = [np.array(start.b1, float), np.array(start.b2, float)]
    forward = _OnChips(np.ascontiguousarray(x.T), onehot_of(classes, start.b2.shape[1]), judges, drawn)
    with threadpool_limits(limits=1, user_api="blas"):  # one thread: the same sums every time
        return descend(forward, latents, biases, epochs, rate)


class _OnChips:
    """The forward pass on chips: the judges decide which epoch is best, the drawn ones tell where to go."""

    def __init__(self, x: FloatArray, onehot: FloatArray, judges: Layers, drawn: Callable[[], Layers]) -> None:
        self.x, self.onehot, self.judges, self.drawn = x, onehot, judges, drawn

    def judged(self, bits: Sequence[BoolArray], biases: Sequence[FloatArray]) -> FloatArray:
        """Return the mean score over the judges, (networks,)."""
        scores = score(self._pass(self.judges, bits, biases), self.onehot, SHARPNESS)
        return np.asarray(scores.reshape(len(bits[0]), -1).mean(axis=1), float)

    def gradients(self, bits: Sequence[BoolArray], biases: Sequence[FloatArray]) -> Sequence[FloatArray]:
        """Return the gradients of cells and biases, mean over the chips drawn for this epoch."""
        layers = self.drawn()
        felt = self._pass(layers, bits, biases)
        parts = felt.gradients(felt.error(self.onehot, SHARPNESS))
        g1, g2, gb1, gb2 = (each.reshape(len(bits[0]), -1, *each.shape[1:]) for each in parts)
        return [*map(_felt_by_cells, (g1, g2), layers), gb1.mean(axis=1), gb2.mean(axis=1)]

    def _pass(self, layers: Layers, bits: Sequence[BoolArray], biases: Sequence[FloatArray]) -> Pass:
        weights = [difference(cells.holding(each)) for cells, each in zip(layers, bits, strict=True)]
        chips = weights[0].shape[1]
        first, second = (each.reshape(-1, *each.shape[2:]) for each in weights)
        repeated = [np.repeat(each, chips, axis=0) for each in biases]
        return Pass(self.x, first, second, repeated, np.ones((len(first), 1, 1)))


def _felt_by_cells(gradient: FloatArray, cells: Cells) -> FloatArray:
    """Return the gradient of the bits, (networks, inputs, columns), from that of weights on every chip."""
    moved = np.where(np.abs(cells.step) < LEAST_STEP, 0.0, cells.step)
    mean: FloatArray = (to_cells(gradient) * moved).mean(axis=1)
    return mean
