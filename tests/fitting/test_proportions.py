import numpy as np
import pytest
from scipy.stats import binom

from labmtj.errors import UsageError
from labmtj.fitting.proportions import (
    Proportion,
    least_rate,
    mean_over_family,
    mean_over_tested,
    one_trial_of_each,
    per_exposure_bounds,
    proportion,
)


def test_the_ends_are_where_the_counted_number_is_just_improbable():
    for count, trials in ((3, 20), (19, 20), (500, 1000)):
        found = proportion(count, trials)
        assert binom.sf(count - 1, trials, float(found.low)) == pytest.approx(0.025)
        assert binom.cdf(count, trials, float(found.high)) == pytest.approx(0.025)


def test_nothing_seen_is_an_upper_limit_and_all_seen_a_lower_one():
    none, all_of_them = proportion(0, 100), proportion(100, 100)
    assert none.low == 0
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 100))
    assert all_of_them.high == 1
    assert all_of_them.low == pytest.approx(0.025 ** (1 / 100))
    no_trials = proportion(0, 0)
    assert (float(no_trials.low), float(no_trials.high)) == (0, 1)
    assert np.isnan(no_trials.value)


def test_intervals_cover_at_least_as_often_as_stated():
    chances = np.linspace(0.01, 0.99, 25)
    counts = np.arange(31)
    found = proportion(counts, 30)
    for chance in chances:
        covered = (found.low <= chance) & (chance <= found.high)
        assert binom.pmf(counts[covered], 30, chance).sum() >= 0.95


def test_one_trial_of_each_cell_has_a_mid_p_interval():
    found = one_trial_of_each([3, 0, 20], 20)
    for count, low, high in zip((3, 0, 20), found.low, found.high, strict=True):
        if count > 0:
            assert binom.sf(count, 20, low) + binom.pmf(count, 20, low) / 2 == pytest.approx(0.025)
        if count < 20:
            assert binom.sf(count, 20, high) + binom.pmf(count, 20, high) / 2 == pytest.approx(0.975)
    assert (found.low[1], found.high[2]) == (0, 1)
    none = one_trial_of_each(0, 0)
    assert np.isnan(none.value)
    assert (float(none.low), float(none.high)) == (0, 1)


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("trials", [1, 3])
def test_the_mean_of_a_family_is_covered_whatever_its_spread(spread, trials):
    """Case A1: rates of cells of Delta 50 differ by decades; the law is written out here."""
    draw = np.random.default_rng(3)

    def lost(shape):
        delta = 50 * (1 + spread * draw.standard_normal(shape).clip(-4, 4))
        return -np.expm1(-1e6 * np.exp(-delta * 0.55**2))

    truth, chance = lost(200_000).mean(), lost((200, 40))
    hits, made = draw.binomial(trials, chance), np.full(chance.shape, float(trials))
    found = mean_over_family(hits, made)
    assert 0.90 <= np.mean((found.low <= truth) & (truth <= found.high)) <= 0.98
    if trials > 1 and spread:  # as if trials of one cell were trials of many
        alike = proportion(hits.sum(axis=1), made.sum(axis=1))
        assert np.mean((alike.low <= truth) & (truth <= alike.high)) < 0.90


def test_the_mean_of_the_cells_tested_is_covered_and_that_of_their_family():
    """Case A1, write errors: many trials of few cells."""
    draw = np.random.default_rng(4)

    def fails(shape):
        delta = 50 * (1 + 0.1 * draw.standard_normal(shape).clip(-4, 4))
        return np.exp(-1e6 * np.exp(-delta * 0.55**2))

    family, chance = fails(200_000).mean(), fails((200, 12))
    errors, made = draw.binomial(100, chance), np.full(chance.shape, 100.0)
    tested = mean_over_tested(errors, made)
    mine = chance.mean(axis=1)
    assert 0.90 <= np.mean((tested.low <= mine) & (mine <= tested.high)) <= 0.98
    assert np.mean((tested.low <= family) & (family <= tested.high)) < 0.5  # it says nothing of others
    others = mean_over_family(errors, made)
    assert 0.90 <= np.mean((others.low <= family) & (family <= others.high)) <= 0.98


def test_many_trials_of_few_cells_allow_for_the_rare_cell_that_was_not_met():
    """One cell in ten always fails, the others never: 35 % of the chips of ten show none, and must allow for one."""
    draw = np.random.default_rng(5)
    bad = draw.random((1000, 10)) < 0.1
    trials = np.full(bad.shape, 50.0)
    found = mean_over_family(trials * bad, trials)
    alike = one_trial_of_each(bad.sum(axis=1), 10)
    for end in ("low", "high"):  # 50 trials say no more than one where a cell always does the same
        np.testing.assert_allclose(getattr(found, end), getattr(alike, end), atol=1e-9)
    assert np.mean((found.low <= 0.1) & (found.high >= 0.1)) >= 0.95
    partly = mean_over_family([25, 0, 0, 0, 0, 0], [50] * 6)
    weights = np.random.default_rng(6).dirichlet(np.ones(7), 400_000)  # of the six, and of one at 0 or at 1
    means = np.concatenate([weights[:, 0] / 2, weights[:, 0] / 2 + weights[:, 6]])
    np.testing.assert_allclose([partly.low, partly.high], np.quantile(means, [0.025, 0.975]), atol=0.004)


def test_trials_of_alike_cells_count_all_in_the_mean_over_those_tested():
    """The variance over cells is never more than that of as many trials of one: p (1 - p) is concave."""
    draw = np.random.default_rng(7)
    errors, made = draw.binomial(60, 0.02, (1000, 6)), np.full((1000, 6), 60.0)
    found, alike = mean_over_tested(errors, made), one_trial_of_each(errors.sum(axis=1), 360)
    assert np.mean((found.low <= 0.02) & (found.high >= 0.02)) <= 0.975
    assert (found.high - found.low <= alike.high - alike.low + 1e-9).all()


def test_a_fraction_bounds_rates_whatever_the_spread():
    chance, exposures = np.array([1e-5, 0.002, 0.7]), 120
    fraction = np.mean(1 - (1 - chance) ** exposures)
    least, largest = per_exposure_bounds(Proportion(*[np.array(fraction)] * 3), exposures)
    assert least <= chance.mean() <= largest
    rates, seconds = np.array([1e-6, 1e-2, 5.0]), 60.0
    lost = np.mean(-np.expm1(-rates * seconds))
    assert least_rate(Proportion(*[np.array(lost)] * 3), seconds) <= rates.mean()


def test_more_hits_than_trials_are_refused():
    with pytest.raises(UsageError, match="count <= trials"):
        proportion(3, 2)
