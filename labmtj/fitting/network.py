"""Cells, wires and leads of an array from the admittance at its pads: a least-squares fit that says what it knows.

Unknown are the conductance of every cell and one resistance each for row segments, column segments, row leads and
column leads; the model is in `port_model`.

Rows that are driven and columns that are read tell of the block between them alone, which cells can imitate whatever
the wires are: chi-squared is then perfect and every wire resistance wrong. It takes the currents of row into row and of
column into column to tell. So the rank of the data is found first, and a wire that they do not tell of has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from labmtj.circuit import OPEN_OHMS
from labmtj.fitting.descent import covariance_of, descend, settle, told_by
from labmtj.fitting.port_model import METER, WIRES, PortModel
from labmtj.quantities import FloatArray

__all__ = ["METER", "WIRES", "NetworkFit", "Told", "fit_network"]

TOLD_FRACTION, TOLD_OHMS = 0.025, 0.05
"""a wire whose standard error is above both is not told: its value would be off by 5 % too often"""
REACHED = 0.3
"""a cell is reached if the reads narrow what was believed of it before to this part"""
OUTVOTING = 5
"""rounds in which data that contradict the others lose weight"""


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
    problem = PortModel(admittance, sigma, shape, separate_meter=separate_meter)
    estimate, iterations = settle(problem)
    if problem.find_restless(estimate):
        estimate, more = descend(problem, estimate)
        iterations += more
    residual, jacobian = problem.linearised(estimate)
    for _ in range(OUTVOTING):
        if not problem.outvote(residual):
            break
        estimate, more = descend(problem, estimate)
        iterations += more
        residual, jacobian = problem.linearised(estimate)
    scale = np.linalg.norm(jacobian, axis=0)
    scale[scale == 0] = 1.0
    told_by_data, rank = told_by(jacobian / scale)
    chi_squared = float(residual @ residual)
    spread = max(1.0, chi_squared / (len(residual) - rank)) if len(residual) > rank else 1.0
    covariance = covariance_of(jacobian, problem.prior) * spread
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
