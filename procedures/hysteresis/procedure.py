"""R-V loops: write pulses in a staircase back and forth, a small read after each; where a cell switches, and its TMR.

Cells that share no line see none of each other's pulses: they go through their loops together, one step of all of them
in one batch. A cell that another group half-selects may flip, but not while its own loop runs, and each loop begins
with a pulse that brings the cell where the first half of the staircase leaves from.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.cost import CostMeter
from labmtj.errors import SettingError
from labmtj.fitting.hysteresis import fit_tmr, has_switched
from labmtj.quantities import Bias, BoolArray, FloatArray, Lines, ReadSettings
from labmtj.results import record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import (
    ApertureSeconds,
    CellVolts,
    Key,
    Limited,
    OnArray,
    Place,
    PulseSeconds,
    ReadVolts,
    Settings,
    Within,
)
from procedures.common.reference import possible_of, read_cells
from procedures.common.schemes import float_partners, select_cells, select_rows
from procedures.common.single_cells import Cells, groups_sharing_no_line, limited, refused_widths
from procedures.hysteresis.results import Loops, as_map

Numbers = NDArray[np.intp]
"""(n,) of cells among those that get a loop"""
SHORT_FACTOR, OPEN_FACTOR = 5.0, 0.1
"""of the median current of all cells, in whatever state: beyond them a cell is no junction, and gets no pulse"""


class Hysteresis(Settings):
    """How loops are taken. Voltages are row minus column, between the ends of the lines."""

    binary: ClassVar[str] = "a hysteresis loop"

    cells: Annotated[Literal["all"] | list[Place], OnArray()] = Field(
        "all", examples=[[[0, 0], [7, 3]]], description='"all", or [row, column] of each'
    )
    start_volts: float = Field(0.1, gt=0, description="first step of the staircase, in both signs")
    stop_volts: CellVolts = Field(0.9, description="last step; also of the pulse that begins a loop")
    step_volts: float = Field(0.02, gt=0, description="step of the staircase: the resolution of switching voltages")
    pulse_seconds: PulseSeconds = Field(1e-3, description="width of each pulse")
    whole_loops: bool = Field(
        default=False, description="every step up and down again, instead of stopping where a cell has switched"
    )
    read_volts: ReadVolts = Field(0.1, description="of the read after each pulse")
    aperture_seconds: ApertureSeconds = Field(0.02, description="integration time of a reading")
    tmr_volts: Annotated[list[float], Within("disturb_volts")] = Field(
        [0.03, 0.06, 0.09, 0.12], min_length=3, max_length=100, description="reads in both states, for TMR(V)"
    )
    sweeps: int = Field(8, ge=3, le=1000, description="over these voltages; their scatter makes the intervals")
    least_tmr: float = Field(0.2, gt=0, le=10, description="a change of resistance below this is not switching")

    def check_together(self, array: Limited, key: Key) -> None:  # noqa: ARG002 - of any array
        """Raise SettingError for a staircase without a step."""
        if self.start_volts >= self.stop_volts:
            raise SettingError((*key, "start_volts"), f"{self.start_volts:g} V is not below stop_volts; lower it")

    def execute(self, crossbar: Crossbar, log: Log) -> Loops:
        """Take the loops and record them in the group `hysteresis`; leaves cells where a positive pulse brings them."""
        self.check(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            meter = CostMeter(crossbar)
            found = _Looping(meter, self).loops()
            record(log, "hysteresis", found, **self.attributes)
        return found

    @property
    def attributes(self) -> dict[str, float]:
        """What the numbers in the record depend on."""
        names = ("step_volts", "stop_volts", "pulse_seconds", "read_volts")
        return {name: getattr(self, name) for name in names}

    def most_rows(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return the pulses and the shots of reads, at most, if no cell has to be brought back more than once."""
        cells = shape[0] * shape[1] if self.cells == "all" else len(self.cells)
        pulses = cells * (2 + 2 * len(self.staircase))
        befores, curves = 3 * cells, 2 * cells * self.sweeps * len(self.tmr_volts)
        return pulses, 2 * (pulses + befores + curves + shape[0])

    @property
    def staircase(self) -> FloatArray:
        """Volts of one half of a loop, (steps,): up, and down again if loops are whole."""
        count = int((self.stop_volts - self.start_volts) / self.step_volts + 1e-9) + 1
        up = self.start_volts + self.step_volts * np.arange(count)
        return np.concatenate([up, up[-2::-1] if self.whole_loops else up[:0]])


