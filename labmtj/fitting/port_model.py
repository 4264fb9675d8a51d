"""What port admittances say of cells and wires: the data with their errors, and the model with its derivatives.

With Z the impedance of the wires, G the cells and H the incidence of the lines, cell volts W and currents X = G W per
line volt follow from (1 + Z G) W = H, and Y = H^T X; the derivatives need no further solve:

    dY/dg_k = W_k^T W_k,      dY/dr_e = -(u_e^T X)^T (u_e^T X)      for a piece of wire e (see `wire_model`)

(the adjoint network of Director and Rohrer, IEEE Trans. Circuit Theory 16, 318 (1969)). A leakage path between two pads
changes the admittance between these two alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.circuit import Wires, response_of
from labmtj.errors import DataError
from labmtj.fitting.wire_model import TYPICAL_OHMS, WireModel, impedance_of, through_pieces
from labmtj.quantities import FloatArray

METER = "meter_lead_ohms"
"""what the two lines on meters have in series beyond those on ground relays"""
METER_PRIOR_OHMS = 50.0
FREE = 1000
"""times the typical conductance: how far a cell whose current was read may be from it; others stay within once"""
CONTRADICTION, FAR = 1.5, 4.0
"""data of a larger mean square residual contradict each other; those beyond FAR errors are outvoted"""
LEAST_PAIRS = 10
"""cells read from both sides, before their differences show how cells fluctuate"""
MEDIAN_OF_SQUARE = 0.4549
"""of a standard normal number"""


@brief
@dataclass(frozen=True, eq=False)
class Candidates:
    """Derivatives of the data, in units of sigma, by what could be fitted in addition."""

    by_piece: FloatArray
    """(data, pieces of wire)"""
    by_path: FloatArray
    """(data, paths)"""
    pads: list[tuple[int, int]]
    """of each path"""
    by_meter: FloatArray
    """(data, 1)"""


class PortModel:
    """The data, and the model around any estimate: cells in siemens, row by row, then wires in ohms.

    Raises DataError for a wrong shape, no reads at all, or a sigma that is not positive.
    """

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
        self.shape = shape
        self.cells = shape[0] * shape[1]
        self._driven, self._read = np.nonzero(used)
        self._measured, self._stated = admittance[used], sigma[used]
        self._sigma = self._stated
        self._incidence = response_of(_no_wires(shape)).incidence
        block = -_either(admittance[: shape[0], shape[0] :], admittance[shape[0] :, : shape[0]].T)
        self.typical = float(np.nanmedian(block)) if np.isfinite(block).any() else 1e-4
        cells = np.where(np.isfinite(block), block, self.typical).ravel()
        self._cells, self._wide = cells, (np.where(np.isfinite(block), FREE, 1) * self.typical).ravel()
        self._floor = self.typical**2 * TYPICAL_OHMS * min(shape)
        self.coarse_fraction = 0.0
        self.use(WireModel.uniform(shape), meter=separate_meter)

    def use(self, wires: WireModel, paths: tuple[tuple[int, int], ...] = (), *, meter: bool) -> None:
        """Fit these wires from now on, paths between pairs of pads, and what meters have in series."""
        self.wires, self.paths, self.meter = wires, paths, meter
        self.names = (*wires.names, *(f"path_siemens[{a}][{b}]" for a, b in paths), *(METER,) * meter)
        free = len(paths)
        self.start: FloatArray = np.concatenate([self._cells, wires.start, np.zeros(free + meter)])
        """(parameters,) what is believed before"""
        spread = [self._wide, wires.spread, np.full(free, FREE * self.typical), np.full(int(meter), METER_PRIOR_OHMS)]
        self.prior: FloatArray = 1 / np.concatenate(spread) ** 2
        """(parameters,) precision of that"""

    @property
    def wire_part(self) -> slice:
        """Where the parameters of the wires lie in an estimate."""
        return slice(self.cells, self.cells + len(self.wires.names))

    def predicted(self, residual: FloatArray) -> FloatArray:
        """Return the admittance (lines, lines) that belongs to residuals (data,), NaN where none was measured."""
        fitted = np.full((len(self._incidence.T),) * 2, np.nan)
        fitted[self._driven, self._read] = self._measured + residual * self._sigma
        return fitted

    @property
    def outvoted(self) -> int:
        """How many data count less than stated."""
        return int((self._sigma > self._stated).sum())

    def find_restless(self, estimate: FloatArray) -> bool:
        """Widen the errors by what cells fluctuate between two reads; return whether that is known.

        How much shows in the two reads of a cell, one from either side. The noise of a cell is in every path through
        it: it, and not the meter, limits what the currents of row into row and column into column say of wires.
        """
        squares, stated, known = self._from_both_sides()
        if known.sum() < LEAST_PAIRS:
            return False
        siemens = np.maximum(np.abs(estimate[: self.cells]), 1e-3 * self.typical)
        relative, floor = squares / siemens**2, stated / siemens**2
        usual = float(np.median(relative[known]) / MEDIAN_OF_SQUARE - np.median(floor[known]))
        own = np.where(known, np.maximum(relative - floor, 0.0), max(usual, 0.0))
        variance = siemens**2 * (own + max(usual, 0.0)) / 2  # one difference is a poor guide to a cell's own
        _, jacobian = self.linearised(estimate)
        through = (jacobian[:, : self.cells] * self._sigma[:, np.newaxis]) ** 2 @ variance
        self._sigma = self._stated = np.sqrt(self._stated**2 + through)
        return True

    def _from_both_sides(self) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Return half the squared difference of each cell's two reads, what errors make of it, and where both are."""
        rows = self.shape[0]
        place = np.full((len(self._incidence.T),) * 2, -1)
        place[self._driven, self._read] = np.arange(len(self._driven))
        one, other = place[:rows, rows:].ravel(), place[rows:, :rows].T.ravel()
        squares = (self._measured[one] - self._measured[other]) ** 2 / 2
        stated = (self._stated[one] ** 2 + self._stated[other] ** 2) / 2
        return squares, stated, (one >= 0) & (other >= 0)

    def outvote(self, residual: FloatArray) -> bool:
        """Widen the errors of outliers by Huber's weights, if the data contradict each other; return whether they do.

        Huber, Ann. Math. Stat. 35, 73 (1964).
        """
        usual = 1.4826 * float(np.median(np.abs(residual)))
        if float(residual @ residual) < CONTRADICTION * len(residual):
            return False
        far = np.abs(residual) * self._sigma / self._stated / (FAR * max(1.0, usual))
        self._sigma = self._stated * np.sqrt(np.maximum(1.0, far))
        return True

    def linearised(self, estimate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals (data,) and Jacobian (data, parameters) of the model, in units of sigma."""
        whole, by_cell, by_piece = self._solved(estimate)
        a, b = self._driven, self._read
        count = len(self.wires.names)
        by_path = self._by_paths(self.paths)
        model, jacobian = whole[a, b], np.hstack([by_cell, by_piece @ self.wires.basis, by_path])
        model = model + by_path @ estimate[self.cells + count : self.cells + count + len(self.paths)]
        if self.meter:
            model, jacobian = _behind_meters(whole, a, b, float(estimate[-1]), jacobian)
        sigma = np.hypot(self._sigma, self.coarse_fraction * np.maximum(np.abs(self._measured), self._floor))
        return (model - self._measured) / sigma, jacobian / sigma[:, np.newaxis]

    def candidates(self, estimate: FloatArray) -> Candidates:
        """Return what could be freed. The paths are those between two rows, or two columns, that were read."""
        whole, _, by_piece = self._solved(estimate)
        a, b = self._driven, self._read
        by_meter = -whole[a, b] * (whole[a, a] + whole[b, b])
        seen = {(min(a, b), max(a, b)) for a, b in zip(self._driven.tolist(), self._read.tolist(), strict=True)}
        pads = sorted((a, b) for a, b in seen if (a < self.shape[0]) == (b < self.shape[0]))
        by_path = self._by_paths(pads)
        sigma = self._sigma[:, np.newaxis]
        return Candidates(by_piece / sigma, by_path / sigma, pads, by_meter[:, np.newaxis] / sigma)

    def by_gains(self) -> FloatArray:
        """Return the derivatives (data, n), in units of sigma, by gains of sources and meters, line by line.

        Currents across cells and along them are so different that meters have them on different ranges.
        """
        lines, along = np.arange(sum(self.shape)), (self._driven < self.shape[0]) == (self._read < self.shape[0])
        driven, read = self._driven[:, np.newaxis] == lines, self._read[:, np.newaxis] == lines
        here = np.hstack([driven, read & along[:, np.newaxis], read & ~along[:, np.newaxis]])
        return np.where(here, (self._measured / self._sigma)[:, np.newaxis], 0.0)

    def _by_paths(self, pads: Sequence[tuple[int, int]]) -> FloatArray:
        """Return the derivatives of the data by paths between two pads each, (data, paths)."""
        ends = np.array(pads, np.intp).reshape(-1, 2)
        low, high = np.minimum(self._driven, self._read), np.maximum(self._driven, self._read)
        between = (low[:, np.newaxis] == ends[:, 0]) & (high[:, np.newaxis] == ends[:, 1])
        return np.where(between, -1.0, 0.0)

    def _solved(self, estimate: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the admittance (lines, lines), and derivatives of the data by cells and by pieces of wire."""
        siemens, pieces = estimate[: self.cells], self.wires.basis @ estimate[self.wire_part]
        impedance = impedance_of(pieces, self.shape)
        volts = np.linalg.solve(np.eye(self.cells) + impedance * siemens, self._incidence)
        through = siemens[:, np.newaxis] * volts
        a, b = self._driven, self._read
        currents = through_pieces(through, self.shape)
        return self._incidence.T @ through, (volts[:, a] * volts[:, b]).T, -(currents[:, a] * currents[:, b]).T


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


def _either(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the mean of two maps, or the one of the two that is there."""
    return np.where(np.isnan(first), second, np.where(np.isnan(second), first, (first + second) / 2))


def _no_wires(shape: tuple[int, int]) -> Wires:
    return Wires.uniform(shape, row_segment_ohms=0, column_segment_ohms=0, row_lead_ohms=0, column_lead_ohms=0)


def cells_given_wires(
    cell_ohms: FloatArray, pieces: FloatArray, root: FloatArray, shape: tuple[int, int]
) -> FloatArray:
    """Return the relative errors (cells,) of cells fitted, for given wires, to columns with rows driven alone.

    Those reads fix one number per cell; what the wires `pieces` are off by moves the cells so that it stays the same.

    Args:
        cell_ohms: (cells,).
        pieces: (pieces,) ohms of the wires.
        root: (pieces, n), whose product with its transpose is their covariance.
        shape: rows and columns.
    """
    siemens, incidence = 1 / cell_ohms, response_of(_no_wires(shape)).incidence
    volts = np.linalg.solve(np.eye(siemens.size) + impedance_of(pieces, shape) * siemens, incidence)
    currents = through_pieces(siemens[:, np.newaxis] * volts, shape)
    row, column = np.divmod(np.arange(siemens.size), shape[1])
    column = column + shape[0]
    by_cell, by_wire = (volts[:, row] * volts[:, column]).T, -(currents[:, row] * currents[:, column]).T @ root
    return np.asarray(np.linalg.norm(np.linalg.solve(by_cell * siemens, by_wire), axis=1), float)
