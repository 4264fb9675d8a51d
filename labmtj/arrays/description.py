"""What an array file says: size, wires, limits, the family of the junctions; for a fitted chip also its own cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializeAsAny, ValidationError, ValidationInfo, field_validator, model_validator

from labmtj.arrays.offsets import LineOffsets
from labmtj.arrays.wiring import WireDescription
from labmtj.device import drawn_cells, model_of
from labmtj.device.model import CellArray, DeviceModel, OwnCells
from labmtj.device.parameter import DescribedModel
from labmtj.errors import ConfigError
from labmtj.quantities import FloatArray, Limits
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

    @model_validator(mode="after")
    def _breaks_nothing_undisturbed(self) -> Self:
        if self.disturb_volts > self.cell_volts:
            raise ValueError(
                f"disturb_volts = {self.disturb_volts:g} exceeds cell_volts = {self.cell_volts:g}: what disturbs "
                "no cell cannot be more than a cell survives; lower disturb_volts"
            )
        return self

    def as_limits(self) -> Limits:
        """Return the limits that a crossbar carries."""
        return Limits(**self.model_dump())


MOST_LINES = 64
"""rows, or columns, of an array; beyond it the dense inverse of the network takes gigabytes"""


class ArrayDescription(DescribedModel):
    """One array: everything a simulation of it needs except the seed."""

    name: str = Field(min_length=1, max_length=48, pattern=NAME_PATTERN)
    """its chips are named after it, followed by a number, in paths of the record"""
    shape: Annotated[tuple[Count, Count], Field(strict=False, examples=[[15, 15]])]
    """rows and columns"""
    device: str = "mtj"
    """what its cells are: a model of the entry-point group labmtj.devices"""
    polarity: Literal[-1, 1]
    """+1 if a row positive against its column drives cells up: of magnetic tunnel junctions AP to P"""
    temperature_kelvin: float = Field(gt=0.0)
    """scales thermal_stability by 300 K / T, TMR and P resistance by their coefficients per kelvin, and nothing else:
    barrier energy, critical voltages and heating do not change with it; `labmtj check` says it outside 250 to 400 K"""
    short_pulses: bool = False
    """simulate pulses below 100 ns, too, where the switching law is wrong: its V50 is 0.65 of that of a macrospin at
    10 ns, 0.15 at 1 ns (0.91 at 100 ns, 0.96 at 1 us, 0.99 from 1 ms); without it they are refused"""
    wires: WireDescription
    limits: LimitDescription
    family: SerializeAsAny[DescribedModel]
    """statistics of the cells, as the model of the device asks for them"""
    calibrated: bool = False
    """True if wires and resistances were fitted to the chip: a bias whose lines differ by more than limits.cell_volts
    is then allowed if the wires leave no cell more than that, whatever the states"""
    cells: SerializeAsAny[OwnCells] | None = None
    """the cells of one chip, as the model of the device asks for them; None: they are drawn from the family"""
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

    @field_validator("device")
    @classmethod
    def _known(cls, device: str) -> str:
        try:
            model_of(device)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return device

    @field_validator("family", "cells", mode="plain")
    @classmethod
    def _of_the_device(cls, value: Any, info: ValidationInfo) -> DescribedModel | None:
        """Read what the model of the device asks for; its errors keep their places."""
        if "device" not in info.data:
            raise ValueError("cannot be read without a known device")
        model = model_of(info.data["device"])
        if info.field_name == "family":
            return model.family.model_validate(value, context=info.context)
        if value is None:
            return None
        if model.own_cells is None:
            raise ValueError(f"the device {info.data['device']} takes no cells of its own; leave this out")
        return model.own_cells.model_validate(value, context=info.context)

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

    @property
    def model(self) -> DeviceModel:
        """The model of its device."""
        return model_of(self.device)

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states of a cell."""
        return self.model.states

    @property
    def nominal_ohms(self) -> FloatArray:
        """Design resistance of a cell in each state at vanishing voltage, without its contact, (levels,)."""
        return self.model.nominal_ohms(self.family)

    def drawn(self, seed: int, name: str) -> CellArray:
        """Return the cells of the chip `name` under a seed, its own where the file holds them."""
        cells = drawn_cells(self.device, self.family, self.shape, self.polarity, self.temperature_kelvin, seed, name)
        if self.cells is not None:
            cells = self.cells.placed_in(cells)
        return cells

    def _guessed(self) -> list[str]:
        """Return what the voltage at a cell depends on and is neither fitted nor published."""
        known = {name: getattr(self.wires, name) for name in WireDescription.model_fields}
        known |= {name: getattr(self.family, name) for name in self.model.conduction_parameters}
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
