"""Noise and telegraph cells against textbook limits."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.device.mtj import Junctions, noise_rms_amperes
from labmtj.device.telegraph import Telegraph

TWO = np.array([True, False])


def test_at_rest_the_noise_is_johnsons():
    junctions = Junctions.ideal((1, 2), 3000.0, 1.0)
    noise = noise_rms_amperes(junctions, TWO, np.zeros(2), np.zeros(2), 0.5)
    # One hertz of bandwidth: 2.3 pA for 3 kohm.
    assert noise[0] == pytest.approx(2.35e-12, rel=5e-3, abs=0.0)
    np.testing.assert_allclose(noise[0] / noise[1], math.sqrt(2.0))


def test_the_noise_does_not_jump_where_the_conductance_at_rest_takes_over():
    junctions = Junctions.ideal((1, 2), 3000.0, 1.0)
    resistance = junctions.conduction(TWO).zero_bias_ohms
    near, at = (
        noise_rms_amperes(junctions, TWO, volts, volts / resistance, 0.02) for volts in (np.full(2, 1e-7), np.zeros(2))
    )
    np.testing.assert_allclose(near, at, rtol=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_far_from_rest_the_noise_is_shot_noise(sign):
    junctions = Junctions.ideal((1, 2), 30000.0)
    noise = noise_rms_amperes(junctions, TWO, np.full(2, sign), np.full(2, sign * 33e-6), 0.5)
    assert noise[0] == pytest.approx(3.25e-12, rel=5e-3, abs=0.0)


def test_pink_noise_of_50_nm_over_four_decades_is_seven_parts_in_ten_thousand():
    area = math.pi * 50e-9**2 / 4
    junctions = replace(Junctions.ideal((1, 2), 5000.0), pink_noise=np.array([[5e-22 / area] * 2, [1e-22 / area] * 2]))
    amperes = np.full(2, 1e-3)
    noise = noise_rms_amperes(junctions, TWO, np.full(2, 0.1), amperes, 0.5e-3, observation_seconds=10.0)
    assert noise[0] / 1e-3 == pytest.approx(0.0007, abs=0.00005)
    assert noise[1] / noise[0] == pytest.approx(math.sqrt(5.0), rel=1e-3)


def test_an_aperture_longer_than_the_observation_has_no_pink_noise():
    junctions = replace(Junctions.ideal((1, 2)), pink_noise=np.ones((2, 2)))
    noise = noise_rms_amperes(junctions, TWO, np.full(2, 0.1), np.full(2, 1e-5), 10.0, observation_seconds=1.0)
    assert noise.max() < 1e-11


def test_noise_is_answered_in_batches():
    volts = np.array([[0.0, 0.1], [0.2, -0.1], [0.0, 0.0]])
    assert noise_rms_amperes(Junctions.ideal((1, 2)), TWO, volts, volts / 5000.0, 0.02).shape == (3, 2)


def telegraph(cells, low, high):
    return Telegraph(np.arange(cells), np.full(cells, 0.01), np.full(cells, low), np.full(cells, high))


@given(st.floats(1e-3, 10.0), st.floats(1e-3, 10.0), st.floats(1e-4, 100.0), st.booleans())
def test_a_long_step_is_two_half_steps(low, high, seconds, start):
    """Chapman-Kolmogorov: the chance of the high level does not depend on how time is cut."""

    def chance(level, seconds):
        # `uniform < p` holds for exactly a fraction p of evenly spaced numbers.
        even = (np.arange(20001) + 0.5) / 20001
        return telegraph(20001, low, high).next(np.full(20001, level), seconds, even).mean()

    half = chance(start, seconds / 2)
    two_halves = half * chance(True, seconds / 2) + (1 - half) * chance(False, seconds / 2)
    assert chance(start, seconds) == pytest.approx(two_halves, abs=3e-4)


def test_levels_settle_at_the_share_of_their_dwells():
    rng, chain = np.random.default_rng(2), telegraph(50_000, 0.3, 0.1)
    np.testing.assert_allclose(chain.high_probability, 0.25)
    level = np.ones(50_000, bool)
    for _ in range(30):
        level = chain.next(level, 0.05, rng.random(50_000))
    assert level.mean() == pytest.approx(0.25, abs=0.01)


def test_dwells_have_the_stated_means():
    rng, chain, step = np.random.default_rng(3), telegraph(20_000, 0.3, 0.1), 1e-3
    level = np.ones(20_000, bool)
    left = ~chain.next(level, step, rng.random(20_000))
    assert left.mean() == pytest.approx(step / 0.1, rel=0.2)
    entered = chain.next(~level, step, rng.random(20_000))
    assert entered.mean() == pytest.approx(step / 0.3, rel=0.3)


def test_no_time_no_jump_and_the_high_level_is_the_larger_resistance():
    chain = telegraph(2, 1.0, 1.0)
    np.testing.assert_array_equal(chain.next(TWO, 0.0, np.array([0.999, 0.001])), TWO)
    np.testing.assert_allclose(chain.factors(TWO), [1.01, 1.0])
    assert len(Telegraph.none()) == 0
