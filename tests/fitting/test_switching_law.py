import importlib.util
from pathlib import Path

import numpy as np
import pytest

from labmtj.device.mtj.analytic import switching_probability
from labmtj.errors import UsageError
from labmtj.fitting.switching_law import Pulses, fit_laws, judge_exponent, model_range, ridge_of


def test_delta_and_critical_voltage_are_recovered_at_the_true_attempt_time(sample):
    found = fit_laws(sample.pulses, 1e-9, sample.exponent)
    for value, low, high, truth in (
        (found.stability, found.stability_low, found.stability_high, sample.stability),
        (found.critical_volts, found.critical_low, found.critical_high, sample.critical_volts),
    ):
        assert 0.90 <= np.mean((low <= truth) & (truth <= high)) <= 0.98
        assert np.median(np.abs(value / truth - 1)) < 0.03


def test_the_fit_follows_the_hidden_truth(make_study):
    for stability, critical in ((35.0, 0.5), (70.0, 0.8)):
        study = make_study(20, 60, 2, stability=stability, critical=critical, spread=0.0)
        found = fit_laws(study.pulses, 1e-9, 2)
        assert np.median(found.stability) == pytest.approx(stability, rel=0.04)
        assert np.median(found.critical_volts) == pytest.approx(critical, rel=0.03)


def test_a_wrong_attempt_time_moves_delta_by_its_logarithm_and_fits_as_well(make_study):
    # exponent 1: ln(rate) = -ln(tau0) - Delta + Delta V / Vc0, so Delta + ln(tau0) and Delta / Vc0 are what pulses tell
    pulses = make_study(5, 200, 1, spread=0.0).pulses
    right, wrong = fit_laws(pulses, 1e-9, 1), fit_laws(pulses, 1e-11, 1)
    np.testing.assert_allclose(wrong.stability - right.stability, np.log(100), rtol=0.01)
    np.testing.assert_allclose(
        wrong.stability / wrong.critical_volts, right.stability / right.critical_volts, rtol=0.01
    )
    np.testing.assert_allclose(wrong.log_likelihood, right.log_likelihood, atol=0.01)


def test_the_ridge_is_flat_for_exponent_one_and_holds_the_truth(make_study):
    study = make_study(3, 200, 1, spread=0.0)
    ridge = ridge_of(study.pulses, fit_laws(study.pulses, 1e-9, 1))
    above = ridge.stability > 45  # further down some pulses lie beyond Vc0, where the law is another
    assert ridge.fall[above].max() < 0.05
    np.testing.assert_allclose((ridge.stability / ridge.critical_volts)[above], 50 / 0.6, rtol=0.06)


def test_320_pulses_cannot_tell_the_exponent(sample):
    test = judge_exponent(sample.pulses.of(np.arange(len(sample.volts)) < 60))
    assert np.mean(test.exponent == 0) > 0.85
    assert np.mean(np.isin(test.exponent, (0, sample.exponent))) > 0.95  # a likelihood ratio of 100 misleads rarely
    assert "do not distinguish" in test.verdicts[int(np.argmin(np.abs(test.log_ratio)))]


@pytest.mark.parametrize("exponent", [1, 2])
def test_a_million_pulses_can(exponent, widths):
    draw = np.random.default_rng(3)
    levels = np.linspace(-0.06, 0.06, 9)
    middle = {1: [0.461, 0.433, 0.406, 0.378], 2: [0.306, 0.282, 0.258, 0.232]}[exponent]
    volts = (np.array(middle)[:, np.newaxis] * (1 + levels)).ravel()[np.newaxis]
    seconds = np.repeat(widths, len(levels))[np.newaxis]
    chance = switching_probability(
        volts, seconds, critical_volts=0.6, thermal_stability=50.0, barrier_exponent=exponent
    )
    many = 30_000
    hits = draw.binomial(many, chance)
    # equal pulses once for those that switched, once for those that did not: the weights of `Trials` in long hand
    rows = [np.repeat(part[0], 2)[np.newaxis] for part in (volts, seconds)]
    outcome = np.tile([1.0, 0.0], volts.shape[1])[np.newaxis]
    counts = np.stack([hits[0], many - hits[0]], axis=1).ravel()[np.newaxis]
    test = judge_exponent(Pulses(*rows, outcome, counts))
    assert test.exponent[0] == exponent
    assert f"favour exponent {exponent}" in test.verdicts[0]


def test_a_macrospin_is_within_the_error_of_the_law_and_not_within_the_interval():
    """Case B1: a Fokker-Planck device of Delta 50 and Vc0 0.6 V looks like 47.4 and 0.625 V to the law."""
    path = Path(__file__).parents[1] / "device" / "mtj" / "macrospin.py"
    spec = importlib.util.spec_from_file_location("macrospin", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    spin, draw = module.Macrospin(volumes=250), np.random.default_rng(0)
    tested = [
        (0.6 * part * middle, seconds)
        for seconds, middle in ((1e-4, 0.5207), (1e-3, 0.4714), (1e-2, 0.4270), (1e-1, 0.387))
        for part in (0.95, 0.98, 1.01, 1.04)
    ]
    volts, seconds = (np.tile(part, (100, 1)) for part in np.transpose(tested))
    chance = np.array([1 - spin.unswitched(each / 0.6, width, steps=150) for each, width in tested])
    hits = draw.binomial(75, chance, volts.shape)
    pulses = Pulses(volts, seconds, hits / 75, np.full(volts.shape, 75.0))
    laws = fit_laws(pulses, 1e-9, 2)
    found = model_range(pulses, laws)

    def covered(low, high, truth):
        return np.mean((low <= truth) & (truth <= high))

    assert np.median(laws.stability) == pytest.approx(47.4, abs=0.5)
    assert covered(laws.stability_low, laws.stability_high, 50) < 0.3
    assert covered(laws.critical_low, laws.critical_high, 0.6) < 0.3
    assert covered(found.stability_low, found.stability_high, 50) >= 0.90
    assert covered(found.critical_low, found.critical_high, 0.6) >= 0.90
    assert np.median(found.stability_high - found.stability_low) < 7  # and it says something


def test_cells_that_never_switched_or_saw_one_width_have_no_law():
    volts, seconds = np.full((2, 8), 0.3), np.full((2, 8), 1e-3)
    found = fit_laws(Pulses(volts, seconds, np.array([[0.0] * 8, [0.0, 1.0] * 4])), 1e-9, 2)
    assert np.isnan(found.stability).all()


def test_other_exponents_are_refused():
    with pytest.raises(UsageError, match="1 or 2, not 3"):
        fit_laws(Pulses(*np.ones((3, 1, 4))), 1e-9, 3)
