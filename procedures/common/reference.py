"""Reference maps: every cell read in the all-P and the all-AP array, and what follows from the pair.

The threshold of a cell is the midpoint of its own two reads. A threshold from nominal values misreads up to half of a
low-resistance array, because reads shrink with the voltage drop along the lines; the cell's own midpoint misreads none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.errors import ProcedureFailed
from labmtj.health import Health
from labmtj.quantities import Bias, BoolArray, FloatArray, Lines, ReadSettings
from labmtj.results import Fact, Quantity, Result
from labmtj.verbs import Crossbar
from procedures.common.bounds import ApertureSeconds, CellVolts, PulseSeconds, ReadVolts, Settings, VoltsBetween
from procedures.common.schemes import select_columns, select_rows
from procedures.common.staying import look_at_once

MAP = ("row", "column")
OutcomeMap = NDArray[np.uint8]


class Outcome(IntEnum):
    """Outcome of the write of a cell."""

    WRITTEN = 0
    STUCK_P = 1
    STUCK_AP = 2
    SHORT = 3
    OPEN = 4
    UNSTABLE = 5
    """took the target and lost it again until the passes were used up; or follows a pulse, but does not stay, or does
    not show all of its states apart"""
    OUTSIDE = 6
    """on a row that the crossbar cannot drive, such as one tied to ground: neither read nor written"""


STATES = {"AP": 0, "P": 1}
"""of a cell: meanings of the values of arrays in the record"""
MANY_STUCK = 0.1
"""of the cells: more look stuck where cells relax before they are read"""
_LEAST_STEP = 0.1
"""of the usual cell from one state to the next, as a part of its whole contrast: less may be noise"""
HEALTH_OF = {
    Outcome.WRITTEN: Health.USABLE, Outcome.STUCK_P: Health.STUCK_P, Outcome.STUCK_AP: Health.STUCK_AP,
    Outcome.SHORT: Health.SHORT, Outcome.OPEN: Health.OPEN, Outcome.UNSTABLE: Health.NOISY,
}  # fmt: skip
"""of a cell that was looked at"""
_KNOWN_BAD = {
    Health.STUCK_P: Outcome.STUCK_P, Health.STUCK_AP: Outcome.STUCK_AP, Health.SHORT: Outcome.SHORT,
    Health.OPEN: Outcome.OPEN,
}  # fmt: skip
"""a noisy cell is not among them: it can be written"""


class ReferenceSettings(Settings):
    """How the reference maps are made."""

    initialise_volts: CellVolts = Field(0.9, description="volts on one line at a time, all others at 0 V")
    pulse_seconds: PulseSeconds = Field(
        1e-2, description="width of an initialising pulse: long, because it disturbs no other cell"
    )
    initialise_pulses: int = Field(1, ge=1, le=100, description="pulses per line and direction")
    read_volts: ReadVolts = Field(0.1, description="volts on the row that is read")
    aperture_seconds: ApertureSeconds = Field(0.02, description="integration time of a reading")
    between_volts: VoltsBetween = Field(
        [], description="volts that bring cells from their lowest state to each of those between, in order"
    )


class ReferenceMaps(Result, kind="reference"):
    """Reads of every cell in the uniform arrays; all maps are (rows, columns).

    P is the highest state of any device, AP its lowest; those between have reads of their own.
    """

    parallel_amperes: Annotated[FloatArray, Quantity("A", "read current of the cell, array all P", MAP)]
    antiparallel_amperes: Annotated[FloatArray, Quantity("A", "read current of the cell, array all AP", MAP)]
    read_volts: Annotated[float, Fact("V", "on the row that is read")]
    polarity: Annotated[int, Fact("1", "+1 if a positive row drives cells to P, else -1")]
    outcome: Annotated[OutcomeMap, Quantity("1", "usable (0: it can be written) or why not", MAP, Outcome)]
    between_amperes: Annotated[
        FloatArray | None, Quantity("A", "read current of the cell, array all in a state between", ("between", *MAP))
    ] = None

    @property
    def threshold_amperes(self) -> Annotated[FloatArray, Quantity("A", "above it a read counts as P", MAP)]:
        """Midpoint of each cell's own two reads; for a cell that showed one state only, well to the other side of it.

        The two reads of such a cell differ by noise alone, and so would the state read against their midpoint.
        """
        own = (self.parallel_amperes + self.antiparallel_amperes) / 2
        inside = self.inside
        high, low = np.nanmedian(self.parallel_amperes[inside]), np.nanmedian(self.antiparallel_amperes[inside])
        below = np.minimum(own - (high - low) / 2, (high + low) / 2)
        above = np.maximum(own + (high - low) / 2, (high + low) / 2)
        always_high = np.isin(self.outcome, (Outcome.STUCK_P, Outcome.SHORT))
        always_low = np.isin(self.outcome, (Outcome.STUCK_AP, Outcome.OPEN, Outcome.OUTSIDE))
        own = np.where(self.outcome == Outcome.UNSTABLE, (high + low) / 2, own)  # its reads are of any state
        return np.where(always_high, below, np.where(always_low, above, own))

    @property
    def levels(self) -> int:
        """How many states a cell has."""
        return 2 if self.between_amperes is None else 2 + len(self.between_amperes)

    @property
    def boundary_amperes(
        self,
    ) -> Annotated[FloatArray | None, Quantity("A", "between neighbouring states", ("boundary", *MAP))]:
        """Midpoints of each cell's own reads in neighbouring states; of one that is not usable those of a usual cell.

        None for cells of two states, which have `threshold_amperes`.
        """
        if self.between_amperes is None:
            return None
        course = np.stack([self.antiparallel_amperes, *self.between_amperes, self.parallel_amperes])
        middle = (course[1:] + course[:-1]) / 2
        usual = np.nanmedian(middle[:, self.usable], axis=1)
        return np.asarray(np.where(self.usable, middle, usual[:, np.newaxis, np.newaxis]), float)

    @property
    def thresholds(self) -> FloatArray:
        """How much each cell must carry to be in a state above the lowest, (levels - 1, rows, columns)."""
        found = self.boundary_amperes
        return self.threshold_amperes[np.newaxis] if found is None else found

    @property
    def inside(self) -> BoolArray:
        """Cells on lines that the crossbar can drive."""
        return np.asarray(self.outcome != Outcome.OUTSIDE, bool)

    @property
    def usable(self) -> BoolArray:
        """Cells that answered to both initialisations."""
        return np.asarray(self.outcome == Outcome.WRITTEN, bool)

    @property
    def writable(self) -> BoolArray:
        """Usable cells, and those that follow a pulse but do not stay."""
        return np.asarray(self.usable | (self.outcome == Outcome.UNSTABLE), bool)

    @property
    def shorted(self) -> BoolArray:
        """Cells of far too low resistance."""
        return np.asarray(self.outcome == Outcome.SHORT, bool)

    def with_broken(self, amperes: FloatArray) -> ReferenceMaps:
        """Return the maps with every cell unusable from now on that reads (rows, columns) as no working cell does.

        The reads are at `read_volts`; NaN says nothing.
        """
        driven = self.parallel_amperes[self.inside], self.antiparallel_amperes[self.inside]
        outcome = np.where(self.usable, _broken(amperes, *driven), 0)
        return replace(self, outcome=np.maximum(self.outcome, outcome).astype(np.uint8)) if outcome.any() else self

    def with_known(self, health: NDArray[np.uint8] | None) -> ReferenceMaps:
        """Return the maps with every cell unusable that earlier runs found stuck, shorted or open: (rows, columns).

        A cell that switched this once may not the next time; a new health map sets it free.
        """
        if health is None:
            return self
        known = np.select([health == each for each in _KNOWN_BAD], list(_KNOWN_BAD.values()), Outcome.WRITTEN)
        return replace(self, outcome=np.where(self.usable, known, self.outcome).astype(np.uint8))

    def to_memory(self) -> dict[str, Any]:
        """Return the maps as plain arrays, for a snapshot."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def read_cells(
    crossbar: Crossbar,
    read_volts: float,
    how: ReadSettings,
    rows: NDArray[np.intp] | None = None,
    columns: NDArray[np.intp] | None = None,
) -> FloatArray:
    """Return the read current of every cell of the rows and columns (default all), one driven row at a time.

    Rows that the crossbar cannot drive, such as those tied to ground, carry no current: 0 A. A current beyond the
    range, that of a short on a range for cells, counts as the end of the range.
    """
    driven = np.arange(crossbar.shape[0]) if rows is None else rows
    across = np.arange(crossbar.shape[1]) if columns is None else columns
    bias, possible = possible_of(crossbar, select_rows(crossbar.shape, driven, read_volts))
    amperes = np.zeros((len(driven), len(across)))
    currents = crossbar.measure(bias, Lines(columns=tuple(across.tolist())), how)
    amperes[possible] = currents.bounded_amperes(read_volts)
    return amperes


