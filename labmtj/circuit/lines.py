"""One solve of an array of any size without a dense matrix: exact lines inside conjugate gradients.

Nodal form, two nodes per cell. The row lines are eliminated exactly (each is a tridiagonal system); conjugate gradients
run on the column lines, preconditioned by the exact column lines. Both are tridiagonal LAPACK solves over all lines
laid end to end, so a step costs O(cells), and the steps grow with the root of the load (cell conductance x wire
resistance x cells per line squared). Nothing is kept that a changed cell would invalidate. The method is that of
Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49, 409 (1952), on the Schur complement; its steps grow with the root of
the condition number (Saad, Iterative Methods for Sparse Linear Systems, section 6.11).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.lapack import dpttrf, dpttrs

from labmtj.circuit.ports import checked_cells
from labmtj.circuit.response import LEAK_OHMS
from labmtj.circuit.wires import Wires
from labmtj.errors import ProcedureFailed, UsageError
from labmtj.quantities import FloatArray

FINEST_OHMS = 1e-2
"""Wires below this drown the cells in rounding when written as conductances."""
_RELATIVE_TOLERANCE = 1e-12
# Of the last correction to the column voltages, relative to the largest line voltage; the correction is still made.
_MOST_STEPS = 2000


class LineSolver:
    """Solver of arrays that share their wires.

    Args:
        wires: no segment and no lead below 0.01 ohm (infinite is allowed, as always).

    Raises:
        UsageError: for a wire of less resistance; `PortState` solves those, zero included.
    """

    __slots__ = ("_columns", "_contact_ohms", "_rows", "shape")

    def __init__(self, wires: Wires) -> None:
        self.shape = wires.shape
        self._contact_ohms = wires.contact_ohms.ravel()
        self._rows = _Lines("row", wires.row_segment_ohms, wires.row_lead_ohms)
        self._columns = _Lines("column", wires.column_segment_ohms, wires.column_lead_ohms)

    def solve(self, cell_ohms: ArrayLike, line_volts: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the volts across the junctions, (cells,), and the currents into the lines, (lines,).

        Args:
            cell_ohms: (cells,) or (rows, columns), positive and finite.
            line_volts: (lines,), every line driven.

        Raises:
            UsageError: for impossible resistances, a wrong number of voltages, or a floating line.
            ProcedureFailed: if the gradients do not converge.
        """
        rows, columns = self.shape
        ohms = checked_cells(cell_ohms, self.shape)
        goal = _RELATIVE_TOLERANCE * _largest(line_volts, rows + columns)
        siemens = 1.0 / (ohms + self._contact_ohms)
        by_column = _turned(siemens, rows)
        row_factor, column_factor = self._rows.factor(siemens), self._columns.factor(by_column)

        def carried(lower_volts: FloatArray) -> FloatArray:
            """Return what the cells carry into the columns from rows at the voltages the columns leave them."""
            return by_column * _turned(_solved(row_factor, siemens * _turned(lower_volts, columns)), rows)

        row_drive = self._rows.drive(line_volts[:rows])
        drive = self._columns.drive(line_volts[rows:]) + by_column * _turned(_solved(row_factor, row_drive), rows)
        lower = _turned(_gradients(column_factor, carried, drive, goal), columns)
        amperes = siemens * (_solved(row_factor, siemens * lower + row_drive) - lower)
        grid = amperes.reshape(rows, columns)
        return ohms * amperes, np.concatenate([grid.sum(axis=1), -grid.sum(axis=0)])


