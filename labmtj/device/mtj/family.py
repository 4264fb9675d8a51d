"""The family of a device size: the statistics from which the cells of an array are drawn, each with its provenance."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from labmtj.device.parameter import (
    TRUNCATION,
    Constant,
    DescribedModel,
    Fraction,
    NotNegative,
    NotNegativeConstant,
    Parameter,
    Positive,
    PositiveConstant,
    Range,
)
from labmtj.errors import UsageError
from labmtj.plugins import load_all


def _exponent(parameter: Parameter) -> Parameter:
    if parameter.value not in (1.0, 2.0):
        raise ValueError(f"value = {parameter.value:g} must be 1 or 2")
    return parameter


def _correlation(parameter: Parameter) -> Parameter:
    if abs(parameter.value) > 1.0:
        raise ValueError(f"value = {parameter.value:g} must be a correlation from -1 to 1")
    return parameter


def _below_anisotropy(parameter: Parameter) -> Parameter:
    if abs(parameter.value) + TRUNCATION * parameter.spread >= 1.0:
        raise ValueError("the stray field reaches the anisotropy field within 4 sigma: such cells have one state only")
    return parameter


def _below_one(parameter: Parameter) -> Parameter:
    if abs(parameter.value) >= 1.0:
        raise ValueError(f"value = {parameter.value:g} must stay below 1: resistance would reach zero at an edge")
    return parameter


def _between(lowest: float, highest: float, example: str) -> AfterValidator:
    """Return a check of orders of magnitude: who misses them has written another unit."""

    def check(parameter: Parameter) -> Parameter:
        if not lowest <= parameter.value <= highest:
            raise ValueError(f"value = {parameter.value:g} is in another unit, it seems: {example}")
        return parameter

    return AfterValidator(check)


class DefectStatistics(DescribedModel):
    """Fractions of cells that are not junctions any more; a cell has one defect at most."""

    stuck_parallel: Fraction
    stuck_antiparallel: Fraction
    short: Fraction
    open: Fraction
    short_ohms: Range
    """resistance of a short, and of a cell after breakdown"""
    open_ohms: PositiveConstant

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if sum(self.fractions) > 1.0:
            raise ValueError(f"the fractions of defects add up to {sum(self.fractions):g}, more than all cells")
        return self

    @property
    def fractions(self) -> tuple[float, float, float, float]:
        """Fractions in the order of `Defect`: stuck P, stuck AP, short, open."""
        return self.stuck_parallel.value, self.stuck_antiparallel.value, self.short.value, self.open.value


class BreakdownStatistics(DescribedModel):
    """Weibull breakdown: failed fraction 1 - exp(-(t / eta)^shape), eta = seconds * (V / volts)^-exponent."""

    volts: PositiveConstant
    exponent: PositiveConstant
    seconds: PositiveConstant
    shape: PositiveConstant


class BackHoppingStatistics(DescribedModel):
    """Return of overdriven cells, see `BackHopping`."""

    volts_ratio: PositiveConstant
    stability: PositiveConstant


class PinkNoiseStatistics(DescribedModel):
    """1/f noise: S_I(f) = I^2 * area / (A * f) in P, times a factor in AP."""

    area_square_metres: NotNegativeConstant
    antiparallel_factor: NotNegativeConstant


class TelegraphStatistics(DescribedModel):
    """Cells that jump between two resistances."""

    fraction: Fraction
    jump: Range
    """relative increase of the resistance in the high level"""
    dwell_seconds: Range
    """mean dwell, drawn for each level of each cell"""


class Family(DescribedModel):
    """Statistics of one device size. Values are at 300 K; what is `None` is off."""

    diameter_metres: Annotated[Positive, _between(1e-10, 1e-4, "50 nm is 50e-9 metres")]
    resistance_area_ohm_m2: Annotated[Positive, _between(1e-16, 1e-4, "10 ohm um^2 is 1e-11 ohm m^2")]
    """P resistance times area; 1e-11 is 10 ohm um^2"""
    tmr: Positive
    """relative increase of the resistance from P to AP at vanishing voltage"""
    half_volts: Positive
    """voltage at which the TMR has halved"""
    half_volts_negative: Positive | None = None
    """the same for the sign that drives P to AP, if it differs"""
    quadratic_volts: Positive | None = None
    """voltage at which the P conductance has doubled"""
    contact_ohms: NotNegative
    """in series with every junction"""
    critical_volts_to_parallel: Positive
    """voltage at which the barrier from AP to P is gone"""
    critical_volts_to_antiparallel: Positive
    """size of the voltage, of the opposite sign, at which the barrier from P to AP is gone"""
    vc_resistance_correlation: Annotated[Constant, AfterValidator(_correlation)]
    """between each critical voltage and the logarithm of the resistance"""
    thermal_stability: Positive
    """barrier over k_B T at 300 K"""
    attempt_seconds: PositiveConstant
    barrier_exponent: Annotated[Constant, AfterValidator(_exponent)]
    """2 for a uniaxial perpendicular macrospin, 1 for nucleation"""
    stray_field: Annotated[Parameter, AfterValidator(_below_anisotropy)]
    """offset field over anisotropy field; positive favours AP"""
    tmr_per_kelvin: Constant
    """relative"""
    resistance_per_kelvin: Constant
    """relative, of P"""
    cycle_to_cycle: NotNegativeConstant
    """relative sigma of the resistance from one write to the next"""
    gradient: Annotated[Constant, AfterValidator(_below_one)]
    """relative deviation of the resistance at the edges of the array, along a direction drawn for the array"""
    defects: DefectStatistics
    breakdown: BreakdownStatistics | None = None
    back_hopping: BackHoppingStatistics | None = None
    pink_noise: PinkNoiseStatistics | None = None
    telegraph: TelegraphStatistics | None = None

    @classmethod
    def of(cls, family: DescribedModel) -> Self:
        """Return the family that an array file gives; UsageError if it is of another device."""
        if isinstance(family, cls):
            return family
        models = load_all("labmtj.devices")
        device = next((name for name, model in models if model.family is type(family)), type(family).__name__)
        raise UsageError(f"this needs magnetic tunnel junctions (device: mtj); the device of the array is {device}")

    @property
    def area_square_metres(self) -> float:
        """Nominal area of a round junction."""
        return math.pi * self.diameter_metres.value**2 / 4.0

    @property
    def parallel_ohms(self) -> float:
        """Nominal resistance of a junction in P at 300 K, without its contact."""
        return self.resistance_area_ohm_m2.value / self.area_square_metres

    @property
    def log_resistance_spread(self) -> float:
        """Standard deviation of ln R over cells: sqrt((2 sigma_D / D)^2 + sigma_RA^2)."""
        return math.hypot(2.0 * self.diameter_metres.relative_spread, self.resistance_area_ohm_m2.relative_spread)
