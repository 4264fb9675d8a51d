import numpy as np
import pytest

from labmtj.device.mtj.analytic import switching_probability
from labmtj.errors import SettingError
from labmtj.record import MemoryLog
from procedures.write_errors.procedure import WriteErrors


@pytest.mark.parametrize("critical", [(0.60, 0.70), (0.5, 0.55)])
def test_error_rates_are_those_of_the_law(make, critical):
    # ideal wires: the cell sees what the lines are given
    crossbar = make(
        (6, 6), sigma_ohms=0.0, sigma_volts=0.0, stability=40.0, exponent=2, segment_ohms=0.0, lead_ohms=0.0,
        critical=critical,
    )  # fmt: skip
    volts = [0.2, 0.24, 0.28, 0.32]
    result = WriteErrors(volts=volts, pulses=50, count=4).execute(crossbar, MemoryLog())
    for d in (0, 1):
        chance = switching_probability(
            volts, 1e-3, critical_volts=critical[d], thermal_stability=40.0, barrier_exponent=2
        )
        assert ((result.pooled.low[d] <= 1 - chance) & (1 - chance <= result.pooled.high[d])).sum() >= 3
    assert (result.trials == 50).all()
    assert (result.rate.high[result.errors == 0] < 0.08).all()  # an upper limit where none was seen
    assert (result.rate.low[result.errors == 0] == 0).all()
    assert not crossbar.array.state.any()


def test_all_cells_are_tried_and_recorded(make):
    log = MemoryLog()
    result = WriteErrors(volts=[0.9], pulses=3, every=True).execute(make((4, 5)), log)
    assert len(result.cells) == 20
    assert result.pooled.value.max() == 0
    kept = log.read("write_errors")
    np.testing.assert_array_equal(kept["trials"], np.full((2, 20, 1), 3))
    assert log.read_attributes("write_errors")["effort_pulses"] == result.cost.pulses


def test_amplitudes_are_checked(make):
    with pytest.raises(SettingError, match=r"volts: 3\.5 V exceeds"):
        WriteErrors(volts=[0.3, 3.5]).execute(make((4, 4)), MemoryLog())
