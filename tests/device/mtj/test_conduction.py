"""Currents of junctions against hand-solved cases and exact laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.device.mtj import Defect, Junctions
from labmtj.errors import UsageError

TWO = np.array([True, False])


def test_a_parallel_cell_is_ohmic_and_an_antiparallel_one_bends_as_solved_by_hand():
    cells = Junctions.ideal((1, 2), 1000.0, 1.0, half_volts=0.5).conduction(TWO)
    # AP at V = V_h: TMR has halved to 0.5, so R = 1500.
    np.testing.assert_allclose(cells.amperes(np.array([0.5, 0.5])), [0.5e-3, 0.5 / 1500.0], rtol=1e-14)
    np.testing.assert_allclose(cells.zero_bias_ohms, [1000.0, 2000.0], rtol=1e-14)


def test_the_quadratic_term_doubles_the_parallel_conductance_at_its_voltage():
    cells = Junctions.ideal((1, 2), 1000.0, 1.0, half_volts=0.5, quadratic_volts=0.5).conduction(TWO)
    np.testing.assert_allclose(cells.amperes(np.array([0.5, 0.5])), [1e-3, 1.0 / 1500.0], rtol=1e-14)


def test_a_contact_is_in_series():
    bare = Junctions.ideal((1, 2), 1000.0, 1.0, half_volts=0.5).conduction(TWO)
    cells = Junctions.ideal((1, 2), 1000.0, 1.0, half_volts=0.5, contact_ohms=250.0).conduction(TWO)
    inner = np.array([0.4, 0.4])
    outer = inner + 250.0 * bare.amperes(inner)
    np.testing.assert_allclose(cells.junction_volts(outer), inner, rtol=1e-12)
    np.testing.assert_allclose(cells.amperes(outer), bare.amperes(inner), rtol=1e-12)
    np.testing.assert_allclose(cells.zero_bias_ohms, [1250.0, 2250.0], rtol=1e-14)


def test_tmr_may_fall_faster_for_one_sign_and_polarity_says_which():
    junctions = Junctions.ideal((1, 2), 1000.0, 1.0, half_volts=0.5)
    uneven = {"half_volts_negative": np.full(2, 0.25)}
    state, volts = np.array([False, False]), np.array([0.5, -0.5])
    ahead = replace(junctions, **uneven).conduction(state).amperes(volts)
    # -0.5 V is twice V_h-: TMR 1/5, R = 1200.
    np.testing.assert_allclose(ahead, [0.5 / 1500.0, -0.5 / 1200.0], rtol=1e-14)
    turned = replace(junctions, polarity=-1, **uneven).conduction(state).amperes(volts)
    np.testing.assert_allclose(turned, -ahead[::-1], rtol=1e-14)


@given(
    st.floats(-1.0, 1.0),
    st.floats(0.0, 3.0),
    st.floats(0.2, 2.0),
    st.floats(0.5, 5.0),
    st.floats(0.0, 500.0),
    st.floats(0.2, 2.0),
)
def test_the_differential_conductance_is_the_slope_of_the_current(volts, tmr, half, quadratic, contact, factor):
    junctions = Junctions.ideal((1, 2), 1500.0, tmr, half_volts=half, quadratic_volts=quadratic, contact_ohms=contact)
    cells, step = junctions.conduction(TWO, factor), 1e-5
    slope = (cells.amperes(np.full(2, volts + step)) - cells.amperes(np.full(2, volts - step))) / (2 * step)
    np.testing.assert_allclose(cells.differential_siemens(np.full(2, volts)), slope, rtol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_current_is_odd_and_batches_are_row_by_row(seed):
    rng = np.random.default_rng(seed)
    junctions = Junctions.ideal((3, 4), rng.uniform(1e3, 1e4, (3, 4)), rng.uniform(0.5, 2, 12), half_volts=0.4)
    cells = junctions.conduction(rng.random(12) < 0.5)
    volts = rng.normal(0.0, 0.3, (2, 5, 12))
    currents = cells.amperes(volts)
    assert currents.shape == (2, 5, 12)
    np.testing.assert_array_equal(cells.amperes(-volts), -currents)
    np.testing.assert_array_equal(cells.amperes(volts[1, 3]), currents[1, 3])


@pytest.mark.parametrize("contact", [0.0, 100.0])
def test_setting_cells_in_place_equals_building_anew(contact):
    rng = np.random.default_rng(3)
    junctions = Junctions.ideal((4, 4), rng.uniform(1e3, 1e4, 16), half_volts=0.5, contact_ohms=contact)
    junctions = junctions.with_defect(2, Defect.STUCK_AP).with_defect(3, Defect.SHORT, 200.0)
    state, factor, volts = rng.random(16) < 0.5, rng.normal(1.0, 0.01, 16), rng.normal(0, 0.3, 16)
    cells = junctions.conduction(~state)
    for cell in range(16):
        cells.set_cell(cell, bool(state[cell]), float(factor[cell]))
    fresh = junctions.conduction(state, factor)
    np.testing.assert_array_equal(cells.amperes(volts), fresh.amperes(volts))
    np.testing.assert_array_equal(cells.zero_bias_ohms, fresh.zero_bias_ohms)


def test_defects_conduct_as_their_names_say_whatever_the_state():
    junctions = Junctions.ideal((1, 5), 1000.0, 1.0, half_volts=0.5, quadratic_volts=1.0)
    junctions = junctions.with_defect(np.arange(1, 5), Defect.NONE)
    for cell, (defect, ohms) in enumerate(
        [(Defect.STUCK_P, np.nan), (Defect.STUCK_AP, np.nan), (Defect.SHORT, 200.0), (Defect.OPEN, 1e9)], start=1
    ):
        junctions = junctions.with_defect(cell, defect, ohms)
    expected = [1000.0, 2000.0, 200.0, 1e9]
    for state in (np.ones(5, bool), np.zeros(5, bool)):
        cells = junctions.conduction(state)
        np.testing.assert_allclose(cells.zero_bias_ohms[1:], expected)
        linear = cells.amperes(np.full(5, 0.8))[3:]
        np.testing.assert_allclose(linear, [0.8 / 200.0, 0.8e-9])
        np.testing.assert_array_equal(junctions.apparent_state(state)[1:3], [True, False])


def test_states_of_the_wrong_kind_are_refused():
    junctions = Junctions.ideal((2, 2))
    with pytest.raises(UsageError, match=r"\(4,\) integers"):
        junctions.conduction(np.zeros(4))
    with pytest.raises(UsageError, match=r"\(4,\) integers"):
        junctions.switching(np.zeros((2, 2), np.int8))
    with pytest.raises(UsageError, match="cell 2 has no state 2; its states are 0 to 1"):
        junctions.conduction(np.array([0, 1, 2, 0]))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"parallel_ohms": -1.0}, "parallel_ohms of cell 0"),
        ({"thermal_stability": np.nan}, "thermal_stability"),
        ({"tmr": -0.1}, "tmr"),
        ({"stray_field": 1.0}, "stray field"),
        ({"polarity": 0}, "polarity"),
        ({"barrier_exponent": 3}, "barrier_exponent"),
        ({"attempt_seconds": 0.0}, "attempt_seconds"),
        ({"temperature_kelvin": -1.0}, "temperature_kelvin"),
    ],
)
def test_impossible_junctions_are_refused_by_name(wrong, said):
    with pytest.raises(UsageError, match=said):
        Junctions.ideal((2, 2), **wrong)


def test_junctions_cannot_be_changed():
    junctions = Junctions.ideal((2, 2))
    with pytest.raises(ValueError, match="read-only"):
        junctions.tmr[0] = 0.0
