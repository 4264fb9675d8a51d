"""The cells of one chip as they were fitted: what an array file may say beyond the statistics of its family."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from labmtj.device.cellmap import CellMap
from labmtj.device.model import OwnCells
from labmtj.device.mtj.junctions import Defect, Junctions
from labmtj.device.parameter import DescribedModel
from labmtj.errors import UsageError

Kind = Literal["stuck_parallel", "stuck_antiparallel", "short", "open"]
KINDS: dict[Kind, Defect] = {
    "stuck_parallel": Defect.STUCK_P, "stuck_antiparallel": Defect.STUCK_AP, "short": Defect.SHORT, "open": Defect.OPEN,
}  # fmt: skip
_AT_LEAST_ZERO = ("tmr", "contact_ohms", "repeatability")
"""maps that may hold zeros; of the others all but the stray field are positive"""


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


class CellsDescription(OwnCells):
    """The chip's own cells; of what is not given, a simulation draws every cell from the family.

    Values are those at the temperature of the file, not at 300 K.
    """

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

    @classmethod
    def of(cls, cells: OwnCells | None) -> Self | None:
        """Return the cells that an array file gives; UsageError if they are of another device."""
        if cells is None or isinstance(cells, cls):
            return cells
        raise UsageError(f"this needs the cells of magnetic tunnel junctions; got those of {type(cells).__name__}")

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
                raise ValueError(f"cells.defects.{number}: row {row}, column {column} is given twice; keep one")

    def placed_in(self, cells: Junctions) -> Junctions:
        """Return drawn junctions with the chip's own values instead of the drawn ones."""
        named: dict[str, Any] = {name: found.array.ravel() for name, found in self.maps() if name != "repeatability"}
        if (half := named.pop("half_volts", None)) is not None:
            named["half_volts_positive"] = half
        if (negative := named.get("half_volts_negative", half)) is not None:
            named["half_volts_negative"] = negative
        if self.defects is not None:
            named["defect"], named["defect_ohms"] = np.zeros(cells.cells, np.int8), np.full(cells.cells, np.nan)
            for each in self.defects:
                cell = each.row * cells.shape[1] + each.column
                named["defect"][cell] = KINDS[each.kind]
                named["defect_ohms"][cell] = np.nan if each.ohms is None else each.ohms
        return replace(cells, **named)
