"""Switching rates against the printed tables of the thermally activated law and against its symmetries."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.device.mtj import (
    BackHopping,
    Defect,
    Junctions,
    median_switching_volts,
    switching_probability,
    switching_rate,
    write_error_volts,
)
from labmtj.errors import UsageError

TWO = np.array([True, False])


@pytest.mark.parametrize(
    ("seconds", "stability", "linear", "quadratic"),
    [
        (100e-9, 30, 0.83, 0.59),
        (10e-6, 30, 0.68, 0.44),
        (1e-3, 30, 0.53, 0.31),
        (100e-3, 30, 0.37, 0.21),
        (100e-9, 50, 0.90, 0.68),
        (10e-6, 50, 0.81, 0.56),
        (1e-3, 50, 0.72, 0.47),
        (100e-3, 50, 0.62, 0.39),
    ],
)
def test_median_switching_voltages_are_those_of_the_table(seconds, stability, linear, quadratic):
    for exponent, expected in ((1, linear), (2, quadratic)):
        volts = median_switching_volts(
            seconds, critical_volts=1.0, thermal_stability=stability, barrier_exponent=exponent
        )
        assert volts == pytest.approx(expected, abs=0.0051)


@pytest.mark.parametrize(("stability", "linear", "quadratic"), [(30, 8e-3, 0.4), (40, 2e-6, 3e-4), (50, 4e-10, 2e-7)])
def test_read_disturb_rates_are_those_of_the_table(stability, linear, quadratic):
    for exponent, expected in ((1, linear), (2, quadratic)):
        law = Junctions.ideal(
            (1, 1), critical_volts_to_parallel=0.65, thermal_stability=stability, barrier_exponent=exponent
        ).switching(np.array([False]))
        assert law.rates(np.array([0.0975])) == pytest.approx(expected, rel=0.25)  # printed to one digit


@pytest.mark.parametrize(("stability", "seconds"), [(30, 3 * 3600), (40, 8 * 3.156e7), (50, 1.6e5 * 3.156e7)])
def test_retention_at_rest_is_that_of_the_table(stability, seconds):
    law = Junctions.ideal((1, 2), thermal_stability=stability).switching(TWO)
    np.testing.assert_allclose(1.0 / law.rates(np.zeros(2)), seconds, rtol=0.1)


def test_positive_voltage_drives_to_parallel_and_polarity_turns_that_round():
    volts = np.array([0.5, 0.5])
    to_p = Junctions.ideal((1, 2)).switching(TWO).rates(volts)
    assert to_p[1] > 1e3 * to_p[0]
    turned = Junctions.ideal((1, 2), polarity=-1).switching(TWO)
    np.testing.assert_array_equal(turned.rates(-volts), to_p)


@given(st.floats(-1.5, 1.5), st.floats(20.0, 80.0), st.floats(0.3, 1.0), st.floats(-0.2, 0.2), st.sampled_from([1, 2]))
def test_the_law_of_an_array_is_the_law_of_a_cell(volts, stability, critical, stray, exponent):
    law = Junctions.ideal(
        (1, 2),
        critical_volts_to_parallel=critical,
        critical_volts_to_antiparallel=critical,
        thermal_stability=stability,
        stray_field=stray,
        barrier_exponent=exponent,
    ).switching(TWO)
    # Leaving P (cell 0) is driven by negative voltage and eased by a field that favours AP.
    for cell, sign, eased in ((0, -1.0, 1.0 - stray), (1, 1.0, 1.0 + stray)):
        expected = switching_rate(
            sign * volts,
            critical_volts=critical * eased,
            thermal_stability=stability * eased**2,
            barrier_exponent=exponent,
        )
        assert law.rates(np.full(2, volts))[cell] == pytest.approx(float(expected), rel=1e-9, abs=1e-300)


def test_beyond_the_critical_voltage_the_attempt_rate_is_the_cap():
    law = Junctions.ideal((1, 2), attempt_seconds=2e-9).switching(np.zeros(2, bool))
    np.testing.assert_allclose(law.rates(np.array([0.6, 5.0])), 0.5e9, rtol=1e-12)


def test_defective_cells_never_switch():
    junctions = Junctions.ideal((1, 5))
    for cell, defect in enumerate([Defect.STUCK_P, Defect.STUCK_AP, Defect.SHORT, Defect.OPEN]):
        junctions = junctions.with_defect(cell, defect, 200.0)
    junctions = replace(junctions, back_hopping=BackHopping())
    for state in (np.ones(5, bool), np.zeros(5, bool)):
        rates = junctions.switching(state).rates(np.array([[2.0] * 5, [-2.0] * 5]))
        assert np.all(rates[:, :4] == 0.0)
        assert np.all(rates[:, 4].max() > 1e8)


def test_setting_cells_in_place_equals_building_anew():
    rng = np.random.default_rng(0)
    junctions = Junctions.ideal((4, 4), thermal_stability=rng.uniform(30, 60, 16), stray_field=rng.normal(0, 0.05, 16))
    junctions = junctions.with_defect(5, Defect.STUCK_P)
    state, volts = rng.random(16) < 0.5, rng.normal(0, 0.4, (3, 16))
    law = junctions.switching(~state)
    for cell in range(16):
        law.set_cell(cell, bool(state[cell]))
    np.testing.assert_array_equal(law.rates(volts), junctions.switching(state).rates(volts))


def test_back_hopping_fails_a_write_at_high_bias_and_never_a_cell_at_rest():
    plain = Junctions.ideal((1, 2))
    hopping = replace(plain, back_hopping=BackHopping(1.6, 20.0)).switching(TWO)
    gentle = np.array([[0.0, 0.0], [0.59, 0.59], [-0.69, -0.69]])
    np.testing.assert_array_equal(hopping.rates(gentle), plain.switching(TWO).rates(gentle))
    # Cell 0 is P, and 1.6 x 0.60 V drives it into P: it leaves as fast as it can.
    assert hopping.rates(np.array([0.96, 0.0]))[0] == pytest.approx(1e9)
    assert hopping.rates(np.array([0.78, 0.0]))[0] == pytest.approx(1e9 * np.exp(-20 * (1 - 1.3 / 1.6)))


def test_probability_median_and_error_voltage_agree():
    law = {"critical_volts": 0.6, "thermal_stability": 45.0, "barrier_exponent": 2}
    assert switching_probability(median_switching_volts(1e-4, **law), 1e-4, **law) == pytest.approx(0.5)
    failing = write_error_volts(1e-4, 1e-3, **law)
    assert 1.0 - switching_probability(failing, 1e-4, **law) == pytest.approx(1e-3)
    assert failing > median_switching_volts(1e-4, **law)


def test_pulses_too_short_and_error_rates_out_of_range_are_refused():
    law = {"critical_volts": 0.6, "thermal_stability": 45.0}
    with pytest.raises(UsageError, match="at least"):
        median_switching_volts(1e-10, **law)
    for wrong in (0.0, 1.0, float("nan")):
        with pytest.raises(UsageError, match="error_rate"):
            write_error_volts(1e-3, wrong, **law)


@pytest.mark.parametrize("back", [None, BackHopping(1.6, 20.0)])
@pytest.mark.parametrize("exponent", [1, 2])
def test_transitions_of_a_cell_are_the_rates_of_all_cells(back, exponent):
    rng = np.random.default_rng(1)
    junctions = Junctions.ideal((2, 3), stray_field=rng.normal(0, 0.05, 6), barrier_exponent=exponent, polarity=-1)
    junctions = replace(junctions.with_defect(5, Defect.STUCK_P), back_hopping=back)
    for volts in (-1.2, -0.3, 0.0, 0.5, 1.3):
        leaving = [junctions.switching(np.full(6, state)).rates(np.full(6, volts)) for state in (0, 1)]
        for cell in range(6):
            found = junctions.switching(np.zeros(6, np.int8)).transitions(cell, volts)
            np.testing.assert_allclose(found, [[0.0, leaving[0][cell]], [leaving[1][cell], 0.0]], rtol=1e-14)