def possible_of(crossbar: Crossbar, bias: Bias, seconds: float = 0.0) -> tuple[Bias, NDArray[np.intp]]:
    """Return the biases of a batch that the crossbar can give, and their numbers; all of them if it can give none.

    What it cannot give is then refused where it is asked for.
    """
    every = range(len(bias))
    possible: Sequence[int] = every
    if crossbar.refusal(bias, seconds):
        alone = [Bias.from_lines(volts, bias.shape) for volts in bias.line_volts]
        possible = [k for k in every if crossbar.refusal(alone[k], seconds) is None]
    chosen = np.array(possible or every, np.intp)
    return Bias.from_lines(bias.line_volts[chosen], bias.shape, ordered=bias.ordered), chosen


def initialise(crossbar: Crossbar, volts: float, seconds: float, pulses: int = 1) -> None:
    """Drive every cell in the direction of `volts`, by its row and by its column, all other lines at 0 V.

    No cell is half-selected. The second way reaches the cells from which a short on the first keeps the voltage. Lines
    that the crossbar cannot drive, such as those tied to ground, are left out.
    """
    by_row = select_rows(crossbar.shape, np.arange(crossbar.shape[0]), volts)
    by_column = select_columns(crossbar.shape, np.arange(crossbar.shape[1]), volts)
    both = Bias.from_lines([*by_row.line_volts, *by_column.line_volts], crossbar.shape)
    each, _ = possible_of(crossbar, both, seconds)
    crossbar.pulse(Bias.from_lines(np.repeat(each.line_volts, pulses, axis=0), crossbar.shape), seconds)


