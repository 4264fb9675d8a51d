"""What the tests of the simulated crossbar share."""

import numpy as np
import pytest

from labmtj.circuit import Wires
from labmtj.device.mtj import Junctions
from labmtj.quantities import Limits
from labmtj.simulated import SimulatedCrossbar


def wires(shape, segment_ohms=0.0, lead_ohms=0.0):
    return Wires.uniform(
        shape,
        row_segment_ohms=segment_ohms,
        column_segment_ohms=segment_ohms,
        row_lead_ohms=lead_ohms,
        column_lead_ohms=lead_ohms,
    )


@pytest.fixture
def make():
    """Return a function that makes a crossbar of ideal junctions; wires without resistance unless said."""

    def crossbar(shape, *, segment_ohms=0.0, lead_ohms=0.0, limits=None, junctions=None, state=None, parts=(), **cells):
        ideal = Junctions.ideal(shape, **cells) if junctions is None else junctions
        made = SimulatedCrossbar(
            wires(shape, segment_ohms, lead_ohms), ideal, limits=limits or Limits(line_amperes=1.0), **dict(parts)
        )
        if state is not None:
            put(made, state)
        return made

    return crossbar


def put(crossbar, state):
    """Put the cells into states, (rows, columns), without a pulse."""
    snapshot = crossbar.snapshot()
    snapshot["array"]["state"] = np.array(state, bool).reshape(-1)
    crossbar.restore(snapshot)
