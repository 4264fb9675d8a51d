"""A device of three states: nothing but its model knows what a cell is.

Two barriers in a row, as of a wall that moves from one notch to the next: a positive voltage takes a cell up one state
at a time, a negative one down. Every number is an example.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from labmtj.device import DescribedModel, DeviceModel, Positive, StateArray, Telegraph, Wear
from labmtj.device.model import CellNumbers, States, checked_states
from labmtj.pulsewidths import ANY_WIDTH, PulseWidths
from labmtj.quantities import BoolArray, FloatArray
from labmtj.streams import stream

STABILITY, ATTEMPT_SECONDS = 200.0, 1e-9


class NotchFamily(DescribedModel):
    """What an array file says of such cells."""

    lowest_ohms: Positive
    """resistance in the lowest state; the others have 1/2 and 1/3 of it"""
    first_volts: Positive
    """voltage at which the barrier between the first two states is gone"""
    second_volts: Positive


@dataclass(frozen=True, eq=False)
class NotchCells:
    """The cells of one chip."""

    shape: tuple[int, int]
    polarity: int
    lowest_ohms: FloatArray
    critical_volts: FloatArray
    """(2, cells) of the first and the second barrier"""
    broken_ohms: FloatArray
    """NaN where a cell is intact"""
    telegraph: Telegraph = field(default_factory=Telegraph.none)
    levels: int = 3
    cycle_to_cycle: float = 0.0
    wear: Wear | None = None
    pulse_widths: PulseWidths = ANY_WIDTH

    @property
    def cells(self) -> int:
        """How many."""
        return self.shape[0] * self.shape[1]

    @property
    def contact_ohms(self) -> FloatArray:
        """None: the resistance of a state is all there is."""
        return np.zeros(self.cells)

    @property
    def is_free(self) -> BoolArray:
        """Whether a cell can switch."""
        return np.isnan(self.broken_ohms)

    def conduction(self, state: StateArray, factor: float | FloatArray = 1.0) -> NotchConduction:
        """Return the conduction in the states (N,)."""
        return NotchConduction(self, checked_states(state, self.cells, 3), factor)

    def switching(self, state: StateArray) -> NotchSwitching:
        """Return the switching in the states (N,)."""
        return NotchSwitching(self, checked_states(state, self.cells, 3))

    def broken(self, cell: CellNumbers) -> Self:
        """Return these cells with some shorted, for good."""
        ohms = self.broken_ohms.copy()
        ohms[cell] = 100.0
        return replace(self, broken_ohms=ohms)

    def without_contacts(self) -> Self:
        """Return these cells."""
        return self

    def noise_rms_amperes(
        self,
        state: StateArray,  # noqa: ARG002
        volts: FloatArray,  # noqa: ARG002
        amperes: FloatArray,
        aperture_seconds: float,
    ) -> FloatArray:
        """Return a white noise, the same for all cells."""
        return np.full(np.shape(amperes), 1e-10 / np.sqrt(aperture_seconds))


class NotchConduction:
    """Plain resistors."""

    def __init__(self, cells: NotchCells, state: StateArray, factor: float | FloatArray) -> None:
        self._cells, self._siemens = cells, np.empty(cells.cells)
        self.set_cell(np.arange(cells.cells), state, factor)

    def set_cell(self, cell: CellNumbers, state: States, factor: float | FloatArray = 1.0) -> None:
        """Put cells into states."""
        ohms, broken = self._cells.lowest_ohms[cell] / (1 + state), self._cells.broken_ohms[cell]
        self._siemens[cell] = 1 / (np.where(np.isnan(broken), ohms, broken) * factor)

    @property
    def zero_bias_ohms(self) -> FloatArray:
        """Resistance, (N,)."""
        return np.asarray(1 / self._siemens)

    def amperes(self, volts: FloatArray) -> FloatArray:
        """Return the current of every cell, (..., N)."""
        return np.asarray(self._siemens * volts)

    def differential_siemens(self, volts: FloatArray) -> FloatArray:
        """Return dI/dV of every cell, (..., N)."""
        return np.broadcast_to(self._siemens, np.shape(volts))


class NotchSwitching:
    """Rates to the next state up and down: exp(-Delta (1 - V / Vc)^2) / tau0, as over any barrier."""

    def __init__(self, cells: NotchCells, state: StateArray) -> None:
        self._cells, self._state = cells, state.copy()

    def set_cell(self, cell: CellNumbers, state: States) -> None:
        """Put cells into states."""
        self._state[cell] = state

    def rates(self, volts: FloatArray) -> FloatArray:
        """Return the rate of leaving the present state in 1/s, (..., N)."""
        own = self._cells
        steps = np.stack([own.critical_volts[0], own.critical_volts[1], np.full(own.cells, np.nan)])
        below = np.stack([np.full(own.cells, np.nan), own.critical_volts[0], own.critical_volts[1]])
        number = np.arange(own.cells)
        up = _over(own.polarity * volts, steps[self._state, number])
        down = _over(-own.polarity * volts, below[self._state, number])
        return np.asarray((up + down) * own.is_free)

    def transitions(self, cell: int, volts: float) -> FloatArray:
        """Return the rates from every state to every other of one cell in 1/s, (3, 3)."""
        own, found = self._cells, np.zeros((3, 3))
        for low in (0, 1):
            critical = own.critical_volts[low, cell]
            found[low, low + 1] = _over(own.polarity * volts, critical)
            found[low + 1, low] = _over(-own.polarity * volts, critical)
        return np.asarray(found * own.is_free[cell])


def _over(volts: float | FloatArray, critical_volts: float | FloatArray) -> FloatArray:
    below = np.maximum(1 - volts / critical_volts, 0.0)
    return np.asarray(np.nan_to_num(np.exp(-STABILITY * below**2) / ATTEMPT_SECONDS))


class Notches(DeviceModel):
    """The model, as it is registered."""

    states = ("low", "middle", "high")
    family = NotchFamily
    conduction_parameters = ("lowest_ohms",)

    def draw(
        self,
        family: NotchFamily,
        shape: tuple[int, int],
        polarity: int,
        temperature_kelvin: float,  # noqa: ARG002
        seed: int,
        name: str,
    ) -> NotchCells:
        """Return the cells of an array, the same for the same seed and name."""

        def each(parameter: str) -> FloatArray:
            cells = shape[0] * shape[1]
            drawn = stream(seed, "notch", name, parameter).standard_normal(cells)
            about = getattr(family, parameter)
            return np.asarray(about.value + about.spread * np.clip(drawn, -3, 3))

        critical = np.stack([each("first_volts"), each("second_volts")])
        intact = np.full(shape[0] * shape[1], np.nan)
        return NotchCells(shape, polarity, each("lowest_ohms"), critical, intact)

    def nominal_ohms(self, family: NotchFamily) -> FloatArray:
        """Return the resistance in each state, (3,)."""
        return np.asarray(family.lowest_ohms.value / np.arange(1, 4))
