"""What the tests of the procedures share."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labmtj.circuit import Wires
from labmtj.device.mtj import Junctions
from labmtj.quantities import Limits
from labmtj.simulated import SimulatedCrossbar

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def nist_folder():
    """The public solutions, which are not part of the repository."""
    folder = Path(os.environ.get("LABMTJ_NIST_WINE", ROOT.parent / "shared" / "data" / "nist-wine"))
    if not folder.is_dir():
        pytest.skip("the public solutions are not here; LABMTJ_NIST_WINE names their folder")
    return folder


@pytest.fixture(scope="session")
def wires():
    """Return a function that makes uniform wires, rows driven from the left, columns read at the bottom."""

    def build(shape, segment_ohms=0.0, lead_ohms=0.0):
        return Wires.uniform(
            shape, row_segment_ohms=segment_ohms, column_segment_ohms=segment_ohms,
            row_lead_ohms=lead_ohms, column_lead_ohms=lead_ohms,
        )  # fmt: skip

    return build


@pytest.fixture
def make(wires):
    """Return a function that makes a crossbar with spread cells behind wires, fully known and repeatable."""

    def build(
        shape=(15, 15), *, seed=0, parallel_ohms=3000.0, sigma_ohms=0.05, sigma_volts=0.05, stability=50.0, exponent=1,
        segment_ohms=3.0, lead_ohms=10.0, polarity=1, defects=(), limits=None, critical=(0.60, 0.70), wear=None, **parts,
    ):  # fmt: skip
        draw = np.random.default_rng([seed, 99])
        cells = shape[0] * shape[1]
        junctions = Junctions.ideal(
            shape,
            parallel_ohms * np.exp(sigma_ohms * draw.standard_normal(cells)),
            critical_volts_to_parallel=critical[0] * (1 + sigma_volts * draw.standard_normal(cells)),
            critical_volts_to_antiparallel=critical[1] * (1 + sigma_volts * draw.standard_normal(cells)),
            thermal_stability=stability,
            barrier_exponent=exponent,
            polarity=polarity,
        )
        junctions = replace(junctions, wear=wear)
        for (row, column), defect, ohms in defects:
            junctions = junctions.with_defect(row * shape[1] + column, defect, ohms)
        return SimulatedCrossbar(
            wires(shape, segment_ohms, lead_ohms), junctions, seed=seed,
            limits=limits or Limits(cell_volts=3.0, line_amperes=0.1), **parts,
        )  # fmt: skip

    return build


def state_of(crossbar):
    """Return the true states, (rows, columns)."""
    return crossbar.array.state.reshape(crossbar.shape)


@pytest.fixture
def true_state():
    """Return a function from a simulated crossbar to its true states, (rows, columns)."""
    return state_of


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
    return lambda crossbar: crossbar.array.cells.apparent_state(crossbar.array.state).reshape(crossbar.shape)
