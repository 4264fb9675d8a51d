import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labmtj.errors import UsageError
from labmtj.network import comparison

CLASSES = arrays(int, 12, elements=st.integers(0, 2))


def test_logit_rmse_and_margin_by_hand():
    logits = np.array([[1.0, 3.0, 2.0], [0.0, -1.0, -4.0]])
    np.testing.assert_allclose(comparison.logit_margin(logits, np.array([1, 2])), [1.0, -4.0])
    assert comparison.logit_rmse(logits, logits + 0.5) == pytest.approx(0.5)


@given(CLASSES, CLASSES)
def test_confusion_agrees_with_counts(first, second):
    table = comparison.confusion(first, second, 3)
    assert table.sum() == 12
    np.testing.assert_array_equal(table.sum(axis=1), np.bincount(first, minlength=3))
    np.testing.assert_array_equal(table.T, comparison.confusion(second, first, 3))
    assert np.trace(table) / 12 == pytest.approx(comparison.agreement(first, second))
    assert table[0, 1] == sum((a, b) == (0, 1) for a, b in zip(first, second, strict=True))


def test_confusion_of_many_solutions_against_one_truth():
    assert comparison.confusion(np.zeros(5, int), np.zeros((7, 5), int), 2).shape == (7, 2, 2)


def test_matched_gap_by_hand():
    # ranks of |gap| 1 2 3 4 5 6 with one positive, the smallest: its rank sum is the statistic
    gaps = np.array([0.01, -0.02, -0.03, -0.04, -0.05, -0.06])
    found = comparison.matched_gap(0.9 + gaps, np.full(6, 0.9))
    assert found.median == pytest.approx(-0.035)
    assert found.quartiles == (pytest.approx(-0.0475), pytest.approx(-0.0225))
    assert found.wilcoxon_statistic == 1.0
    assert found.wilcoxon_p == pytest.approx(0.046, abs=0.001)


def test_no_gap_at_all():
    found = comparison.matched_gap(np.ones(5), np.ones(5))
    assert (found.median, found.wilcoxon_p) == (0.0, 1.0)


def test_gaps_need_pairs():
    with pytest.raises(UsageError, match=r"\(3,\) and \(4,\)"):
        comparison.matched_gap(np.ones(3), np.ones(4))


def test_tuning_width_by_hand():
    gains = np.array([0.5, 1.0, 1.5, 2.0])
    curves = np.array([[0.90, 1.00, 0.96, 0.80], [1.0, 0.9, 0.9, 0.9], [0.98, 0.99, 1.0, 0.98]])
    # left 1.0 - 0.5 * 0.02 / 0.10, right 1.0 + 0.5 * 0.02 / 0.04; then from the edge; then never 2 points below
    np.testing.assert_allclose(comparison.tuning_width(gains, curves), [0.35, 0.1, 1.5])
    np.testing.assert_allclose(comparison.tuning_width(gains, curves[0], drop=0.04), 0.7)


@given(st.floats(0.3, 3))
def test_tuning_width_scales_with_the_gain(scale):
    gains, curve = np.linspace(0.2, 2, 37), 1 - 0.3 * (np.linspace(0.2, 2, 37) - 0.9) ** 2
    assert comparison.tuning_width(scale * gains, curve) == pytest.approx(scale * comparison.tuning_width(gains, curve))


def test_recovered_fraction():
    np.testing.assert_allclose(
        comparison.recovered_fraction([0.95, 0.9, 1.0], [0.75, 0.9, 0.5], [1.0, 0.9, 0.9]), [0.8, np.nan, 1.25]
    )


def test_rank_correlations():
    accuracy = np.array([0.9, 0.8, 0.95, 0.7, 1.0])
    found = comparison.rank_correlations(
        {
            "monotonous": np.exp(9 * accuracy),
            "reversed": -accuracy,
            "constant": np.ones(5),
            "holes": np.array([1.0, np.nan, 3.0, np.nan, 2.0]),
        },
        accuracy,
    )
    assert found["monotonous"].rho == pytest.approx(1)
    assert found["reversed"].rho == pytest.approx(-1)
    assert np.isnan(found["constant"].rho)
    assert found["holes"].pairs == 3
    assert found["holes"].rho == pytest.approx(0.5)


@pytest.mark.parametrize(("draw", "mean", "least"), [("normal", 0.0, 0.94), ("exponential", 1.0, 0.91)])
def test_the_interval_of_a_paired_gain_covers_the_mean_as_often_as_it_says(draw, mean, least):
    """4000 draws of 20 chips; skewed as gains are, it misses the mean where it lies above: a gain is not claimed."""
    rng, below, above, count = np.random.default_rng(5), 0, 0, 4000
    for _ in range(count):
        gain = comparison.paired_gain(getattr(rng, draw)(size=20))
        below, above = below + (mean < gain.low), above + (mean > gain.high)
    assert least <= 1 - (below + above) / count <= 0.96
    assert below / count < 0.03


def test_a_paired_gain_of_equal_differences_is_certain():
    gain = comparison.paired_gain(np.full(5, 0.02))
    assert (gain.mean, gain.low, gain.high) == pytest.approx((0.02, 0.02, 0.02))
    alone = comparison.paired_gain(np.array([0.02]))
    assert (alone.mean, alone.low, alone.high) == pytest.approx((0.02, np.nan, np.nan), nan_ok=True)
    with pytest.raises(UsageError, match="wanted are"):
        comparison.paired_gain(np.zeros((2, 3)))
