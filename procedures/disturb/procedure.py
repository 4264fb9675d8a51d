"""Disturb: how often a cell that is half-selected, or read, leaves its state.

What is reported is the fraction of cells lost after N half-selects. Cells differ, and their rates by decades, so
one probability per half-select does not describe them. Only bounds of its mean follow from the fraction.

Half-selects come in three kinds: V/2 on the lines of the selected cell, V/3 on them, and V/3 the other way round on all
the rest. Each is tried in the polarity that does harm, on an array all in one state, then all in the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

import numpy as np
from pydantic import Field

from labmtj.brief import brief
from labmtj.cost import Cost, CostMeter
from labmtj.errors import Instead, ProcedureFailed
from labmtj.fitting.proportions import (
    OF_FAMILY,
    Proportion,
    least_rate,
    mean_over_family,
    one_trial_of_each,
    per_exposure_bounds,
)
from labmtj.quantities import Bias, BoolArray, FloatArray, Lines, ReadSettings
from labmtj.results import Estimate, Fact, Quantity, record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import Key, Limited, OnDiagonal, PulseSeconds, Settings, Within, check_pulses
from procedures.common.reference import MANY_STUCK, ReferenceSettings, possible_of, reference_maps
from procedures.common.schemes import Scheme, float_partners, select_cells, select_rows
from procedures.common.single_cells import DIRECTIONS, ByDirection, Cells, refused_widths, spread_out
from procedures.common.uniform import Uniform

Kind = Literal["half", "third", "third_rest"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TO, CASES = ("direction",), ("kind", "direction", "volts")


class Disturb(Settings):
    """Half-select disturb against amplitude, and read disturb."""

    binary: ClassVar[str] = "disturb"

    kinds: list[Kind] = Field(list(KINDS), min_length=1, description="half (V/2), third (V/3), third_rest (-V/3)")
    volts: Annotated[list[float], Within("cell_volts")] = Field(
        [0.5, 0.6, 0.7, 0.8, 0.9], min_length=1, description="amplitudes at the selected cell, of which a part disturbs"
    )
    pulse_seconds: PulseSeconds = Field(1e-3, description="width of a pulse")
    pulses: int = Field(100, ge=1, description="on each selected cell, per kind, state and amplitude")
    count: Annotated[int, OnDiagonal()] = Field(
        3, ge=1, le=1000, description="selected cells, spread over the diagonal"
    )
    hold_seconds: float = Field(10.0, ge=0, le=1e7, description="time at the read voltage, per state; 0 leaves it out")
    reference: ReferenceSettings = ReferenceSettings()

    @property
    def unused(self) -> tuple[str, ...]:
        """The default of `count`: what a small array has."""
        return () if "count" in self.model_fields_set else ("count",)

    def check_together(self, array: Limited, key: Key) -> None:
        """Raise SettingError for more pulses than the life of a cell."""
        check_pulses(array, (*key, "pulses"), 2 * self.pulses * len(self.volts) * len(self.kinds))

    def execute(self, crossbar: Crossbar, log: Log) -> DisturbResult:
        """Measure and record; every disturbed cell is written back: the array is left all-AP."""
        self.check(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            meter = CostMeter(crossbar)
            # a cell that is lost before the maps are read is no stuck one where cells are held
            many_stuck = 0.0 if self.hold_seconds else MANY_STUCK
            array = Uniform(meter, reference_maps(meter, self.reference, many_stuck), self.reference)
            record(log, "reference", array.reference)
            self._refuse_kinds(array)
            flipped, cells = self._half_selects(array)
            read = self._reads(array) if self.hold_seconds else None
            array.initialise(False)  # noqa: FBT003 - a state is a bit
            result = DisturbResult(
                tuple(self.kinds), np.array(self.volts), flipped.sum(axis=-1), cells.sum(axis=-1), self.pulses,
                mean_over_family(flipped, cells), read, meter.cost,
            )  # fmt: skip
            record(log, "disturb", result)
        return result

    def _half_selects(self, array: Uniform) -> tuple[FloatArray, FloatArray]:
        """Return how often each cell flipped, and how often it stood there to, (kinds, 2, amplitudes, cells).

        One selected cell at a time: among several, a victim of one would be driven back by the reverse V/3 of another.
        """
        found = np.zeros((2, len(self.kinds), 2, len(self.volts), int(np.prod(array.shape))))
        for k, kind in enumerate(self.kinds):
            for d, state in enumerate(DIRECTIONS):
                for a, volts in enumerate(self.volts):
                    for cell in spread_out(array.reference.usable, self.count):
                        standing = array.initialise(not state) & victims(array.reference.usable, cell, kind)
                        self._pulse(array, cell, kind, array.sign(state) * volts)
                        found[:, k, d, a] += np.stack([standing & (array.read() == state), standing]).reshape(2, -1)
        return found[0], found[1]

    def _refuse_kinds(self, array: Uniform) -> None:
        """Raise ProcedureFailed for a kind, or a width, that the crossbar cannot give, before the first test pulse."""
        chosen = spread_out(array.reference.usable, self.count)
        biases = {kind: self._bias(array, chosen, kind, max(self.volts)) for kind in self.kinds}
        possible = [kind for kind, bias in biases.items() if array.crossbar.refusal(bias) is None]
        for kind, bias in biases.items():
            if refusal := array.crossbar.refusal(bias):
                raise ProcedureFailed(
                    f"pulses of kind {kind} cannot be given: {refusal}; or leave it out of kinds"
                ).advising(Instead("kinds", self.kinds, possible) if possible else None)
            refused_widths(array.crossbar, bias, [self.pulse_seconds])

    def _pulse(self, array: Uniform, cell: Cells, kind: Kind, volts: float) -> None:
        """Pulse a cell so that the victims of the kind see a part of `volts`."""
        bias = self._bias(array, np.tile(cell, (self.pulses, 1)), kind, volts)
        array.crossbar.pulse(bias, self.pulse_seconds)

    @staticmethod
    def _bias(array: Uniform, cells: Cells, kind: Kind, volts: float) -> Bias:
        scheme: Scheme = "half" if kind == "half" else "third"
        at_selected = -volts if kind == "third_rest" else volts  # the rest sees it the other way round
        return float_partners(select_cells(array.shape, cells, at_selected, scheme), array.reference.shorted)

    def _reads(self, array: Uniform) -> ReadDisturb:
        """Hold the read voltage in the polarity that does harm, on all rows at once where the crossbar can.

        A cell that left before it could be read in its state counts as lost: without such cells the weakest are left
        out.
        """
        how = ReadSettings(
            self.reference.aperture_seconds, repeats=max(1, round(self.hold_seconds / self.reference.aperture_seconds))
        )
        counts = np.zeros((2, 2))
        for d, state in enumerate(DIRECTIONS):
            array.initialise(not state)
            written = array.reference.writable
            bias = _rows_at(array.crossbar, array.sign(state) * self.reference.read_volts)
            array.crossbar.measure(bias, Lines(columns=(0,)), how)
            counts[:, d] = (written & (array.read() == state)).sum(), written.sum()
        seconds = how.repeats * (how.aperture_seconds + how.settle_seconds)
        lost = one_trial_of_each(counts[0], counts[1])
        return ReadDisturb(self.reference.read_volts, seconds, counts[0], counts[1], lost)


@brief
@dataclass(frozen=True, eq=False)
class ReadDisturb:
    """Cells that left their state while the read voltage was held, (2,) each: towards P, towards AP."""

    read_volts: Annotated[float, Fact("V", "held on all rows")]
    seconds: Annotated[float, Fact("s", "how long it was held", "read_seconds")]
    flipped: Annotated[FloatArray, Quantity("1", "cells that left their state while read", TO, name="read_flipped")]
    cells: Annotated[FloatArray, Quantity("1", "cells that were read", TO, name="read_cells")]
    lost: Annotated[
        Proportion, Estimate("1", "fraction of them lost after read_seconds", TO, name="read_lost", of=OF_FAMILY)
    ]

    @property
    def least_rate(
        self,
    ) -> Annotated[FloatArray, Quantity("1/s", "least mean rate that this leaves possible", TO, name="read_rate_low")]:
        """Least mean rate of leaving the state, (2,); no largest one follows."""
        return least_rate(self.lost, self.seconds)


class Bounds(NamedTuple):
    """Least and largest mean probability per half-select."""

    probability_low: FloatArray
    probability_high: FloatArray


class DisturbResult(ByDirection, kind="disturb", signal="lost"):
    """Cells lost by half-selects; arrays are (kinds, 2, amplitudes): towards P first, then towards AP."""

    kinds: Annotated[tuple[Kind, ...], Quantity("1", "how the cells were half-selected", ("kind",), name="kind")]
    volts: Annotated[FloatArray, Quantity("V", "amplitude at the selected cell, between its lines", ("volts",))]
    """victims see a half, or a third"""
    flipped: Annotated[FloatArray, Quantity("1", "cells that left their state", CASES)]
    """of victims of any selected cell: a victim of two of them may count twice"""
    cells: Annotated[FloatArray, Quantity("1", "half-selected cells", CASES)]
    """victims that stood in the right state before, likewise"""
    exposures: Annotated[int, Fact("1", "half-selects of each victim, one after another")]
    lost: Annotated[
        Proportion, Estimate("1", "fraction of them lost after `exposures` half-selects", CASES, of=OF_FAMILY)
    ]
    """of the family of cells at these places the victims are a sample"""
    read: ReadDisturb | None
    cost: Cost

    @property
    def probability_bounds(
        self,
    ) -> Annotated[
        Bounds,
        Quantity("1", "least mean probability per half-select that this leaves", CASES, part="probability_low"),
        Quantity("1", "largest mean probability per half-select that it leaves", CASES, part="probability_high"),
    ]:
        """Least and largest mean probability per half-select that the fraction lost leaves possible."""
        return Bounds(*per_exposure_bounds(self.lost, self.exposures))


def victims(usable: BoolArray, cell: Cells, kind: Kind) -> BoolArray:
    """Return the usable cells that a pulse on a cell (row, column) half-selects in a kind, (rows, columns)."""
    row, column = np.ogrid[: usable.shape[0], : usable.shape[1]]
    on_row, on_column = row == cell[0], column == cell[1]
    chosen = ~on_row & ~on_column if kind == "third_rest" else on_row ^ on_column
    return np.asarray(usable & chosen, bool)


def _rows_at(crossbar: Crossbar, volts: float) -> Bias:
    """Return all rows at a voltage, or one after another where the crossbar cannot hold them together."""
    together = Bias(np.full(crossbar.shape[0], volts), np.zeros(crossbar.shape[1]))
    if crossbar.refusal(together) is None:
        return together
    return possible_of(crossbar, select_rows(crossbar.shape, np.arange(crossbar.shape[0]), volts))[0]
