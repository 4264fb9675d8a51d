import numpy as np

from labmtj.circuit import LEAK_OHMS, Wires, response_of

NO_PAD = np.inf


def row_only(segments, leads, contact=0.0):
    """One row whose columns have no resistance: the response is the row's own."""
    count = len(segments) + 1
    return response_of(Wires([segments], np.zeros((count, 0)), [leads], np.zeros((count, 2)), contact))


def test_from_one_pad_the_shared_resistance_counts():
    assert row_only([1, 2], [10, NO_PAD]).impedance.tolist() == [[10, 10, 10], [10, 11, 11], [10, 11, 13]]
    assert row_only([1, 2], [NO_PAD, 10]).impedance.tolist() == [[13, 12, 10], [12, 12, 10], [10, 10, 10]]


def test_from_two_pads_the_wire_divides():
    # 2 + 3 + 5 ohm: at the first tap 2 against 8, at the second 5 against 5, between them 2 * 5 / 10
    np.testing.assert_allclose(row_only([3], [2, 5]).impedance, [[1.6, 1.0], [1.0, 2.5]], rtol=1e-15)


def test_rows_columns_and_contacts_add_up():
    wires = Wires([[1], [2]], [[4], [8]], [[16, NO_PAD]] * 2, [[NO_PAD, 32]] * 2, [[64, 128], [256, 512]])
    cells = np.diag([64, 128, 256, 512])
    rows = np.array([[16, 16, 0, 0], [16, 17, 0, 0], [0, 0, 16, 16], [0, 0, 16, 18]])
    columns = np.array([[36, 0, 32, 0], [0, 40, 0, 32], [32, 0, 32, 0], [0, 32, 0, 32]])
    assert np.array_equal(response_of(wires).impedance, cells + rows + columns)


def test_wires_of_no_resistance_drop_nothing():
    for ends in ("left", "right", "both"):
        wires = Wires.uniform(
            (3, 4), row_segment_ohms=0, column_segment_ohms=0, row_lead_ohms=0, column_lead_ohms=0, row_ends=ends
        )
        assert not response_of(wires).impedance.any()


def test_a_piece_cut_from_every_pad_hangs_on_its_leak():
    response = row_only([1, np.inf, 2, np.inf], [10, NO_PAD])
    assert response.islands.T.tolist() == [[0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]
    assert response.impedance.tolist()[3] == [0, 0, 0, 2, 0]
    assert response.full_impedance[3].tolist() == [0, 0, LEAK_OHMS, LEAK_OHMS + 2, 0]


def test_a_cut_between_two_pads_leaves_no_island():
    response = row_only([1, np.inf, 2], [10, 20])
    assert response.islands.shape == (4, 0)
    assert response.impedance.tolist() == [[10, 10, 0, 0], [10, 11, 0, 0], [0, 0, 22, 20], [0, 0, 20, 20]]


def test_an_open_cell_sees_its_row_minus_its_column():
    incidence = row_only([1, 1], [0, NO_PAD]).incidence
    assert incidence.tolist() == [[1, -1, 0, 0], [1, 0, -1, 0], [1, 0, 0, -1]]
