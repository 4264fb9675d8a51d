"""One number per cell of a chip, as an array file holds it."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from pydantic import Field

from labmtj.device.parameter import DescribedModel
from labmtj.quantities import FloatArray


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


def _rounded(values: FloatArray, digits: int) -> list[list[float]]:
    return [[float(f"{value:.{digits}g}") for value in row] for row in np.asarray(values, float).tolist()]
