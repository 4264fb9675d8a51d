import numpy as np
import pytest
from scipy.optimize import minimize

from labmtj.fitting.likelihood import information, maximise
from labmtj.fitting.trials import Trials

DRAW = np.random.default_rng(8)
X = np.linspace(-1, 1, 40)
ETA = 0.3 + 2.0 * X
TRIALS = Trials((DRAW.random((3, 40)) < -np.expm1(-np.exp(ETA))).astype(float), np.ones((3, 40)))


def line(parameters):
    slopes = np.broadcast_to(np.stack([np.ones(40), X], axis=1), (len(parameters), 40, 2))
    return np.einsum("snk,sk->sn", slopes, parameters), slopes


def test_the_score_is_the_derivative_of_the_likelihood():
    eta = np.tile(ETA, (3, 1))
    for place in (0, 17, 39):
        step = np.zeros_like(eta)
        step[:, place] = 1e-6
        slope = (TRIALS.log_likelihood(eta + step) - TRIALS.log_likelihood(eta - step)) / 2e-6
        np.testing.assert_allclose(TRIALS.score(eta)[:, place], slope, rtol=1e-4, atol=1e-6)


def test_the_information_is_the_mean_square_of_the_score():
    eta = np.array([[-2.0, 0.0, 1.5]])
    chance = -np.expm1(-np.exp(eta))
    yes, no = (Trials(np.full((1, 3), outcome), np.ones((1, 3))).score(eta) for outcome in (1.0, 0.0))
    one = Trials(np.zeros((1, 3)), np.ones((1, 3)))
    np.testing.assert_allclose(one.information(eta), chance * yes**2 + (1 - chance) * no**2)


def test_the_maximum_is_that_of_a_general_minimiser():
    found, best = maximise(line, np.zeros((3, 2)), TRIALS)
    for number in range(3):
        one = Trials(TRIALS.success[number : number + 1], TRIALS.weight[number : number + 1])
        other = minimize(lambda p, one=one: -one.log_likelihood(line(p[np.newaxis])[0])[0], [0.0, 0.0])
        np.testing.assert_allclose(found[number], other.x, atol=2e-3)
        assert best[number] == pytest.approx(-other.fun, abs=1e-5)
    errors = np.sqrt(np.linalg.inv(information(line, found, TRIALS))[:, [0, 1], [0, 1]])
    assert (np.abs(found - [0.3, 2.0]) < 4 * errors).all()


def test_n_equal_trials_weigh_as_much_as_n():
    once = Trials(np.array([[1.0, 0.0, 0.0]]), np.ones((1, 3)))
    together = Trials(np.array([[1 / 3]]), np.array([[3.0]]))
    assert once.log_likelihood(np.full((1, 3), 0.2)) == pytest.approx(together.log_likelihood(np.array([[0.2]])))
