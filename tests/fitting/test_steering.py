import numpy as np
import pytest

from labmtj.device.mtj.analytic import switching_probability
from labmtj.errors import UsageError
from labmtj.fitting.steering import Steering

LAW = {"critical_volts": 0.6, "thermal_stability": 50.0, "barrier_exponent": 2}


def test_pulses_go_where_they_tell_most():
    draw = np.random.default_rng(1)
    steering, chances = Steering(50, 0.05, 0.9), []
    for _ in range(60):
        volts = steering.next_volts()
        chance = switching_probability(volts, 1e-3, **LAW)
        steering.tell(volts, draw.random(50) < chance, np.ones(50, bool))
        chances.append(chance)
    early, late = np.array(chances[:4]), np.array(chances[15:])
    assert np.mean((early < 0.02) | (early > 0.98)) > 0.5  # it looks for V50 first
    assert np.mean((late > 0.05) & (late < 0.995)) > 0.9
    for low, high in ((0.1, 0.4), (0.35, 0.7), (0.8, 0.99)):  # about the telling points: P = 0.23, 0.5 and 0.93
        assert 0.2 < np.mean((late > low) & (late < high)) < 0.5


def test_amplitudes_stay_within_the_range():
    steering = Steering(2, 0.2, 0.3)
    for _ in range(30):
        volts = steering.next_volts()
        assert ((volts >= 0.2) & (volts <= 0.3)).all()
        steering.tell(volts, np.array([True, False]), np.ones(2, bool))
    assert volts[0] < 0.21
    assert volts[1] > 0.29


def test_a_pulse_that_does_not_count_changes_nothing():
    steering = Steering(2, 0.1, 0.9)
    before = steering.next_volts()
    steering.tell(before, np.array([True, True]), np.array([False, True]))
    after = steering.next_volts()
    assert after[0] == before[0]
    assert after[1] < before[1]


def test_a_range_without_room_is_refused():
    with pytest.raises(UsageError, match="no room"):
        Steering(1, 0.9, 0.9)
