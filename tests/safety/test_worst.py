import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labmtj.circuit import PortState, Wires, line_volts, response_of
from labmtj.errors import LimitExceeded
from labmtj.quantities import Bias, Limits
from labmtj.safety import Envelope, most_cell_volts, spread_volts

SHAPE = (3, 4)
WIRES = Wires.uniform(SHAPE, row_segment_ohms=30, column_segment_ohms=20, row_lead_ohms=100, column_lead_ohms=80)
ANTIPARALLEL, PARALLEL = 1e-4, 2e-4
VOLTS = st.one_of(st.just(np.nan), st.floats(-1.0, 1.0), st.sampled_from([0.0, 0.5, -0.5]))


def seen(volts, siemens):
    """Volts across the worst cell of a solved network."""
    ports = PortState(response_of(WIRES), 1 / siemens)
    return np.abs(ports.cell_volts(line_volts(ports.admittance, volts))).max()


@settings(max_examples=60)
@given(st.lists(VOLTS, min_size=7, max_size=7), st.integers(0, 2**12 - 1))
def test_no_state_puts_more_across_a_cell(volts, bits):
    """Fails if a pass takes the mean over nominal cells in the place of the worse end of their range."""
    volts = np.array(volts)
    states = np.array([bits >> k & 1 for k in range(12)], bool)
    bound = most_cell_volts(WIRES, ANTIPARALLEL, PARALLEL)(volts[np.newaxis])[0]
    assert seen(volts, np.where(states, PARALLEL, ANTIPARALLEL)) <= bound + 1e-5  # floating lines leak in the network
    assert bound <= spread_volts(Bias.from_lines(volts, SHAPE))[0] + 1e-12


def test_the_bound_is_tight_where_the_worst_state_is_known():
    """A half-selected write: all cells AP but for the margin take least from the lines."""
    volts = np.array([0, 0.5, 0, 0, 0, -0.5, 0.0])
    bound = most_cell_volts(WIRES, ANTIPARALLEL, PARALLEL)(volts[np.newaxis])[0]
    least = np.full(12, 0.8 * ANTIPARALLEL)
    assert seen(volts, least) <= bound < seen(volts, least) + 2e-3
    assert bound < 0.97


def test_only_a_calibrated_array_may_be_driven_beyond_the_model_free_bound():
    bias = Bias([0, 0.5, 0], [0, 0, -0.5, 0])
    limits = Limits(cell_volts=0.98)
    with pytest.raises(LimitExceeded, match="puts 1 V across a cell"):
        Envelope(limits, SHAPE, PARALLEL).check(bias, 1e-3)
    calibrated = most_cell_volts(WIRES, ANTIPARALLEL, PARALLEL)
    Envelope(limits, SHAPE, PARALLEL, calibrated).check(bias, 1e-3)
    with pytest.raises(LimitExceeded, match=r"puts up to 0\.96"):
        Envelope(Limits(cell_volts=0.9), SHAPE, PARALLEL, calibrated).check(bias, 1e-3)
