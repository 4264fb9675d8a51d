"""Least squares with a prior: Gauss-Newton steps from coarse to fine, and which parameters the data determine.

Steps are damped as by Marquardt, J. Soc. Ind. Appl. Math. 11, 431 (1963).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from labmtj.errors import ProcedureFailed
from labmtj.quantities import FloatArray

COARSE = (3e-2, 3e-3, 3e-4, 0.0)
"""errors added to the stated ones, as parts of the values, with which a fit begins"""
STEPS, COARSE_STEPS = 60, 12
"""before a fit gives up; before it goes on with finer errors"""
SLOW = 0.1
"""a fit that has gained less in its last step moves along what the data do not determine, where its errors are wide"""
FIRST_DAMPING, LEAST_DAMPING = 1e-4, 1e-7
"""once a step has made things worse: a free one would leave the valley again"""
SETTLED, COARSE_SETTLED = 3e-3, 0.1
"""a step that lowers chi-squared by less is the last, a twentieth of a standard error: along what the data do not
determine there could be steps without end"""
_NULL = 1e-10
"""singular values below this part of the largest are zero: columns are scaled to length 1 first"""
_MEMBER = 1e-6
"""a parameter with more than this part of itself (squared) in the null space is not determined"""


class Problem(Protocol):
    """What is fitted."""

    start: FloatArray
    """(parameters,) what is believed before"""
    prior: FloatArray
    """(parameters,) precision of that"""
    coarse_fraction: float
    """errors added to the stated ones, as part of the values"""

    def linearised(self, estimate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals (data,) and Jacobian (data, parameters), in units of sigma."""
        ...


def settle(
    problem: Problem, estimate: FloatArray | None = None, errors: tuple[float, ...] = COARSE
) -> tuple[FloatArray, int]:
    """Return the estimate and how many steps it took, from coarse to fine, starting at the prior or at an estimate.

    At the stated errors the sum of squares is a narrow curved valley; with errors of some percent added it is wide.

    Raises:
        ProcedureFailed: as `descend`.
    """
    estimate, steps = problem.start if estimate is None else estimate, 0
    for coarse in errors:
        problem.coarse_fraction = coarse
        estimate, more = descend(problem, estimate)
        steps += more
    return estimate, steps


def descend(problem: Problem, estimate: FloatArray) -> tuple[FloatArray, int]:
    """Take Gauss-Newton steps, shortened while they make things worse; return the estimate and the number of steps.

    Raises:
        ProcedureFailed: if the fit does not settle within STEPS steps.
    """
    damping, latest = 0.0, np.inf
    residual, jacobian = problem.linearised(estimate)
    for iteration in range(1, STEPS + 1):
        step = _step(problem, estimate, residual, jacobian, damping)
        trial = problem.linearised(estimate + step)
        gain = _cost(problem, estimate, residual) - _cost(problem, estimate + step, trial[0])
        settled = (COARSE_SETTLED if problem.coarse_fraction else SETTLED) * _spread(residual, estimate)
        if abs(gain) < settled + 1e-9 * float(residual @ residual):
            return estimate + (step if gain >= 0 else 0), iteration
        if gain < 0:
            damping = 5 * damping or FIRST_DAMPING
        else:
            estimate, (residual, jacobian), latest = estimate + step, trial, gain
            damping = max(damping / 3, LEAST_DAMPING) if damping else 0.0
        if problem.coarse_fraction and iteration >= COARSE_STEPS:
            return estimate, iteration
    if latest < SLOW * _spread(residual, estimate):
        return estimate, STEPS
    raise ProcedureFailed(
        "the network fit does not settle: are the admittances those of one state of the array? Take the reads again"
    )


def _spread(residual: FloatArray, estimate: FloatArray) -> float:
    """Return chi-squared per degree of freedom, at least 1: errors are widened by its root where the model misses."""
    return max(1.0, float(residual @ residual) / max(1, len(residual) - len(estimate)))


def _step(
    problem: Problem, estimate: FloatArray, residual: FloatArray, jacobian: FloatArray, damping: float
) -> FloatArray:
    belief = np.sqrt(problem.prior)
    rows = [jacobian, np.diag(belief)]
    wanted = [-residual, belief * (problem.start - estimate)]
    if damping:
        rows.append(np.diag(np.sqrt(damping) * np.linalg.norm(np.vstack(rows), axis=0)))
        wanted.append(np.zeros(len(estimate)))
    orthogonal, root, scale = _factored(np.vstack(rows))
    return np.asarray(scale * solve_triangular(root, orthogonal.T @ np.concatenate(wanted)))


def _cost(problem: Problem, estimate: FloatArray, residual: FloatArray) -> float:
    return float(residual @ residual + problem.prior @ (estimate - problem.start) ** 2)


def covariance_of(jacobian: FloatArray, prior: FloatArray) -> FloatArray:
    """Return the covariance of the posterior, (parameters, parameters), from a Jacobian in units of sigma."""
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


def determined_by(jacobian: FloatArray) -> tuple[NDArray[np.bool_], int]:
    """Return which parameters the data determine, (parameters,), and the rank; the Jacobian has columns of length 1."""
    _, singular, right = np.linalg.svd(jacobian, full_matrices=True)
    rank = int((singular > _NULL * singular[0]).sum())
    return (right[rank:] ** 2).sum(axis=0) < _MEMBER, rank
