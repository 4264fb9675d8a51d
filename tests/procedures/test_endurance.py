import numpy as np
import pytest
from pydantic import ValidationError

from labmtj.device.wear import Wear
from labmtj.errors import SettingError
from labmtj.quantities import Limits
from labmtj.record import MemoryLog
from procedures.endurance.procedure import NEVER, Endurance

SETTINGS = {"cells": [(0, 0), (1, 1), (3, 2)], "parallel_volts": 0.6, "antiparallel_volts": 0.7}


def wearing(weak):
    """Cell (1, 1) of a 4 x 4 array breaks at a stress of `weak`: 1 per second at 0.7 V, with the tenth power."""
    limits = np.full(16, 1e9)
    limits[5] = weak
    return Wear(0.7, 10.0, 1.0, limits, np.full(16, 200.0))


def test_a_cell_that_breaks_down_is_told_within_a_block_and_gets_no_more_pulses(make):
    crossbar = make((4, 4), wear=wearing(1.5), sigma_volts=0.0)
    given = []
    pulse = crossbar.pulse
    crossbar.pulse = lambda bias, seconds: (given.append((bias, crossbar.array.broken[5])), pulse(bias, seconds))[1]
    result = Endurance(cycles=1500, check_cycles=50, checks=5, **SETTINGS).execute(crossbar, MemoryLog())
    assert result.broken_at[[0, 2]].tolist() == [NEVER, NEVER]
    assert 100 < result.broken_at[1] < 1500
    place = result.cycles.tolist().index(result.broken_at[1])
    assert np.diff(result.cycles).max() <= 50
    assert np.isfinite(result.parallel_amperes[:place, 1]).all()
    assert np.isnan(result.antiparallel_amperes[place:, 1]).all()
    assert np.isfinite(result.contrast[:, [0, 2]]).all()
    assert result.whole[0] == 3
    assert result.whole[-1] == 2
    # behind the check that saw it no pulse selects the cell: row 1 is not driven against column 1
    late = [bias for bias, broken in given if broken][2:-1]
    assert late
    for bias in late:
        across = bias.line_volts[:, 1] - bias.line_volts[:, 4 + 1]
        assert not (np.abs(across) > 0.5).any()


@pytest.mark.parametrize("count", [1, 3])
def test_a_group_that_breaks_down_by_one_pulse_ends(make, count):
    """No cell is left for the other half of the cycle."""
    limits = np.full(16, 1.5)  # a pulse to P takes 2.1, the reference maps less
    limits[[k for k in range(16) if k not in (0, 5, 14)[:count]]] = 1e9
    wear = Wear(0.7, 10.0, 1.0, limits, np.full(16, 200.0))
    settings = SETTINGS | {"cells": SETTINGS["cells"][:count], "parallel_volts": 0.95, "pulse_seconds": 0.1}
    result = Endurance(cycles=50, check_cycles=1, checks=2, **settings).execute(
        make((4, 4), wear=wear, sigma_volts=0.0, segment_ohms=0.0, lead_ohms=0.0), MemoryLog()
    )
    assert (result.broken_at > 0).all()
    assert result.broken.value[-1] == 1
    assert result.broken.low[-1] < 1


def test_healthy_cells_keep_contrast_and_yield(make, true_state):
    crossbar = make((4, 4))
    log = MemoryLog()
    result = Endurance(cycles=300, **SETTINGS).execute(crossbar, log)
    assert result.cycles[0] == 1
    assert result.cycles[-1] == 300
    np.testing.assert_array_equal(result.switched_fraction, 1.0)
    np.testing.assert_allclose(result.contrast, 0.98, atol=0.1)  # TMR 1, less what the wires take
    assert result.cost.pulses > 2 * 300 * 3
    np.testing.assert_array_equal(log.read("endurance")["cycles"], result.cycles)
    assert not true_state(crossbar).any()


def test_the_budget_is_required_and_within_the_life_of_a_cell(make):
    with pytest.raises(ValidationError, match="cycles"):
        Endurance(**SETTINGS)
    with pytest.raises(SettingError, match="cycles: 2008 pulses of a cell exceed 1000 per cell"):
        Endurance(cycles=1000, **SETTINGS).execute(make((4, 4), limits=Limits(pulses_per_cell=1000)), MemoryLog())
