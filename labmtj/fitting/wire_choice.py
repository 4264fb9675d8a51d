"""Which wires the reads call for: all alike, lines that differ, single pieces that do, leakage paths.

From wires that are all alike, what lowers chi-squared most is freed first, as predicted from the residuals without a
fit (score test: Rao, Proc. Camb. Phil. Soc. 44, 50 (1948)), while that is worth its parameters by the Bayesian
information criterion (Schwarz, Ann. Stat. 6, 461 (1978)); one of many single pieces must be worth the choice among
them, too (Chen and Chen, Biometrika 95, 759 (2008)). Chi-squared is divided by chi-squared per degree of freedom, so
that data that nothing explains free no parameters.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from labmtj.errors import ProcedureFailed
from labmtj.fitting.descent import COARSE, covariance_of, settle
from labmtj.fitting.port_model import PortModel
from labmtj.fitting.wire_model import WIRES, WireModel, pieces_of
from labmtj.quantities import FloatArray

MISFIT = 2.0
"""chi-squared per degree of freedom above which a model does not describe the reads: none of its values is fitted"""
SINGLES = 1.5
"""chi-squared per degree of freedom above which single pieces of wire, and paths, are looked for"""
MOST_SINGLES = 3
FINER = (3e-3, 3e-4, 0.0)
"""errors added to the stated ones, as parts of the values, with which a fit continues after a change of its wires"""
ROUNDS = 6
"""in which the spread of the segments within a line is found"""
LEAST_SPREAD, SETTLED_SPREAD = 1e-3, 0.05
"""ohms; relative change of the last round"""
NULL = 1e-8
"""part of a derivative (squared) that must not follow from the others"""


@dataclass(frozen=True)
class _Choice:
    """What is fitted in addition to the cells, and its gain in the criterion over what is fitted now."""

    wires: WireModel
    paths: tuple[tuple[int, int], ...]
    meter: bool
    worth: float = 0.0


def choose(problem: PortModel, estimate: FloatArray) -> tuple[FloatArray, int]:
    """Free what the residuals at an estimate call for; return the new estimate and how many steps it took.

    Where the residuals are too large to predict a fit, lines that all differ are tried, too, and the better of the two
    fits is kept.
    """
    begun = _Fitted.of(problem, estimate)
    found = [_grown(problem, begun)]
    if begun.reduced > SINGLES:
        begun.restore(problem)
        wires = _by_line(problem.wires)
        with suppress(ProcedureFailed):
            estimate, steps = _refitted(problem, begun.estimate, _Choice(wires, (), begun.choice.meter), COARSE)
            found.append(_grown(problem, _Fitted.of(problem, estimate, begun.steps + steps)))
    least = max(1.0, min(each.reduced for each in found))
    best = min(found, key=lambda each: each.cost(least))
    best.restore(problem)
    steps = sum(each.steps for each in found)
    if best.reduced > MISFIT:
        estimate, more = _segments_apart(problem, best.estimate)
        return estimate, steps + more
    return best.estimate, steps


@dataclass(frozen=True)
class _Fitted:
    """A fit: what was fitted, and how well it describes the data."""

    choice: _Choice
    estimate: FloatArray
    chi_squared: float
    data: int
    steps: int

    @classmethod
    def of(cls, problem: PortModel, estimate: FloatArray, steps: int = 0) -> _Fitted:
        residual, _ = problem.linearised(estimate)
        choice = _Choice(problem.wires, problem.paths, problem.meter)
        return cls(choice, estimate, float(residual @ residual), len(residual), steps)

    def restore(self, problem: PortModel) -> None:
        problem.use(self.choice.wires, self.choice.paths, meter=self.choice.meter)

    @property
    def reduced(self) -> float:
        """Chi-squared per degree of freedom."""
        return self.chi_squared / max(1, self.data - len(self.estimate))

    def cost(self, scale: float) -> float:
        """Return the Bayesian information criterion, for data that scatter by `scale` times their variance."""
        return self.chi_squared / scale + len(self.estimate) * float(np.log(self.data))


def _grown(problem: PortModel, fitted: _Fitted) -> _Fitted:
    """Free what is worth most, one after another."""
    for _ in range(len(WIRES) + 1 + MOST_SINGLES):
        best = max(_choices(problem, fitted.estimate), key=lambda each: each.worth, default=None)
        if best is None or best.worth <= 0:
            break
        try:
            estimate, steps = _refitted(problem, fitted.estimate, best)
        except ProcedureFailed:  # what was there before stands, and says how badly it fits
            break
        fitted = _Fitted.of(problem, estimate, fitted.steps + steps)
    return fitted


def _refitted(
    problem: PortModel, estimate: FloatArray, choice: _Choice, errors: tuple[float, ...] = FINER
) -> tuple[FloatArray, int]:
    """Return the estimate with what was chosen, from where it stood, and how many steps it took.

    Raises ProcedureFailed if that does not settle; the problem then is as it was.
    """
    before, free = (problem.wires, problem.paths, problem.meter), len(problem.paths)
    cells, wires, rest = np.split(estimate, [problem.cells, problem.wire_part.stop])
    if choice.wires is not problem.wires:
        wires = np.linalg.lstsq(choice.wires.basis, problem.wires.basis @ wires)[0].astype(float)
    known = dict(zip(problem.paths, rest[:free].tolist(), strict=True))
    paths = [known.get(each, 0.0) for each in choice.paths]
    meter = [float(rest[free]) if problem.meter else 0.0] * choice.meter
    problem.use(choice.wires, choice.paths, meter=choice.meter)
    try:
        return settle(problem, np.concatenate([cells, wires, paths, meter]), errors)
    except ProcedureFailed:
        problem.use(*before[:2], meter=before[2])
        raise


def _by_line(wires: WireModel) -> WireModel:
    """Return the wires with lines of their own in every kind.

    Freed are all kinds or none: cells can imitate some kinds so well that the reads do not call for them, but where the
    leads differ from line to line, segments that are taken to be alike would give cells errors that no fit states.
    """
    for kind in WIRES:
        if kind in wires.names:
            wires = wires.by_line(kind)
    return wires


def _choices(problem: PortModel, estimate: FloatArray) -> list[_Choice]:
    residual, jacobian = problem.linearised(estimate)
    belief = np.sqrt(problem.prior)
    span, _ = np.linalg.qr(np.vstack([jacobian, np.diag(belief)]) / np.hypot(np.linalg.norm(jacobian, axis=0), belief))
    span, data = span[: len(residual)], len(residual)
    chi_squared, freedom = float(residual @ residual), max(1, data - len(estimate))

    def worth(gain: float, count: int, among: int = 1) -> float:
        left = max(1.0, (chi_squared - gain) / freedom)
        return gain / left - count * float(np.log(data)) - 2 * float(np.log(among))

    wires, paths, meter = problem.wires, problem.paths, problem.meter
    candidates, found = problem.candidates(estimate), []
    if freed := [kind for kind in WIRES if kind in wires.names and wires.lines_of(kind).shape[1] > 1]:
        columns = np.hstack([candidates.by_piece @ wires.lines_of(kind) for kind in freed])
        gain, count = _together(columns, span, residual)
        found.append(_Choice(_by_line(wires), paths, meter, worth(gain, count)))
    if chi_squared < SINGLES * freedom:
        return found
    if not meter:
        gain = float(_singly(candidates.by_meter, span, residual)[0])
        found.append(_Choice(wires, paths, True, worth(gain, 1)))  # noqa: FBT003
    if wires.singles + len(paths) < MOST_SINGLES:
        gains = _singly(np.hstack([candidates.by_piece, candidates.by_path]), span, residual)
        at, pieces = int(np.argmax(gains)), candidates.by_piece.shape[1]
        more = worth(float(gains[at]), 1, len(gains))
        if at < pieces:
            found.append(_Choice(wires.with_piece(at), paths, meter, more))
        else:
            found.append(_Choice(wires, (*paths, candidates.pads[at - pieces]), meter, more))
    return found


def _singly(columns: FloatArray, span: FloatArray, residual: FloatArray) -> FloatArray:
    """Return by how much each derivative (data, n) alone would lower chi-squared, all others following, (n,)."""
    apart = columns - span @ (span.T @ columns)
    squares, whole = (apart**2).sum(axis=0), (columns**2).sum(axis=0)
    informative = squares > NULL * whole
    return np.where(informative, (apart.T @ residual) ** 2 / np.where(informative, squares, 1.0), 0.0)


def _together(columns: FloatArray, span: FloatArray, residual: FloatArray) -> tuple[float, int]:
    """Return by how much derivatives (data, n) together would lower chi-squared, and how many are new."""
    apart = columns - span @ (span.T @ columns)
    size = np.linalg.norm(columns, axis=0)
    left, singular, _ = np.linalg.svd(apart / np.where(size > 0, size, 1.0), full_matrices=False)
    new = singular**2 > NULL
    return float(((left[:, new].T @ residual) ** 2).sum()), int(new.sum())


def _segments_apart(problem: PortModel, estimate: FloatArray) -> tuple[FloatArray, int]:
    """Let all segments of a line differ, as far as the reads call for it; how far is found with them (MacKay 1992).

    The reads do not determine every segment: what they leave open is as wide as the segments differ.
    """
    kinds = np.array([WIRES.index(name) for name, _, _ in pieces_of(problem.wires.shape)])
    numbers = np.flatnonzero(kinds < 2).astype(np.intp)
    if not len(numbers):
        return estimate, 0
    uniform, steps = WireModel.uniform(problem.wires.shape), 0
    lines = uniform if all(name in problem.wires.names for name in WIRES) else _by_line(uniform)
    spread = np.ones(len(numbers))
    for number in range(ROUNDS):
        choice = _Choice(lines.with_pieces(numbers, spread), (), problem.meter)
        try:
            estimate, more = _refitted(problem, estimate, choice, FINER[-1:] if number else FINER)
        except ProcedureFailed:  # what was there before stands, and says how badly it fits
            break
        steps += more
        part = slice(problem.wire_part.stop - len(numbers), problem.wire_part.stop)
        _, jacobian = problem.linearised(estimate)
        square = estimate[part] ** 2 + np.diag(covariance_of(jacobian, problem.prior))[part]
        old, spread = spread, np.zeros(len(numbers))
        for kind in np.unique(kinds[numbers]):
            here = kinds[numbers] == kind
            spread[here] = max(LEAST_SPREAD, float(np.sqrt(np.mean(square[here]))))
        if np.abs(spread / old - 1).max() < SETTLED_SPREAD:
            break
    return estimate, steps
