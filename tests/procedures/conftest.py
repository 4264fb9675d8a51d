"""What the tests of the procedures share."""

import os
from pathlib import Path

import numpy as np
import pytest

from labmtj.circuit import Wires
from labmtj.junction import Junctions
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
        segment_ohms=3.0, lead_ohms=10.0, polarity=1, defects=(), limits=None, **parts,
    ):  # fmt: skip
        draw = np.random.default_rng([seed, 99])
        cells = shape[0] * shape[1]
        junctions = Junctions.ideal(
            shape,
            parallel_ohms * np.exp(sigma_ohms * draw.standard_normal(cells)),
            critical_volts_to_parallel=0.60 * (1 + sigma_volts * draw.standard_normal(cells)),
            critical_volts_to_antiparallel=0.70 * (1 + sigma_volts * draw.standard_normal(cells)),
            thermal_stability=stability,
            barrier_exponent=exponent,
            polarity=polarity,
        )
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
