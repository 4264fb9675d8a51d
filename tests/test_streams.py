import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from labmtj.streams import Draws, stream


def test_a_stream_depends_on_seed_and_name_alone():
    first = stream(1, "chip", 3).random(4)
    stream(1, "other").random(100)
    np.testing.assert_array_equal(stream(1, "chip", 3).random(4), first)
    for other in (
        stream(2, "chip", 3),
        stream(1, "chip", 4),
        stream(1, "chip"),
        stream(1, "chip", "3"),
        stream(1, "c", 3),
    ):
        assert not np.isin(other.random(4), first).any()


def test_the_first_numbers_are_what_they_were_when_this_was_written():
    """A run is repeated from its seed: these may never change."""
    np.testing.assert_array_equal(stream(1, "chip", 3).integers(0, 1000, 6), [50, 31, 784, 641, 793, 321])


def test_numbers_of_numpy_name_the_same_stream():
    given_numpy = stream(1, np.str_("chip"), np.int64(3)).random()
    assert given_numpy == stream(1, "chip", 3).random()


@given(st.integers(0, 1500), st.integers(0, 700), st.integers(0, 2))
def test_rows_are_elements_wherever_the_blocks_end(start, count, column):
    draws = Draws("normal", 3, 7, "noise", "a")
    rows = draws.rows(start, count)
    assert rows.shape == (count, 3)
    for offset in {0, count // 2, count - 1} - {-1} if count else set():
        assert rows[offset, column] == Draws("normal", 3, 7, "noise", "a").at(start + offset, column)


def test_order_of_asking_does_not_matter():
    forward, backward = (Draws("uniform", 2, 7, "x") for _ in range(2))
    places = [(row, row % 2) for row in range(0, 5000, 97)]
    one = {place: forward.at(*place) for place in places}
    other = {place: backward.at(*place) for place in reversed(places)}
    assert one == other


@pytest.mark.parametrize(
    ("kind", "distribution"), [("exponential", stats.expon), ("normal", stats.norm), ("uniform", stats.uniform)]
)
def test_kinds(kind, distribution):
    values = Draws(kind, 4, 11, "kind").rows(0, 2000)
    assert stats.kstest(values.ravel(), distribution.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(values.T)[np.triu_indices(4, 1)]).max() < 0.1
    assert abs(np.corrcoef(values[:-1, 0], values[1:, 0])[0, 1]) < 0.1
