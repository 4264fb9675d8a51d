"""Write a matrix of states with verify and bounded retry.

Every method is a first move (all cells, all rows, or nothing) and a number of repair rounds that pulse the cells that
the verify read shows to be wrong. Retries are bounded: after the last round each wrong cell gets a typed outcome. No
pulse is repeated unread: after one in compliance the whole array is read, because it is unknown which cell got what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.quantities import Bias, BoolArray, Flag, FloatArray, ReadSettings
from labmtj.verbs import Crossbar
from procedures.common.bounds import ApertureSeconds, CellVolts, PulseSeconds, ReadVolts, Settings, VoltsBetween
from procedures.common.reference import Outcome, OutcomeMap, ReferenceMaps, read_cells
from procedures.common.schemes import Scheme, float_partners, select_cells, select_in_rows

Method = Literal["row_parallel_repair", "row_parallel", "open_loop", "closed_loop", "converge", "compensated"]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a method does: the first move, whether rounds follow, raise the amplitude, and read half-selected cells."""

    first: Literal["rows", "cells", "none"]
    only_wrong: bool
    repair: bool
    rising: bool = False
    verify_all: bool = True
    compensate: bool = False


StateMap = NDArray[np.integer[Any]] | BoolArray
"""(rows, columns), the state of each cell: 0 is AP, 1 is P; of other devices 0 to levels - 1"""
METHODS: dict[Method, _Plan] = {
    "open_loop": _Plan("cells", only_wrong=False, repair=False),
    "row_parallel": _Plan("rows", only_wrong=False, repair=False),
    "compensated": _Plan("rows", only_wrong=False, repair=False, compensate=True),
    "closed_loop": _Plan("none", only_wrong=True, repair=True, rising=True, verify_all=False),
    "converge": _Plan("none", only_wrong=True, repair=True),
    "row_parallel_repair": _Plan("rows", only_wrong=True, repair=True, rising=True),
}


AMPLITUDES = ("write.parallel_volts", "write.antiparallel_volts")
"""settings that a scan replaces"""


class WriteSettings(Settings):
    """How a matrix is written."""

    method: Method = Field(
        "row_parallel_repair", description="first move and repair rounds, as described in `procedures.common.write`"
    )
    scheme: Scheme = Field("half", description="bias of a single selected cell")
    parallel_volts: CellVolts = Field(0.6, description="volts across a cell written to P, or its highest state")
    antiparallel_volts: CellVolts = Field(0.7, description="volts across a cell written to AP, or its lowest state")
    between_volts: VoltsBetween = Field(
        [], description="volts across a cell that is taken from its lowest state to each of those between, in order"
    )
    pulse_seconds: PulseSeconds = Field(1e-3, description="width of a write pulse")
    step_fraction: float = Field(0.05, ge=0, le=0.5, description="rise of the amplitude per repair round")
    max_rounds: int = Field(5, ge=0, le=100, description="repair rounds before a cell is given up")
    read_volts: ReadVolts = Field(0.1, description="volts of a verify read")
    aperture_seconds: ApertureSeconds = Field(0.02, description="integration time of a verify read")


@brief
@dataclass(frozen=True, eq=False)
class WriteResult:
    """What was written; maps are (rows, columns)."""

    target: StateMap
    achieved: StateMap
    addressed: BoolArray
    verify_amperes: FloatArray
    attempts: NDArray[np.uint16]
    """pulses that selected the cell"""
    outcome: OutcomeMap
    rounds: int
    pulses: int
    first_fidelity: float
    """fidelity after the first move, before any repair"""
    pulses_in_compliance: int
    """pulses in which a source was in compliance: they may have reached other cells than was meant"""
    reference: ReferenceMaps
    """as given, but for cells that were found broken: to be used from now on"""

    @property
    def fidelity(self) -> float:
        """Fraction of the addressed cells whose last verify read equals the target."""
        return _fidelity(self.achieved, self.target, self.addressed)


def _fidelity(achieved: StateMap, target: StateMap, addressed: BoolArray) -> float:
    return float((achieved == target)[addressed].mean())