def solve_cold(wires: Wires, cell_ohms: ArrayLike, line_volts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return cell volts and line currents of one array; see `LineSolver`, which keeps the wires for the next."""
    return LineSolver(wires).solve(cell_ohms, line_volts)


class _Lines:
    """All rows, or all columns, as one tridiagonal conductance matrix, line after line."""

    __slots__ = ("_diagonal", "_leads", "_off", "_taps")

    def __init__(self, kind: str, segment_ohms: FloatArray, lead_ohms: FloatArray) -> None:
        _check_wires(kind, segment_ohms, lead_ohms)
        lines, self._taps = len(lead_ohms), segment_ohms.shape[1] + 1
        # The bond after each tap; none after the last of a line, so that lines laid end to end do not touch.
        bonds = np.zeros((lines, self._taps))
        bonds[:, :-1] = 1.0 / segment_ohms
        leads = np.zeros((lines, self._taps))
        ends = 1.0 / lead_ohms
        leads[:, 0] += ends[:, 0]
        leads[:, -1] += ends[:, 1]
        if np.count_nonzero(bonds) < segment_ohms.size:
            _leak_islands(leads, segment_ohms)
        self._leads, bond = leads.ravel(), bonds.ravel()
        self._diagonal = self._leads + bond
        self._diagonal[1:] += bond[:-1]
        # A single tap has no neighbour, yet the wrapper of LAPACK wants one off-diagonal element: its zero bond serves.
        self._off = -bond[: max(bond.size - 1, 1)]

    def factor(self, cell_siemens: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the factors of the lines with a conductance at each of their taps."""
        diagonal, off, failed = dpttrf(self._diagonal + cell_siemens, self._off)
        assert failed == 0, "wires with pads and positive cells are positive definite"
        return diagonal, off

    def drive(self, volts: FloatArray) -> FloatArray:
        """Return the current that the pads at `volts`, (lines,), push into taps at zero volts."""
        current: FloatArray = self._leads * np.repeat(volts, self._taps)
        return current


def _leak_islands(leads: FloatArray, segment_ohms: FloatArray) -> None:
    """Give the first tap of every piece without a pad its leak, in `leads` (lines, taps)."""
    for line, segments in zip(leads, segment_ohms, strict=True):
        edges = [0, *(np.flatnonzero(np.isinf(segments)) + 1).tolist(), len(line)]
        for first, end in itertools.pairwise(edges):
            if not line[first:end].any():
                line[first] = 1.0 / LEAK_OHMS


def _turned(values: FloatArray, lines: int) -> FloatArray:
    """Return values ordered along `lines` lines in the order across them."""
    return values.reshape(lines, -1).T.ravel()


def _solved(factor: tuple[FloatArray, FloatArray], current: FloatArray) -> FloatArray:
    volts: FloatArray = dpttrs(*factor, current)[0]
    return volts


def _gradients(
    preconditioner: tuple[FloatArray, FloatArray],
    returned: Callable[[FloatArray], FloatArray],
    drive: FloatArray,
    goal_volts: float,
) -> FloatArray:
    """Return v with M v - returned(v) = drive by conjugate gradients, M being the preconditioner itself.

    So M times the direction follows the direction's own recursion and is never computed.
    """
    volts = _solved(preconditioner, drive)
    residual = returned(volts)
    error = _solved(preconditioner, residual)
    direction, heading, size = error, residual, float(residual @ error)
    for _ in range(_MOST_STEPS):
        if np.abs(error).max() <= goal_volts:
            return volts + error
        pull = heading - returned(direction)
        step = size / float(direction @ pull)
        volts = volts + step * direction
        residual = residual - step * pull
        error = _solved(preconditioner, residual)
        before, size = size, float(residual @ error)
        direction = error + (size / before) * direction
        heading = residual + (size / before) * heading
    raise ProcedureFailed(
        f"the array did not converge in {_MOST_STEPS} steps, {np.abs(error).max():.3g} V are left; its wires are far "
        f"more resistive than its cells: use PortState"
    )


def _check_wires(kind: str, segment_ohms: FloatArray, lead_ohms: FloatArray) -> None:
    for part, ohms in (("segment", segment_ohms), ("lead", lead_ohms)):
        if ohms.size and (least := ohms.min()) < FINEST_OHMS:
            raise UsageError(
                f"{kind}_{part}_ohms holds {least:g} ohm; the solver of lines needs {FINEST_OHMS:g} or more: use "
                f"PortState"
            )


def _largest(line_volts: FloatArray, lines: int) -> float:
    """Return the largest voltage of the lines, or raise UsageError if some line has none."""
    if line_volts.shape != (lines,):
        raise UsageError(f"the array has {lines} lines; got voltages of shape {line_volts.shape}")
    largest = float(np.abs(line_volts).max())
    if math.isnan(largest):
        floating = int(np.argmax(np.isnan(line_volts)))
        raise UsageError(f"line {floating} floats; the solver of lines needs every line driven: use PortState")
    return largest
