"""TMR against voltage: the truth is recovered, and lies in the intervals as often as they say."""

import numpy as np
import pytest

from labmtj.errors import DataError
from labmtj.fitting.hysteresis import fit_tmr, has_switched

VOLTS = np.linspace(0.03, 0.15, 5)


def curves(tmr, half, count, noise, sweeps=8, seed=0):
    """Return volts and noisy TMR, error growing as 1/V, part of it common to a sweep."""
    draw = np.random.default_rng(seed)
    truth = tmr / (1 + (VOLTS / half) ** 2)
    error = noise * (draw.standard_normal((count, sweeps, len(VOLTS))) + 0.5 * draw.standard_normal((count, sweeps, 1)))
    return np.tile(VOLTS, (count, 1)), truth + error * VOLTS.max() / VOLTS


def test_without_noise_the_truth_is_found():
    tmr, half = np.array([[0.5], [1.0], [2.0]]), np.array([[0.35], [0.5], [0.8]])
    exact = tmr / (1 + (VOLTS / half) ** 2)
    found = fit_tmr(np.tile(VOLTS, (3, 1)), np.repeat(exact[:, np.newaxis], 4, axis=1))
    np.testing.assert_allclose(found.tmr, tmr[:, 0], rtol=1e-9)
    np.testing.assert_allclose(found.half_volts, half[:, 0], rtol=1e-9)
    np.testing.assert_allclose(found.half_high_volts - found.half_low_volts, 0, atol=1e-9)


@pytest.mark.parametrize(("tmr", "half", "noise"), [(1.0, 0.5, 0.003), (1.8, 0.35, 0.003), (0.6, 0.8, 0.001)])
def test_95_percent_intervals_cover_the_truth(tmr, half, noise):
    found = fit_tmr(*curves(tmr, half, 1000, noise))
    for low, high, truth in (
        (found.tmr_low, found.tmr_high, tmr),
        (found.half_low_volts, found.half_high_volts, half),
    ):
        assert 0.93 <= ((low <= truth) & (truth <= high)).mean() <= 0.97
    assert np.median(found.tmr) == pytest.approx(tmr, rel=0.002)
    assert np.median(found.half_volts) == pytest.approx(half, rel=0.02)


def test_where_the_fall_is_lost_in_noise_no_upper_end_is_told():
    found = fit_tmr(*curves(1.0, 1e3, 200, 0.01))
    assert np.isinf(found.half_high_volts).mean() > 0.95
    assert (found.half_low_volts < 1e3).mean() > 0.9


def test_cells_without_reads_are_left_out():
    volts, tmr = curves(1.0, 0.5, 3, 0.001)
    tmr[1, 2, 3] = np.nan
    found = fit_tmr(volts, tmr)
    np.testing.assert_array_equal(np.isnan(found.tmr), [False, True, False])
    assert np.isnan(fit_tmr(volts, np.full_like(tmr, np.nan)).half_volts).all()


def test_too_few_sweeps_are_refused():
    with pytest.raises(DataError, match="3 voltages and 3 sweeps"):
        fit_tmr(*curves(1.0, 0.5, 3, 0.001, sweeps=2))


def test_a_switch_is_told_in_both_directions_and_for_ohms_as_for_amperes():
    before, after = np.array([1.0, 1.0, 1.0, 2.0, np.nan, 1.0]), np.array([1.19, 1.21, 0.84, 1.0, 1.0, -1.0])
    expected = [False, True, False, True, False, False]
    np.testing.assert_array_equal(has_switched(before, after, 0.2), expected)
    np.testing.assert_array_equal(has_switched(1 / before, 1 / after, 0.2), expected)
