"""Where the layers of a network live on an array.

The two layers of the Wine network (13 x 12 and 6 x 6 cells) do not fit into one 15 x 15 array side by side as
sub-matrices: any two choices of their rows and columns share cells. So either each layer has its own array, or both
take turns on one, with the hidden activations kept in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import UsageError
from labmtj.network.solution import Solutions
from labmtj.quantities import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of cells: its first row and column, and how many of each.

    Raises:
        UsageError: for a negative corner or an empty size.
    """

    row: int
    column: int
    rows: int
    columns: int

    def __post_init__(self) -> None:
        if min(self.row, self.column) < 0 or min(self.rows, self.columns) < 1:
            raise UsageError(f"{self} is not a block: its corner is at least 0, 0 and its size at least 1 x 1")

    @property
    def row_lines(self) -> range:
        """The rows of the array that it covers."""
        return range(self.row, self.row + self.rows)

    @property
    def column_lines(self) -> range:
        """The columns of the array that it covers."""
        return range(self.column, self.column + self.columns)

    def check(self, shape: tuple[int, int]) -> None:
        """Raise UsageError unless the block lies inside an array of `shape` (rows, columns)."""
        if self.row + self.rows > shape[0] or self.column + self.columns > shape[1]:
            raise UsageError(
                f"a block of {self.rows} x {self.columns} cells at row {self.row}, column {self.column} does not fit "
                f"an array of {shape[0]} x {shape[1]}; move it or take a larger array"
            )

    def place(self, bits: NDArray[Any], shape: tuple[int, int]) -> BoolArray:
        """Return the target of a whole array, (..., rows, columns): the bits in the block, AP in every unused cell.

        AP keeps the current of unused cells small.

        Args:
            bits: (..., block rows, block columns), 1 = P.
            shape: rows and columns of the array.

        Raises:
            UsageError: if the block does not fit the array, or the bits the block.
        """
        self.check(shape)
        values = np.asarray(bits)
        if values.shape[-2:] != (self.rows, self.columns):
            raise UsageError(f"bits of shape {values.shape} do not fill a block of {self.rows} x {self.columns} cells")
        target = np.zeros((*values.shape[:-2], *shape), dtype=bool)
        target[(..., *self._slices())] = values
        return target

    def take(self, cells: NDArray[Any]) -> NDArray[Any]:
        """Return the block's part, (..., block rows, block columns), of values (..., rows, columns) of an array."""
        values = np.asarray(cells)
        self.check((int(values.shape[-2]), int(values.shape[-1])))
        part: NDArray[Any] = values[(..., *self._slices())]
        return part

    def drive(self, inputs: FloatArray, rows: int) -> FloatArray:
        """Return inputs (..., block rows) spread over all rows of an array, (..., rows): 0 on the others."""
        self.check((rows, self.column + self.columns))
        lines = np.zeros((*np.shape(inputs)[:-1], rows))
        lines[..., self.row : self.row + self.rows] = inputs
        return lines

    def flat_cells(self, shape: tuple[int, int]) -> NDArray[np.intp]:
        """Return the numbers row * columns + column of the block's cells, row by row."""
        self.check(shape)
        rows, columns = np.arange(self.rows) + self.row, np.arange(self.columns) + self.column
        return np.add.outer(rows * shape[1], columns).ravel()

    def _slices(self) -> tuple[slice, slice]:
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Both layers on arrays: one each, or (sequential) in turn on the same one."""

    layer1: Block
    layer2: Block
    sequential: bool = False

    @classmethod
    def of(
        cls,
        solutions: Solutions,
        corner1: tuple[int, int] = (0, 0),
        corner2: tuple[int, int] = (0, 0),
        *,
        sequential: bool = False,
    ) -> Self:
        """Return the mapping of networks of these sizes with the first cell of each layer at its corner."""
        layer1 = Block(*corner1, solutions.inputs, 2 * solutions.hidden)
        return cls(layer1, Block(*corner2, solutions.hidden, 2 * solutions.outputs), sequential)

    @property
    def blocks(self) -> tuple[Block, Block]:
        """The block of either layer."""
        return self.layer1, self.layer2

    @property
    def arrays(self) -> tuple[int, int]:
        """Which array, counted from 0, holds each layer."""
        return (0, 0) if self.sequential else (0, 1)

    def check(self, *shapes: tuple[int, int]) -> None:
        """Raise UsageError unless there is a shape (rows, columns) for every array and each layer fits its own."""
        needed = max(self.arrays) + 1
        if len(shapes) != needed:
            raise UsageError(f"arrays: {len(shapes)}, and the mapping needs {needed}; set sequential to share one")
        for block, array in zip(self.blocks, self.arrays, strict=True):
            block.check(shapes[array])

    def targets(self, solutions: Solutions, *shapes: tuple[int, int]) -> tuple[BoolArray, BoolArray]:
        """Return the target states of both layers for all solutions, each (n, rows, columns)."""
        self.check(*shapes)
        first, second = self.arrays
        return self.layer1.place(solutions.w1, shapes[first]), self.layer2.place(solutions.w2, shapes[second])
