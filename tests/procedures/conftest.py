"""Arrays of the procedures' tests: ideal junctions with a stated spread, uniform wires."""

import numpy as np
import pytest

from labmtj.circuit import Wires
from labmtj.junction import Junctions
from labmtj.quantities import Limits
from labmtj.simulated import SimulatedCrossbar

SHAPE = (15, 15)


def uniform_wires(shape=SHAPE, segment_ohms=3.0, lead_ohms=10.0):
    return Wires.uniform(
        shape,
        row_segment_ohms=segment_ohms,
        column_segment_ohms=segment_ohms,
        row_lead_ohms=lead_ohms,
        column_lead_ohms=lead_ohms,
    )


@pytest.fixture
def spread_array():
    """Return a function that makes an array of cells with normal spreads, 3 ohm segments and 10 ohm leads."""

    def build(
        parallel_ohms=3000.0, seed=0, sigma_ohms=0.0, sigma_volts=0.0, defects=(), meter=None, shape=SHAPE, **cells
    ):
        draw = np.random.default_rng([seed, 77])

        def around(value, sigma):
            return value * (1 + sigma * draw.standard_normal(shape).clip(-4, 4))

        cells = {"barrier_exponent": 1, "thermal_stability": 50.0} | cells
        junctions = Junctions.ideal(
            shape,
            around(parallel_ohms, sigma_ohms),
            critical_volts_to_parallel=around(0.6, sigma_volts),
            critical_volts_to_antiparallel=around(0.7, sigma_volts),
            **cells,
        )
        for (row, column), defect, ohms in defects:
            junctions = junctions.with_defect(row * shape[1] + column, defect, ohms)
        return SimulatedCrossbar(
            uniform_wires(shape), junctions, seed=seed, limits=Limits(line_amperes=0.1), meter=meter
        )

    return build


@pytest.fixture
def states():
    """Return a function that gives the states in which the cells really are, True = P."""
    return lambda crossbar: crossbar.array.junctions.apparent_state(crossbar.array.state).reshape(crossbar.shape)
