"""The cells of one chip as they were fitted: what an array file may say beyond the statistics of its family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from labmtj.junction.junctions import Defect, Junctions
from labmtj.junction.parameter import DescribedModel, Provenance
from labmtj.quantities import FloatArray

Kind = Literal["stuck_parallel", "stuck_antiparallel", "short", "open"]
KINDS: dict[Kind, Defect] = {
    "stuck_parallel": Defect.STUCK_P, "stuck_antiparallel": Defect.STUCK_AP, "short": Defect.SHORT, "open": Defect.OPEN,
}  # fmt: skip
_AT_LEAST_ZERO = ("tmr", "contact_ohms", "repeatability")
"""maps that may hold zeros; of the others all but the stray field are positive"""


class CellMap(DescribedModel):
    """One number per cell: a list of rows, each a list over its columns; with standard errors where a fit gave them."""

    values: list[list[float]] = Field(min_length=1)
    standard_errors: list[list[Annotated[float, Field(ge=0.0)]]] | None = None

    @classmethod
    def of(cls, values: FloatArray, standard_errors: FloatArray | None = None, digits: int = 6) -> Self:
        """Return the map of (rows, columns) values, rounded to significant digits; errors to three."""
        errors = None if standard_errors is None else _rounded(standard_errors, 3)
        return cls(values=_rounded(values, digits), standard_errors=errors)

    @property
    def array(self) -> FloatArray:
        """The values, (rows, columns)."""
        return np.array(self.values, float)

    @property
    def errors(self) -> FloatArray:
        """The standard errors, (rows, columns); zero where none are given."""
        return np.zeros_like(self.array) if self.standard_errors is None else np.array(self.standard_errors, float)

    def check(self, name: str, shape: tuple[int, int], lowest: float, *, open_end: bool) -> None:
        """Raise ValueError for a map of another shape, or a value that is not above (or at) `lowest`."""
        for part, rows in (("values", self.values), ("standard_errors", self.standard_errors or self.values)):
            lengths = {len(row) for row in rows}
            if len(rows) != shape[0] or lengths != {shape[1]}:
                found = f"{len(rows)} rows of {', '.join(map(str, sorted(lengths)))}"
                raise ValueError(
                    f"cells.{name}.{part} holds {found} values; the array has {shape[0]} rows of {shape[1]}"
                )
        wrong = np.argwhere(self.array <= lowest if open_end else self.array < lowest)
        if len(wrong):
            row, column = wrong[0].tolist()
            need = "more than" if open_end else "at least"
            raise ValueError(
                f"cells.{name}.values of row {row}, column {column} is {self.values[row][column]:g}; "
                f"it must be {need} {lowest:g}"
            )


class DefectiveCell(DescribedModel):
    """A cell that is no junction any more."""

    row: int = Field(ge=0)
    column: int = Field(ge=0)
    kind: Kind
    ohms: float | None = Field(None, gt=0.0)
    """of a short or an open"""

    @model_validator(mode="after")
    def _has_resistance(self) -> Self:
        if (self.kind in ("short", "open")) != (self.ohms is not None):
            raise ValueError(f"a cell of kind {self.kind} {'needs' if self.ohms is None else 'has no'} ohms")
        return self


class CellsDescription(DescribedModel):
    """The chip's own cells; of what is not given, a simulation draws every cell from the family.

    Values are those at the temperature of the file, not at 300 K.
    """

    chip: str = ""
    """as on its label, or by its name in the run that was calibrated"""
    provenance: Provenance = "fitted"
    source: str = Field(min_length=1)
    """the fit, and what it was made from"""
    parallel_ohms: CellMap | None = None
    """resistance in P at vanishing voltage, without contact"""
    tmr: CellMap | None = None
    half_volts: CellMap | None = None
    half_volts_negative: CellMap | None = None
    contact_ohms: CellMap | None = None
    critical_volts_to_parallel: CellMap | None = None
    """without stray field: give stray_field with it, zeros if it is part of the critical voltages"""
    critical_volts_to_antiparallel: CellMap | None = None
    thermal_stability: CellMap | None = None
    stray_field: CellMap | None = None
    repeatability: CellMap | None = None
    """relative standard deviation of the resistance from one write or read to the next: how well a prediction can do"""
    defects: list[DefectiveCell] | None = None
    """all of them; an empty list says that there are none"""

    def maps(self) -> Iterator[tuple[str, CellMap]]:
        """Iterate over the maps that are given, by name."""
        for name in type(self).model_fields:
            if isinstance(found := getattr(self, name), CellMap):
                yield name, found

    def check(self, shape: tuple[int, int]) -> None:
        """Raise ValueError for what does not fit an array of this shape."""
        for name, found in self.maps():
            lowest = -1.0 if name == "stray_field" else 0.0
            found.check(name, shape, lowest, open_end=name not in _AT_LEAST_ZERO)
        if self.stray_field is not None and (self.stray_field.array >= 1.0).any():
            raise ValueError("cells.stray_field reaches the anisotropy field; keep it below 1")
        places = [(each.row, each.column) for each in self.defects or ()]
        for number, (row, column) in enumerate(places):
            if row >= shape[0] or column >= shape[1]:
                raise ValueError(f"cells.defects.{number}: there is no row {row}, column {column} in a {shape} array")
            if (row, column) in places[:number]:
                raise ValueError(f"cells.defects.{number}: row {row}, column {column} stands twice; keep one")

    def placed_in(self, junctions: Junctions) -> Junctions:
        """Return drawn junctions with the chip's own values in the place of the drawn ones."""
        named: dict[str, Any] = {name: found.array.ravel() for name, found in self.maps() if name != "repeatability"}
        if (half := named.pop("half_volts", None)) is not None:
            named["half_volts_positive"] = half
        if (negative := named.get("half_volts_negative", half)) is not None:
            named["half_volts_negative"] = negative
        if self.defects is not None:
            named["defect"], named["defect_ohms"] = np.zeros(junctions.cells, np.int8), np.full(junctions.cells, np.nan)
            for each in self.defects:
                cell = each.row * junctions.shape[1] + each.column
                named["defect"][cell] = KINDS[each.kind]
                named["defect_ohms"][cell] = np.nan if each.ohms is None else each.ohms
        return replace(junctions, **named)


