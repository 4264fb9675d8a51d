"""Draws the junctions of an array from its family: each parameter from a stream of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.device.mtj.family import Family
from labmtj.device.mtj.junctions import Defect, Junctions
from labmtj.device.mtj.switching import BackHopping
from labmtj.device.parameter import TRUNCATION, Parameter, Range
from labmtj.device.telegraph import Telegraph
from labmtj.device.wear import Wear
from labmtj.errors import UsageError
from labmtj.quantities import FloatArray
from labmtj.streams import stream

ROOM_KELVIN = 300.0
"""the temperature at which a family states its values"""


def draw(
    family: Family, shape: tuple[int, int], polarity: int, temperature_kelvin: float, seed: int, name: str
) -> Junctions:
    """Return the junctions of the array `name` under `seed`: the same for the same arguments, forever.

    Resistances are lognormal with the family's value as their median; everything else is normal, cut at 4 sigma.

    Raises:
        UsageError: for a shape without cells, and a temperature at which TMR or resistance would vanish.
    """
    chip = _Chip(family, shape, seed, name)
    log_resistance, log_area = chip.logarithms()
    tmr_scale, ohm_scale = _thermal_scales(family, temperature_kelvin)
    standard = log_resistance / (family.log_resistance_spread or 1.0)
    half_volts, defect = chip.each("half_volts", family.half_volts), chip.defects()
    return Junctions(
        shape=shape,
        polarity=polarity,
        temperature_kelvin=temperature_kelvin,
        parallel_ohms=family.parallel_ohms * ohm_scale * np.exp(log_resistance) * chip.gradient(),
        tmr=chip.each("tmr", family.tmr) * tmr_scale,
        half_volts_positive=half_volts,
        half_volts_negative=chip.each("half_volts_negative", family.half_volts_negative, half_volts),
        quadratic_volts=chip.each("quadratic_volts", family.quadratic_volts, np.full(chip.cells, np.inf)),
        contact_ohms=chip.each("contact_ohms", family.contact_ohms),
        critical_volts_to_parallel=chip.correlated(
            "critical_volts_to_parallel", family.critical_volts_to_parallel, standard
        ),
        critical_volts_to_antiparallel=chip.correlated(
            "critical_volts_to_antiparallel", family.critical_volts_to_antiparallel, standard
        ),
        thermal_stability=chip.each("thermal_stability", family.thermal_stability) * (ROOM_KELVIN / temperature_kelvin),
        stray_field=chip.each("stray_field", family.stray_field),
        attempt_seconds=family.attempt_seconds.value,
        barrier_exponent=int(family.barrier_exponent.value),
        defect=defect,
        defect_ohms=chip.defect_ohms(defect),
        cycle_to_cycle=family.cycle_to_cycle.value,
        pink_noise=_pink_noise(family, log_area),
        telegraph=chip.telegraph(defect),
        back_hopping=_back_hopping(family),
        wear=chip.wear(),
    )


def _thermal_scales(family: Family, temperature_kelvin: float) -> tuple[float, float]:
    """Return the factors on TMR and P resistance at this temperature."""
    if not 0.0 < temperature_kelvin < np.inf:
        raise UsageError(f"temperature_kelvin = {temperature_kelvin} must be a positive number")
    warmer = temperature_kelvin - ROOM_KELVIN
    scales = 1.0 + family.tmr_per_kelvin.value * warmer, 1.0 + family.resistance_per_kelvin.value * warmer
    if min(scales) <= 0.0:
        raise UsageError(f"at {temperature_kelvin:g} K the linear coefficients leave no TMR or no resistance")
    return scales


def _pink_noise(family: Family, log_area: FloatArray) -> FloatArray:
    """Return f * S_I / I^2 in AP (row 0) and P (row 1), (2, N)."""
    if family.pink_noise is None:
        return np.zeros((2, len(log_area)))
    parallel = family.pink_noise.area_square_metres.value / (family.area_square_metres * np.exp(log_area))
    return np.stack([parallel * family.pink_noise.antiparallel_factor.value, parallel])


def _back_hopping(family: Family) -> BackHopping | None:
    back = family.back_hopping
    return None if back is None else BackHopping(back.volts_ratio.value, back.stability.value)


@dataclass(frozen=True)
class _Chip:
    """The draws of one array; each method starts the stream of its parameter at the beginning."""

    family: Family
    shape: tuple[int, int]
    seed: int
    name: str

    def __post_init__(self) -> None:
        if len(self.shape) != 2 or min(self.shape) < 1:
            raise UsageError(f"an array of shape {self.shape} has no cells; give rows and columns")

    @property
    def cells(self) -> int:
        return self.shape[0] * self.shape[1]

    def stream(self, parameter: str) -> np.random.Generator:
        return stream(self.seed, "junction", self.name, parameter)

    def between(self, parameter: str, ends: Range) -> FloatArray:
        """Return numbers that are even in their logarithm, (N,)."""
        even = self.stream(parameter).random(self.cells)
        drawn: FloatArray = ends.lowest * (ends.highest / ends.lowest) ** even
        return drawn

    def each(self, name: str, parameter: Parameter | None, default: FloatArray | None = None) -> FloatArray:
        """Return the parameter of every cell, normal and cut at 4 sigma, or the default where the family is silent."""
        if parameter is None:
            assert default is not None
            return default
        return self.correlated(name, parameter, None)

    def correlated(self, name: str, parameter: Parameter, partner: FloatArray | None) -> FloatArray:
        """Return the parameter of every cell, correlated with standard normal numbers (N,) as the family says.

        What falls beyond 4 sigma is drawn again for that cell.
        """
        weight, shift = 0.0, np.zeros(self.cells)
        if partner is not None and partner.any():
            weight = self.family.vc_resistance_correlation.value
            shift = weight * np.clip(partner, -TRUNCATION, TRUNCATION)
        generator = self.stream(name)
        standard = shift + np.sqrt(1.0 - weight**2) * generator.standard_normal(self.cells)
        while (far := np.flatnonzero(np.abs(standard) > TRUNCATION)).size:
            standard[far] = shift[far] + np.sqrt(1.0 - weight**2) * generator.standard_normal(far.size)
        drawn: FloatArray = parameter.value + parameter.spread * standard
        return drawn

    def logarithms(self) -> tuple[FloatArray, FloatArray]:
        """Return the deviations of ln R and of ln A from their medians, (N,): R = RA / A, and D enters both."""
        wider = self.stream("diameter_metres").standard_normal(self.cells)
        thicker = self.stream("resistance_area_ohm_m2").standard_normal(self.cells)
        log_area = 2.0 * self.family.diameter_metres.relative_spread * wider
        return self.family.resistance_area_ohm_m2.relative_spread * thicker - log_area, log_area

    def gradient(self) -> FloatArray:
        """Return the factors of a slope across the array, (N,), +- `gradient` at the edges along its direction."""
        angle = self.stream("gradient").uniform(0.0, 2.0 * np.pi)
        down, across = (np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(1) for count in self.shape)
        slope = np.cos(angle) * down[:, np.newaxis] + np.sin(angle) * across
        reach = abs(np.cos(angle)) + abs(np.sin(angle))
        factors: FloatArray = (1.0 + self.family.gradient.value * slope / reach).reshape(-1)
        return factors

    def defects(self) -> NDArray[np.int8]:
        """Return a `Defect` for every cell, (N,)."""
        edges = np.cumsum(self.family.defects.fractions)
        codes = np.array([Defect.STUCK_P, Defect.STUCK_AP, Defect.SHORT, Defect.OPEN, Defect.NONE], np.int8)
        return codes[np.searchsorted(edges, self.stream("defects").random(self.cells), side="right")]

    def defect_ohms(self, defect: NDArray[np.int8]) -> FloatArray:
        """Return the resistance of shorts and opens, NaN for all others, (N,)."""
        ohms = np.full(self.cells, np.nan)
        ohms[defect == Defect.OPEN] = self.family.defects.open_ohms.value
        short = defect == Defect.SHORT
        ohms[short] = self.between("short_ohms", self.family.defects.short_ohms)[short]
        return ohms

    def wear(self) -> Wear | None:
        """Return how the cells break down; their limits are Weibull numbers."""
        law = self.family.breakdown
        if law is None:
            return None
        return Wear(
            volts=law.volts.value,
            exponent=law.exponent.value,
            seconds=law.seconds.value,
            stress_limit=self.stream("breakdown").standard_exponential(self.cells) ** (1.0 / law.shape.value),
            broken_ohms=self.between("broken_ohms", self.family.defects.short_ohms),
        )

    def telegraph(self, defect: NDArray[np.int8]) -> Telegraph:
        """Return the cells with two levels; a short or an open has none."""
        law = self.family.telegraph
        if law is None:
            return Telegraph.none()
        chosen = self.stream("telegraph").random(self.cells) < law.fraction.value
        cells = np.flatnonzero(chosen & ~np.isin(defect, (Defect.SHORT, Defect.OPEN)))
        return Telegraph(
            cells=cells,
            jump=self.between("telegraph_jump", law.jump)[cells],
            low_seconds=self.between("telegraph_low_seconds", law.dwell_seconds)[cells],
            high_seconds=self.between("telegraph_high_seconds", law.dwell_seconds)[cells],
        )
