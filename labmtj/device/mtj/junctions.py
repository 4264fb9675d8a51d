"""The fixed properties of the cells of one array: drawn when the chip is made, unchanged after."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.brief import brief
from labmtj.device.model import CellNumbers, StateArray, checked_states
from labmtj.device.mtj.conduction import Conduction
from labmtj.device.mtj.noise import noise_rms_amperes
from labmtj.device.mtj.switching import BackHopping, SwitchingLaw
from labmtj.device.mtj.widths import WIDTHS
from labmtj.device.telegraph import Telegraph
from labmtj.device.wear import Wear
from labmtj.errors import UsageError
from labmtj.pulsewidths import PulseWidths
from labmtj.quantities import BoolArray, FloatArray


class Defect(IntEnum):
    """What is wrong with a cell."""

    NONE = 0
    STUCK_P = 1
    STUCK_AP = 2
    SHORT = 3
    OPEN = 4


@brief
@dataclass(frozen=True, eq=False, kw_only=True)
class Junctions:
    """N = rows * columns cells, flat and row-major, as they are at `temperature_kelvin`; arrays (N,) are read-only.

    Raises:
        UsageError: for arrays of another length than the shape, and for values that are not positive.
    """

    shape: tuple[int, int]
    polarity: int
    """+1 if a row positive against its column drives AP to P, else -1"""
    temperature_kelvin: float
    parallel_ohms: FloatArray
    tmr: FloatArray
    """relative increase of the resistance from P to AP at vanishing voltage"""
    half_volts_positive: FloatArray
    """voltage (of the sign that drives AP to P) at which the TMR has halved; inf for none"""
    half_volts_negative: FloatArray
    quadratic_volts: FloatArray
    """voltage at which the P conductance has doubled; inf for none"""
    contact_ohms: FloatArray
    critical_volts_to_parallel: FloatArray
    critical_volts_to_antiparallel: FloatArray
    thermal_stability: FloatArray
    """barrier over k_B T at `temperature_kelvin`, without stray field"""
    stray_field: FloatArray
    """offset field over anisotropy field; positive favours AP"""
    attempt_seconds: float
    barrier_exponent: int
    """1 or 2"""
    defect: NDArray[np.int8]
    """a `Defect` for each cell"""
    defect_ohms: FloatArray
    """resistance of the shorted and open cells, NaN elsewhere"""
    cycle_to_cycle: float = 0.0
    """relative sigma of the resistance factor that a flip draws anew"""
    pink_noise: FloatArray = field(default_factory=lambda: np.zeros((2, 1)))
    """f * S_I / I^2 of each cell in AP (row 0) and P (row 1), (2, N) or broadcast to it"""
    telegraph: Telegraph = field(default_factory=Telegraph.none)
    back_hopping: BackHopping | None = None
    wear: Wear | None = None
    """how cells break down; None: never"""

    def __post_init__(self) -> None:
        self._check_numbers()
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.flags.writeable = False
                object.__setattr__(self, item.name, value)
                if item.name != "pink_noise" and value.shape != (self.cells,):
                    raise UsageError(f"{item.name} has shape {value.shape}; {self.shape} cells need ({self.cells},)")
        positive = ("parallel_ohms", "half_volts_positive", "half_volts_negative", "quadratic_volts",
                    "critical_volts_to_parallel", "critical_volts_to_antiparallel", "thermal_stability")  # fmt: skip
        for name in positive:
            wrong = np.flatnonzero(~(getattr(self, name) > 0.0))
            if wrong.size:
                raise UsageError(f"{name} of cell {wrong[0]} is {getattr(self, name)[wrong[0]]}; it must be positive")
        if not (
            np.all(self.tmr >= 0.0) and np.all(self.contact_ohms >= 0.0) and np.all(np.abs(self.stray_field) < 1.0)
        ):
            raise UsageError("junctions need tmr >= 0, contact_ohms >= 0 and a stray field below the anisotropy field")

    def _check_numbers(self) -> None:
        if len(self.shape) != 2 or min(self.shape) < 1:
            raise UsageError(f"an array of shape {self.shape} has no cells; give rows and columns")
        if self.polarity not in (-1, 1):
            raise UsageError(f"polarity = {self.polarity} must be +1 or -1")
        if self.barrier_exponent not in (1, 2):
            raise UsageError(f"barrier_exponent = {self.barrier_exponent} must be 1 or 2")
        for name in ("temperature_kelvin", "attempt_seconds"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise UsageError(f"{name} = {getattr(self, name)} must be a positive number")

    @classmethod
    def ideal(
        cls,
        shape: tuple[int, int],
        parallel_ohms: ArrayLike = 5000.0,
        tmr: ArrayLike = 1.0,
        *,
        half_volts: ArrayLike = np.inf,
        quadratic_volts: ArrayLike = np.inf,
        contact_ohms: ArrayLike = 0.0,
        critical_volts_to_parallel: ArrayLike = 0.6,
        critical_volts_to_antiparallel: ArrayLike = 0.7,
        thermal_stability: ArrayLike = 50.0,
        stray_field: ArrayLike = 0.0,
        attempt_seconds: float = 1e-9,
        barrier_exponent: int = 2,
        polarity: int = 1,
        temperature_kelvin: float = 300.0,
    ) -> Junctions:
        """Return cells without spread, defects, noise or wear; each value is a scalar, (N,) or (rows, columns)."""

        def each(value: ArrayLike) -> FloatArray:
            given = np.asarray(value, float)
            return np.broadcast_to(given.reshape(-1) if given.shape == shape else given, shape[0] * shape[1])

        return cls(
            shape=shape,
            polarity=polarity,
            temperature_kelvin=temperature_kelvin,
            parallel_ohms=each(parallel_ohms),
            tmr=each(tmr),
            half_volts_positive=each(half_volts),
            half_volts_negative=each(half_volts),
            quadratic_volts=each(quadratic_volts),
            contact_ohms=each(contact_ohms),
            critical_volts_to_parallel=each(critical_volts_to_parallel),
            critical_volts_to_antiparallel=each(critical_volts_to_antiparallel),
            thermal_stability=each(thermal_stability),
            stray_field=each(stray_field),
            attempt_seconds=attempt_seconds,
            barrier_exponent=barrier_exponent,
            defect=np.zeros(shape[0] * shape[1], np.int8),
            defect_ohms=each(np.nan),
        )

    @property
    def cells(self) -> int:
        """How many cells."""
        return self.shape[0] * self.shape[1]

    @property
    def levels(self) -> int:
        """Two states: 0 is AP, 1 is P."""
        return 2

    @property
    def pulse_widths(self) -> PulseWidths:
        """For which the switching law holds."""
        return WIDTHS

    def conduction(self, state: StateArray, factor: float | FloatArray = 1.0) -> Conduction:
        """Return the conduction in the states (N,), with resistance factors (scalar or (N,))."""
        return Conduction(self, self.check_state(state), factor)

    def switching(self, state: StateArray) -> SwitchingLaw:
        """Return the switching law in the states (N,)."""
        return SwitchingLaw(self, self.check_state(state))

    def with_defect(self, cell: CellNumbers, defect: Defect, ohms: float | FloatArray = np.nan) -> Junctions:
        """Return junctions in which cells have a defect; `ohms` is needed for SHORT and OPEN."""
        code, resistance = self.defect.copy(), self.defect_ohms.copy()
        code[cell], resistance[cell] = defect, ohms
        return replace(self, defect=code, defect_ohms=resistance)

    def broken(self, cell: CellNumbers) -> Junctions:
        """Return junctions in which cells are broken down: permanent shorts with the resistance drawn for them.

        Raises:
            UsageError: if the junctions have no wear.
        """
        if self.wear is None:
            raise UsageError("these junctions have no breakdown model; give them a wear")
        return self.with_defect(cell, Defect.SHORT, self.wear.broken_ohms[cell])

    def without_contacts(self) -> Junctions:
        """Return junctions without contact resistance: it has become part of the wires."""
        return replace(self, contact_ohms=np.zeros(self.cells))

    def noise_rms_amperes(
        self, state: StateArray, volts: FloatArray, amperes: FloatArray, aperture_seconds: float
    ) -> FloatArray:
        """Return the rms current noise of every cell, (..., N): see `labmtj.device.mtj.noise`."""
        return noise_rms_amperes(self, state, volts, amperes, aperture_seconds)

    def apparent_state(self, state: StateArray) -> StateArray:
        """Return the states in which cells conduct: stuck cells keep theirs whatever `state` (N,) says."""
        shown = np.where(self.defect == Defect.STUCK_P, 1, np.where(self.defect == Defect.STUCK_AP, 0, state))
        return shown.astype(np.int8)

    def check_state(self, state: StateArray) -> StateArray:
        """Return the states as small integers (N,), or raise UsageError for a shape or a level that cells lack."""
        return checked_states(state, self.cells, self.levels)

    @cached_property
    def is_free(self) -> BoolArray:
        """Whether a cell can switch, (N,)."""
        return np.equal(self.defect, Defect.NONE)

    @cached_property
    def is_linear(self) -> BoolArray:
        """Whether a cell is a plain resistor: shorted or open, (N,)."""
        return np.isin(self.defect, (Defect.SHORT, Defect.OPEN))

    @cached_property
    def linear_or_parallel_ohms(self) -> FloatArray:
        """Resistance of a linear cell, else the P resistance, (N,)."""
        return np.where(self.is_linear, self.defect_ohms, self.parallel_ohms)

    @cached_property
    def tmr_by_state(self) -> FloatArray:
        """Relative excess over the P resistance when set to AP (row 0) or P (row 1), defects included, (2, N)."""
        stuck, linear = self.defect == Defect.STUCK_AP, self.is_linear
        told_antiparallel = np.where((self.defect == Defect.STUCK_P) | linear, 0.0, self.tmr)
        return np.stack([told_antiparallel, np.where(stuck, self.tmr, 0.0)])

    @cached_property
    def zero_bias_ohms_by_state(self) -> FloatArray:
        """Resistance at vanishing voltage in AP (row 0) and P (row 1), contact and defects included, (2, N)."""
        states = np.repeat(np.arange(self.levels, dtype=np.int8)[:, np.newaxis], self.cells, axis=1)
        return np.stack([self.conduction(state).zero_bias_ohms for state in states])

    @cached_property
    def pink_noise_by_state(self) -> FloatArray:
        """Normalised 1/f noise when set to AP (row 0) or P (row 1); of a stuck cell always its own, (2, N)."""
        states = np.repeat(np.arange(self.levels, dtype=np.int8)[:, np.newaxis], self.cells, axis=1)
        noise: FloatArray = np.where(self.apparent_state(states), self.pink_noise[1], self.pink_noise[0])
        return noise

    @cached_property
    def stability_by_state(self) -> FloatArray:
        """Barrier over k_B T for leaving AP (row 0) and P (row 1), stray field included, (2, N)."""
        return np.stack(
            [
                self.thermal_stability * (1.0 + self.stray_field) ** 2,
                self.thermal_stability * (1.0 - self.stray_field) ** 2,
            ]
        )

    @cached_property
    def critical_volts_by_state(self) -> FloatArray:
        """Critical voltage, positive, for leaving AP (row 0) and P (row 1), stray field included, (2, N)."""
        return np.stack(
            [
                self.critical_volts_to_parallel * (1.0 + self.stray_field),
                self.critical_volts_to_antiparallel * (1.0 - self.stray_field),
            ]
        )
