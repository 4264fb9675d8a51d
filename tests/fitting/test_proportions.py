import numpy as np
import pytest
from scipy.stats import binom

from labmtj.errors import UsageError
from labmtj.fitting.proportions import per_exposure, per_second, proportion


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


def test_a_probability_per_exposure_gives_back_the_fraction_left():
    chance, exposures, cells = 0.004, 120, 10_000
    left = round(cells * (1 - (1 - chance) ** exposures))
    found = per_exposure(left, cells, exposures)
    assert found.value == pytest.approx(chance, rel=1e-3)
    assert found.low < chance < found.high
    assert per_exposure(0, cells, exposures).high == pytest.approx(3.69 / (cells * exposures), rel=0.01)


def test_a_rate_gives_back_the_decay():
    found = per_second(10_000 - round(10_000 * np.exp(-0.3)), 10_000, 3.0)
    assert found.value == pytest.approx(0.1, rel=1e-3)


def test_more_hits_than_trials_are_refused():
    with pytest.raises(UsageError, match="count <= trials"):
        proportion(3, 2)