class RangeOffsets(DescribedModel):
    """What the meters of all lines show on one range when no current flows."""

    full_scale_amperes: float = Field(gt=0.0)
    amperes: list[float | None]
    """by line, rows first; null for a line that was not read on the range"""
    scatter_amperes: float = Field(0.0, ge=0.0)
    """rms of a reading about what the offsets predict"""
    gain: float = Field(1.0, gt=0.5, lt=2.0)
    """what the meters show on this range, over what they show on the others"""


class LineOffsets(DescribedModel):
    """Offsets of the sources and meters behind the lines, where they were fitted: of the bench, not of the chip."""

    provenance: Provenance = "fitted"
    source: str = Field(min_length=1)
    source_volts: list[float]
    """by line, rows first: what a source puts out when told 0 V"""
    ranges: list[RangeOffsets] = Field(default_factory=list)
    meter_gains: list[Annotated[float, Field(gt=0.5, lt=2.0)]] | None = None
    """by line: what a meter shows over what the mean of all shows; None: all alike"""
    source_gains: list[Annotated[float, Field(gt=0.5, lt=2.0)]] | None = None
    """by line: what a source puts out over what it is set to, against the mean of all; None: all alike"""

    def check(self, lines: int) -> None:
        """Raise ValueError for lists of another length than the lines."""
        lists: dict[str, Sequence[float | None]] = {"source_volts": self.source_volts} | {
            f"ranges.{number}.amperes": each.amperes for number, each in enumerate(self.ranges)
        }
        lists |= {"meter_gains": self.meter_gains or [1.0] * lines, "source_gains": self.source_gains or [1.0] * lines}
        for name, values in lists.items():
            if len(values) != lines:
                raise ValueError(f"offsets.{name} holds {len(values)} values; the array has {lines} lines")


def _rounded(values: FloatArray, digits: int) -> list[list[float]]:
    return [[float(f"{value:.{digits}g}") for value in row] for row in np.asarray(values, float).tolist()]
