"""States between reads, by hand."""

import numpy as np

from labmtj.calibration.states import _carried, _shown

NAN = np.nan


def test_a_cell_is_known_between_two_equal_reads_and_unknown_between_different_ones():
    decoded = np.array([[1.0, 1.0, NAN], [NAN, NAN, NAN], [1.0, 0.0, 1.0], [NAN, NAN, NAN]])
    states, certain = _carried(decoded)
    assert states.tolist() == [[True, True, True], [True, True, True], [True, False, True], [True, False, True]]
    assert certain.tolist() == [[True, True, True], [True, False, True], [True, True, True], [True, True, True]]


def test_a_cell_that_reads_both_ways_in_one_stretch_is_torn():
    place = np.array([0, 0, 1, 1, 3])
    shown, torn = _shown(place, np.array([True, False, True, True, False]), (2, 2))
    assert torn.tolist() == [[True, False], [False, False]]
    assert shown[0, 1] == 1.0
    assert np.isnan(shown[1, 0])
    assert shown[1, 1] == 0.0
