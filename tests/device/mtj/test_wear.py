"""Breakdown: stress, its threshold, and what is left of the cell."""

from dataclasses import replace

import numpy as np
import pytest

from labmtj.device.mtj import Defect, Junctions
from labmtj.device.wear import Wear
from labmtj.errors import UsageError


def wear(cells=4):
    return Wear(
        volts=1.4, exponent=50.0, seconds=1.0, stress_limit=np.ones(cells), broken_ohms=np.linspace(100, 500, cells)
    )


def test_stress_at_the_breakdown_voltage_is_one_per_second_whatever_the_sign():
    np.testing.assert_allclose(wear(2).stress_rates(np.array([1.4, -1.4])), [1.0, 1.0])
    np.testing.assert_allclose(wear(2).stress_rates(np.array([-1.4, -1.4])), [1.0, 1.0])
    # A tenth more voltage: 1.1^50 times faster.
    np.testing.assert_allclose(wear(2).stress_rates(np.array([1.54, 1.05])), [1.1**50, 0.75**50], rtol=1e-9)


def test_harmless_voltages_stress_nothing_at_all():
    assert wear().harmless_volts == pytest.approx(1.4 * 10 ** (-12 / 50))
    assert np.all(wear().stress_rates(np.full((3, 4), 0.8)) == 0.0)
    assert np.all(wear().stress_rates(np.full(4, 0.82)) > 0.0)


def test_weibull_failures_appear_at_the_stated_time():
    """Under constant voltage the failed fraction is 1 - exp(-(t / eta)^1.5)."""
    limits = np.random.default_rng(1).standard_exponential(200_000) ** (1 / 1.5)
    law = Wear(1.4, 50.0, 2.0, limits, limits)
    stress = law.stress_rates(np.full(limits.size, 1.45)) * 0.3
    eta = 2.0 * (1.45 / 1.4) ** -50
    assert np.mean(stress > law.stress_limit) == pytest.approx(1 - np.exp(-((0.3 / eta) ** 1.5)), abs=5e-3)


def test_a_broken_cell_is_a_short_that_never_switches():
    junctions = replace(Junctions.ideal((2, 2), 5000.0, half_volts=0.5), wear=wear())
    after = junctions.broken(2)
    state = np.zeros(4, bool)
    np.testing.assert_allclose(
        after.conduction(state).zero_bias_ohms, [10000.0, 10000.0, wear().broken_ohms[2], 10000.0]
    )
    assert after.switching(state).rates(np.ones(4))[2] == 0.0
    assert after.defect[2] == Defect.SHORT
    assert junctions.defect[2] == Defect.NONE


def test_junctions_without_wear_do_not_break():
    with pytest.raises(UsageError, match="no breakdown"):
        Junctions.ideal((2, 2)).broken(0)
