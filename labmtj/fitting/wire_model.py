"""Parameters of the wires in a fit: every piece of wire is a sum of them; and the effect of pieces on cells and ports.

A piece is a lead, or a segment between two cells. Rows are padded at the left, columns at the bottom. With u_e = 1 for
the cells whose current flows through piece e, the wires' impedance is Z = sum_e r_e u_e u_e^T: it is linear in each.
Derived here: the drop of piece e is r_e u_e^T I, and every cell of u_e sees it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.quantities import FloatArray

WIRES = ("row_segment_ohms", "column_segment_ohms", "row_lead_ohms", "column_lead_ohms")
TYPICAL_OHMS, PRIOR_OHMS = 10.0, 50.0
"""where the fit begins, and how far from there wires are believed to lie where the data do not say (assumed)"""
MOST_NAMED = 6
"""single pieces that are named"""
Piece = tuple[str, int, int]
"""kind of wire, line, and number of the segment from the left or from the top (0 for a lead)"""


def pieces_of(shape: tuple[int, int]) -> list[Piece]:
    """Return all pieces of wire of an array, in the order of every list of pieces."""
    rows, columns = shape
    counts = zip(WIRES, (rows, columns, rows, columns), (columns - 1, rows - 1, 1, 1), strict=True)
    return [(kind, line, at) for kind, lines, each in counts for line in range(lines) for at in range(each)]


@brief
@dataclass(frozen=True, eq=False)
class WireModel:
    """Parameters of the wires, and how the pieces are made of them."""

    shape: tuple[int, int]
    names: tuple[str, ...]
    basis: FloatArray
    """(pieces, parameters)"""
    start: FloatArray
    """(parameters,) ohms that are believed before"""
    spread: FloatArray
    """(parameters,) how far from there"""

    @classmethod
    def uniform(cls, shape: tuple[int, int]) -> WireModel:
        """Return the wires of one resistance for each kind."""
        kinds = np.array([WIRES.index(kind) for kind, _, _ in pieces_of(shape)])
        return cls(
            shape, WIRES, (kinds[:, np.newaxis] == np.arange(4)).astype(float),
            np.full(4, TYPICAL_OHMS), np.full(4, PRIOR_OHMS),
        )  # fmt: skip

    def by_line(self, kind: str) -> WireModel:
        """Return the wires with a resistance of their own for every line of a kind."""
        own = self.lines_of(kind)
        kept, count = [number for number, name in enumerate(self.names) if name != kind], own.shape[1]
        return WireModel(
            self.shape, (*(self.names[each] for each in kept), *(f"{kind}[{line}]" for line in range(count))),
            np.hstack([self.basis[:, kept], own]),
            np.concatenate([self.start[kept], np.full(count, TYPICAL_OHMS)]),
            np.concatenate([self.spread[kept], np.full(count, PRIOR_OHMS)]),
        )  # fmt: skip

    def lines_of(self, kind: str) -> FloatArray:
        """Return which pieces of a kind are of which line, (pieces, lines)."""
        every = pieces_of(self.shape)
        lines = 1 + max((line for name, line, _ in every if name == kind), default=-1)
        return np.array([[float((name, line) == (kind, each)) for each in range(lines)] for name, line, _ in every])

    def with_piece(self, number: int, spread: float = 100 * PRIOR_OHMS) -> WireModel:
        """Return the wires with one piece more that differs from what the others of its line have by any amount."""
        return self.with_pieces(np.array([number]), np.array([spread]))

    def with_pieces(self, numbers: NDArray[np.intp], spread: FloatArray) -> WireModel:
        """Return the wires with pieces that differ from the others of their line by `spread` ohms each, believed."""
        own = np.zeros((len(self.basis), len(numbers)))
        own[numbers, np.arange(len(numbers))] = 1.0
        every = pieces_of(self.shape)
        names = tuple("{}[{}][{}]".format(*every[number]) for number in numbers.tolist())
        return WireModel(
            self.shape, self.names + names, np.hstack([self.basis, own]),
            np.concatenate([self.start, np.zeros(len(numbers))]), np.concatenate([self.spread, spread]),
        )  # fmt: skip

    @property
    def singles(self) -> int:
        """How many pieces have a parameter of their own."""
        return sum(name.count("[") == 2 for name in self.names)

    def summary(self) -> str:
        """Return in words what is apart."""
        lines = [kind.removesuffix("_ohms").replace("_", " ") for kind in WIRES if kind not in self.names]
        single = [name for name in self.names if name.count("[") == 2]
        words = ["all lines of a kind alike" if not lines else f"by line: {', '.join(lines)}"]
        if len(single) > MOST_NAMED:
            words.append("every segment of its own, as far as the reads determine it")
        return "; ".join([*words, *(f"{name} of its own" for name in single[:MOST_NAMED] if len(single) <= MOST_NAMED)])

    def kinds(self) -> FloatArray:
        """Return the matrix (4, pieces) from pieces to the mean of each kind."""
        kinds = np.array([WIRES.index(kind) for kind, _, _ in pieces_of(self.shape)])
        member = (np.arange(4)[:, np.newaxis] == kinds).astype(float)
        return np.asarray(member / np.maximum(member.sum(axis=1, keepdims=True), 1.0), float)


def split(pieces: FloatArray, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return values (pieces, ...) by kind: segments (rows, columns - 1, ...), (columns, rows - 1, ...), and leads."""
    (rows, columns), more = shape, pieces.shape[1:]
    cuts = np.cumsum([rows * (columns - 1), columns * (rows - 1), rows])
    parts = np.split(pieces, cuts)
    return (
        parts[0].reshape(rows, columns - 1, *more), parts[1].reshape(columns, rows - 1, *more), parts[2], parts[3],
    )  # fmt: skip


def impedance_of(ohms: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Return the impedance (cells, cells) of pieces (pieces,), which a fit may try below zero."""
    rows, columns = shape
    row_segments, column_segments, row_leads, column_leads = split(ohms, shape)
    left = row_leads[:, np.newaxis] + np.pad(np.cumsum(row_segments, axis=1), ((0, 0), (1, 0)))
    below = np.cumsum(column_segments[:, ::-1], axis=1)[:, ::-1]
    bottom = column_leads[:, np.newaxis] + np.pad(below, ((0, 0), (0, 1)))
    across, down = np.arange(columns), np.arange(rows)
    impedance = np.zeros((rows, columns, rows, columns))
    impedance[down, :, down, :] += left[:, np.minimum.outer(across, across)]
    impedance[:, across, :, across] += bottom[:, np.maximum.outer(down, down)]
    return impedance.reshape(rows * columns, rows * columns)


def through_pieces(amperes: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Return what flows through every piece, (pieces, n), from the currents of cells (cells, n)."""
    rows, columns = shape
    cells = amperes.reshape(rows, columns, -1)
    beyond = np.cumsum(cells[:, ::-1], axis=1)[:, ::-1]
    above = np.cumsum(cells, axis=0)
    by_row, by_column = beyond[:, 1:], above[:-1].transpose(1, 0, 2)
    segments = by_row.reshape(rows * (columns - 1), -1), by_column.reshape(columns * (rows - 1), -1)
    return np.concatenate([*segments, beyond[:, 0], above[-1]])
