"""How a bias is built for a cell, a row or a whole read: arrays of line voltages, nothing applied.

Voltages are "row minus column" at the selected cell. Every function returns one ordered batch.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.quantities import Bias, BoolArray, FloatArray

Scheme = Literal["half", "third", "grounded"]


def select_cells(shape: tuple[int, int], cells: NDArray[np.intp], volts: ArrayLike, scheme: Scheme = "half") -> Bias:
    """Return one bias per cell that puts `volts` across it.

    Args:
        shape: rows and columns of the array.
        cells: (batch, 2) rows and columns of the cells.
        volts: (batch,) or one number.
        scheme: "half": row +V/2, column -V/2, the rest 0 (the 28 cells that share a line see V/2);
            "third": row V, column 0, other rows V/3, other columns 2V/3 (all other cells see V/3, most reversed);
            "grounded": row V, all else 0 (writes the whole row).
    """
    rows, columns = shape
    volts = np.broadcast_to(np.asarray(volts, float), (len(cells),))[:, np.newaxis]
    on_row = np.arange(rows) == cells[:, :1]
    on_column = np.arange(columns) == cells[:, 1:]
    if scheme == "half":
        return Bias(np.where(on_row, volts / 2, 0.0), np.where(on_column, -volts / 2, 0.0))
    if scheme == "third":
        return Bias(np.where(on_row, volts, volts / 3), np.where(on_column, 0.0, 2 * volts / 3))
    return Bias(np.where(on_row, volts, 0.0), np.zeros((len(cells), columns)))


def select_rows(shape: tuple[int, int], rows: ArrayLike, volts: ArrayLike) -> Bias:
    """Return one bias per row with that row at `volts`, every other line at 0 V: to read a row, or to initialise it."""
    chosen = np.atleast_1d(np.asarray(rows, np.intp))
    cells = np.stack([chosen, np.zeros_like(chosen)], axis=1)
    return select_cells(shape, cells, volts, "grounded")


def select_columns(shape: tuple[int, int], columns: ArrayLike, volts: ArrayLike) -> Bias:
    """Return one bias per column that puts `volts` across its cells: the column at -volts, every other line at 0 V."""
    chosen = np.atleast_1d(np.asarray(columns, np.intp))[:, np.newaxis]
    given = np.broadcast_to(np.asarray(volts, float), (len(chosen),))[:, np.newaxis]
    return Bias(np.zeros((len(chosen), shape[0])), np.where(np.arange(shape[1]) == chosen, -given, 0.0))


def select_in_rows(
    rows: NDArray[np.intp], columns: BoolArray, row_volts: ArrayLike, column_volts: ArrayLike, shape: tuple[int, int]
) -> Bias:
    """Return one bias per row that selects several of its cells at once: row at `row_volts`, columns at `column_volts`.

    Args:
        rows: (batch,) the selected rows.
        columns: (batch, columns) which columns of each row are selected.
        row_volts: (batch,) or one number.
        column_volts: (batch, columns) or one number.
        shape: rows and columns of the array.
    """
    driven = np.broadcast_to(np.asarray(row_volts, float), rows.shape)[:, np.newaxis]
    return Bias(np.where(np.arange(shape[0]) == rows[:, np.newaxis], driven, 0.0), np.where(columns, column_volts, 0.0))


def float_partners(bias: Bias, shorted: BoolArray) -> Bias:
    """Return the bias with the partner line of every shorted cell floating where the short would carry write current.

    Where the row of a short is driven its column floats, where the column is driven its row floats: the short then ties
    the two lines together and draws nothing, and its neighbours are half-selected at most.
    """
    if not shorted.any():
        return bias
    volts = bias.line_volts.copy()
    rows = bias.shape[0]
    for row, column in np.argwhere(shorted):
        row_driven = np.abs(volts[:, row]) > 0
        column_driven = ~row_driven & (np.abs(volts[:, rows + column]) > 0)
        volts[row_driven, rows + column] = np.nan
        volts[column_driven, row] = np.nan
    return Bias.from_lines(volts, bias.shape)


def inputs_on_rows(shape: tuple[int, int], rows: ArrayLike, input_volts: FloatArray) -> Bias:
    """Return one bias per vector: `input_volts` (batch, inputs) on the `rows` (inputs,), other lines at 0 V."""
    volts = np.zeros((len(input_volts), shape[0]))
    volts[:, np.asarray(rows, np.intp)] = input_volts
    return Bias(volts, np.zeros(shape[1]), ordered=False)
