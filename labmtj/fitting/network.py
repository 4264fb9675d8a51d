"""Cells, wires and leads of an array from the admittance at its pads: a least-squares fit that says what it knows.

Unknown are the conductance of every cell and the wires: one resistance each for row segments, column segments, row
leads and column leads, or more where the reads call for it (`wire_choice`); the model is in `port_model`.

With rows driven and columns read only the block between them is known, and cells can imitate it whatever the wires are:
chi-squared is then perfect and every wire resistance wrong. Only the currents of row into row and of column into column
determine wires. So the rank of the data is found first, and a wire that they do not determine has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from labmtj.brief import brief
from labmtj.circuit import OPEN_OHMS
from labmtj.fitting.descent import covariance_of, descend, determined_by, settle
from labmtj.fitting.port_model import METER, PortModel
from labmtj.fitting.wire_choice import MISFIT, MOST_SINGLES, choose
from labmtj.fitting.wire_model import WIRES, WireModel
from labmtj.quantities import FloatArray

__all__ = ["METER", "MISFIT", "WIRES", "NetworkFit", "WireEstimate", "fit_network"]

QUOTED_FRACTION, QUOTED_OHMS = 0.025, 0.05
"""a wire whose standard error is above both is not quoted: its value would be off by 5 % too often"""
REACHED = 0.3
"""a cell is reached if the reads narrow its prior to this part"""
OUTVOTING = 5
"""rounds in which data that contradict the others lose weight"""


@dataclass(frozen=True, slots=True)
class WireEstimate:
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


@brief
@dataclass(frozen=True, eq=False)
class NetworkFit:
    """What port admittances say of an array. A common gain error of source and meter is in every value, not here."""

    cell_siemens: FloatArray
    """(rows, columns) at the voltage of the reads; around zero for an open cell; NaN for cells that nothing reached"""
    cell_error_siemens: FloatArray
    """(rows, columns) standard error, what is not known of the wires included"""
    wires: Mapping[str, WireEstimate]
    model: WireModel
    """which wires are apart from each other"""
    paths: tuple[tuple[int, int], ...]
    """pairs of lines, rows first, with a leakage path"""
    estimate: FloatArray
    """(parameters,) the cells in siemens, row by row, then the wires of the model in ohms, paths in siemens, the meter
    lead in ohms; a refused wire stands here as assumed"""
    covariance: FloatArray
    """(parameters, parameters) of the posterior; scaled up if the data scatter more than stated"""
    names: tuple[str, ...]
    """of what follows the cells in `estimate`"""
    rank: int
    data: int
    chi_squared: float
    iterations: int
    outvoted: int
    """data with widened errors, because they contradict the others: a telegraph cell jumped in between"""
    fitted_siemens: FloatArray
    """(lines, lines) what the fit gives where a port admittance was used, NaN elsewhere"""

    @property
    def parameters(self) -> int:
        """How many were asked for; the data determine `rank` combinations of them."""
        return len(self.estimate)

    @property
    def freedom(self) -> int:
        """Degrees of freedom."""
        return self.data - self.rank

    @property
    def chi_squared_per_freedom(self) -> float:
        """Near 1 if the model describes the reads within their errors."""
        return self.chi_squared / max(1, self.freedom)

    @property
    def misfit(self) -> str:
        """Why nothing of the wires counts as fitted: no model of them describes the reads, or none that they fix."""
        if self.chi_squared_per_freedom > MISFIT:
            return (
                f"misfit: chi-squared per degree of freedom {self.chi_squared_per_freedom:.3g} is above {MISFIT:g}; no "
                "model of cells and wires describes the reads"
            )
        if self.model.singles > MOST_SINGLES:
            return "not identified: segments differ within their lines, and the reads do not determine each of them"
        return ""

    def path_words(self) -> list[str]:
        """Return the leakage paths in words."""
        at, rows = len(self.estimate) - len(self.paths) - (METER in self.names), self.cell_siemens.shape[0]
        errors = np.sqrt(np.diag(self.covariance))
        ends = [[f"row {line}" if line < rows else f"column {line - rows}" for line in pads] for pads in self.paths]
        return [
            f"{first} to {second}: {1e6 * self.estimate[number]:.3g} +- {1e6 * errors[number]:.2g} uS"
            for number, (first, second) in enumerate(ends, at)
        ]

    @property
    def pieces(self) -> tuple[FloatArray, FloatArray]:
        """Ohms of every piece of wire (pieces,), as `wire_model` lists them, and their covariance (pieces, pieces)."""
        part = slice(self.cell_siemens.size, self.cell_siemens.size + len(self.model.names))
        basis = self.model.basis
        return basis @ self.estimate[part], basis @ self.covariance[part, part] @ basis.T

    @property
    def cell_ohms(self) -> FloatArray:
        """(rows, columns); an open cell has at most `OPEN_OHMS`."""
        return 1 / np.maximum(self.cell_siemens, 1 / OPEN_OHMS)

    @property
    def cell_error_ohms(self) -> FloatArray:
        """Standard error of `cell_ohms` to first order, (rows, columns)."""
        return self.cell_error_siemens * self.cell_ohms**2

    def draws(self, count: int, generator: np.random.Generator) -> FloatArray:
        """Return samples of the posterior of all parameters, (count, parameters); negative ones are kept."""
        root = np.linalg.cholesky(self.covariance + 1e-14 * np.diag(np.diag(self.covariance)))
        return np.asarray(self.estimate + generator.standard_normal((count, self.parameters)) @ root.T)


def fit_network(
    admittance: FloatArray,
    sigma: FloatArray,
    shape: tuple[int, int],
    *,
    separate_meter: bool = False,
    gain_fraction: float = 0.0,
) -> NetworkFit:
    """Fit cells and wires. Rows are padded at the left, columns at the bottom.

    Args:
        admittance: (lines, lines) siemens, current into line b per volt on line a; NaN where it was not measured. The
            diagonal is not used: it repeats the sum of its row, plus what leaks to ground.
        sigma: (lines, lines) standard deviation of each.
        shape: rows and columns.
        separate_meter: True lets the line that is driven and the one that is read have a series resistance that those
            on ground have not, False takes all terminations for equal.
        gain_fraction: how far sources and meters may differ in gain from line to line: an error that all reads of a
            line share, and that does not average, in addition to `sigma`.

    Raises:
        DataError: for a wrong shape, no reads at all, or a sigma that is not positive.
        ProcedureFailed: if the fit does not settle.
    """
    problem = PortModel(admittance, sigma, shape, separate_meter=separate_meter)
    estimate, iterations = settle(problem)
    if problem.find_restless(estimate):
        estimate, more = descend(problem, estimate)
        iterations += more
    estimate, more = choose(problem, estimate)
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
    determined, rank = determined_by(jacobian / scale)
    chi_squared = float(residual @ residual)
    spread = max(1.0, chi_squared / (len(residual) - rank)) if len(residual) > rank else 1.0
    covariance = covariance_of(jacobian, problem.prior) * spread
    moved = covariance @ (jacobian.T @ problem.by_gains()) * (gain_fraction / spread)
    covariance = covariance + moved @ moved.T
    error = np.sqrt(np.diag(covariance))
    reached = np.where(error**2 * problem.prior < REACHED**2, 1.0, np.nan)[: problem.cells]
    fit = NetworkFit(
        (estimate[: problem.cells] * reached).reshape(shape), (error[: problem.cells] * reached).reshape(shape),
        {}, problem.wires, problem.paths, estimate, covariance, problem.names, rank, len(residual), chi_squared,
        iterations, problem.outvoted, problem.predicted(residual),
    )  # fmt: skip
    known = dict(zip(problem.names, determined[problem.cells :].tolist(), strict=True))
    return replace(fit, wires=_wires(fit, known))


def _wires(fit: NetworkFit, known: Mapping[str, bool]) -> dict[str, WireEstimate]:
    """Return what is quoted: the mean of the lines of each kind, and what meters have in series."""
    ohms, covariance = fit.pieces
    mean = fit.model.kinds()
    values, variances = (mean @ ohms).tolist(), np.diag(mean @ covariance @ mean.T)
    found = {
        name: _wire(fit, name, value, float(np.sqrt(variance)), known=known.get(name, True))
        for name, value, variance in zip(WIRES, values, variances, strict=True)
    }
    if METER in fit.names:
        error = float(np.sqrt(fit.covariance[-1, -1]))
        found[METER] = _wire(fit, METER, float(fit.estimate[-1]), error, known=known[METER])
    return found


def _wire(fit: NetworkFit, name: str, ohms: float, error: float, *, known: bool) -> WireEstimate:
    """Return the resistance if the data determine it."""
    if fit.misfit:
        return WireEstimate(None, None, fit.misfit)
    if not known:
        missing = "read the current of every line, rows and columns, with each line driven alone"
        rank = f"the reads have rank {fit.rank} for {fit.parameters} unknowns"
        return WireEstimate(None, None, f"{rank}, and {name} is not determined; {missing}")
    if error > max(QUOTED_FRACTION * abs(ohms), QUOTED_OHMS):
        longer = "read with more repeats or a longer aperture"
        return WireEstimate(
            None, None, f"{name} would be {ohms:.3g} +- {error:.2g} ohm, too uncertain to quote; {longer}"
        )
    return WireEstimate(float(ohms), float(error))