class _Writer:
    """One write in progress: the crossbar, what is known of it, and the counts."""

    def __init__(
        self, crossbar: Crossbar, reference: ReferenceMaps, settings: WriteSettings, delivered: FloatArray | None
    ) -> None:
        self.crossbar, self.reference, self.settings = crossbar, reference, settings
        self.plan = METHODS[settings.method]
        if self.plan.compensate and delivered is None:
            raise UsageError(
                f"the method {settings.method!r} needs the delivered fraction of every cell; "
                "give `delivered`, or take another method"
            )
        self.attempts = np.zeros(crossbar.shape, np.uint16)
        self.pulses = self.pulses_in_compliance = 0
        check_levels(reference.levels, len(settings.between_volts))
        # reads scale with their voltage, and so do the midpoints
        self._thresholds = reference.thresholds * (settings.read_volts / reference.read_volts)
        self._scale = reference.read_volts / settings.read_volts
        self._boost = 1 / delivered if self.plan.compensate and delivered is not None else np.ones(crossbar.shape)
        self._how = ReadSettings(
            aperture_seconds=settings.aperture_seconds,
            range_amperes=1.5
            * float(reference.parallel_amperes[reference.usable].max())
            * (settings.read_volts / reference.read_volts),
            polarity="both",
        )

    def read(self, rows: NDArray[np.intp] | None = None, columns: NDArray[np.intp] | None = None) -> FloatArray:
        """Return the verify currents of the rows and columns (default all)."""
        return read_cells(self.crossbar, self.settings.read_volts, self._how, rows, columns)

    def judge(self, amperes: FloatArray) -> StateMap:
        """Return the states that verify currents (rows, columns) show; cells found broken are left alone from now on.

        The partner lines of new shorts float, as those of the old ones do.
        """
        self.reference = self.reference.with_broken(amperes * self._scale)
        return self.states(amperes)

    def states(self, amperes: FloatArray) -> StateMap:
        """Return the states that verify currents (rows, columns) show: how many thresholds of its own a cell passes."""
        return np.asarray((amperes > self._thresholds).sum(axis=0), np.int8)

    def confirm(self, given: ReferenceMaps) -> None:
        """Have another read agree on every cell found broken: a single odd reading marks none."""
        if self.reference is not given:
            again = given.with_broken(self.read() * self._scale)
            agreed = self.reference.outcome == again.outcome
            self.reference = replace(given, outcome=np.where(agreed, again.outcome, given.outcome))

    def read_again(self, amperes: FloatArray, pulsed: BoolArray, *, limited: bool) -> None:
        """Replace the verify currents of every cell that a pulse on some single cells may have changed.

        In the scheme "half" no cell sees a voltage that shares no line with one that was pulsed, unless lines float or
        a source was `limited`.
        """
        rows, columns = pulsed.any(axis=1), pulsed.any(axis=0)
        elsewhere = self.plan.verify_all and (self.settings.scheme != "half" or self.reference.shorted.any())
        if limited or elsewhere:
            rows = np.ones_like(rows)
        amperes[rows] = self.read(np.flatnonzero(rows))
        if self.plan.verify_all and not rows.all():
            amperes[np.ix_(~rows, columns)] = self.read(np.flatnonzero(~rows), np.flatnonzero(columns))

    def volts(self, state: int, rise: float) -> float:
        """Return the signed cell voltage that writes a state, raised by `rise` up to what the cells survive."""
        how = self.settings
        amplitude = (how.antiparallel_volts, *how.between_volts, how.parallel_volts)[state]
        towards = self.reference.polarity if state else -self.reference.polarity
        return towards * min(amplitude * rise, self.crossbar.limits.cell_volts)

    def moves(self, target: StateMap, cells: BoolArray, state: StateMap | None) -> Iterator[tuple[int, BoolArray]]:
        """Yield each state, lowest first, with the cells (rows, columns) that are pulsed towards it.

        The lowest conducts least, so the lines leave more voltage to the cells that follow. A state between is reached
        from below: a cell above it, or of unknown `state`, is brought to the lowest first.
        """
        too_high = (target > 0) & (target < self.reference.levels - 1)
        if state is not None:
            too_high &= state > target
        yield 0, cells & ((target == 0) | too_high)
        for each in range(1, self.reference.levels):
            yield each, cells & (target == each)

    def write_rows(self, target: StateMap, cells: BoolArray, state: StateMap | None = None) -> None:
        """Pulse the cells row by row, a pulse per row and state that it holds: one state in all rows, then the next."""
        biases = []
        for level, pulsed in self.moves(target, cells, state):
            rows, chosen = self._rows_with(pulsed)
            if len(rows):
                biases.append(self._row_bias(rows, chosen, self.volts(level, 1.0)))
        self._pulse(biases)
        self.attempts += cells

    def write_cells(self, target: StateMap, cells: BoolArray, rise: float, state: StateMap | None = None) -> None:
        """Pulse the cells one at a time, the lowest state first."""
        biases = []
        for level, pulsed in self.moves(target, cells, state):
            chosen = np.argwhere(pulsed)
            if len(chosen):
                volts = np.clip(
                    self.volts(level, rise) * self._boost[chosen[:, 0], chosen[:, 1]], -self._cap(), self._cap()
                )
                biases.append(select_cells(self.crossbar.shape, chosen, volts, self.settings.scheme))
        self._pulse(biases)
        self.attempts += cells

    def _cap(self) -> float:
        return self.crossbar.limits.cell_volts

    def _rows_with(self, cells: BoolArray) -> tuple[NDArray[np.intp], BoolArray]:
        rows = np.flatnonzero(cells.any(axis=1))
        return rows, cells[rows]

    def _row_bias(self, rows: NDArray[np.intp], columns: BoolArray, volts: float) -> Bias:
        """Half the voltage on the row, half on its columns; a compensated row gets its mean, a column the rest."""
        wanted = np.clip(volts * self._boost[rows], -self._cap(), self._cap())
        row_volts = np.array([wanted[k, columns[k]].mean() / 2 for k in range(len(rows))])
        room = self._cap() - np.abs(row_volts)  # the model-free bound: row and column together within the cell limit
        column_volts = np.clip(row_volts[:, np.newaxis] - wanted, -room[:, np.newaxis], room[:, np.newaxis])
        return select_in_rows(rows, columns, row_volts, column_volts, self.crossbar.shape)

    def _pulse(self, biases: list[Bias]) -> None:
        if not biases:
            return
        batch = Bias.from_lines(np.concatenate([bias.line_volts for bias in biases]), self.crossbar.shape)
        pulse = self.crossbar.pulse(float_partners(batch, self.reference.shorted), self.settings.pulse_seconds)
        self.pulses += len(batch)
        self.pulses_in_compliance += int(np.count_nonzero((pulse.flags & Flag.COMPLIANCE).any(axis=1)))


