"""Each statement over 200 cells drawn at random: 95 % intervals must cover in 90 to 98 % of them."""

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.fitting.switching_curve import fit_curves, slope_per_decade

COVERED = (0.90, 0.98)


@pytest.fixture(scope="module")
def curves(sample):
    trials = sample.volts.shape[2]
    return fit_curves(sample.volts.reshape(-1, trials), sample.switched.reshape(-1, trials))


def inside(low, truth, high):
    return float(np.mean((low <= truth) & (truth <= high)))


def test_medians_are_within_their_intervals_and_close(sample, curves):
    truth = sample.median_volts.ravel()
    assert curves.determined.all()
    assert COVERED[0] <= inside(curves.median_low, truth, curves.median_high) <= COVERED[1]
    assert np.median(np.abs(curves.median_volts / truth - 1)) < 0.006


def test_steepnesses_are_within_their_intervals(sample, curves, widths):
    # d ln(rate) / dV of the law at V50, by hand
    critical, stability = sample.critical_volts[:, np.newaxis], sample.stability[:, np.newaxis]
    below = 1 - sample.median_volts / critical
    truth = sample.exponent * stability * below ** (sample.exponent - 1) / critical
    assert COVERED[0] <= inside(curves.efolds_low, truth.ravel(), curves.efolds_high) <= COVERED[1]


def test_the_slope_per_decade_is_within_its_interval_and_ten_percent(sample, curves, widths):
    shape = sample.median_volts.shape
    found = slope_per_decade(widths, curves.median_volts.reshape(shape), curves.median_sigma.reshape(shape))
    truth = np.array([np.polyfit(np.log10(widths), each, 1)[0] for each in sample.median_volts])
    assert COVERED[0] <= inside(found.low, truth, found.high) <= COVERED[1]
    assert np.mean(np.abs(found.volts_per_decade / truth - 1) < 0.10) >= 0.95


def test_one_outcome_alone_gives_no_median():
    found = fit_curves(np.full((2, 9), 0.3), np.array([[1.0] * 9, [0.0] * 9]))
    assert np.isnan(found.median_volts).all()
    assert not found.determined.any()


def test_perfectly_separated_outcomes_bound_the_median_and_leave_the_steepness_open():
    volts = np.array([[0.2, 0.25, 0.3, 0.35, 0.4, 0.45]])
    found = fit_curves(volts, (volts > 0.32).astype(float))
    assert 0.3 <= found.median_volts[0] <= 0.35
    assert found.median_low[0] < 0.3
    assert found.median_high[0] > 0.35
    assert found.efolds_high[0] == np.inf


def test_missing_trials_change_nothing(sample):
    volts, switched = sample.volts[0, :1], sample.switched[0, :1]
    gaps = np.hstack([volts, np.full((1, 50), np.nan)]), np.hstack([switched, np.zeros((1, 50))])
    plain, padded = fit_curves(volts, switched), fit_curves(*gaps)
    assert padded.median_volts == pytest.approx(plain.median_volts, rel=1e-6)
    assert padded.trials == plain.trials


def test_voltages_away_from_the_other_state_are_refused():
    with pytest.raises(UsageError, match="positive volts"):
        fit_curves(np.array([[-0.3, 0.3]]), np.array([[0.0, 1.0]]))
