"""What an array file says the lines carry: the network solved for given states and biases, without noise or chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.arrays import ArrayDescription
from labmtj.bench.files.protecting import wires_of
from labmtj.circuit import OperatingPoint, PortState, operating_point, response_of
from labmtj.device.mtj import CellsDescription, Family, Junctions, draw
from labmtj.device.parameter import Parameter
from labmtj.quantities import FloatArray

SETTLED_VOLTS = 1e-7
"""a solve ends when another pass would move no cell as far: 1e-6 of a read voltage"""


class Model:
    """The cells and wires of an array file; what the file does not say of its cells is their family's median.

    Args:
        description: of the array.
        parallel_ohms: (cells,) instead of the file's.
        antiparallel_ohms: (cells,) at vanishing voltage, instead of the file's.
    """

    def __init__(
        self,
        description: ArrayDescription,
        parallel_ohms: FloatArray | None = None,
        antiparallel_ohms: FloatArray | None = None,
    ) -> None:
        self.description = description
        self.junctions = median_cells(description)
        if parallel_ohms is not None and antiparallel_ohms is not None:
            tmr = np.maximum(antiparallel_ohms / parallel_ohms - 1.0, 0.0)
            self.junctions = replace(self.junctions, parallel_ohms=parallel_ohms, tmr=tmr)
        contact = self.junctions.contact_ohms.reshape(description.shape)
        self._response = response_of(wires_of(description, contact))
        self._cells = replace(self.junctions, contact_ohms=np.zeros_like(self.junctions.contact_ohms))

    def rewired(self, parallel_ohms: FloatArray, antiparallel_ohms: FloatArray) -> Model:
        """Return a model with other cells and the same wires."""
        other = object.__new__(Model)
        tmr = np.maximum(antiparallel_ohms / parallel_ohms - 1.0, 0.0)
        other.description, other._response = self.description, self._response
        other.junctions = replace(self.junctions, parallel_ohms=parallel_ohms, tmr=tmr)
        other._cells = replace(other.junctions, contact_ohms=np.zeros_like(parallel_ohms))
        return other

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.description.shape

    def line_amperes(self, state: NDArray[Any], line_volts: FloatArray) -> FloatArray:
        """Return the currents into the lines, (batch, lines), in the states (cells,) at volts (batch, lines)."""
        return self.solve(state, line_volts).line_amperes

    def ports(self, state: NDArray[Any]) -> PortState:
        """Return the network linearised at zero bias in the states (cells,)."""
        return PortState(self._response, self._cells.conduction(state).zero_bias_ohms)

    def solve(self, state: NDArray[Any], line_volts: FloatArray, ports: PortState | None = None) -> OperatingPoint:
        """Return what lines and cells carry in the states (cells,) at biases (batch, lines), NaN = floating."""
        conduction = self._cells.conduction(state)
        network = PortState(self._response, conduction.zero_bias_ohms) if ports is None else ports
        return operating_point(
            network, line_volts, conduction.amperes, cell_siemens=conduction.differential_siemens,
            tolerance_volts=SETTLED_VOLTS,
        )  # fmt: skip


def median_cells(description: ArrayDescription) -> Junctions:
    """Return the cells that a file gives, and the medians of its family where it gives none: no spread, no defects."""
    family, kelvin = _without_spread(Family.of(description.family)), description.temperature_kelvin
    cells = draw(family, description.shape, description.polarity, kelvin, 0, "median")
    own = CellsDescription.of(description.cells)
    return cells if own is None else own.placed_in(cells)


def _without_spread(family: Family) -> Family:
    changes: dict[str, Any] = {
        name: value.model_copy(update={"sigma": 0.0, "relative_sigma": 0.0})
        for name in type(family).model_fields
        if isinstance(value := getattr(family, name), Parameter)
    }
    none = {"value": 0.0}
    fractions = ("stuck_parallel", "stuck_antiparallel", "short", "open")
    changes["defects"] = family.defects.model_copy(
        update={name: getattr(family.defects, name).model_copy(update=none) for name in fractions}
    )
    changes["gradient"] = family.gradient.model_copy(update=none)
    changes |= {"telegraph": None, "breakdown": None, "pink_noise": None}
    return family.model_copy(update=changes)
