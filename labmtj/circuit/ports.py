"""The linear state of an array as its pads see it, kept up to date while single cells change.

Unknowns are the cell currents (half of nodal analysis, symmetric positive definite, heavy diagonal):
(diag(R) + Z) I = H v. With K = (diag(R) + Z)^-1, the currents are I = K H v and the currents into the pads H^T K H v.
Derived here: `response` gives Z and H. The updates are those of Sherman and Morrison and of Woodbury (Golub and Van
Loan, Matrix Computations, section 2.1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.blas import dger
from scipy.linalg.lapack import dpotrf, dpotri

from labmtj.circuit.products import matvec
from labmtj.circuit.response import LEAK_OHMS, WiresResponse
from labmtj.errors import UsageError
from labmtj.quantities import FloatArray

OPEN_OHMS = 1e12
"""The resistance to give to an open cell."""
_LOSSY = 1e-2
# A rank-1 update that divides by less than this loses more than two digits: start afresh instead.


class PortState:
    """Inverse, transfer and port admittance of an array with given cell resistances.

    Cells are numbered row * columns + column, lines rows first. Port currents flow from the source INTO the array. All
    lines must be driven: see `boundary` for lines that float. The answer to a vector has the same bits in any batch.

    Args:
        wires: the response of the wires (shared, never changed).
        cell_ohms: resistances of the junctions without contacts, (cells,) or (rows, columns), positive and finite.

    Raises:
        UsageError: for a resistance that is not positive and finite, or a wrong shape.
    """

    wires: WiresResponse
    cell_ohms: FloatArray
    """(cells,)"""
    inverse: FloatArray
    """K = (diag(R) + Z)^-1, (cells, cells) siemens"""
    transfer: FloatArray
    """X = K H, (cells, lines) siemens: cell currents per line volt"""
    admittance: FloatArray
    """Y = H^T K H, (lines, lines) siemens: port currents per line volt"""

    __slots__ = ("admittance", "cell_ohms", "inverse", "transfer", "wires")

    def __init__(self, wires: WiresResponse, cell_ohms: ArrayLike) -> None:
        self.wires = wires
        self.cell_ohms = checked_cells(cell_ohms, wires.shape)
        self.refresh()

    def refresh(self) -> None:
        """Compute inverse, transfer and admittance afresh from `cell_ohms`, by one Cholesky factorisation."""
        self.inverse = _remove_islands(_inverse(self.wires.impedance, self.cell_ohms), self.wires.islands)
        self.transfer = _line_sums(self.inverse, self.wires.shape)
        admittance = _line_sums(np.ascontiguousarray(self.transfer.T), self.wires.shape)
        self.admittance = 0.5 * (admittance + admittance.T)

    def copy(self) -> PortState:
        """Return an independent copy that shares only the wires."""
        twin = PortState.__new__(PortState)
        twin.wires = self.wires
        for name in ("cell_ohms", "inverse", "transfer", "admittance"):
            setattr(twin, name, getattr(self, name).copy())
        return twin

    def flip(self, cell: int, new_ohms: float) -> None:
        """Give `cell` the resistance `new_ohms`, in place: a Sherman-Morrison update of rank 1.

        Raises:
            UsageError: if `new_ohms` is not positive and finite.
        """
        if not 0 < new_ohms < np.inf:
            raise UsageError(f"cell {cell}: {new_ohms} is not a cell resistance; use {OPEN_OHMS:g} for an open cell")
        change = new_ohms - self.cell_ohms[cell]
        self.cell_ohms[cell] = new_ohms
        loss = 1.0 + change * self.inverse[cell, cell]
        if loss < _LOSSY:
            self.refresh()
            return
        # Copies, because the update overwrites what they are taken from.
        cells, ports = self.inverse[cell].copy(), self.transfer[cell].copy()
        # BLAS counts by columns: the transpose of a C-ordered array is the view it updates without a copy. Its kernel
        # rounds the product of two elements by their place, so the matrices stay symmetric to rounding, not to the bit.
        weight = -change / loss
        dger(weight, cells, cells, a=self.inverse.T, overwrite_a=1)
        dger(weight, ports, cells, a=self.transfer.T, overwrite_a=1)
        dger(weight, ports, ports, a=self.admittance.T, overwrite_a=1)

    def currents(self, line_volts: FloatArray) -> FloatArray:
        """Return the currents into the lines, amperes, shape of `line_volts`: (lines,) or (batch, lines)."""
        return matvec(self.admittance, line_volts)

    def cell_currents(self, line_volts: FloatArray) -> FloatArray:
        """Return the currents from row to column through the cells, (cells,) or (batch, cells)."""
        return matvec(self.transfer, line_volts)

    def cell_volts(self, line_volts: FloatArray) -> FloatArray:
        """Return the voltages across the junctions, contacts excluded, (cells,) or (batch, cells)."""
        return self.cell_ohms * self.cell_currents(line_volts)


def checked_cells(cell_ohms: ArrayLike, shape: tuple[int, int]) -> FloatArray:
    """Return the resistances flat, or raise UsageError naming the first that is not positive and finite."""
    values = np.array(cell_ohms, dtype=np.float64)
    if values.shape not in (shape, (shape[0] * shape[1],)):
        raise UsageError(f"cell_ohms of a {shape[0]} x {shape[1]} array has the wrong shape {values.shape}")
    values = values.ravel()
    bad = np.flatnonzero(~((values > 0) & (values < np.inf)))
    if len(bad):
        row, column = divmod(int(bad[0]), shape[1])
        raise UsageError(
            f"cell ({row}, {column}): {values[bad[0]]} is not a cell resistance; use {OPEN_OHMS:g} for an open cell"
        )
    return values


def _inverse(impedance: FloatArray, cell_ohms: FloatArray) -> FloatArray:
    matrix = impedance.copy()
    matrix.ravel()[:: len(cell_ohms) + 1] += cell_ohms
    factor, failed = dpotrf(matrix.T, lower=1, overwrite_a=1)
    assert failed == 0, "a positive diagonal plus a passive impedance is positive definite"
    half, _ = dpotri(factor, lower=1, overwrite_c=1)
    # dpotrf cleared the other triangle and dpotri left it so.
    full: FloatArray = half + half.T
    full.ravel()[:: len(cell_ohms) + 1] *= 0.5
    return full


def _remove_islands(inverse: FloatArray, islands: FloatArray) -> FloatArray:
    """Return the inverse with the leak of every cut-off piece in its common mode (Woodbury identity)."""
    count = islands.shape[1]
    if count == 0:
        return inverse
    response = inverse @ islands
    loads = islands.T @ response + np.eye(count) / LEAK_OHMS
    change = response @ np.linalg.solve(loads, response.T)
    without: FloatArray = inverse - 0.5 * (change + change.T)
    return without


def _line_sums(by_cell: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Return `by_cell` (n, cells) times H, (n, lines): sums over each row, minus sums over each column."""
    blocks = by_cell.reshape(-1, *shape)
    return np.hstack([blocks.sum(axis=2), -blocks.sum(axis=1)])
