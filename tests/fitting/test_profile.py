import numpy as np

from labmtj.fitting.profile import likelihood_interval


def test_a_normal_likelihood_gives_196_sigma_on_both_sides():
    best, sigma = np.array([0.0, 5.0]), np.array([1.0, 0.01])
    low, high = likelihood_interval(lambda value: 0.5 * ((value - best) / sigma) ** 2, best, [0.3, 0.3])
    np.testing.assert_allclose(low, best - 1.959964 * sigma, atol=2e-3 * sigma.max())
    np.testing.assert_allclose(high, best + 1.959964 * sigma, atol=2e-3 * sigma.max())


def test_where_the_likelihood_does_not_fall_the_bound_is_returned():
    low, high = likelihood_interval(lambda value: np.zeros(1), np.array([1.0]), 0.1, 0.0, 9.0)
    assert (low[0], high[0]) == (0.0, 9.0)


def test_a_poisson_count_of_zero_has_an_upper_end_of_its_own():
    low, high = likelihood_interval(lambda value: value, np.array([0.0]), 1.0, 0.0)  # fall = mean
    assert low[0] == 0.0
    np.testing.assert_allclose(high[0], 1.9207, rtol=2e-3)