def reference_maps(crossbar: Crossbar, settings: ReferenceSettings, many_stuck: float = MANY_STUCK) -> ReferenceMaps:
    """Initialise the array in both directions, read it in both, find the polarity, classify cells that did not follow.

    Where more than a part `many_stuck` of the cells looks stuck, those are pulsed and read at once: are they cells that
    do not stay? A few stuck cells are defects, and get no more pulses. Leaves the array all-AP.

    Raises:
        ProcedureFailed: if most cells did not switch, or did not stay in their states.
    """
    how = ReadSettings(aperture_seconds=settings.aperture_seconds, polarity="both")
    maps = []
    for sign in (-1, 1, -1):
        initialise(crossbar, sign * settings.initialise_volts, settings.pulse_seconds, settings.initialise_pulses)
        maps.append(read_cells(crossbar, settings.read_volts, how))
    negative, positive = (maps[0] + maps[2]) / 2, maps[1]
    inside = _inside(crossbar, settings.read_volts)
    contrast = np.nanmedian((positive - negative)[inside])
    if abs(contrast) < 0.1 * np.nanmedian(np.abs(positive[inside])):
        found = look_at_once(crossbar, settings.initialise_volts, settings.pulse_seconds, settings.read_volts)
        raise ProcedureFailed(
            f"no reference maps: all lines pulsed at +-{settings.initialise_volts:g} V, median contrast "
            f"{contrast:.2g} A; {found.text()}"
        )
    polarity = 1 if contrast > 0 else -1
    if polarity < 0:  # the last pulses were negative, which here means P: end in AP as promised
        initialise(crossbar, settings.initialise_volts, settings.pulse_seconds, settings.initialise_pulses)
    parallel, antiparallel = (positive, negative) if polarity > 0 else (negative, positive)
    outcome = np.full(crossbar.shape, Outcome.OUTSIDE, np.uint8)
    rows = np.ix_(inside, np.ones(crossbar.shape[1], bool))
    outcome[rows] = _classify(parallel[rows], antiparallel[rows])
    stuck = np.isin(outcome, (Outcome.STUCK_P, Outcome.STUCK_AP))
    if stuck.sum() > many_stuck * np.count_nonzero(outcome != Outcome.OUTSIDE):
        outcome = _without_hasty(crossbar, settings, polarity, outcome, stuck)
    maps_found = ReferenceMaps(parallel, antiparallel, settings.read_volts, polarity, outcome)
    return _with_between(crossbar, settings, maps_found, how) if settings.between_volts else maps_found


