"""Nodes taken out of networks of resistors, against formulas of the textbook and against nodal analysis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.circuit import eliminate


def mesh(nodes, *arms):
    siemens = np.zeros((nodes, nodes))
    for a, b, ohms in arms:
        siemens[a, b] = siemens[b, a] = 1 / ohms
    return siemens


def test_two_resistors_in_series_add():
    kept, shares = eliminate(mesh(3, (0, 2, 100.0), (1, 2, 300.0)), 2)
    assert kept[0, 1] == kept[1, 0] == pytest.approx(1 / 400)
    np.testing.assert_allclose(shares, [[1, 0], [0, 1], [0.75, 0.25]])


def test_a_star_of_three_becomes_a_triangle():
    kept, _ = eliminate(mesh(4, (0, 3, 1.0), (1, 3, 2.0), (2, 3, 4.0)), 3)
    products = 1 * 2 + 2 * 4 + 4 * 1
    np.testing.assert_allclose(1 / kept[[0, 0, 1], [1, 2, 2]], [products / 4, products / 2, products / 1])
    assert not kept.diagonal().any()


def test_the_end_of_a_single_arm_and_a_node_alone_change_nothing():
    kept, shares = eliminate(mesh(4, (0, 1, 10.0), (1, 2, 1.0)), 2)
    np.testing.assert_array_equal(kept, mesh(2, (0, 1, 10.0)))
    np.testing.assert_array_equal(shares[2:], [[0, 1], [0, 0]])


def test_a_milliohm_beside_a_teraohm_keeps_its_digits():
    # 1 mohm, then 1 Tohm to ground: 1 ppb of 1e-15 is the leak's own last digits, not a rest of 1000 S - 1000 S
    kept, _ = eliminate(mesh(4, (1, 2, 1e-3), (2, 3, 1e-3), (0, 3, 1e12)), 2)
    assert kept[0, 1] == pytest.approx(1e-12, rel=1e-14)


@given(st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_it_agrees_with_nodal_analysis(nodes, seed):
    rng = np.random.default_rng(seed)
    keep = int(rng.integers(1, nodes))
    siemens = np.triu(rng.uniform(0.1, 10, (nodes, nodes)) * (rng.random((nodes, nodes)) < 0.7), 1)
    siemens[0, 1:] += 0.01  # every node hangs on the first
    siemens += siemens.T
    laplace = np.diag(siemens.sum(axis=1)) - siemens
    inner = -np.linalg.solve(laplace[keep:, keep:], laplace[keep:, :keep])
    reduced = laplace[:keep, :keep] + laplace[:keep, keep:] @ inner
    kept, shares = eliminate(siemens, keep)
    np.testing.assert_allclose(np.diag(kept.sum(axis=1)) - kept, reduced, atol=1e-12)
    np.testing.assert_allclose(shares[keep:], inner, atol=1e-12)
