import copy
import pickle

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.quantities import Bias, Currents, Flag, Limits, Lines, ReadSettings, Waveform


def test_lines_count_rows_first():
    lines = Lines(rows=(2, 0), columns=(1,))
    np.testing.assert_array_equal(lines.indices((3, 2)), [2, 0, 4])
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (Lines(rows=(3,)), "row 3 does not exist: the array has rows 0 to 2"),
        (Lines(columns=(-1,)), "column -1 does not"),
    ],
)
def test_lines_outside_are_refused(lines, message):
    with pytest.raises(UsageError, match=message):
        lines.indices((3, 2))


def test_a_bias_broadcasts_one_side_over_the_batch():
    bias = Bias([[1, 2], [3, 4]], [5, 6, 7])
    np.testing.assert_array_equal(bias.line_volts, [[1, 2, 5, 6, 7], [3, 4, 5, 6, 7]])
    np.testing.assert_array_equal(bias.row_volts, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(bias.column_volts, [[5, 6, 7], [5, 6, 7]])
    assert (len(bias), bias.shape, bias.batched) == (2, (2, 3), True)
    single = Bias([1, 2], [3])
    assert (len(single), single.shape, single.batched) == (1, (2, 1), False)
    assert repr(bias) == "Bias(2 x 2+3 lines, 1 to 7 V)"
    assert repr(Bias([np.nan], [np.nan])) == "Bias(1 x 1+1 lines, all lines floating)"


def test_a_bias_keeps_its_own_voltages():
    rows = np.zeros(2)
    one, other = Bias(rows, [0.0]), Bias.from_lines(given := np.zeros(3), (2, 1))
    rows[:], given[:] = 1.0, 1.0
    assert not one.line_volts.any()
    assert not other.line_volts.any()
    with pytest.raises(ValueError, match="read-only"):
        one.line_volts[0, 0] = 1.0
    with pytest.raises(AttributeError, match="frozen"):
        one.shape = (1, 2)


def test_biases_compare_by_value():
    assert Bias([0.1, np.nan], [0.0]) == Bias.from_lines([0.1, np.nan, 0.0], (2, 1))
    assert Bias([0.1, 0.2], [0.0]) != Bias([0.1], [0.2, 0.0])
    assert Bias([0.1], [0.0]) != Bias([[0.1]], [0.0])
    assert Bias([0.1], [0.0]) != Bias([0.1], [0.0], ordered=False)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda bias: pickle.loads(pickle.dumps(bias))])
def test_biases_can_be_copied_and_sent(again):
    bias = Bias([[0.1, np.nan]], [0.0], ordered=False)
    assert again(bias) == bias


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (0.1, [0.0], r"needs \(rows,\) or \(batch, rows\)"),
        ([], [0.0], "needs"),
        (np.zeros((0, 2)), [0.0], "needs"),
        (np.zeros((2, 2)), np.zeros((3, 2)), "differ in batch"),
        ([np.inf], [0.0], "use NaN for a floating line"),
    ],
)
def test_bad_biases_are_refused(rows, columns, message):
    with pytest.raises(UsageError, match=message):
        Bias(rows, columns)


@pytest.mark.parametrize("volts", [np.zeros(4), np.zeros((0, 3)), np.zeros((1, 1, 3))])
def test_bad_line_voltages_are_refused(volts):
    with pytest.raises(UsageError, match="2 x 1 array needs 3 line voltages"):
        Bias.from_lines(volts, (2, 1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"aperture_seconds": 0.0}, {"settle_seconds": -1.0}, {"repeats": 0}, {"aperture_seconds": np.nan},
        {"range_amperes": 0.0}, {"range_amperes": np.inf}, {"range_amperes": np.nan},
    ],
)  # fmt: skip
def test_bad_readings_are_refused(wrong):
    with pytest.raises(UsageError):
        ReadSettings(**wrong)


def test_signs_of_the_shots():
    np.testing.assert_array_equal(ReadSettings(repeats=3).signs, [1, 1, 1])
    np.testing.assert_array_equal(ReadSettings(repeats=2, polarity="both").signs, [1, -1, 1, -1])


@pytest.mark.parametrize("name", ["cell_volts", "line_amperes", "pulse_seconds", "disturb_volts"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan])
def test_bad_limits_are_refused(name, value):
    with pytest.raises(UsageError, match=name):
        Limits(**{name: value})


def test_the_odd_part_removes_an_offset():
    raw = np.array([[[1.5, 2.0], [-0.5, -2.0]]])
    others = np.zeros((1, 2, 1))
    currents = Currents(raw, others.astype(np.uint8), others, others, others, np.array([1.0, -1.0]))
    np.testing.assert_allclose(currents.amperes, [[1.0, 2.0]])


def test_a_current_beyond_the_range_is_bounded_by_its_end():
    raw = np.array([[[1e-6, np.nan, np.nan]], [[2e-6, np.nan, 3e-6]]])
    flags = np.where(np.isnan(raw), Flag.OVERFLOW | Flag.INVALID, 0).astype(np.uint8)
    flags[0, 0, 2] = Flag.INVALID
    currents = Currents(raw, flags, np.full((1, 1, 1), 1e-5), raw, raw, np.ones(1))
    np.testing.assert_array_equal(currents.bounded_amperes(-0.1), [[1e-6, -1e-5, np.nan], [2e-6, -1e-5, 3e-6]])


def test_a_part_of_currents_keeps_values_that_are_the_same_for_all_lines():
    raw = np.arange(12.0).reshape(2, 2, 3)
    starts = np.arange(4.0).reshape(2, 2, 1)
    part = Currents(raw, np.zeros((1, 1, 1), np.uint8), starts, starts, raw, np.ones(2)).part(slice(1, 3))
    np.testing.assert_array_equal(part.raw_amperes, raw[:, :, 1:])
    np.testing.assert_array_equal(part.start_seconds, np.repeat(starts, 2, axis=2))
    assert part.flags.shape == (2, 2, 2)


def test_a_square_waveform():
    wave = Waveform.square(Bias([[1, 2], [3, 4]], [0]), 1e-3)
    np.testing.assert_array_equal(wave.step_seconds, [[1e-3], [1e-3]])
    np.testing.assert_array_equal(wave.line_volts, [[[1, 2, 0]], [[3, 4, 0]]])


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -1.0])
@pytest.mark.parametrize("name", ["aperture_seconds", "settle_seconds"])
def test_a_reading_without_end_is_refused(name, seconds):
    """Case use/17."""
    with pytest.raises(UsageError, match=name):
        ReadSettings(**{name: seconds})


@pytest.mark.parametrize("lines", [Lines(columns=(3, 3)), Lines(rows=(1, 0, 1))])
def test_a_line_named_twice_is_refused_on_every_crossbar(lines):
    """Case use/19: the simulated array had answered, instruments refused; both take the numbers from here."""
    with pytest.raises(UsageError, match=r"(row 1|column 3) is named twice"):
        lines.indices((4, 5))
