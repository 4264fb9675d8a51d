"""Cells, wires and leads of an array from the admittance at its pads: a least-squares fit that says what it knows.

Unknown are the conductance of every cell and one resistance each for row segments, column segments, row leads and
column leads. With Z the response of the wires, G the cells and H the incidence of the lines, cell volts W and currents
X = G W per line volt follow from (1 + Z G) W = H, and Y = H^T X; the Jacobian needs no further solve:

    dY/dg_k = W_k^T W_k,      dY/dr = -X^T (dZ/dr) X

Rows that are driven and columns that are read tell of the block between them alone, which cells can imitate whatever
the wires are: chi-squared is then perfect and every wire resistance wrong. It takes the currents of row into row and of
column into column to tell. So the rank of the data is found first, and a wire that they do not tell of has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from labmtj.circuit import OPEN_OHMS, Wires, response_of
from labmtj.errors import DataError, ProcedureFailed
from labmtj.quantities import FloatArray

WIRES = ("row_segment_ohms", "column_segment_ohms", "row_lead_ohms", "column_lead_ohms")
METER = "meter_lead_ohms"
"""what the two lines on meters have in series beyond those on ground relays"""
TOLD_FRACTION, TOLD_OHMS = 0.025, 0.05
"""a wire whose standard error is above both is not told: its value would be off by 5 % too often"""
TYPICAL_OHMS, PRIOR_OHMS = 10.0, 50.0
"""where the fit begins, and how far from there wires are believed to lie where the data do not tell (assumed)"""
FREE = 1000
"""times the typical conductance: how far a cell whose current was read may be from it; others stay within once"""
REACHED = 0.3
"""a cell is reached if the reads narrow what was believed of it before to this part"""
COARSE = (3e-2, 3e-3, 3e-4, 0.0)
"""errors beside the stated ones, as parts of the values, that the fit begins with"""
CONTRADICTION, FAR, OUTVOTING = 1.5, 4.0, 5
"""data of a larger mean square residual contradict each other; those beyond so many errors are outvoted; rounds"""
STEPS, COARSE_STEPS = 60, 12
"""before the fit gives up; before it goes on with finer errors"""
_NULL = 1e-10
"""singular values below this part of the largest are zero: columns are scaled to length 1 first"""
_MEMBER = 1e-6
"""a parameter with more than this part of itself (squared) in the null space is not told"""


@dataclass(frozen=True, slots=True)
class Told:
    """A resistance of the wires with its standard error, or the reason why there is none."""

    ohms: float | None
    standard_error_ohms: float | None
    reason: str = ""

    @property
    def interval_ohms(self) -> tuple[float, float] | None:
        """95 %."""
        if self.ohms is None or self.standard_error_ohms is None:
            return None
        return self.ohms - 1.96 * self.standard_error_ohms, self.ohms + 1.96 * self.standard_error_ohms


@dataclass(frozen=True, eq=False)
class NetworkFit:
    """What port admittances tell of an array. A common gain error of source and meter is in every value, not here."""

    cell_siemens: FloatArray
    """(rows, columns) at the voltage of the reads; around zero for an open cell; NaN for cells that nothing reached"""
    cell_error_siemens: FloatArray
    """(rows, columns) standard error, what is not known of the wires included"""
    wires: Mapping[str, Told]
    estimate: FloatArray
    """(parameters,) the cells in siemens, row by row, then the wires in ohms; a refused wire stands here as assumed"""
    covariance: FloatArray
    """(parameters, parameters) of the posterior; scaled up if the data scatter more than stated"""
    names: tuple[str, ...]
    """of the wires at the end of `estimate`"""
    rank: int
    data: int
    chi_squared: float
    iterations: int
    outvoted: int
    """data that count less than their errors say, for they contradict the others: a telegraph cell jumped in between"""
    fitted_siemens: FloatArray
    """(lines, lines) what the fit gives where a port admittance was used, NaN elsewhere"""

    @property
    def parameters(self) -> int:
        """How many were asked for; the data tell of `rank` combinations of them."""
        return len(self.estimate)

    @property
    def freedom(self) -> int:
        """Degrees of freedom."""
        return self.data - self.rank

    @property
    def cell_ohms(self) -> FloatArray:
        """(rows, columns); an open cell has at most `OPEN_OHMS`."""
        return 1 / np.maximum(self.cell_siemens, 1 / OPEN_OHMS)

    @property
    def cell_error_ohms(self) -> FloatArray:
        """Standard error of `cell_ohms` to first order, (rows, columns)."""
        return self.cell_error_siemens * self.cell_ohms**2

    def draws(self, count: int, generator: np.random.Generator) -> FloatArray:
        """Return plausible values of all parameters, (count, parameters); negative ones are not sorted out."""
        root = np.linalg.cholesky(self.covariance + 1e-14 * np.diag(np.diag(self.covariance)))
        return np.asarray(self.estimate + generator.standard_normal((count, self.parameters)) @ root.T)


def fit_network(
    admittance: FloatArray, sigma: FloatArray, shape: tuple[int, int], *, separate_meter: bool = False
) -> NetworkFit:
    """Fit cells and wires. Rows are padded at the left, columns at the bottom; every line of a kind is alike.

    Args:
        admittance: (lines, lines) siemens, current into line b per volt on line a; NaN where it was not measured. The
            diagonal is not used: it repeats the sum of its row, plus what leaks to ground.
        sigma: (lines, lines) standard deviation of each.
        shape: rows and columns.
        separate_meter: True lets the line that is driven and the one that is read have a series resistance that those
            on ground have not, False takes all terminations for equal.

    Raises:
        DataError: for a wrong shape, no reads at all, or a sigma that is not positive.
        ProcedureFailed: if the fit does not settle.
    """
    problem = _Problem(admittance, sigma, shape, separate_meter=separate_meter)
    estimate, iterations = _settle(problem)
    residual, jacobian = problem.linearised(estimate)
    for _ in range(OUTVOTING):
        if not problem.outvote(residual):
            break
        estimate, more = _descend(problem, estimate)
        iterations += more
        residual, jacobian = problem.linearised(estimate)
    scale = np.linalg.norm(jacobian, axis=0)
    scale[scale == 0] = 1.0
    told_by_data, rank = _told(jacobian / scale)
    chi_squared = float(residual @ residual)
    spread = max(1.0, chi_squared / (len(residual) - rank)) if len(residual) > rank else 1.0
    covariance = _covariance(jacobian, problem.prior) * spread
    error = np.sqrt(np.diag(covariance))
    reached = np.where(error**2 * problem.prior < REACHED**2, 1.0, np.nan)[: problem.cells]
    wires = {
        name: _wire(name, estimate[number], error[number], known=bool(told_by_data[number]), fit=(rank, len(estimate)))
        for number, name in enumerate(problem.names, problem.cells)
    }
    return NetworkFit(
        (estimate[: problem.cells] * reached).reshape(shape), (error[: problem.cells] * reached).reshape(shape),
        wires, estimate, covariance, problem.names, rank, len(residual), chi_squared, iterations, problem.outvoted,
        problem.predicted(residual),
    )  # fmt: skip


def _wire(name: str, ohms: float, error: float, *, known: bool, fit: tuple[int, int]) -> Told:
    """Return the resistance if the data tell it."""
    if not known:
        missing = "read the current of every line, rows and columns, with each line driven alone"
        return Told(
            None, None, f"the reads have rank {fit[0]} for {fit[1]} unknowns, and {name} is not told; {missing}"
        )
    if error > max(TOLD_FRACTION * abs(ohms), TOLD_OHMS):
        longer = "read with more repeats or a longer aperture"
        return Told(None, None, f"{name} would be {ohms:.3g} +- {error:.2g} ohm, too uncertain to quote; {longer}")
    return Told(float(ohms), float(error))


class _Problem:
    """The data, and the model around any estimate."""

    def __init__(
        self, admittance: FloatArray, sigma: FloatArray, shape: tuple[int, int], *, separate_meter: bool
    ) -> None:
        lines = sum(shape)
        if admittance.shape != (lines, lines) or sigma.shape != (lines, lines):
            raise DataError(f"a {shape} array has {lines} x {lines} port admittances; got {admittance.shape}")
        used = np.isfinite(admittance) & ~np.eye(lines, dtype=bool)
        if not used.any():
            raise DataError("no port admittance was measured; all-port reads (experiment all-ports) provide them")
        if not (sigma[used] > 0).all():
            raise DataError("every port admittance needs a standard deviation above zero")
        self.cells, self.names = shape[0] * shape[1], WIRES + ((METER,) if separate_meter else ())
        self._driven, self._read = np.nonzero(used)
        self._measured, self._stated = admittance[used], sigma[used]
        self._sigma = self._stated
        self._basis = [_response_to(name, shape) for name in WIRES]
        self._incidence = response_of(_wires(shape, {})).incidence
        block = -_either(admittance[: shape[0], shape[0] :], admittance[shape[0] :, : shape[0]].T)
        self.typical = float(np.nanmedian(block)) if np.isfinite(block).any() else 1e-4
        cells = np.where(np.isfinite(block), block, self.typical).ravel()
        self.start: FloatArray = np.concatenate([cells, np.full(4, TYPICAL_OHMS), np.zeros(len(self.names) - 4)])
        wide = np.where(np.isfinite(block), FREE, 1) * self.typical
        self.prior = 1 / np.concatenate([wide.ravel(), np.full(len(self.names), PRIOR_OHMS)]) ** 2
        """(parameters,) precision of what is believed before"""
        self.coarse_fraction = 0.0

    def predicted(self, residual: FloatArray) -> FloatArray:
        """Return the admittance (lines, lines) that belongs to residuals (data,), NaN where none was measured."""
        fitted = np.full((len(self._incidence.T),) * 2, np.nan)
        fitted[self._driven, self._read] = self._measured + residual * self._sigma
        return fitted

    @property
    def outvoted(self) -> int:
        """How many data count less than stated."""
        return int((self._sigma > self._stated).sum())

    def outvote(self, residual: FloatArray) -> bool:
        """Widen the errors of data far out by Huber's weights, if the data contradict each other; tell if they do."""
        usual = 1.4826 * float(np.median(np.abs(residual)))
        if float(residual @ residual) < CONTRADICTION * len(residual):
            return False
        far = np.abs(residual) * self._sigma / self._stated / (FAR * max(1.0, usual))
        self._sigma = self._stated * np.sqrt(np.maximum(1.0, far))
        return True

    def linearised(self, estimate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals (data,) and Jacobian (data, parameters) of the model, in units of sigma."""
        siemens, ohms = estimate[: self.cells], estimate[self.cells :]
        impedance = sum((each * r for each, r in zip(self._basis, ohms, strict=False)), np.zeros((self.cells,) * 2))
        volts = np.linalg.solve(np.eye(self.cells) + impedance * siemens, self._incidence)
        through = siemens[:, np.newaxis] * volts
        whole = self._incidence.T @ through
        a, b = self._driven, self._read
        by_cell = (volts[:, a] * volts[:, b]).T
        by_wire = [-(through.T @ each @ through)[a, b] for each in self._basis]
        model, jacobian = whole[a, b], np.column_stack([by_cell, *by_wire])
        if len(ohms) > len(self._basis):
            model, jacobian = _behind_meters(whole, a, b, float(ohms[-1]), jacobian)
        sigma = np.hypot(self._sigma, self.coarse_fraction * self._measured)
        return (model - self._measured) / sigma, jacobian / sigma[:, np.newaxis]


def _behind_meters(
    whole: FloatArray, a: NDArray[np.intp], b: NDArray[np.intp], ohms: float, jacobian: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return what is measured through `ohms` in lines a and b, and its Jacobian: (Y^-1 + ohms)^-1 between the two.

    That the divisor moves with the cells is left out of the Jacobian: it changes steps, not where they end.
    """
    own, across = whole[a, a] * whole[b, b] - whole[a, b] ** 2, whole[a, a] + whole[b, b]
    divisor = 1 + ohms * across + ohms**2 * own
    slope = -whole[a, b] * (across + 2 * ohms * own) / divisor**2
    return whole[a, b] / divisor, np.column_stack([jacobian / divisor[:, np.newaxis], slope])


def _settle(problem: _Problem) -> tuple[FloatArray, int]:
    """Return the estimate and how many steps it took, from coarse to fine.

    At the stated errors the sum of squares is a narrow curved valley; with errors of per cents beside them it is wide.
    """
    estimate, steps = problem.start, 0
    for coarse in COARSE:
        problem.coarse_fraction = coarse
        estimate, more = _descend(problem, estimate)
        steps += more
    return estimate, steps


def _descend(problem: _Problem, estimate: FloatArray) -> tuple[FloatArray, int]:
    """Take Gauss-Newton steps, shortened while they make things worse."""
    damping = 0.0
    residual, jacobian = problem.linearised(estimate)
    for iteration in range(1, STEPS + 1):
        step = _step(problem, estimate, residual, jacobian, damping)
        trial = problem.linearised(estimate + step)
        gain = _cost(problem, estimate, residual) - _cost(problem, estimate + step, trial[0])
        if abs(gain) < (0.1 if problem.coarse_fraction else 1e-4) + 1e-9 * float(residual @ residual):
            return estimate + (step if gain >= 0 else 0), iteration
        if gain < 0:
            damping = max(5 * damping, 1e-4)
        else:
            estimate, (residual, jacobian) = estimate + step, trial
            damping = damping / 3 if damping > 1e-5 else 0.0
        if problem.coarse_fraction and iteration >= COARSE_STEPS:
            return estimate, iteration
    raise ProcedureFailed(
        "the network fit does not settle: are the admittances those of one state of the array? Take the reads again"
    )


def _step(
    problem: _Problem, estimate: FloatArray, residual: FloatArray, jacobian: FloatArray, damping: float
) -> FloatArray:
    belief = np.sqrt(problem.prior)
    rows = [jacobian, np.diag(belief)]
    wanted = [-residual, belief * (problem.start - estimate)]
    if damping:
        rows.append(np.diag(np.sqrt(damping) * np.linalg.norm(np.vstack(rows), axis=0)))
        wanted.append(np.zeros(len(estimate)))
    orthogonal, root, scale = _factored(np.vstack(rows))
    return np.asarray(scale * solve_triangular(root, orthogonal.T @ np.concatenate(wanted)))


def _cost(problem: _Problem, estimate: FloatArray, residual: FloatArray) -> float:
    return float(residual @ residual + problem.prior @ (estimate - problem.start) ** 2)


def _covariance(jacobian: FloatArray, prior: FloatArray) -> FloatArray:
    _, root, scale = _factored(np.vstack([jacobian, np.diag(np.sqrt(prior))]))
    half = scale[:, np.newaxis] * solve_triangular(root, np.eye(len(scale)))
    return np.asarray(half @ half.T)


def _factored(matrix: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Q and R of the matrix, and what its columns were multiplied with: siemens and ohms are ten decades apart.

    The normal equations would square what the rank trap leaves of the wires, and lose it.
    """
    scale = 1 / np.linalg.norm(matrix, axis=0)
    orthogonal, root = np.linalg.qr(matrix * scale)
    return orthogonal, root, scale


def _told(jacobian: FloatArray) -> tuple[NDArray[np.bool_], int]:
    """Return which parameters the data tell of, (parameters,), and the rank, from a Jacobian of columns of length 1."""
    _, singular, right = np.linalg.svd(jacobian, full_matrices=True)
    rank = int((singular > _NULL * singular[0]).sum())
    return (right[rank:] ** 2).sum(axis=0) < _MEMBER, rank


def _either(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the mean of two maps, or the one of the two that is there."""
    return np.where(np.isnan(first), second, np.where(np.isnan(second), first, (first + second) / 2))


def _wires(shape: tuple[int, int], ohms: Mapping[str, float]) -> Wires:
    each = [ohms.get(name, 0.0) for name in WIRES]
    return Wires.uniform(
        shape, row_segment_ohms=each[0], column_segment_ohms=each[1], row_lead_ohms=each[2], column_lead_ohms=each[3]
    )


def _response_to(name: str, shape: tuple[int, int]) -> FloatArray:
    """Return what one ohm of a kind of wire adds to the impedance, (cells, cells): the response is linear in each."""
    return response_of(_wires(shape, {name: 1.0})).impedance
