"""The variance of predicted currents that follows from the standard errors of an array file's wires.

Derived here: first-order propagation through dY/dr of `labmtj.fitting.port_model`.
"""

from __future__ import annotations

import numpy as np

from labmtj.arrays import ArrayDescription
from labmtj.fitting.wire_model import WIRES, split, through_pieces
from labmtj.quantities import FloatArray


def wire_variance(description: ArrayDescription, transfer: FloatArray, line_volts: FloatArray) -> FloatArray:
    """Return the variance of the current of every line, (biases, lines), in square amperes.

    An ohm more in a piece of wire that carries F amperes per volt on each line changes the currents by -F (F v).

    Args:
        description: the wires, with standard errors where they were fitted.
        transfer: (cells, lines) current of each cell per volt on each line.
        line_volts: (biases, lines).
    """
    shape = description.shape
    per_volt = split(through_pieces(transfer, shape), shape)
    flowing = split(through_pieces(transfer @ np.nan_to_num(line_volts).T, shape), shape)
    variance = np.zeros(line_volts.shape)
    for name, unit, amperes in zip(WIRES, per_volt, flowing, strict=True):
        wire = getattr(description.wires, name)
        lines = unit.shape[0]
        unit, amperes = unit.reshape(lines, -1, unit.shape[-1]), amperes.reshape(lines, -1, len(line_volts))
        if wire.standard_errors_by_line is not None:
            changes = np.einsum("gel,geb->gbl", unit, amperes)
            variance += np.einsum("g,gbl->bl", np.array(wire.standard_errors_by_line) ** 2, changes**2)
        elif wire.standard_error:
            variance += (wire.standard_error * np.einsum("gel,geb->bl", unit, amperes)) ** 2
    return variance
