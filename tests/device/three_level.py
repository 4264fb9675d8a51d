"""A device of three states: the proof that nothing but its model knows what a cell is.

Two barriers in a row, as of a wall that moves from one notch to the next: a positive voltage takes a cell up one state
at a time, a negative one down. Every number is made up for the test.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from labmtj.device import DescribedModel, DeviceModel, Parameter, Telegraph
from labmtj.device.model import checked_states
from labmtj.pulsewidths import ANY_WIDTH
from labmtj.streams import stream

STABILITY, ATTEMPT_SECONDS = 200.0, 1e-9


class NotchFamily(DescribedModel):
    """What an array file says of such cells."""

    lowest_ohms: Parameter
    """resistance in the lowest state; the others have 1/2 and 1/3 of it"""
    first_volts: Parameter
    """voltage at which the barrier between the first two states is gone"""
    second_volts: Parameter


@dataclass(frozen=True, eq=False)
class NotchCells:
    """The cells of one chip."""

    shape: tuple[int, int]
    polarity: int
    lowest_ohms: np.ndarray
    critical_volts: np.ndarray
    """(2, cells) of the first and the second barrier"""
    broken_ohms: np.ndarray
    telegraph: Telegraph = field(default_factory=Telegraph.none)
    levels = 3
    cycle_to_cycle = 0.0
    wear = None
    pulse_widths = ANY_WIDTH

    @property
    def cells(self):
        return self.shape[0] * self.shape[1]

    @property
    def contact_ohms(self):
        return np.zeros(self.cells)

    @property
    def is_free(self):
        return np.isnan(self.broken_ohms)

    def conduction(self, state, factor=1.0):
        return NotchConduction(self, checked_states(state, self.cells, 3), factor)

    def switching(self, state):
        return NotchSwitching(self, checked_states(state, self.cells, 3))

    def broken(self, cell):
        ohms = self.broken_ohms.copy()
        ohms[cell] = 100.0
        return replace(self, broken_ohms=ohms)

    def without_contacts(self):
        return self

    def noise_rms_amperes(self, state, volts, amperes, aperture_seconds):
        return np.full(np.shape(amperes), 1e-10) / np.sqrt(aperture_seconds)


class NotchConduction:
    """Plain resistors."""

    def __init__(self, cells, state, factor):
        self._cells, self._siemens = cells, np.empty(cells.cells)
        self.set_cell(np.arange(cells.cells), state, factor)

    def set_cell(self, cell, state, factor=1.0):
        ohms, broken = self._cells.lowest_ohms[cell] / (1 + state), self._cells.broken_ohms[cell]
        self._siemens[cell] = 1 / (np.where(np.isnan(broken), ohms, broken) * factor)

    @property
    def zero_bias_ohms(self):
        return 1 / self._siemens

    def amperes(self, volts):
        return self._siemens * volts

    def differential_siemens(self, volts):
        return np.broadcast_to(self._siemens, np.shape(volts))


class NotchSwitching:
    """Rates to the next state up and down: exp(-Delta (1 - V / Vc)^2) / tau0, as over any barrier."""

    def __init__(self, cells, state):
        self._cells, self._state = cells, state.copy()

    def set_cell(self, cell, state):
        self._state[cell] = state

    def rates(self, volts):
        own = self._cells
        steps = np.stack([own.critical_volts[0], own.critical_volts[1], np.full(own.cells, np.nan)])
        below = np.stack([np.full(own.cells, np.nan), own.critical_volts[0], own.critical_volts[1]])
        number = np.arange(own.cells)
        up = _over(own.polarity * volts, steps[self._state, number])
        down = _over(-own.polarity * volts, below[self._state, number])
        return (up + down) * own.is_free

    def transitions(self, cell, volts):
        own, found = self._cells, np.zeros((3, 3))
        for low in (0, 1):
            critical = own.critical_volts[low, cell]
            found[low, low + 1] = _over(own.polarity * volts, critical)
            found[low + 1, low] = _over(-own.polarity * volts, critical)
        return found * own.is_free[cell]


def _over(volts, critical_volts):
    below = np.maximum(1 - volts / critical_volts, 0.0)
    return np.nan_to_num(np.exp(-STABILITY * below**2) / ATTEMPT_SECONDS)


class Notches(DeviceModel):
    """The model, as it is registered."""

    states = ("low", "middle", "high")
    family = NotchFamily
    conduction_parameters = ("lowest_ohms",)

    def draw(self, family, shape, polarity, temperature_kelvin, seed, name):
        def each(parameter):
            cells = shape[0] * shape[1]
            drawn = stream(seed, "notch", name, parameter).standard_normal(cells)
            about = getattr(family, parameter)
            return about.value + about.spread * np.clip(drawn, -3, 3)

        critical = np.stack([each("first_volts"), each("second_volts")])
        intact = np.full(shape[0] * shape[1], np.nan)
        return NotchCells(shape, polarity, each("lowest_ohms"), critical, intact)

    def nominal_ohms(self, family):
        return family.lowest_ohms.value / np.arange(1, 4)