def write_matrix(
    crossbar: Crossbar,
    target: StateMap,
    reference: ReferenceMaps,
    settings: WriteSettings,
    *,
    known: StateMap | None = None,
    addressed: BoolArray | None = None,
    delivered: FloatArray | None = None,
) -> WriteResult:
    """Write a matrix of states and verify it.

    Args:
        crossbar: the array.
        target: (rows, columns), the state of each cell, 0 to levels - 1.
        reference: its reference maps; cells they found unusable are not pulsed.
        settings: method, amplitudes, bounds.
        known: the states as last verified, if nothing happened since; saves the first read.
        addressed: the cells that count for the fidelity, default all that the crossbar can drive.
        delivered: fraction of the source voltage that reaches each cell, for the method "compensated".

    Raises:
        UsageError: for the method "compensated" without `delivered`; for maps that are no plain arrays, or of another
            shape, or with a level that the device lacks; for a device whose states between have no amplitudes in the
            settings.
    """
    check_target(target, crossbar.shape, reference.levels)
    for name, given in (("known states", known), ("addressed cells", addressed), ("delivered fractions", delivered)):
        if given is not None:
            check_plain(name, given)
            if given.shape != crossbar.shape:
                raise UsageError(f"{name} of shape {given.shape} do not fit an array of {crossbar.shape}")
    writer = _Writer(crossbar, reference, settings, delivered)
    plan = writer.plan
    state, amperes = known, None
    if plan.only_wrong and state is None:
        amperes = writer.read()
        state = writer.judge(amperes)
    wrong = np.ones(crossbar.shape, bool) if state is None or not plan.only_wrong else state != target
    if plan.first == "rows":
        writer.write_rows(target, wrong & writer.reference.usable, state)
    elif plan.first == "cells":
        writer.write_cells(target, wrong & writer.reference.usable, 1.0, state)
    if amperes is None or writer.pulses:
        amperes = writer.read()
    state = writer.judge(amperes)
    chosen = reference.inside if addressed is None else addressed
    first_fidelity = _fidelity(state, target, chosen)
    ever_right = state == target
    rounds = 0
    while plan.repair and rounds < settings.max_rounds and (todo := (state != target) & writer.reference.usable).any():
        before = writer.pulses_in_compliance
        writer.write_cells(target, todo, 1 + settings.step_fraction * rounds * plan.rising, state)
        writer.read_again(amperes, todo, limited=writer.pulses_in_compliance > before)
        state = writer.judge(amperes)
        ever_right |= state == target
        rounds += 1
    writer.confirm(reference)
    return WriteResult(
        target, state, chosen, amperes, writer.attempts, _outcomes(state, target, ever_right, writer.reference),
        rounds, writer.pulses, first_fidelity, writer.pulses_in_compliance, writer.reference,
    )  # fmt: skip