class _Looping:
    """The loops of one array while they are taken."""

    def __init__(self, crossbar: CostMeter, settings: Hysteresis) -> None:
        self.crossbar, self.settings = crossbar, settings
        self.cells, usual = self._driven()
        half = settings.staircase
        self.volts = np.concatenate([[-settings.stop_volts], half, -half])
        self.amperes = np.full((len(self.cells), len(self.volts)), np.nan)
        """after each pulse"""
        self.switched = np.full((len(self.cells), 2), -1)
        """number of the pulse that did it, positive half and negative half; -1 for none"""
        self.rose = np.zeros((len(self.cells), 2), bool)
        """whether the current did, where it switched"""
        self.curves = np.full((len(self.cells), 2, settings.sweeps, len(settings.tmr_volts)), np.nan)
        """currents at the voltages for TMR(V), after the negative half and then after a positive pulse"""
        self.limited = 0
        self._in_turn = False
        self._usual_siemens = usual / settings.read_volts

    def _driven(self) -> tuple[Cells, float]:
        """Return the cells to go through, and the usual current; find what is shorted, by a read of every cell."""
        settings, crossbar, shape = self.settings, self.crossbar, self.crossbar.shape
        every = np.argwhere(np.ones(shape, bool))
        bias, possible = possible_of(crossbar, select_cells(shape, every, settings.stop_volts))
        refused_widths(crossbar, bias, [settings.pulse_seconds])
        driven = np.zeros(shape, bool)
        driven[tuple(every[possible].T)] = True
        how = ReadSettings(settings.aperture_seconds, polarity="both")
        amperes = np.where(driven, read_cells(crossbar, settings.read_volts, how), np.nan)
        usual = float(np.nanmedian(amperes))
        self.shorted: BoolArray = amperes > SHORT_FACTOR * usual
        asked = np.zeros(shape, bool)
        asked[... if settings.cells == "all" else tuple(np.array(settings.cells).T)] = True
        return np.argwhere(asked & (amperes > OPEN_FACTOR * usual) & ~self.shorted), usual

    def loops(self) -> Loops:
        """Go through them all, group by group."""
        steps = len(self.settings.staircase)
        for group in groups_sharing_no_line(self.cells) if len(self.cells) else []:
            self._step(group, 0)
            self._half(group, 0, 1)
            self._half(group, 1, 1 + steps)
            both = group[(self.switched[group] >= 0).all(axis=1)]
            self._curves(both, 0)  # last, because many reads might disturb a weak cell
            self._curves(self._brought_back(both), 1)
        return self._found()

    def _half(self, group: Numbers, half: int, first: int) -> None:
        """Go up, and down again, with one sign; a cell that has switched is left alone, unless loops are whole."""
        going, before = group, self._read(group)
        for number in range(first, first + len(self.settings.staircase)):
            self._step(going, number)
            after = self.amperes[going, number]
            new = has_switched(before, after, self.settings.least_tmr) & (self.switched[going, half] < 0)
            self.switched[going[new], half] = number
            self.rose[going[new], half] = after[new] > before[new]
            going, before = (going, after) if self.settings.whole_loops else (going[~new], after[~new])
            if not len(going):
                return

    def _step(self, group: Numbers, number: int) -> None:
        """Pulse each cell of the group once, and read it."""
        self._pulse(group, self.volts[number])
        self.amperes[group, number] = self._read(group)

    def _brought_back(self, group: Numbers) -> Numbers:
        """Switch cells as the positive half did, from its step on: a stronger pulse would switch neighbours, too.

        Return those that did.
        """
        back = np.zeros(len(group), bool)
        volts = self.volts[self.switched[group, 0]]
        while (going := ~back & (volts <= self.settings.stop_volts)).any():
            before = self._read(group[going])
            self._pulse(group[going], volts[going])
            back[going] = has_switched(before, self._read(group[going]), self.settings.least_tmr)
            volts += self.settings.step_volts
        return group[back]

    def _pulse(self, group: Numbers, volts: float | FloatArray) -> None:
        bias = select_cells(self.crossbar.shape, self.cells[group], volts)
        pulse = self.crossbar.pulse(float_partners(bias, self.shorted), self.settings.pulse_seconds)
        self.limited += int(limited(pulse).sum())

    def _read(self, group: Numbers) -> FloatArray:
        """Return the currents of a group that shares no line, (n,): together, or one by one where a bench is not able.

        A cell is read on its own column, with its own row driven and all other lines at 0 V.
        """
        rows, columns = self.cells[group].T
        bias = select_rows(self.crossbar.shape, rows, self.settings.read_volts)
        if self._in_turn:
            each = zip(bias.line_volts, columns.tolist(), strict=True)
            return np.concatenate([self._measure(Bias.from_lines(v, bias.shape), [column]) for v, column in each])
        return self._measure(bias, columns.tolist())

    def _measure(self, bias: Bias, columns: list[int]) -> FloatArray:
        volts = self.settings.read_volts
        how = ReadSettings(self.settings.aperture_seconds, range_amperes=self._range(volts), polarity="both")
        currents = self.crossbar.measure(bias, Lines(columns=tuple(columns)), how)
        self._in_turn = self._in_turn or bool(np.ptp(currents.start_seconds, axis=2).any())
        return np.diagonal(currents.bounded_amperes(volts))

    def _range(self, volts: float) -> float:
        """Return a range for every working cell in both states: one range, so that its gain cancels in TMR."""
        return SHORT_FACTOR * self._usual_siemens * volts

    def _curves(self, group: Numbers, which: int) -> None:
        """Read each cell at several voltages, sweep after sweep."""
        settings = self.settings
        volts = np.tile(settings.tmr_volts, settings.sweeps)
        how = ReadSettings(settings.aperture_seconds, range_amperes=self._range(max(volts)), polarity="both")
        for number in group:
            row, column = self.cells[number].tolist()
            rows = np.outer(volts, np.arange(self.crossbar.shape[0]) == row)
            bias = Bias(rows, np.zeros((len(volts), self.crossbar.shape[1])))
            amperes = self.crossbar.measure(bias, Lines(columns=(column,)), how).amperes[:, 0]
            self.curves[number, which] = amperes.reshape(settings.sweeps, -1)

    def _found(self) -> Loops:
        """Work out what follows from the currents."""
        settings, mapped = self.settings, partial(as_map, self.crossbar.shape, self.cells)
        with np.errstate(divide="ignore"):
            ohms = settings.read_volts / self.amperes
        states = self._both(ohms)
        volts = np.tile(settings.tmr_volts, (len(self.cells), 1))
        steps = self.volts if len(self.cells) else self.volts[:0]
        return Loops(
            self._polarity(), mapped(self._places(rising=True)), mapped(self._places(rising=False)),
            mapped(states.min(axis=1)), mapped(states.max(axis=1)), fit_tmr(volts, self._tmr(states)),
            self.cells, steps, ohms, self.limited, int(self._left(states).sum()), self.crossbar.cost,
        )  # fmt: skip

    def _tmr(self, states: FloatArray) -> FloatArray:
        """Return TMR of every sweep, (n, sweeps, volts); NaN where a cell did not stay in its states (n, 2) in ohm."""
        ohms = self.settings.tmr_volts / self.curves
        tmr: FloatArray = ohms.max(axis=1) / ohms.min(axis=1) - 1
        tmr[np.flatnonzero(self._left(states))] = np.nan
        return tmr

    def _left(self, states: FloatArray) -> BoolArray:
        """Return which cells were seen in another state than that of resistance (n, 2) in ohm while read, (n,)."""
        ohms = self.settings.tmr_volts / self.curves
        left = has_switched(states[:, :, np.newaxis, np.newaxis], ohms, self.settings.least_tmr)
        return np.asarray(left.any(axis=(1, 2, 3)), bool)

    def _both(self, ohms: FloatArray) -> FloatArray:
        """Return the resistances of each cell in its two states, (n, 2): before the positive half, and after it."""
        number = self.switched[:, 0]
        after = ohms[np.arange(len(ohms)), number]
        return np.where(number >= 0, np.stack([ohms[:, 0], after]), np.nan).T

    def _polarity(self) -> int:
        signs = np.array([1, -1]) * np.where(self.rose, 1, -1)
        return int(np.sign((signs * (self.switched >= 0)).sum()))

    def _places(self, *, rising: bool) -> FloatArray:
        """Return the volts at which the current of each cell rose, or fell, (n,)."""
        volts: FloatArray = np.where((self.switched >= 0) & (self.rose == rising), self.volts[self.switched], np.nan)
        return np.where(np.isnan(volts[:, 0]), volts[:, 1], volts[:, 0])
