import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labmtj.circuit import PortState, Wires, line_volts, response_of
from labmtj.errors import LimitExceeded
from labmtj.quantities import Bias, Limits, Lines, ReadSettings
from labmtj.safety import Envelope, Safety, line_name, spread_volts

LIMITS = Limits(cell_volts=0.9, pulse_seconds=0.1)
ENVELOPE = Envelope(LIMITS, (2, 3), 1e-3)
VOLTS = st.one_of(st.just(np.nan), st.floats(-1.5, 1.5), st.sampled_from([0.0, 0.45, -0.45, 0.9, -0.9]))


def protected(crossbar):
    return Safety(crossbar, Envelope(LIMITS, (2, 3), 1e-3))


class Spy:
    """A crossbar that counts what reaches it."""

    shape, limits, clock = (2, 3), LIMITS, None

    def __init__(self):
        self.calls = []

    def refusal(self, bias, seconds=0.0):
        self.calls.append("can")

    def measure(self, bias, lines, how):
        self.calls.append(("measure", len(bias)))
        return "currents"

    def pulse(self, bias, seconds):
        self.calls.append(("pulse", len(bias)))
        return "pulse"


def batches(lines=5):
    return st.lists(st.lists(VOLTS, min_size=lines, max_size=lines), min_size=1, max_size=4).map(np.array)


@example(np.array([[0.5, *[np.nan] * 4], [-0.5, *[np.nan] * 4]]))  # a line is not across itself
@given(batches())
def test_no_bias_passes_whose_driven_lines_spread_beyond_the_limit(volts):
    driven = [row[~np.isnan(row)] for row in volts]
    worst = max((max(row) - min(row) for row in driven if len(row)), default=0.0)
    worst_of_pulses = max(worst, *(most_of_mixtures([row]) for row in volts))
    worst = max(worst_of_pulses, most_of_mixtures(volts))
    spy = Spy()
    limited = protected(spy)
    bias = Bias.from_lines(volts, (2, 3))
    if worst > 0.9 + 1e-9:
        if worst_of_pulses > 0.9 + 1e-9:
            assert limited.refusal(bias) is not None
            with pytest.raises(LimitExceeded, match=r"limit is 0\.9 V \(limits\.cell_volts\)"):
                limited.pulse(bias, 1e-3)
        with pytest.raises(LimitExceeded, match="was not applied"):
            limited.measure(bias, Lines(rows=(0,)), ReadSettings())
        assert spy.calls == []
    else:
        assert limited.refusal(bias) is None
        assert limited.pulse(bias, 1e-3) == "pulse"
        assert limited.measure(bias, Lines(rows=(0,)), ReadSettings()) == "currents"
        assert spy.calls == ["can", ("pulse", len(volts)), ("measure", len(volts))]


def most_of_mixtures(volts, signs=(1,)):
    """Return the most across a cell of a 2 x 3 array in any mixture of two levels that follow each other, or of 0 V."""
    rows = [np.array(row, float) * sign for row in volts for sign in signs]
    most, path = 0.0, [np.zeros(5), *rows, np.zeros(5)]
    for before, after in itertools.pairwise(path):
        for mixture in itertools.product(*zip(np.nan_to_num(before), np.nan_to_num(after), np.zeros(5), strict=True)):
            floating = np.isnan(before + after).any()
            seen = np.ptp(mixture) if floating else np.abs(np.subtract.outer(mixture[:2], mixture[2:])).max()
            most = max(most, float(seen))
    return most


def test_a_common_voltage_that_is_reversed_line_by_line_is_refused():
    """All lines at 0.89 V spread by nothing, but row by row reversed they put 1.78 V across cells."""
    spy = Spy()
    both = ReadSettings(polarity="both")
    with pytest.raises(LimitExceeded, match=r"1\.78 V may be across a cell while levels step"):
        protected(spy).measure(Bias.from_lines([0.89] * 5, (2, 3)), Lines(columns=(0,)), both)
    assert most_of_mixtures([[0.89] * 5], (1, -1)) == pytest.approx(1.78)
    protected(spy).measure(Bias([0.1, 0.1], np.zeros(3)), Lines(columns=(0,)), both)
    assert len(spy.calls) == 1