def _with_between(
    crossbar: Crossbar, settings: ReferenceSettings, maps: ReferenceMaps, how: ReadSettings
) -> ReferenceMaps:
    """Return the maps with the states between, each reached from the lowest; leave the array in the lowest."""
    volts, seconds, pulses, reads = settings.initialise_volts, settings.pulse_seconds, settings.initialise_pulses, []
    for each in settings.between_volts:
        initialise(crossbar, maps.polarity * each, seconds, pulses)
        reads.append(read_cells(crossbar, settings.read_volts, how))
        initialise(crossbar, -maps.polarity * volts, seconds, pulses)
    between = np.stack(reads)
    steps = np.diff(np.stack([maps.antiparallel_amperes, *between, maps.parallel_amperes]), axis=0)
    usual = np.nanmedian(steps[:, maps.usable], axis=1)
    contrast = float(np.nanmedian((maps.parallel_amperes - maps.antiparallel_amperes)[maps.usable]))
    if (short := np.flatnonzero(~(usual >= _LEAST_STEP * contrast))).size:
        raise ProcedureFailed(_not_apart(int(short[0]), usual, contrast, settings.between_volts))
    apart = (steps >= 0.25 * usual[:, np.newaxis, np.newaxis]).all(axis=0)
    outcome = np.where(maps.usable & ~apart, Outcome.UNSTABLE, maps.outcome).astype(np.uint8)
    return replace(maps, between_amperes=between, outcome=outcome)


def _not_apart(low: int, usual: FloatArray, contrast: float, volts: Sequence[float]) -> str:
    """Return what is said where the usual cell does not show state `low` + 1 apart from state `low`."""
    too_low = f"{volts[low]:g} V does not reach state {low + 1}, try more" if low < len(volts) else ""
    too_high = f"{volts[low - 1]:g} V goes beyond state {low}, try less" if low > 0 else ""
    what_to_try = " or ".join(filter(None, [too_low, too_high]))
    return (
        f"no reference maps: from state {low} to state {low + 1} the read current of the usual cell rises by "
        f"{usual[low]:.2g} A, {usual[low] / contrast:.0%} of the {contrast:.2g} A between the lowest and the highest "
        f"state; {_LEAST_STEP:.0%} is needed. between_volts is {[*volts]}: {what_to_try}"
    )


def _without_hasty(
    crossbar: Crossbar, settings: ReferenceSettings, polarity: int, outcome: OutcomeMap, stuck: BoolArray
) -> OutcomeMap:
    """Return the outcomes with UNSTABLE for cells that look stuck but follow a pulse; leave the array all-AP."""
    volts, rows = settings.initialise_volts, np.flatnonzero(stuck.any(axis=1)).tolist()
    found = look_at_once(crossbar, volts, settings.pulse_seconds, settings.read_volts, rows)
    initialise(crossbar, -polarity * volts, settings.pulse_seconds, settings.initialise_pulses)
    return np.where(stuck & found.not_staying, Outcome.UNSTABLE, outcome).astype(np.uint8)


def _inside(crossbar: Crossbar, read_volts: float) -> BoolArray:
    """Return which rows can be driven, (rows,)."""
    _, possible = possible_of(crossbar, select_rows(crossbar.shape, np.arange(crossbar.shape[0]), read_volts))
    return np.isin(np.arange(crossbar.shape[0]), possible)


def _classify(parallel: FloatArray, antiparallel: FloatArray) -> OutcomeMap:
    """Return an Outcome per cell: a cell that does not show a quarter of the usual contrast is not usable."""
    high, low = np.nanmedian(parallel), np.nanmedian(antiparallel)
    outcome = np.full(parallel.shape, Outcome.WRITTEN, np.uint8)
    stuck = ~(parallel - antiparallel >= 0.25 * (high - low))  # also where a reading is no number
    mean = (parallel + antiparallel) / 2
    outcome[stuck] = np.where(mean[stuck] > (high + low) / 2, Outcome.STUCK_P, Outcome.STUCK_AP)
    broken = _broken(mean, parallel, antiparallel)
    outcome[stuck & (broken > 0)] = broken[stuck & (broken > 0)]
    return outcome


def _broken(amperes: FloatArray, parallel: FloatArray, antiparallel: FloatArray) -> OutcomeMap:
    """Return SHORT or OPEN for reads far from both states of a usual cell of these maps, else 0."""
    short, opened = amperes > 3 * np.nanmedian(parallel), amperes < 0.3 * np.nanmedian(antiparallel)
    return np.where(short, Outcome.SHORT, np.where(opened, Outcome.OPEN, 0)).astype(np.uint8)
