"""The most that any cell of a calibrated array can see under a bias, whatever the states of all cells.

Every node of a line lies at a weighted mean of its neighbours on the line and of the node across its cell. So a
bound of the nodes across gives a tighter bound of the line: the solution of the line with each cell at the end of its
range of conductance that raises its node most. Starting at the highest driven line, every pass is valid for all states.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from labmtj.circuit import Wires
from labmtj.quantities import FloatArray

PASSES = 20
"""a bound holds after any number; each takes off what is left times (cells of a line x line ohms / cell ohms), 0.1"""
CHOICES = 20
"""of the ends of the ranges, for one line; two or three are enough"""
STATE_MARGIN = 0.2
"""a cell may conduct this part less than the nominal of its states, or more: four times a spread of 5 % (assumed)"""
_LEAST_OHMS = 1e-3
"""stands for a wire of no resistance, where a conductance would be infinite"""
Range = tuple[float, float]


def most_cell_volts(wires: Wires, lowest_siemens: float, highest_siemens: float) -> Callable[[FloatArray], FloatArray]:
    """Return the function from line volts (batch, lines), NaN = floating, to volts across a cell, (batch,)."""
    cells = ((1 - STATE_MARGIN) * lowest_siemens, (1 + STATE_MARGIN) * highest_siemens)

    def most(line_volts: FloatArray) -> FloatArray:
        high = _highest(wires, line_volts, cells)
        low = [-each for each in _highest(wires, -line_volts, cells)]
        across = np.maximum(high[0] - low[1], high[1] - low[0])
        seen: FloatArray = across.max(axis=(1, 2))
        return seen

    return most


def _highest(wires: Wires, line_volts: FloatArray, cells: Range) -> tuple[FloatArray, FloatArray]:
    """Return bounds from above of the row and the column nodes, (batch, rows, columns) each."""
    rows, columns = wires.shape
    top = np.nan_to_num(np.fmax.reduce(line_volts, axis=1))[:, np.newaxis, np.newaxis]
    on_rows = on_columns = np.broadcast_to(top, (len(line_volts), rows, columns))
    row_ends = _conductances(wires.row_segment_ohms, wires.row_lead_ohms)
    column_ends = _conductances(wires.column_segment_ohms, wires.column_lead_ohms)
    for _ in range(PASSES):
        on_rows = _tighter(on_rows, on_columns, line_volts[:, :rows], row_ends, cells)
        on_columns = _turned(_tighter(_turned(on_columns), _turned(on_rows), line_volts[:, rows:], column_ends, cells))
    return on_rows, on_columns


def _turned(nodes: FloatArray) -> FloatArray:
    turned: FloatArray = nodes.transpose(0, 2, 1)
    return turned


def _conductances(segment_ohms: FloatArray, lead_ohms: FloatArray) -> FloatArray:
    """Return the conductance before every node of every line and after the last, (lines, nodes + 1)."""
    ohms = np.column_stack([lead_ohms[:, :1], segment_ohms, lead_ohms[:, 1:]])
    return 1.0 / np.maximum(ohms, _LEAST_OHMS)


def _tighter(own: FloatArray, other: FloatArray, pad_volts: FloatArray, ends: FloatArray, cells: Range) -> FloatArray:
    """Return the bound of the nodes (batch, lines, nodes) of lines whose pads lie at (batch, lines)."""
    system, flow = _chain(own.shape, pad_volts, ends)
    nodes = np.arange(own.shape[2])
    bound = own
    for _ in range(CHOICES):
        picked = np.where(other > bound, cells[1], cells[0])
        loaded = system.copy()
        loaded[:, :, nodes, nodes] += picked
        solved = np.asarray(np.linalg.solve(loaded, (flow + picked * other)[..., np.newaxis])[..., 0], float)
        if np.array_equal(np.where(other > solved, cells[1], cells[0]), picked):
            return np.asarray(np.minimum(own, solved), float)
        bound = solved
    return own  # not decided: what held before still holds


def _chain(shape: tuple[int, ...], pad_volts: FloatArray, ends: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the lines without their cells: a matrix (batch, lines, nodes, nodes), and what flows in from the pads."""
    floating = np.isnan(pad_volts)
    inner, nodes = ends[:, 1:-1], np.arange(shape[2])
    system, flow = np.zeros((*shape, shape[2])), np.zeros(shape)
    for first, second in ((nodes[:-1], nodes[1:]), (nodes[1:], nodes[:-1])):
        system[:, :, first, second] -= inner
        system[:, :, first, first] += inner
    for node, end in ((0, 0), (-1, -1)):  # a floating pad draws nothing
        pad = np.where(floating, 0.0, ends[:, end])
        system[:, :, node, node] += pad
        flow[:, :, node] += pad * np.nan_to_num(pad_volts)
    return system, flow
