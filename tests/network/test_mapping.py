import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.errors import UsageError
from labmtj.network.mapping import Block, Mapping
from labmtj.network.solution import Solutions

SIZES = st.integers(1, 6)
GAPS = st.integers(0, 4)


@given(SIZES, SIZES, GAPS, GAPS, GAPS, GAPS, st.integers(0, 2**32 - 1))
def test_a_placed_block_can_be_taken_back_and_the_rest_is_ap(rows, columns, above, left, below, right, seed):
    bits = np.random.default_rng(seed).integers(0, 2, (2, rows, columns))
    block, shape = Block(above, left, rows, columns), (above + rows + below, left + columns + right)
    target = block.place(bits, shape)
    assert target.shape == (2, *shape)
    assert target.dtype == bool
    np.testing.assert_array_equal(block.take(target), bits)
    assert target.sum() == bits.sum()
    np.testing.assert_array_equal(target.reshape(2, -1)[:, block.flat_cells(shape)], bits.reshape(2, -1))


@given(SIZES, SIZES, GAPS, GAPS)
def test_multiplying_through_the_array_equals_multiplying_the_block(rows, columns, above, left):
    rng = np.random.default_rng(rows)
    block, shape = Block(above, left, rows, columns), (above + rows + 2, left + columns + 1)
    bits, x = rng.integers(0, 2, (rows, columns)), rng.normal(size=(5, rows))
    whole = block.drive(x, shape[0]) @ block.place(bits, shape)
    np.testing.assert_allclose(whole[:, left : left + columns], x @ bits, atol=1e-12)
    np.testing.assert_array_equal(np.delete(whole, np.arange(left, left + columns), axis=1), 0)


@pytest.mark.parametrize("block", [Block(3, 0, 13, 12), Block(0, 4, 13, 12), Block(0, 0, 16, 1)])
def test_a_block_that_does_not_fit_says_so(block):
    bits = np.zeros((block.rows, block.columns))
    with pytest.raises(UsageError, match=f"block of {block.rows} x {block.columns} cells at row {block.row}.*15 x 15"):
        block.place(bits, (15, 15))


def test_bits_must_fill_the_block():
    with pytest.raises(UsageError, match=r"\(13, 11\) do not fill a block of 13 x 12"):
        Block(0, 0, 13, 12).place(np.zeros((13, 11)), (15, 15))


@pytest.mark.parametrize("corner", [(-1, 0, 2, 2), (0, 0, 0, 2)])
def test_impossible_blocks(corner):
    with pytest.raises(UsageError, match="not a block"):
        Block(*corner)


def test_wine_on_two_arrays_and_on_one(shipped):
    few = shipped[:4]
    two = Mapping.of(few, (2, 3), (9, 9))
    first, second = two.targets(few, (15, 15), (15, 15))
    np.testing.assert_array_equal(first[:, 2:15, 3:15], few.w1)
    np.testing.assert_array_equal(second[:, 9:15, 9:15], few.w2)
    one = Mapping.of(few, sequential=True)
    assert (two.arrays, one.arrays) == ((0, 1), (0, 0))
    np.testing.assert_array_equal(one.targets(few, (15, 15))[1][:, :6, :6], few.w2)
    with pytest.raises(UsageError, match="arrays: 1, and the mapping needs 2"):
        two.check((15, 15))


def test_a_layer_that_fits_only_one_of_the_arrays():
    solutions = Solutions(np.ones((1, 13, 12)), np.ones((1, 6, 6)), np.ones((1, 6)), np.ones((1, 3)))
    Mapping.of(solutions).check((15, 15), (6, 6))
    with pytest.raises(UsageError, match="6 x 6 cells"):
        Mapping.of(solutions).check((15, 15), (6, 5))
