import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.network import forward, tuning
from labmtj.network.tuning import GAINS, best_common, best_each, best_layers, scan_common, scan_layers


def network_of(seed, solutions=3, samples=12, hidden=4, outputs=3):
    rng = np.random.default_rng(seed)
    x, w1, w2 = (
        rng.uniform(0, 1, (samples, 5)),
        rng.integers(-1, 2, (solutions, 5, hidden)),
        rng.integers(-1, 2, (solutions, hidden, outputs)),
    )
    classes = rng.integers(0, outputs, samples)
    return x, w1, rng.normal(size=(solutions, hidden)), w2, rng.normal(size=(solutions, outputs)), classes


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_scans_equal_the_network_at_every_gain(seed, outputs):
    x, w1, b1, w2, b2, classes = network_of(seed, outputs=outputs)
    grid = scan_layers(x @ w1, w2, b1, b2, classes, GAINS[::6], GAINS[::4])
    for i, first in enumerate(GAINS[::6]):
        for j, second in enumerate(GAINS[::4]):
            expected = forward.accuracy(forward.logits(x, w1, b1, w2, b2, first, second), classes)
            np.testing.assert_array_equal(grid[:, i, j], expected)
    common = scan_common(x @ w1, w2, b1, b2, classes)
    np.testing.assert_array_equal(common, scan_layers(x @ w1, w2, b1, b2, classes).diagonal(axis1=1, axis2=2))


def test_ties_go_to_the_first_class_as_in_argmax():
    zeros = np.zeros((1, 6, 2)), np.zeros((1, 2, 3)), np.zeros((1, 2)), np.zeros((1, 3))
    np.testing.assert_array_equal(scan_common(*zeros, np.array([0, 0, 0, 1, 2, 2])), np.full((1, len(GAINS)), 0.5))


def test_chunks_do_not_matter(monkeypatch):
    x, w1, b1, w2, b2, classes = network_of(1, solutions=7)
    whole = scan_common(x @ w1, w2, b1, b2, classes)
    monkeypatch.setattr(tuning, "CHUNK", 3)
    np.testing.assert_array_equal(scan_common(x @ w1, w2, b1, b2, classes), whole)


@given(st.floats(0.3, 1.0), st.floats(0.3, 1.0))
def test_an_attenuated_array_is_the_ideal_one_at_another_gain(first, second):
    x, w1, b1, w2, b2, classes = network_of(3)
    ideal = scan_layers(x @ w1, w2, b1, b2, classes, np.array([1.0]), np.array([1.0]))
    weak = scan_layers(first * (x @ w1), second * w2, b1, b2, classes, np.array([first]), np.array([second]))
    np.testing.assert_array_equal(weak, ideal)


def test_gains_are_those_agreed():
    assert len(GAINS) == 37
    np.testing.assert_allclose(GAINS, 0.2 + 0.05 * np.arange(37))
    assert 1.0 in GAINS


def test_best_common_takes_the_median_then_the_mean():
    curves = np.array([[0.9, 0.9, 1.0], [0.5, 0.6, 0.0], [0.9, 0.9, 0.8]])
    assert best_common(curves, np.array([0.8, 0.9, 1.0])) == 0.9


def test_best_layers_finds_the_pair():
    grid = np.zeros((2, 3, 4))
    grid[:, 2, 1] = 0.5
    assert best_layers(grid, np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0, 7.0])) == (3.0, 5.0)


def test_best_each_takes_the_middle_of_a_plateau():
    curves = np.array([[0.5, 0.9, 0.9, 0.9, 0.1], [1.0, 0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(best_each(curves, np.arange(5.0)), [2.0, 0.0])


def test_the_best_common_gain_of_the_public_solutions(public, data):
    d1 = data.features[data.train] @ public.effective1
    curves = scan_common(d1, public.effective2, public.b1, public.b2, data.classes[data.train])
    assert best_common(curves) == pytest.approx(0.9, abs=0.051)
    assert np.median(curves.max(axis=1)) == pytest.approx(0.993, abs=0.004)
