"""Which lines of an array carry which lines of a layer, chosen so that bad cells do the least harm.

A layer may use any rows and any columns of an array, in any order: inputs are sent to the rows that stand for them, and
the columns of a pair are subtracted in software, wherever they are and whichever of the two counts as plus. So the
choice of lines costs no pulse. Choosing the rows when the columns are given, or the columns when the rows are, is a
linear assignment problem and solved exactly; both in turn find a placement from which neither alone can improve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.errors import UsageError
from labmtj.health import Health
from labmtj.network.mapping import Block
from labmtj.quantities import BoolArray, FloatArray
from labmtj.streams import stream

TRIES = 20
"""orders that the search starts from: the given one, then random ones"""
WRONG: dict[Health, tuple[float, float]] = {
    Health.STUCK_P: (1.0, 0.0), Health.STUCK_AP: (0.0, 1.0), Health.OPEN: (1.0, 2.0),
    Health.NOISY: (0.1, 0.1), Health.UNKNOWN: (0.5, 0.5), Health.OVERSTRESSED: (0.5, 0.5),
}  # fmt: skip
"""cost of a cell under a target of 0 (AP) and of 1 (P), in conductance steps that it is off, at a TMR of 1; what an
unknown or an overstressed cell costs is a guess, and of a noisy one it is a preference for quiet ones (assumptions)"""
SHORT_ALONE = 0.1
"""harm of a short of which one line alone is used, as part of that with both: its other line is at 0 V, and the voltage
drop on the leads is what is left (assumption)"""
CHANGE = 0.002
"""harm of a cell that has to be written; all of 15 x 15 together 0.45, about one wrong bit of a usual weight"""


@dataclass(frozen=True, slots=True)
class Placement:
    """The lines of an array that a layer uses, in the order of the layer's inputs and columns.

    Stands for a `Block` wherever one does: to write (`place`), to multiply and to read (`take`).

    Raises:
        UsageError: for lines that are negative or named twice.
    """

    row_lines: tuple[int, ...]
    column_lines: tuple[int, ...]

    def __post_init__(self) -> None:
        for name, lines in (("row", self.row_lines), ("column", self.column_lines)):
            if not lines or min(lines) < 0 or len(set(lines)) < len(lines):
                raise UsageError(f"{lines} are no {name}s of a placement: each line at most once, none negative")

    @classmethod
    def of(cls, block: Block | Placement) -> Self:
        """Return the placement that uses the lines of a block in their order."""
        return cls(tuple(block.row_lines), tuple(block.column_lines))

    @property
    def rows(self) -> int:
        """How many rows it uses."""
        return len(self.row_lines)

    @property
    def columns(self) -> int:
        """How many columns it uses."""
        return len(self.column_lines)

    def check(self, shape: tuple[int, int]) -> None:
        """Raise UsageError unless an array of `shape` (rows, columns) has all these lines."""
        if max(self.row_lines) >= shape[0] or max(self.column_lines) >= shape[1]:
            raise UsageError(f"{self} uses lines that an array of {shape[0]} x {shape[1]} does not have")

    def place(self, bits: NDArray[Any], shape: tuple[int, int]) -> BoolArray:
        """Return the target of a whole array, (..., rows, columns), AP in every unused cell; as `Block.place`.

        Raises:
            UsageError: for bits or an array of another shape.
        """
        self.check(shape)
        values = np.asarray(bits)
        if values.shape[-2:] != (self.rows, self.columns):
            raise UsageError(f"bits of shape {values.shape} do not fill {self.rows} x {self.columns} lines")
        target = np.zeros((*values.shape[:-2], *shape), dtype=bool)
        rows, columns = self._lines()
        target[..., rows, columns] = values
        return target

    def take(self, cells: NDArray[Any]) -> NDArray[Any]:
        """Return the layer's cells, (..., inputs, columns), of values (..., rows, columns) of an array."""
        values = np.asarray(cells)
        self.check((int(values.shape[-2]), int(values.shape[-1])))
        rows, columns = self._lines()
        part: NDArray[Any] = values[..., rows, columns]
        return part

    def _lines(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return np.array(self.row_lines, np.intp)[:, np.newaxis], np.array(self.column_lines, np.intp)


def placement_cost(
    bits: NDArray[Any], states: NDArray[np.uint8], placement: Placement, weights: ArrayLike = 1.0
) -> float:
    """Return the harm of the bad cells under a layer; arguments as of `avoiding`."""
    search = _Search(bits, states, weights)
    return search.cost(*search.orders(placement))


def avoiding(
    bits: NDArray[Any],
    states: NDArray[np.uint8],
    start: Block | Placement,
    weights: ArrayLike = 1.0,
    now: NDArray[Any] | None = None,
    tries: int = TRIES,
) -> Placement:
    """Return the placement of a layer in which bad cells do the least harm that was found; never more than at `start`.

    The harm of a cell is what it adds to the error of a weight (`WRONG`): none where a stuck cell is stuck at its
    target. A short ties its row to its column: it costs all the weights of both. Where no placement is better than the
    start the start is returned, so a good array is used as without this.

    Args:
        bits: of the layer, (inputs, columns), 1 = P.
        states: a `Health` per cell of the array, (rows, columns).
        start: where the layer would be otherwise.
        weights: what an error of one step in a weight costs, broadcast to the shape of `bits`: such as the rms of the
            input that it multiplies.
        now: the states that the cells are in, (rows, columns): of placements that are as good the one is preferred that
            changes fewer of them, because the placement may differ for every solution.
        tries: orders to search from.

    Raises:
        UsageError: if the layer does not fit the array.
    """
    given = Placement.of(start)
    given.check((states.shape[0], states.shape[1]))
    if placement_cost(bits, states, given, weights) == 0:
        return given
    search, harm = _Search(bits, states, weights, now), _Search(bits, states, weights)
    best = search.orders(given)
    least, most = search.cost(*best), harm.cost(*best) + 1e-9
    generator = stream(0, "placement")
    for attempt in range(tries):
        rows, columns = best if attempt == 0 else (generator.permutation(size) for size in states.shape)
        found = search.descend(rows, columns)
        if (cost := search.cost(*found)) < least - 1e-9 and harm.cost(*found) <= most:  # pulses saved buy no harm
            best, least = found, cost
    rows, columns = best
    count = np.shape(bits)
    return Placement(tuple(map(int, rows[: count[0]])), tuple(map(int, columns[: count[1]])))


class _Search:
    """A layer filled up to the size of the array with lines that carry nothing: orders are then permutations."""

    def __init__(
        self, bits: NDArray[Any], states: NDArray[np.uint8], weights: ArrayLike, now: NDArray[Any] | None = None
    ) -> None:
        layer, shape = np.asarray(bits, bool), states.shape
        if layer.ndim != 2 or layer.shape[0] > shape[0] or layer.shape[1] > shape[1]:
            raise UsageError(f"a layer of {layer.shape} does not fit an array of {shape[0]} x {shape[1]}")
        room = [(0, shape[axis] - layer.shape[axis]) for axis in (0, 1)]
        cost = np.pad(np.broadcast_to(np.asarray(weights, float), layer.shape), room)
        wanted = np.pad(layer, room)
        tables = {kind: cost * np.where(wanted, one, zero) for kind, (zero, one) in WRONG.items()}
        tables[Health.SHORT] = _short_costs(cost)
        kinds = [kind for kind in tables if (states == kind).any()]
        self.tables = [tables[kind] for kind in kinds]
        self.found = [(states == kind).astype(float) for kind in kinds]
        if now is not None:
            at_one = np.asarray(now, bool)  # states come as numbers, too
            self.tables += [CHANGE * wanted, CHANGE * ~wanted]
            self.found += [(~at_one).astype(float), at_one.astype(float)]

    def orders(self, placement: Placement) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the order of rows and of columns: first those in use, then the others."""
        shape = self.found[0].shape if self.found else (max(placement.row_lines) + 1, max(placement.column_lines) + 1)
        both = zip((placement.row_lines, placement.column_lines), shape, strict=True)
        rows, columns = (np.array([*used, *np.setdiff1d(np.arange(size), used)], np.intp) for used, size in both)
        return rows, columns

    def cost(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> float:
        """Return the harm with these orders."""
        pairs = zip(self.tables, self.found, strict=True)
        return float(sum((table * found[np.ix_(rows, columns)]).sum() for table, found in pairs))

    def descend(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return orders that neither new rows nor new columns alone improve."""
        from scipy.optimize import linear_sum_assignment  # slow to import

        cost = self.cost(rows, columns)
        while True:
            pairs = list(zip(self.tables, self.found, strict=True))
            by_row = sum(table @ found[:, columns].T for table, found in pairs)
            rows = linear_sum_assignment(by_row)[1]
            by_column = sum(table.T @ found[rows] for table, found in pairs)
            columns = linear_sum_assignment(by_column)[1]
            lower = self.cost(rows, columns)
            if lower >= cost - 1e-9:
                return rows, columns
            cost = lower


def _short_costs(cost: FloatArray) -> FloatArray:
    """Return what a short costs at each place: all weights of its row and its column, a part where one is unused."""
    of_row, of_column = cost.sum(axis=1)[:, np.newaxis], cost.sum(axis=0)
    used = np.where((of_row > 0) & (of_column > 0), 1.0, SHORT_ALONE)
    return np.asarray(used * (of_row + of_column), float)
