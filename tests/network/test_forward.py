import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labmtj.network import forward
from labmtj.network.pairs import conductances, difference

REALS = st.floats(-3, 3)


def outputs_of(solutions, data, gain):
    return forward.logits(data.features, solutions.effective1, solutions.b1, solutions.effective2, solutions.b2, gain)


def test_one_neuron_by_hand():
    out = forward.forward(
        np.array([[0.5, -1.0]]),
        np.array([[1.0], [-1.0]]),
        np.array([0.1]),
        np.array([[1.0, -1.0]]),
        np.array([0.0, 0.2]),
        2.0,
    )
    hidden = np.tanh(1.5 / 2 + 0.1)
    np.testing.assert_allclose(out, [[np.tanh(hidden / 2), np.tanh(-hidden / 2 + 0.2)]], rtol=1e-15)


@given(arrays(float, (4, 2, 3), elements=REALS), arrays(float, (4, 3), elements=REALS), st.floats(0.2, 2))
def test_vectorised_over_solutions_and_gains_equals_one_by_one(w1, b1, gain):
    x, w2, b2 = np.linspace(-1, 1, 10).reshape(5, 2), np.ones((4, 3, 2)), np.zeros((4, 2))
    gains = np.array([gain, 1.0])
    together = forward.forward(x, w1, b1, w2, b2, gains[:, np.newaxis], 0.7)
    assert together.shape == (2, 4, 5, 2)
    for i, g in enumerate(gains):
        for k in range(4):
            alone = forward.forward(x, w1[k], b1[k], w2[k], b2[k], g, 0.7)
            np.testing.assert_allclose(together[i, k], alone, rtol=1e-12, atol=1e-15)


@given(arrays(float, (3, 8), elements=st.floats(0, 5)), st.floats(0.1, 4))
def test_a_common_conductance_of_both_cells_cancels(cells, common):
    np.testing.assert_allclose(difference(cells + common), difference(cells), atol=1e-14)


def test_nominal_conductances_in_units_of_their_difference():
    np.testing.assert_allclose(conductances(np.array([0, 1]), np.zeros(2), 0.3, tmr=2.0), [0.5, 1.5])
    np.testing.assert_allclose(conductances(np.array([0, 1]), np.ones(2), 0.3, tmr=1.0), np.exp(0.3) * np.array([1, 2]))


def test_accuracy_counts():
    outputs = np.array([[[0.9, 0.1], [0.2, 0.3]], [[-1.0, 1.0], [0.0, -1.0]]])
    np.testing.assert_array_equal(forward.predictions(outputs), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(forward.correct(outputs, np.array([0, 0])), [1, 1])
    np.testing.assert_array_equal(forward.accuracy(outputs, np.array([1, 0])), [0.0, 1.0])


def test_golden_counts_of_the_public_solutions(public, data):
    hits = forward.predictions(outputs_of(public[:10], data, 1.0)) == data.classes
    np.testing.assert_array_equal(hits[:, data.train].sum(axis=1), [147, 146, 146, 144, 143, 148, 143, 143, 145, 140])
    np.testing.assert_array_equal(hits[:, data.test].sum(axis=1), [29, 28, 30, 28, 23, 27, 29, 28, 29, 29])


@pytest.mark.parametrize(
    ("gain", "median"), [(0.5, 82.4), (0.75, 95.3), (0.9, 98.0), (1.0, 98.0), (1.25, 90.9), (1.5, 73.6)]
)
def test_public_medians_over_the_gain(public, data, gain, median):
    # the medians are those of all 300; the first 100 are a sample of them
    outputs = outputs_of(public, data, gain)[:, data.train]
    assert 100 * np.median(forward.accuracy(outputs, data.classes[data.train])) == pytest.approx(median, abs=3)


def test_without_biases_the_public_solutions_fail(public, data):
    outputs = forward.logits(
        data.features[data.train], public.effective1, 0 * public.b1, public.effective2, 0 * public.b2
    )
    assert np.median(forward.accuracy(outputs, data.classes[data.train])) < 0.65
