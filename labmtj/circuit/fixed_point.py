"""Cell voltages that obey both a linear network and the law of every cell: a fixed point, then Newton's method.

The network is I = `linear` + K e and V = R I - e, where e = R i(V) - V is what a cell carries beyond its linear
current, as a voltage. A pass through both contracts by about (wire drop / cell drop) x (change of resistance). Derived
here: the first is `ports` with the excess current written as a voltage in series with R, the second its definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from labmtj.circuit.products import matvec
from labmtj.errors import ProcedureFailed
from labmtj.quantities import FloatArray

CellLaw = Callable[[FloatArray], FloatArray]
"""From the volts across every junction, (..., cells), to an amount per cell of the same shape, element by element."""

_PASSES = 30
_NEWTON_STEPS = 60
_SMALLEST_STEP = 2.0**-30
_PROBE_VOLTS = 1e-4


class Drain(NamedTuple):
    """Lines that give way to the current of the cells: it lowers the response K by X Z X^T, too large to spell out."""

    transfer: FloatArray
    """X, (cells, lines) siemens"""
    impedance: FloatArray
    """Z, (lines, lines) ohms of array and what is connected to the lines together"""

    def amperes(self, excess: FloatArray) -> FloatArray:
        """Return what the response loses, shape of `excess`: (cells,) or (batch, cells)."""
        return matvec(self.transfer, matvec(self.impedance, matvec(self.transfer.T, excess)))


class Problem(NamedTuple):
    """The cells of one network."""

    ohms: FloatArray
    """R, (cells,)"""
    inverse: FloatArray
    """K, (cells, cells): (diag(R) + impedance of the wires and of what is connected to the lines)^-1"""
    law: CellLaw
    slope: CellLaw | None
    tolerance_volts: float
    drain: Drain | None = None
    """what is to be subtracted from `inverse`"""

    def step(self, linear: FloatArray, volts: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return how far the network moves the cell volts when the cells carry what their law says, and its amperes."""
        carried = self.law(volts)
        excess = self.ohms * carried
        excess -= volts
        amperes = matvec(self.inverse, excess)
        if self.drain is not None:
            amperes -= self.drain.amperes(excess)
        amperes += linear
        move = amperes - carried
        move *= self.ohms
        return move, amperes


def settle_cells(problem: Problem, linear: FloatArray, starts: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """Return the volts and amperes of the cells, (batch, cells) each.

    A vector that has settled is left alone, so that its bits do not depend on its batch.

    Args:
        problem: the cells and their network.
        linear: (batch, cells) amperes of the linear network.
        starts: (batch, cells) volts to start from, None = the linear answer.

    Raises:
        ProcedureFailed: if a vector settles neither by passes nor by Newton.
    """
    volts = problem.ohms * linear if starts is None else starts
    if len(linear) > 1:
        return _settle_many(problem, linear, volts)
    one_volts, one_amperes = settle_one(problem, linear[0], volts[0])
    return one_volts[np.newaxis], one_amperes[np.newaxis]


@np.errstate(over="ignore", invalid="ignore")  # a diverging pass may overflow the law; Newton starts over
def settle_one(problem: Problem, linear: FloatArray, volts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Do what `_settle_many` does for a single vector, without the bookkeeping: every pulse comes through here."""
    before = 0.0
    for _ in range(_PASSES):
        move, amperes = problem.step(linear, volts)
        volts = volts + move
        size = float(np.maximum.reduce(np.abs(move, out=move)))  # max() of an array takes as long again
        if _settled(size, before, problem.tolerance_volts):
            return volts, amperes
        before = size
    return _newton(problem, linear, 0)


@np.errstate(over="ignore", invalid="ignore")
def _settle_many(problem: Problem, linear: FloatArray, volts: FloatArray) -> tuple[FloatArray, FloatArray]:
    all_volts, all_amperes = np.empty_like(linear), np.empty_like(linear)
    moving, todo, before = np.arange(len(linear)), linear, np.zeros(len(linear))
    for _ in range(_PASSES):
        move, amperes = problem.step(todo, volts)
        volts = volts + move
        sizes = np.abs(move, out=move).max(axis=1)
        settled = _settled(sizes, before, problem.tolerance_volts)
        if settled.any():
            all_volts[moving[settled]], all_amperes[moving[settled]] = volts[settled], amperes[settled]
            moving, todo, volts, sizes = moving[~settled], todo[~settled], volts[~settled], sizes[~settled]
            if not len(moving):
                break
        before = sizes
    for number in moving.tolist():
        all_volts[number], all_amperes[number] = _newton(problem, linear[number], number)
    return all_volts, all_amperes


def _settled(size: Any, before: Any, tolerance_volts: float) -> Any:
    """Say whether the next pass would move less than the tolerance, moves shrinking by the factor of the last two.

    Args:
        size: largest move of the last pass, one number or one per vector.
        before: the same of the pass before it, zero at the first.
        tolerance_volts: what is small enough.
    """
    return (size < tolerance_volts) | (size * size < tolerance_volts * before)


def _newton(problem: Problem, linear: FloatArray, number: int) -> tuple[FloatArray, FloatArray]:
    """Return volts and amperes of one vector, (cells,) each, by Newton steps halved until the residual falls."""
    volts = problem.ohms * linear
    move, amperes = problem.step(linear, volts)
    if not np.isfinite(move).all():
        volts = np.zeros_like(volts)
        move, amperes = problem.step(linear, volts)
    for _ in range(_NEWTON_STEPS):
        if np.abs(move).max() < problem.tolerance_volts:
            return volts + move, amperes
        direction, scale, size = np.linalg.solve(_jacobian(problem, volts), move), 1.0, np.linalg.norm(move)
        trial, amperes = problem.step(linear, volts + direction)
        while not np.linalg.norm(trial) < size and scale > _SMALLEST_STEP:
            scale *= 0.5
            trial, amperes = problem.step(linear, volts + scale * direction)
        if scale <= _SMALLEST_STEP:
            break
        volts, move = volts + scale * direction, trial
    raise ProcedureFailed(
        f"vector {number}: the cell voltages do not settle, {np.abs(move).max():.3g} V are left "
        f"(tolerance {problem.tolerance_volts:g} V); use lower voltages, or a cell law that rises with voltage"
    )


def _jacobian(problem: Problem, volts: FloatArray) -> FloatArray:
    """Return -d(move)/d(volts) = 1 + (1 - R K) diag(R g - 1)."""
    if problem.slope is None:
        rise = problem.law(volts + _PROBE_VOLTS) - problem.law(volts - _PROBE_VOLTS)
        siemens = rise / (2 * _PROBE_VOLTS)
    else:
        siemens = problem.slope(volts)
    beyond = problem.ohms * siemens - 1.0
    response = problem.inverse
    if problem.drain is not None:
        response = response - problem.drain.transfer @ problem.drain.impedance @ problem.drain.transfer.T
    jacobian: FloatArray = -(problem.ohms[:, np.newaxis] * response) * beyond
    jacobian.ravel()[:: len(volts) + 1] += 1.0 + beyond
    return jacobian
