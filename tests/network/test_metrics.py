import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labmtj.errors import UsageError
from labmtj.network import metrics

STATES = arrays(bool, (2, 9))


def test_fidelity_by_hand():
    target = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0]], bool)
    read = np.array([[1, 0, 1, 0, 1], [0, 0, 0, 1, 0]], bool)
    found = metrics.write_fidelity(target, read)
    np.testing.assert_allclose(found.total, [0.6, 0.8])
    np.testing.assert_allclose(found.p, [2 / 3, np.nan])
    np.testing.assert_allclose(found.ap, [0.5, 0.8])
    part = metrics.write_fidelity(target, read, np.array([1, 1, 0, 0, 0], bool))
    np.testing.assert_allclose(part.total, [0.5, 1.0])
    np.testing.assert_allclose(part.ap, [np.nan, 1.0])


@given(STATES, STATES)
def test_fidelity_is_the_mean_of_its_parts_by_cells(target, read):
    found = metrics.write_fidelity(target, read)
    p, ap = target.sum(axis=-1), (~target).sum(axis=-1)
    np.testing.assert_allclose(found.total * 9, np.nan_to_num(found.p) * p + np.nan_to_num(found.ap) * ap)
    np.testing.assert_allclose(metrics.write_fidelity(~target, ~read).p, found.ap)


def test_write_error_rates_by_hand():
    rates = metrics.write_error_rates(np.array([0, 1, 1, 3, 5]), np.array([1, 1, 1, 1, 0], bool), 4)
    np.testing.assert_allclose(rates, [0.8, 0.4, 0.4, 0.2, 0.2])


def test_column_errors_in_units_of_dg_and_read_voltage():
    ideal = np.array([[1e-5, 2e-5], [3e-5, 4e-5]])
    found = metrics.column_errors(ideal + np.array([[2e-6, -1e-6], [2e-6, 1e-6]]), ideal, 1e-4, 0.1)
    np.testing.assert_allclose(found.errors, [[0.2, -0.1], [0.2, 0.1]], atol=1e-12)
    np.testing.assert_allclose(found.mean, [0.2, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.rms, [0.2, 0.1])
    np.testing.assert_allclose(found.total_rms, np.sqrt(0.1 / 4))


def test_weight_errors_of_an_ideal_and_of_a_leaky_array():
    bits = np.array([[1, 0, 0, 1], [1, 1, 0, 0]])
    ideal = 1e-4 * (bits + 1.0)
    np.testing.assert_allclose(metrics.weight_errors(ideal, bits, 1e-4).errors, 0, atol=1e-12)
    leaky = ideal + np.array([[2e-5, 0, 0, 0], [0, 0, 0, 0]])
    found = metrics.weight_errors(leaky, bits, 1e-4)
    np.testing.assert_allclose(found.errors, [[0.2, 0], [0, 0]], atol=1e-12)
    np.testing.assert_allclose([found.bias, found.rms], [0.05, 0.1])


@given(st.floats(0.1, 2), st.integers(0, 2**32 - 1))
def test_a_pure_gain_has_no_residual(gain, seed):
    ideal = np.random.default_rng(seed).normal(size=(4, 20, 6))
    found = metrics.product_errors(gain * ideal, ideal)
    np.testing.assert_allclose(found.beta, gain)
    np.testing.assert_allclose(found.residual, 0, atol=1e-12)
    np.testing.assert_allclose(found.rmse, abs(gain - 1) * np.sqrt(np.mean(ideal**2, axis=(1, 2))), atol=1e-12)
    assert found.beta.shape == (4,)


@given(st.floats(0.2, 2), st.integers(0, 2**32 - 1))
def test_residual_is_what_the_best_slope_leaves(gain, seed):
    rng = np.random.default_rng(seed)
    ideal = rng.normal(size=(20, 3))
    measured = gain * ideal + 0.1 * rng.normal(size=(20, 3))
    found = metrics.product_errors(measured, ideal, per_neuron=True)
    for k in range(3):
        (slope,), (power,), *_ = np.linalg.lstsq(ideal[:, k : k + 1], measured[:, k], rcond=None)
        assert found.beta[k] == pytest.approx(slope)
        assert found.residual[k] == pytest.approx(np.sqrt(power / 20))
        assert found.corrected[k] == pytest.approx(np.sqrt(np.mean((measured[:, k] / slope - ideal[:, k]) ** 2)))


def test_no_slope_without_products():
    with pytest.raises(UsageError, match="zero"):
        metrics.product_errors(np.ones((3, 2)), np.zeros((3, 2)))
