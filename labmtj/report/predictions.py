"""What `labmtj twin` compares of a procedure: figures as measured, and as the twins of the chips give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from labmtj.quantities import BoolArray, FloatArray


@dataclass(frozen=True)
class TwinFigures:
    """Figures of one station.

    Args:
        station: its name.
        what: in words, such as "write fidelity of mtj-50nm-0".
        values: by name of the row of a table; one without a name stands in a sentence.
        form: format of a value, such as ".4f".
        rows: heading of the rows.
        same_states: True if they follow from the states that were written, without writing them anew.
    """

    station: str
    what: str
    values: Mapping[str, float]
    form: str
    rows: str = ""
    same_states: bool = False


class ChipModel(Protocol):
    """The twin of a chip without noise or chance."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    def line_amperes(self, state: BoolArray, line_volts: FloatArray) -> FloatArray:
        """Return the currents into the lines, (batch, lines), in the states (cells,) at volts (batch, lines)."""
        ...
