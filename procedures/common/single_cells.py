"""Single cells in trials: brought to a known state, pulsed, read; many at a time if they share no line.

A half-selected cell sees part of every pulse on its row or column. Cells that share no line see none of each other's,
so that a whole group is pulsed in one batch and read in one, and the read of a cell shows the effect of its own pulse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.errors import ProcedureFailed, SettingError
from labmtj.quantities import Bias, BoolArray, Flag, FloatArray, Lines, Pulse, ReadSettings
from labmtj.results import Quantity, Result
from labmtj.verbs import Crossbar
from procedures.common.bounds import CellVolts, Key, Limited, OnArray, OnDiagonal, Place, PulseSeconds, Settings
from procedures.common.reference import ReferenceMaps, ReferenceSettings, initialise
from procedures.common.schemes import Scheme, float_partners, select_cells, select_rows

Cells = NDArray[np.intp]
"""(n, 2) rows and columns"""
DIRECTIONS = (True, False)
"""towards P, then towards AP"""
OF_CELL = Quantity("1", "row and column of each cell", ("cell", "line"))
"""the cells of a result"""
FULL_FRACTION = 0.99
"""a step of a delivered pulse counts as the pulse if the cell sees this part of the largest voltage of any step"""

NO_CELL = "the reference maps show no usable cell; look at them before anything else"


class ByDirection(Result):
    """Base of results whose arrays begin with the direction: towards P first, then towards AP."""

    @property
    def direction(self) -> Annotated[list[str], Quantity("1", "towards which state", ("direction",))]:
        """Names of the directions."""
        return ["to_P", "to_AP"]


class TrialSettings(Settings):
    """Which cells are tried, and how they are brought back."""

    binary: ClassVar[str] = "this procedure"

    cells: Annotated[Literal["all"] | list[Place] | None, OnArray()] = Field(
        None,
        examples=[[[0, 0], [7, 3]]],
        description='[row, column] of each, or "all" usable ones; null takes `count` of them',
    )
    count: Annotated[int, OnDiagonal()] = Field(
        5, ge=1, le=1000, description="cells to take along the diagonal, where none are named"
    )
    scheme: Scheme = Field("half", description="bias of a selected cell")
    reset_volts: CellVolts = Field(0.9, description="brings a cell back: well above what switches it")
    reset_seconds: PulseSeconds = Field(1e-2, description="width of a reset pulse")
    resets: int = Field(4, ge=1, le=100, description="pulses before a cell that does not come back is left alone")
    reference: ReferenceSettings = ReferenceSettings()

    @property
    def unused(self) -> tuple[str, ...]:
        """`count` where cells are named; its default is what a small array has."""
        return () if self.cells is None and "count" in self.model_fields_set else ("count",)

    def check_together(self, array: Limited, key: Key) -> None:  # noqa: ARG002 - subclasses need it
        """Raise SettingError for a scheme that selects more than a cell."""
        if self.scheme == "grounded":
            raise SettingError((*key, "scheme"), "grounded selects a whole row; take half or third")

    def most_cells(self, shape: tuple[int, int]) -> int:
        """Return how many cells are tried, at most."""
        if self.cells is None:
            return min(self.count, *shape)
        return shape[0] * shape[1] if self.cells == "all" else len(self.cells)

    def rows_of_trials(self, shape: tuple[int, int], trials: int) -> tuple[int, int]:
        """Return the largest numbers of pulses and of shots of reads for `trials` trials of each cell.

        After each trial the cell is read; one that switched comes back at the first try, and is read. What the
        reference maps take, and tries beyond the first, are left out: they are few.
        """
        pulses = 2 * trials * self.most_cells(shape)
        return pulses, 2 * pulses

    def chosen(self, reference: ReferenceMaps) -> Cells:
        """Return the cells; ProcedureFailed if one of those named is not usable, or none is."""
        if self.cells is None:
            return spread_out(reference.usable, self.count)
        if self.cells == "all":
            return usable_cells(reference.usable)
        found = np.array(sorted(set(self.cells)), np.intp)
        if unusable := [tuple(map(int, cell)) for cell in found if not reference.usable[tuple(cell)]]:
            raise ProcedureFailed(
                f"the reference maps show {unusable[0]} stuck, shorted, open or outside; name other cells, or null"
            )
        return found


def usable_cells(usable: BoolArray) -> Cells:
    """Return all of them; ProcedureFailed if there is none."""
    if not usable.any():
        raise ProcedureFailed(NO_CELL)
    return np.argwhere(usable)


def spread_out(usable: BoolArray, count: int) -> Cells:
    """Return up to `count` usable cells near evenly spaced places of the diagonal, no two on a line.

    Raises:
        ProcedureFailed: if no cell is usable.
    """
    places = np.linspace([0, 0], np.array(usable.shape) - 1, min(count, *usable.shape)).round().astype(np.intp)
    free, found = usable.copy(), []
    for place in places:
        left = np.argwhere(free)
        if not len(left):
            break
        row, column = left[np.abs(left - place).sum(axis=1).argmin()]
        free[row], free[:, column] = False, False
        found.append((row, column))
    if not found:
        raise ProcedureFailed(NO_CELL)
    return np.array(found, np.intp)


def groups_sharing_no_line(cells: Cells) -> list[NDArray[np.intp]]:
    """Return numbers of cells in groups of which no two share a line: as few as a whole array of n x n needs, n."""
    groups: list[list[int]] = []
    order = np.argsort((cells[:, 1] - cells[:, 0]) % (cells.max() + 1), kind="stable")  # diagonal by diagonal
    for number in order.tolist():
        for group in groups:
            if not (cells[group] == cells[number]).any():
                group.append(number)
                break
        else:
            groups.append([number])
    return [np.array(sorted(group), np.intp) for group in groups]


class SingleCells:
    """Cells of one array, by groups that share no line: pulse, read, reset."""

    def __init__(self, crossbar: Crossbar, reference: ReferenceMaps, settings: TrialSettings) -> None:
        self.crossbar, self.reference, self.settings = crossbar, reference, settings
        self.limited = 0
        """pulses in which a source was in compliance"""
        self._in_turn = False
        usable = reference.parallel_amperes[reference.usable]
        self.how = ReadSettings(
            settings.reference.aperture_seconds, range_amperes=1.5 * float(usable.max()), polarity="both"
        )

    def sign(self, state: bool) -> int:  # noqa: FBT001 - a state is a bit
        """Return the sign of a voltage that drives towards a state."""
        return self.reference.polarity if state else -self.reference.polarity

    def initialise(self, state: bool) -> None:  # noqa: FBT001
        """Bring the whole array to a state."""
        how = self.settings.reference
        initialise(self.crossbar, self.sign(state) * how.initialise_volts, how.pulse_seconds, how.initialise_pulses)

    def amperes(self, group: Cells) -> FloatArray:
        """Return the read currents of a group, (n,).

        One batch of its rows, read on all its columns. Where the answer shows that columns were read in turn, not
        together, cells are read one by one from then on: n readings instead of n x n.
        """
        volts, shape = self.reference.read_volts, self.crossbar.shape
        bias = select_rows(shape, group[:, 0], volts)
        if self._in_turn:
            alone = zip(bias.line_volts, group[:, 1].tolist(), strict=True)
            return np.concatenate([self._measure(Bias.from_lines(each, shape), [column]) for each, column in alone])
        return self._measure(bias, group[:, 1].tolist())

    def _measure(self, bias: Bias, columns: list[int]) -> FloatArray:
        """Return the current of bias k on column k."""
        currents = self.crossbar.measure(bias, Lines(columns=tuple(columns)), self.how)
        self._in_turn = self._in_turn or bool(np.ptp(currents.start_seconds, axis=2).any())
        return np.diagonal(currents.bounded_amperes(self.reference.read_volts))

    def read(self, group: Cells) -> BoolArray:
        """Return the states of a group, (n,)."""
        return np.asarray(self.amperes(group) > self.reference.threshold_amperes[group[:, 0], group[:, 1]], bool)

    def biases(self, group: Cells, volts: FloatArray) -> Bias:
        """Return one bias per cell of a group, shorts left without write current."""
        return float_partners(
            select_cells(self.crossbar.shape, group, volts, self.settings.scheme), self.reference.shorted
        )

    def pulse(self, group: Cells, volts: FloatArray, seconds: float) -> Pulse:
        """Pulse each cell of a group once."""
        pulse = self.crossbar.pulse(self.biases(group, volts), seconds)
        self.limited += int(limited(pulse).sum())
        return pulse

    def reset(self, group: Cells, state: bool, *, fresh: bool = True) -> BoolArray:  # noqa: FBT001
        """Bring a group to a state, verified; return which are there, (n,). If not `fresh`, read before pulsing."""
        there = np.zeros(len(group), bool) if fresh else self.read(group) == state
        for _ in range(self.settings.resets):
            todo = np.flatnonzero(~there)
            if not len(todo):
                break
            volts = np.full(len(todo), self.sign(state) * self.settings.reset_volts)
            self.pulse(group[todo], volts, self.settings.reset_seconds)
            there[todo] = self.read(group[todo]) == state
        return there


def limited(pulse: Pulse) -> BoolArray:
    """Return in which pulses of a batch a source was in compliance, (batch,)."""
    return np.asarray((pulse.flags & Flag.COMPLIANCE).any(axis=1), bool)


def delivered_to(pulse: Pulse, group: Cells) -> tuple[FloatArray, FloatArray]:
    """Return volts and seconds as each cell of a batch got them between its lines, (batch,), sign left out."""
    number, rows = np.arange(len(group)), pulse.bias.shape[0]
    lines = pulse.delivered.line_volts
    across = np.abs(lines[number, :, group[:, 0]] - lines[number, :, rows + group[:, 1]])
    peak = across.max(axis=1)
    full = across >= FULL_FRACTION * peak[:, np.newaxis]
    return peak, np.asarray((pulse.delivered.step_seconds * full).sum(axis=1), float)


def refused_widths(crossbar: Crossbar, bias: Bias, widths: Sequence[float]) -> None:
    """Raise ProcedureFailed if the crossbar cannot give all biases with all widths, before the first test pulse."""
    for seconds in widths:
        if refusal := crossbar.refusal(bias, seconds):
            raise ProcedureFailed(f"pulses of {seconds:g} s cannot be given: {refusal}").advising(refusal.instead)
