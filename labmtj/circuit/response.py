"""What the wires alone do: the drop they cause at every cell, per ampere through every cell, all pads grounded.

With cell currents I, line voltages v and cell resistances R the array obeys (diag(R) + Z) I = H v. Z, the impedance
built here, never depends on the state of the cells. It is made of series resistances, so zero ohms is exact. Derived
here: Kirchhoff's voltage law around each cell, with the drops of its row and its column superposed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from labmtj.brief import brief
from labmtj.circuit.wires import Wires
from labmtj.quantities import FloatArray

LEAK_OHMS = 1e12
"""A piece of wire that cuts separate from every pad keeps this resistance to the voltage of its line (assumed)."""


@brief
@dataclass(frozen=True, eq=False)
class WiresResponse:
    """The wires of an array, seen from its cells.

    The common mode of a piece cut off from all pads is kept apart (`islands`): added to the impedance, its 1e12 ohm
    would drown the cells' resistances in rounding.
    """

    shape: tuple[int, int]
    impedance: FloatArray
    """(cells, cells) ohms, symmetric, contacts on its diagonal, without the islands' leak"""
    islands: FloatArray
    """(cells, islands): 1 where the cell is on the piece that is cut off"""

    @property
    def full_impedance(self) -> FloatArray:
        """The Green's function of the wires with all pads grounded, (cells, cells) ohms, leaks included."""
        full: FloatArray = self.impedance + LEAK_OHMS * (self.islands @ self.islands.T)
        return full

    @cached_property
    def incidence(self) -> FloatArray:
        """H, (cells, lines): the voltage of each open-circuited cell per volt on each line.

        A wire without cell current is at the voltage of its line, also when padded at both ends: +1 for the cell's row,
        -1 for its column. So no current flows from a pad without a cell, and the wires add nothing to the admittance.
        """
        rows, columns = self.shape
        return np.hstack([np.kron(np.eye(rows), np.ones((columns, 1))), -np.kron(np.ones((rows, 1)), np.eye(columns))])


def response_of(wires: Wires) -> WiresResponse:
    """Return the response of the wires; the memory is cells**2 numbers."""
    rows, columns = wires.shape
    impedance = np.zeros((rows, columns, rows, columns))
    islands: list[FloatArray] = []
    for row in range(rows):
        drops, pieces = _line_response(wires.row_segment_ohms[row], wires.row_lead_ohms[row])
        impedance[row, :, row, :] += drops
        islands += [_on_line(piece, (rows, columns), np.s_[row, :]) for piece in pieces]
    for column in range(columns):
        drops, pieces = _line_response(wires.column_segment_ohms[column], wires.column_lead_ohms[column])
        impedance[:, column, :, column] += drops
        islands += [_on_line(piece, (rows, columns), np.s_[:, column]) for piece in pieces]
    square = impedance.reshape(rows * columns, rows * columns)
    square[np.diag_indices_from(square)] += wires.contact_ohms.ravel()
    return WiresResponse(wires.shape, square, np.array(islands).reshape(-1, rows * columns).T)


def _on_line(piece: FloatArray, shape: tuple[int, int], line: tuple[int | slice, int | slice]) -> FloatArray:
    cells = np.zeros(shape)
    cells[line] = piece
    return cells.ravel()


def _line_response(segment_ohms: FloatArray, lead_ohms: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    """Return the Green's function of one line (taps, taps) and the pieces of it that reach no pad (taps,)."""
    taps = len(segment_ohms) + 1
    cuts = np.flatnonzero(np.isinf(segment_ohms)) + 1
    edges = [0, *cuts.tolist(), taps]
    drops, islands = np.zeros((taps, taps)), []
    for first, end in itertools.pairwise(edges):
        left = lead_ohms[0] if first == 0 else np.inf
        right = lead_ohms[1] if end == taps else np.inf
        if np.isinf(left) and np.isinf(right):
            left = 0.0
            islands.append(np.where((np.arange(taps) >= first) & (np.arange(taps) < end), 1.0, 0.0))
        drops[first:end, first:end] = _piece_response(segment_ohms[first : end - 1], left, right)
    return drops, islands


def _piece_response(segment_ohms: FloatArray, left_ohms: float, right_ohms: float) -> FloatArray:
    """Return the volts at each tap per ampere drawn at each tap of an unbroken piece; an infinite end is open.

    Derived here: two taps share the wire from the pad to the nearer one. With both ends padded, the current divides as
    the resistances to the ends: min(left) min(right) / total.
    """
    to_left = left_ohms + np.concatenate([[0.0], np.cumsum(segment_ohms)])
    to_right = right_ohms + np.concatenate([np.cumsum(segment_ohms[::-1])[::-1], [0.0]])
    shared_left = np.minimum.outer(to_left, to_left)
    shared_right = np.minimum.outer(to_right, to_right)
    if np.isinf(right_ohms):
        return shared_left
    if np.isinf(left_ohms):
        return shared_right
    total = left_ohms + to_right[0]
    # Both pads carry the current; a wire of no resistance at all drops nothing.
    return shared_left * (shared_right / total) if total > 0 else np.zeros_like(shared_left)
