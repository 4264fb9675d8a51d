"""Bias schemes, solved by hand on 3 x 3, and the partners of shorted cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.quantities import Bias
from procedures.common.schemes import (
    float_partners,
    inputs_on_rows,
    select_cells,
    select_columns,
    select_in_rows,
    select_rows,
)

CENTRE = np.array([[1, 1]])


def cell_volts(bias):
    """Return what every cell sees on wires without resistance, (batch, rows, columns)."""
    return bias.row_volts[:, :, np.newaxis] - bias.column_volts[:, np.newaxis, :]


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("half", [[0, 0.3, 0], [0.3, 0.6, 0.3], [0, 0.3, 0]]),
        ("third", [[-0.2, 0.2, -0.2], [0.2, 0.6, 0.2], [-0.2, 0.2, -0.2]]),
        ("grounded", [[0, 0, 0], [0.6, 0.6, 0.6], [0, 0, 0]]),
    ],
)
def test_the_centre_of_three_by_three_by_hand(scheme, expected):
    np.testing.assert_allclose(cell_volts(select_cells((3, 3), CENTRE, 0.6, scheme))[0], expected, atol=1e-15)


def test_the_half_scheme_takes_two_sources_of_opposite_sign():
    bias = select_cells((3, 3), CENTRE, 0.6)
    np.testing.assert_allclose(bias.line_volts, [[0, 0.3, 0, 0, -0.3, 0]])


def test_a_single_bias_of_each_cell_follows_the_order_of_the_cells():
    cells = np.array([[2, 0], [0, 1]])
    volts = cell_volts(select_cells((3, 2), cells, [0.5, -0.4], "third"))
    assert volts[0, 2, 0] == pytest.approx(0.5)
    assert volts[1, 0, 1] == pytest.approx(-0.4)


@given(
    rows=st.integers(2, 6),
    columns=st.integers(2, 6),
    volts=st.floats(-1, 1),
    scheme=st.sampled_from([("half", 1 / 2, 0.0), ("third", 1 / 3, -1 / 3)]),
    data=st.data(),
)
def test_the_selected_cell_sees_all_and_the_others_their_share(rows, columns, volts, scheme, data):
    name, shared, other = scheme
    row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    seen = cell_volts(select_cells((rows, columns), np.array([[row, column]]), volts, name))[0]
    expected = np.full((rows, columns), other * volts)
    expected[row], expected[:, column] = shared * volts, shared * volts
    expected[row, column] = volts
    np.testing.assert_allclose(seen, expected, atol=1e-14)


def test_a_selected_column_gets_all_the_volts_and_no_other_cell_any():
    volts = cell_volts(select_columns((3, 2), [1], 0.9))
    np.testing.assert_allclose(volts, [[[0, 0.9], [0, 0.9], [0, 0.9]]])


def test_a_selected_row_gets_all_the_volts_and_no_other_cell_any():
    bias = select_rows((3, 2), [2, 0], 0.1)
    np.testing.assert_array_equal(bias.line_volts, [[0, 0, 0.1, 0, 0], [0.1, 0, 0, 0, 0]])


def test_cells_of_a_row_selected_together_see_row_minus_column():
    columns = np.array([[True, False, True]])
    bias = select_in_rows(np.array([1]), columns, 0.3, np.array([[-0.3, 9.0, -0.2]]), (2, 3))
    np.testing.assert_allclose(cell_volts(bias)[0], [[0.3, 0, 0.2], [0.6, 0.3, 0.5]])


def test_inputs_stand_on_the_rows_from_the_first_and_may_come_in_any_order():
    bias = inputs_on_rows((4, 2), [1, 2], np.array([[0.1, -0.1], [0.05, 0.0]]))
    np.testing.assert_array_equal(bias.line_volts, [[0, 0.1, -0.1, 0, 0, 0], [0, 0.05, 0, 0, 0, 0]])
    assert not bias.ordered


@pytest.fixture
def shorted():
    """The cell in row 1 and column 2 is a short."""
    cells = np.zeros((3, 3), bool)
    cells[1, 2] = True
    return cells


@pytest.mark.parametrize(
    ("cell", "floating"),
    [
        ((1, 0), 3 + 2),  # the row of the short is driven: its column floats
        ((0, 2), 1),  # the column is driven: its row floats
        ((0, 0), None),  # neither is
    ],
)
def test_the_partner_of_a_driven_line_of_a_short_floats(shorted, cell, floating):
    bias = select_cells((3, 3), np.array([cell]), 0.6)
    expected = bias.line_volts.copy()
    if floating is not None:
        expected[0, floating] = np.nan
    np.testing.assert_array_equal(float_partners(bias, shorted).line_volts, expected)


def test_each_bias_of_a_batch_floats_its_own_partners(shorted):
    bias = float_partners(select_cells((3, 3), np.array([[1, 0], [0, 0], [0, 2]]), 0.6), shorted)
    np.testing.assert_array_equal(np.argwhere(np.isnan(bias.line_volts)), [[0, 5], [2, 1]])


def test_without_a_short_nothing_floats():
    bias = Bias(np.full(3, 0.1), np.zeros(3))
    assert float_partners(bias, np.zeros((3, 3), bool)) is bias
