import numpy as np
import pytest

from labmtj.device.mtj.analytic import switching_rate
from labmtj.errors import SettingError
from labmtj.record import MemoryLog
from procedures.retention.procedure import Retention


def test_the_fraction_lost_at_rest_is_that_of_the_law_and_the_hours_are_booked(make, true_state):
    stability = 30.0
    crossbar = make((12, 12), stability=stability, sigma_volts=0.0, seed=5)
    result = Retention(waits_seconds=[300.0, 600.0, 1200.0]).execute(crossbar, MemoryLog())
    truth = switching_rate(0.0, critical_volts=0.6, thermal_stability=stability, barrier_exponent=1)
    away = (1 - np.exp(-2 * truth * result.seconds)) / 2  # some have come back
    assert ((result.lost.low <= away) & (away <= result.lost.high)).sum() >= 5
    assert (result.least_rate <= truth).sum() >= 5
    np.testing.assert_allclose(result.seconds, [[300, 600, 1200]] * 2, rtol=1e-3)
    assert result.flipped[:, -1].min() > 10
    assert 2 * 1200 < result.cost.seconds < 2 * 1200 + 100
    assert not true_state(crossbar).any()


def test_a_stable_array_gets_an_upper_limit(make):
    log = MemoryLog()
    result = Retention(waits_seconds=[3600.0]).execute(make((6, 6), stability=60.0), log)
    assert result.flipped.sum() == 0
    # mid-P of none in 36 cells
    np.testing.assert_allclose(result.lost.high, 1 - 0.05 ** (1 / 36), rtol=1e-6)
    np.testing.assert_array_equal(log.read("retention")["lost_high"], result.lost.high)


@pytest.mark.parametrize("waits", [[10.0, 5.0], [5.0, 5.0], [0.0, 5.0], [5.0, 1e300]])
def test_times_must_rise_within_reason(make, waits):
    with pytest.raises(SettingError, match="rising times"):
        Retention(waits_seconds=waits).execute(make((3, 3)), MemoryLog())
