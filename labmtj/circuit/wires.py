"""The wires of an array as resistances: segments between cells, leads to the pads, contacts under the cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.quantities import FloatArray

RowEnds = Literal["left", "right", "both"]
ColumnEnds = Literal["bottom", "top", "both"]
_PADS = {"left": (0,), "right": (1,), "top": (0,), "bottom": (1,), "both": (0, 1)}


@brief
@dataclass(init=False, frozen=True, eq=False)
class Wires:
    """Resistances of the wires of a rows x columns array, in ohms; zero is allowed everywhere.

    An infinite segment is a cut wire; an infinite lead is an end without a pad. Both pads of a line padded at both ends
    are tied to the same line voltage.

    Raises:
        UsageError: for a wrong shape, a negative or NaN resistance, an infinite contact, or a line without any pad.
    """

    row_segment_ohms: FloatArray
    """(rows, columns - 1)"""
    column_segment_ohms: FloatArray
    """(columns, rows - 1)"""
    row_lead_ohms: FloatArray
    """(rows, 2): left and right end, from pad to first cell"""
    column_lead_ohms: FloatArray
    """(columns, 2): top and bottom end"""
    contact_ohms: FloatArray
    """(rows, columns), or one number for all: in series with each cell"""

    def __init__(
        self,
        row_segment_ohms: ArrayLike,
        column_segment_ohms: ArrayLike,
        row_lead_ohms: ArrayLike,
        column_lead_ohms: ArrayLike,
        contact_ohms: ArrayLike = 0.0,
    ) -> None:
        rows, columns = _line_count("row", row_lead_ohms), _line_count("column", column_lead_ohms)
        for name, ohms, shape in (
            ("row_segment_ohms", row_segment_ohms, (rows, columns - 1)),
            ("column_segment_ohms", column_segment_ohms, (columns, rows - 1)),
            ("row_lead_ohms", row_lead_ohms, (rows, 2)),
            ("column_lead_ohms", column_lead_ohms, (columns, 2)),
            (
                "contact_ohms",
                np.broadcast_to(contact_ohms, (rows, columns)) if np.ndim(contact_ohms) == 0 else contact_ohms,
                (rows, columns),
            ),
        ):
            object.__setattr__(self, name, _checked(name, ohms, shape))
        if np.isinf(self.contact_ohms).any():
            raise UsageError("contact_ohms holds an infinite resistance; make the cell itself large instead")
        for name, leads in (("row", self.row_lead_ohms), ("column", self.column_lead_ohms)):
            padless = np.flatnonzero(np.isinf(leads).all(axis=1))
            if len(padless):
                raise UsageError(f"{name} {padless[0]} has no pad: both its leads are infinite; give one a resistance")

    @classmethod
    def uniform(
        cls,
        shape: tuple[int, int],
        *,
        row_segment_ohms: float,
        column_segment_ohms: float,
        row_lead_ohms: float,
        column_lead_ohms: float,
        row_ends: RowEnds = "left",
        column_ends: ColumnEnds = "bottom",
        contact_ohms: float = 0.0,
    ) -> Self:
        """Return wires of one resistance per kind, padded at the ends named (UsageError for another name)."""
        rows, columns = shape
        if rows < 1 or columns < 1:
            raise UsageError(f"an array needs at least one row and one column; got {rows} x {columns}")
        return cls(
            np.full((rows, columns - 1), row_segment_ohms),
            np.full((columns, rows - 1), column_segment_ohms),
            _uniform_leads(rows, row_lead_ohms, "row_ends", row_ends, ("left", "right", "both")),
            _uniform_leads(columns, column_lead_ohms, "column_ends", column_ends, ("bottom", "top", "both")),
            contact_ohms,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.row_lead_ohms), len(self.column_lead_ohms)


def _line_count(kind: str, lead_ohms: ArrayLike) -> int:
    shape = np.shape(lead_ohms)
    if len(shape) != 2 or shape[0] == 0:
        raise UsageError(f"{kind}_lead_ohms needs the shape ({kind}s, 2); got {shape}")
    return int(shape[0])


def _checked(name: str, ohms: ArrayLike, shape: tuple[int, int]) -> FloatArray:
    """Return a read-only copy, or raise UsageError naming the first bad element."""
    values = np.array(ohms, dtype=np.float64)
    if values.shape != shape:
        raise UsageError(f"{name} needs the shape {shape}; got {values.shape}")
    bad = np.argwhere(~(values >= 0))
    if len(bad):
        where = tuple(int(index) for index in bad[0])
        raise UsageError(
            f"{name}[{where[0]}, {where[1]}] = {values[where]} is not a resistance; give zero or more ohms"
        )
    values.flags.writeable = False
    return values


def _uniform_leads(lines: int, ohms: float, name: str, ends: str, known: tuple[str, ...]) -> FloatArray:
    if ends not in known:
        raise UsageError(f"{name} = {ends!r} is not known; choose one of {', '.join(known)}")
    leads = np.full((lines, 2), np.inf)
    leads[:, _PADS[ends]] = ohms
    return leads