def check_target(target: StateMap, shape: tuple[int, int], levels: int) -> None:
    """Raise UsageError for what is no plain array of states, of the array's shape, in levels that its device has."""
    check_plain("targets", target)
    if target.shape != shape:
        raise UsageError(f"targets of shape {target.shape} do not fit an array of {shape}; give one for each cell")
    if target.dtype.kind not in "iub":
        raise UsageError(f"targets are states, whole numbers from 0 to {levels - 1}; got {target.dtype}")
    if (wrong := (target < 0) | (target >= levels)).any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise UsageError(
            f"target of cell ({row}, {column}) is {target[row, column]}; the device has levels 0 to {levels - 1}"
        )


def check_plain(name: str, given: object) -> None:
    """Raise UsageError for what is no numpy array, and for a masked one: such a cell is neither right nor wrong.

    Args:
        name: of the argument, in the plural.
        given: for it.
    """
    if isinstance(given, np.ma.MaskedArray):
        raise UsageError(
            f"{name}: this is a masked array; fill it with .filled(...), and leave cells out by `addressed`"
        )
    if not isinstance(given, np.ndarray):
        raise UsageError(f"{name}: an array of (rows, columns) is needed; got {type(given).__name__}, use numpy.array")


def check_levels(levels: int, between: int) -> None:
    """Raise UsageError if the states between the lowest and the highest have not one amplitude each."""
    if between != levels - 2:
        raise UsageError(
            f"the device has {levels} states, {levels - 2} between the lowest and the highest; between_volts gives "
            f"{between}"
        )


def read_states(crossbar: Crossbar, reference: ReferenceMaps, settings: WriteSettings) -> StateMap:
    """Read every cell as a verify does and return the states, (rows, columns)."""
    writer = _Writer(crossbar, reference, settings, np.ones(crossbar.shape))
    return writer.states(writer.read())


def _outcomes(state: StateMap, target: StateMap, ever_right: BoolArray, reference: ReferenceMaps) -> OutcomeMap:
    """Return the outcome of every cell: what the reference found, or why the target was missed."""
    outcome = reference.outcome.copy()
    missed = (state != target) & reference.usable
    outcome[missed] = np.where(state[missed] > target[missed], Outcome.STUCK_P, Outcome.STUCK_AP)
    outcome[missed & ever_right] = Outcome.UNSTABLE
    return outcome
