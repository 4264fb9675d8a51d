"""Placement: never worse, exact on small cases, and the same network wherever its lines lie."""

from itertools import permutations

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.health import Health
from labmtj.network.mapping import Block
from labmtj.network.placement import SHORT_ALONE, WRONG, Placement, avoiding, placement_cost

SHAPE = (15, 15)
KINDS = [kind for kind in Health if kind != Health.USABLE]


def draw(rng, shape, fraction):
    bad = rng.choice(KINDS, shape)
    return np.where(rng.random(shape) < fraction, bad, Health.USABLE).astype(np.uint8)


def cost_by_hand(bits, states, placement, weights):
    """Cell by cell, from the words of the documentation."""
    total = 0.0
    for (row, column), kind in np.ndenumerate(states):
        i = placement.row_lines.index(row) if row in placement.row_lines else None
        j = placement.column_lines.index(column) if column in placement.column_lines else None
        if kind == Health.SHORT:
            harm = (0 if i is None else weights[i].sum()) + (0 if j is None else weights[:, j].sum())
            total += harm if i is not None and j is not None else SHORT_ALONE * harm
        elif kind != Health.USABLE and i is not None and j is not None:
            total += weights[i, j] * WRONG[Health(kind)][bits[i, j]]
    return total


def test_costs_are_those_counted_by_hand():
    rng = np.random.default_rng(1)
    for _ in range(20):
        bits, states = rng.integers(0, 2, (3, 4)), draw(rng, (5, 6), 0.3)
        placement = Placement(tuple(rng.permutation(5)[:3].tolist()), tuple(rng.permutation(6)[:4].tolist()))
        weights = rng.uniform(0.1, 1, (3, 4))
        assert placement_cost(bits, states, placement, weights) == pytest.approx(
            cost_by_hand(bits, states, placement, weights)
        )


def test_a_stuck_cell_under_its_own_state_costs_nothing():
    states = np.zeros((2, 2), np.uint8)
    states[0, 0], states[1, 1] = Health.STUCK_P, Health.STUCK_AP
    assert placement_cost([[1, 0], [0, 0]], states, Placement.of(Block(0, 0, 2, 2))) == 0
    assert placement_cost([[0, 0], [0, 1]], states, Placement.of(Block(0, 0, 2, 2))) == 2


def test_small_layers_get_the_best_of_all_placements():
    """Seen to fail with one try, and without the search over columns."""
    rng = np.random.default_rng(2)
    for _ in range(25):
        bits, states = rng.integers(0, 2, (2, 3)), draw(rng, (4, 4), 0.35)
        best = min(
            placement_cost(bits, states, Placement(rows, columns))
            for rows in permutations(range(4), 2)
            for columns in permutations(range(4), 3)
        )
        found = avoiding(bits, states, Block(0, 0, 2, 3))
        assert placement_cost(bits, states, found) == pytest.approx(best)


def test_never_worse_than_the_start_and_much_better_where_cells_are_spare(shipped):
    rng = np.random.default_rng(3)
    before, after = [], []
    for number in range(30):
        states, start = draw(rng, SHAPE, 0.03), Block(int(rng.integers(3)), int(rng.integers(4)), 13, 12)
        weights = rng.uniform(0, 1, (13, 1))
        found = avoiding(shipped.w1[number], states, start, weights)
        before.append(placement_cost(shipped.w1[number], states, Placement.of(start), weights))
        after.append(placement_cost(shipped.w1[number], states, found, weights))
    assert (np.array(after) <= before).all()
    assert np.mean(after) < 0.2 * np.mean(before)


def test_pulses_saved_buy_no_harm():
    """The array holds the layer already, but on two noisy cells; the start has one. Seen to fail."""
    states = np.full(SHAPE, Health.OPEN, np.uint8)
    states[:6, :6] = states[6:12, 6:12] = Health.USABLE
    states[0, 0] = states[6, 6] = states[7, 7] = Health.NOISY
    now = np.zeros(SHAPE, bool)
    now[6:12, 6:12] = True
    layer, start = np.ones((6, 6), bool), Block(0, 0, 6, 6)
    found = avoiding(layer, states, start, 0.4, now)
    assert placement_cost(layer, states, found, 0.4) <= placement_cost(layer, states, Placement.of(start), 0.4)


def test_a_good_array_is_used_as_without_it(shipped):
    states = np.zeros(SHAPE, np.uint8)
    states[14, 14] = Health.SHORT  # far from every line of the block
    block = Block(1, 2, 13, 12)
    assert avoiding(shipped.w1[0], states, block) == Placement.of(block)


def test_a_short_is_left_aside_where_lines_are_spare(shipped):
    states = np.zeros(SHAPE, np.uint8)
    states[4, 5] = states[9, 2] = Health.SHORT
    found = avoiding(shipped.w1[0], states, Block(0, 0, 13, 12))
    assert not {4, 9} & set(found.row_lines)
    assert not {5, 2} & set(found.column_lines)


def test_the_network_is_the_same_wherever_its_lines_lie(shipped):
    rng = np.random.default_rng(4)
    placement = Placement(tuple(rng.permutation(15)[:13].tolist()), tuple(rng.permutation(15)[:12].tolist()))
    x = rng.normal(size=(5, 13))
    target = placement.place(shipped.w1[:3], SHAPE)
    rows = np.zeros((5, 15))
    rows[:, placement.row_lines] = x
    np.testing.assert_allclose((rows @ target)[..., placement.column_lines], x @ shipped.w1[:3], atol=1e-12)
    np.testing.assert_array_equal(placement.take(target), shipped.w1[:3])
    assert target.sum() == shipped.w1[:3].sum()


@pytest.mark.parametrize(("rows", "columns"), [((0, 0), (1, 2)), ((), (1,)), ((0,), (-1,))])
def test_impossible_placements(rows, columns):
    with pytest.raises(UsageError, match=r"are no (row|column)s of a placement"):
        Placement(rows, columns)


def test_a_layer_that_does_not_fit_says_so():
    with pytest.raises(UsageError, match="array of 15 x 15 does not have"):
        avoiding(np.zeros((16, 2)), np.zeros(SHAPE, np.uint8), Block(0, 0, 16, 2))


def test_states_count_alike_as_numbers_and_as_truth_values():
    rng = np.random.default_rng(4)
    bits, states, now = rng.integers(0, 2, (5, 6)), draw(rng, (8, 9), 0.2), rng.integers(0, 2, (8, 9), np.uint8)
    assert avoiding(bits, states, Block(0, 0, 5, 6), 0.4, now) == avoiding(
        bits, states, Block(0, 0, 5, 6), 0.4, now.astype(bool)
    )
