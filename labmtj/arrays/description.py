"""What an array file says: size, wires, limits, the family of the junctions; of a fitted chip its own cells, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from labmtj.arrays.offsets import LineOffsets
from labmtj.arrays.wiring import WireDescription
from labmtj.device.mtj.cells import CellsDescription
from labmtj.device.mtj.family import Family
from labmtj.device.parameter import DescribedModel
from labmtj.errors import ConfigError
from labmtj.quantities import Limits
from labmtj.schema import NAME_PATTERN

Count = Annotated[int, Field(ge=1)]


class LimitDescription(DescribedModel):
    """What cells, lines and sources survive."""

    cell_volts: float = Field(gt=0.0)
    line_amperes: float = Field(gt=0.0)
    pulse_seconds: float = Field(gt=0.0)
    disturb_volts: float = Field(gt=0.0)
    pulse_joules: float = Field(Limits().pulse_joules, gt=0.0)
    pulses_per_cell: int = Field(Limits().pulses_per_cell, gt=0)
    closures_per_relay: int = Field(Limits().closures_per_relay, gt=0)

    def as_limits(self) -> Limits:
        """Return the limits that a crossbar carries."""
        return Limits(**self.model_dump())


MOST_LINES = 64
"""rows, or columns, of an array; beyond it the dense inverse of the network takes gigabytes"""


class ArrayDescription(DescribedModel):
    """One array: everything a simulation of it needs except the seed."""

    name: str = Field(min_length=1, max_length=48, pattern=NAME_PATTERN)
    """its chips are called by it, with a number behind, in paths of the record"""
    shape: Annotated[tuple[Count, Count], Field(strict=False)]
    """rows and columns"""
    polarity: Literal[-1, 1]
    """+1 if a row positive against its column drives AP to P"""
    temperature_kelvin: float = Field(gt=0.0)
    """scales thermal_stability by 300 K / T, TMR and P resistance by their coefficients per kelvin, and nothing else:
    barrier energy, critical voltages and heating do not change with it; `labmtj check` says it outside 250 to 400 K"""
    short_pulses: bool = False
    """simulate pulses below 100 ns, too, where the switching law is wrong: its V50 is 0.65 of that of a macrospin at
    10 ns, 0.15 at 1 ns (0.91 at 100 ns, 0.96 at 1 us, 0.99 from 1 ms); without it they are refused"""
    wires: WireDescription
    limits: LimitDescription
    family: Family
    calibrated: bool = False
    """True if wires and resistances were fitted to the chip: a bias whose lines differ by more than limits.cell_volts
    is then allowed if the wires leave no cell more than that, whatever the states"""
    cells: CellsDescription | None = None
    """the cells of one chip; None: they are drawn from the family"""
    offsets: LineOffsets | None = None
    """of the sources and meters; None: drawn from the data sheet of the meter"""

    @field_validator("shape")
    @classmethod
    def _within_reach(cls, shape: tuple[int, int]) -> tuple[int, int]:
        if max(shape) > MOST_LINES:
            raise ValueError(
                f"{shape[0]} x {shape[1]} is too large to simulate: the network keeps (rows x columns)^2 numbers, "
                f"134 MB at {MOST_LINES} x {MOST_LINES}; give at most {MOST_LINES} of each"
            )
        return shape

    @model_validator(mode="after")
    def _calibrated_by_a_fit(self) -> Self:
        if self.calibrated and (guessed := self._guessed()):
            raise ValueError(f"calibrated: true needs {', '.join(guessed)} of provenance fitted or published")
        return self

    @model_validator(mode="after")
    def _cells_fit(self) -> Self:
        self.wires.check(self.shape)
        if self.cells is not None:
            self.cells.check(self.shape)
        if self.offsets is not None:
            self.offsets.check(sum(self.shape))
        return self

    def _guessed(self) -> list[str]:
        """Return what the voltage at a cell depends on and is neither fitted nor published."""
        known = {name: getattr(self.wires, name) for name in WireDescription.model_fields}
        known |= {name: getattr(self.family, name) for name in ("diameter_metres", "resistance_area_ohm_m2", "tmr")}
        return [name for name, value in known.items() if value.provenance not in ("fitted", "published")]

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Return the description that a parsed YAML file holds.

        Raises:
            ConfigError: naming every key that is wrong; its cause is the ValidationError with the places.
        """
        try:
            return cls.model_validate(dict(mapping))
        except ValidationError as wrong:
            places = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in wrong.errors()]
            raise ConfigError("the description of the array is wrong at\n  " + "\n  ".join(places)) from wrong