def test_levels_that_follow_each_other_in_a_batch_are_checked_in_every_mixture():
    """Each is within the limit of 0.9 V; a row that has stepped before its column puts 1.4 V across the cell."""
    rows, columns = [[0.1, 0], [0.8, 0]], [[-0.6, 0, 0], [0.1, 0, 0]]
    spy = Spy()
    with pytest.raises(LimitExceeded, match=r"1\.4 V may be across a cell"):
        protected(spy).measure(Bias(rows, columns), Lines(columns=(0,)), ReadSettings(aperture_seconds=1e-4))
    assert spy.calls == []
    for row, column in zip(rows, columns, strict=True):
        protected(spy).measure(Bias(row, column), Lines(columns=(0,)), ReadSettings(aperture_seconds=1e-4))
    assert len(spy.calls) == 2


@given(st.lists(VOLTS, min_size=5, max_size=5), st.lists(st.floats(10.0, 1e6), min_size=6, max_size=6))
def test_no_cell_sees_more_than_the_spread(volts, ohms):
    """The bound that the check rests on, in networks solved for it, floating lines included."""
    wires = Wires.uniform((2, 3), row_segment_ohms=2, column_segment_ohms=3, row_lead_ohms=10, column_lead_ohms=20)
    ports = PortState(response_of(wires), np.array(ohms))
    lines = line_volts(ports.admittance, np.array(volts))
    bias = Bias.from_lines(volts, (2, 3))
    # a line that floats leaks 1e-12 S to ground, through up to 1 Mohm
    assert np.abs(ports.cell_volts(lines)).max() <= spread_volts(bias)[0] + 1e-5


def test_spread_of_floating_and_driven_lines():
    bias = Bias([[0.3, np.nan], [np.nan, np.nan], [np.nan, 5.0]], [[-0.2, np.nan, 0], [np.nan] * 3, [np.nan] * 3])
    np.testing.assert_allclose(spread_volts(bias), [0.5, 0.0, 0.0])


def test_the_message_names_lines_voltage_limit_and_place_in_the_batch():
    volts = np.zeros((3, 5))
    volts[1] = [0.0, 0.5, -0.6, 0.0, 0.1]
    with pytest.raises(LimitExceeded) as caught:
        ENVELOPE.check(Bias.from_lines(volts, (2, 3)))
    assert str(caught.value) == (
        "row 1 at 0.5 V against column 0 at -0.6 V puts 1.1 V across a cell (bias 1 of 3); "
        "the limit is 0.9 V (limits.cell_volts). It was not applied: lower the amplitude"
    )
    assert caught.value.exit_code == 2


def test_the_sum_of_two_halves_is_the_limit_itself():
    ENVELOPE.check(Bias([0.45, 0.0], [-0.45, 0.0, 0.0]))
    ENVELOPE.check(Bias([0.3 + 0.6, 0.0], [0.0, 0.0, 0.0]))


@pytest.mark.parametrize("seconds", [0.11, np.nan, np.inf, -1e-3])
def test_pulses_of_no_sensible_length_are_refused(seconds):
    spy = Spy()
    bias = Bias(np.zeros(2), np.zeros(3))
    with pytest.raises(LimitExceeded, match=r"limits\.pulse_seconds"):
        protected(spy).pulse(bias, seconds)
    assert "pulse_seconds" in str(protected(spy).refusal(bias, seconds))
    assert spy.calls == []


def test_a_bias_for_another_array_is_refused():
    spy = Spy()
    with pytest.raises(LimitExceeded, match="3 x 2 lines does not fit the 2 x 3 array"):
        protected(spy).measure(Bias(np.zeros(3), np.zeros(2)), Lines(rows=(0,)), ReadSettings())
    assert spy.calls == []


def test_names_of_lines():
    assert [line_name(line, (2, 3)) for line in (0, 1, 2, 4)] == ["row 0", "row 1", "column 0", "column 2"]
