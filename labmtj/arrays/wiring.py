"""The wires of an array as its file describes them: one resistance for each kind, or one for each line or segment."""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from labmtj.device.parameter import LARGEST, DescribedModel, Parameter
from labmtj.quantities import FloatArray

Ohms = Annotated[float, Field(ge=0.0, le=LARGEST)]


class WireParameter(Parameter):
    """A resistance of the wires in ohms: the same for all lines of a kind unless `by_line` is given."""

    by_line: list[Ohms | list[Ohms]] | None = None
    """one number per line; of segments also a list per line, from the left or from the top. `value` is the mean then"""
    standard_error: float | None = Field(None, ge=0.0)
    """of the value, where a fit gave it"""
    standard_errors_by_line: list[Annotated[float, Field(ge=0.0)]] | None = None
    """of the mean of each line"""

    @model_validator(mode="after")
    def _not_negative_constant(self) -> Self:
        if self.value < 0.0:
            raise ValueError(f"value = {self.value:g} is not a resistance of a wire; give zero or more ohms")
        if self.spread:
            raise ValueError("this is one number for the whole array; leave its sigma out, or give by_line")
        return self

    def ohms(self, lines: int, each: int) -> FloatArray:
        """Return the resistances of `each` pieces of every line, (lines, each)."""
        if self.by_line is None:
            return np.full((lines, each), self.value)
        return np.array([np.broadcast_to(line, each) for line in self.by_line], float).reshape(lines, each)

    def check(self, name: str, lines: int, each: int) -> None:
        """Raise ValueError for lists of another length than the lines, or their segments."""
        for part, values in (("by_line", self.by_line), ("standard_errors_by_line", self.standard_errors_by_line)):
            if values is not None and len(values) != lines:
                raise ValueError(f"wires.{name}.{part} holds {len(values)} values; the array has {lines} such lines")
        for number, line in enumerate(self.by_line or ()):
            if isinstance(line, list) and len(line) != each:
                raise ValueError(f"wires.{name}.by_line.{number} holds {len(line)} values; the line has {each} pieces")


class WireDescription(DescribedModel):
    """Resistances of the wires, in ohms."""

    row_segment_ohms: WireParameter
    """between two neighbouring cells of a row"""
    column_segment_ohms: WireParameter
    row_lead_ohms: WireParameter
    """pad, cable, relay and source in front of a row"""
    column_lead_ohms: WireParameter

    def pieces(self, shape: tuple[int, int]) -> dict[str, FloatArray]:
        """Return all resistances by kind: segments (rows, columns - 1), (columns, rows - 1), leads (lines, 1)."""
        return {name: getattr(self, name).ohms(*size) for name, size in _sizes(shape).items()}

    def check(self, shape: tuple[int, int]) -> None:
        """Raise ValueError for lists that do not fit an array of this shape."""
        for name, size in _sizes(shape).items():
            getattr(self, name).check(name, *size)


def _sizes(shape: tuple[int, int]) -> dict[str, tuple[int, int]]:
    rows, columns = shape
    return {
        "row_segment_ohms": (rows, columns - 1), "column_segment_ohms": (columns, rows - 1),
        "row_lead_ohms": (rows, 1), "column_lead_ohms": (columns, 1),
    }  # fmt: skip
