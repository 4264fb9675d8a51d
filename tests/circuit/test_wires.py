import numpy as np
import pytest

from labmtj.circuit import Wires
from labmtj.errors import UsageError

GOOD = {
    "row_segment_ohms": np.ones((2, 2)),
    "column_segment_ohms": np.ones((3, 1)),
    "row_lead_ohms": np.ones((2, 2)),
    "column_lead_ohms": np.ones((3, 2)),
}
UNIFORM = {"row_segment_ohms": 1, "column_segment_ohms": 2, "row_lead_ohms": 3, "column_lead_ohms": 4}


def test_uniform_wires_have_pads_only_at_the_ends_named():
    wires = Wires.uniform((2, 3), **UNIFORM, row_ends="right", column_ends="top", contact_ohms=7)
    assert wires.shape == (2, 3)
    assert wires.row_lead_ohms.tolist() == [[np.inf, 3]] * 2
    assert wires.column_lead_ohms.tolist() == [[4, np.inf]] * 3
    assert wires.row_segment_ohms.tolist() == [[1, 1]] * 2
    assert wires.column_segment_ohms.tolist() == [[2]] * 3
    assert wires.contact_ohms.tolist() == [[7] * 3] * 2


def test_the_default_ends_are_left_and_bottom_and_both_gives_two_pads():
    wires = Wires.uniform((2, 3), **UNIFORM)
    assert np.isfinite(wires.row_lead_ohms).tolist() == [[True, False]] * 2
    assert np.isfinite(wires.column_lead_ohms).tolist() == [[False, True]] * 3
    assert np.isfinite(Wires.uniform((2, 3), **UNIFORM, row_ends="both").row_lead_ohms).all()


def test_wires_do_not_change_with_the_arrays_they_were_made_of():
    leads = np.ones((2, 2))
    wires = Wires(**{**GOOD, "row_lead_ohms": leads})
    leads[:] = 5
    assert (wires.row_lead_ohms == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        wires.row_lead_ohms[0, 0] = 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("row_segment_ohms", np.ones((2, 3)), r"row_segment_ohms needs the shape \(2, 2\); got \(2, 3\)"),
        ("row_segment_ohms", [[1, 1], [1, -1]], r"row_segment_ohms\[1, 1\] = -1.0 is not a resistance"),
        ("column_segment_ohms", [[1], [np.nan], [1]], r"column_segment_ohms\[1, 0\] = nan"),
        ("row_lead_ohms", [[1, 1], [np.inf, np.inf]], "row 1 has no pad"),
        ("column_lead_ohms", [[1, 1], [1, 1], [np.inf, np.inf]], "column 2 has no pad"),
        ("row_lead_ohms", [1, 1], r"row_lead_ohms needs the shape \(rows, 2\)"),
        ("contact_ohms", np.inf, "contact_ohms holds an infinite"),
        ("contact_ohms", np.ones((3, 2)), r"contact_ohms needs the shape \(2, 3\)"),
    ],
)
def test_wires_that_cannot_exist_are_refused(name, value, message):
    with pytest.raises(UsageError, match=message):
        Wires(**{**GOOD, name: value})


def test_uniform_refuses_unknown_ends_and_empty_arrays():
    with pytest.raises(UsageError, match="row_ends = 'top' is not known; choose one of left, right, both"):
        Wires.uniform((2, 3), **UNIFORM, row_ends="top")
    with pytest.raises(UsageError, match="at least one row"):
        Wires.uniform((0, 3), **UNIFORM)
