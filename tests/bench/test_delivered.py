"""Case F4: what was delivered is compared with the limits; the computer may have been stopped in the midst of it."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from labmtj.errors import LimitExceeded, Overstressed
from labmtj.quantities import Bias, Flag, Limits, Lines, Pulse, ReadSettings, Waveform
from labmtj.record import MemoryLog
from labmtj.record.recorded import Recorded
from labmtj.safety import Delivered, Envelope, Safety
from labmtj.safety.delivered import check_pulse
from procedures.common.schemes import select_cells

TWO_UNITS = (("one", "1"), ("two", "1"))
LIMITS = Limits(pulse_seconds=0.1, pulse_joules=1.0)


@pytest.fixture
def stopped_for(bench, wirings):
    """Return a function that builds a protected, recorded bench whose host stops for a while in its `when`th wait."""

    def build(seconds, when=1, limits=LIMITS):
        crossbar, world = bench(wirings[0]((4, 5), channels=TWO_UNITS), limits=limits)
        envelope, log = Envelope(limits, crossbar.shape, 2e-4), MemoryLog()
        safety = Safety(crossbar, envelope)
        safety.insert(partial(Delivered, envelope=envelope))
        plain, waits = world.sleep, iter(range(1, 1000))

        def sleep(wanted):
            plain(wanted + (seconds if any(world.volts.values()) and next(waits) == when else 0.0))

        world.sleep = sleep
        return Recorded(safety, log, "chip"), log, world

    return build


def test_a_pulse_that_the_computer_slept_through_is_flagged_recorded_and_ends_the_run(stopped_for):
    """SIGSTOP within a pulse of 20 ms for 30 s: at dd97226 it is recorded without a flag, and nothing is said."""
    crossbar, log, world = stopped_for(30.0)
    bias = select_cells((4, 5), np.array([[1, 2]]), 0.66)
    with pytest.raises(
        Overstressed, match=r"cell \(1, 2\) sees more than 0\.15 V for 30\.\d+ s .*limit is 0\.1 s"
    ) as raised:
        crossbar.pulse(bias, 0.02)
    assert not any(world.on.values())
    rows = log.read("arrays/chip/pulses")
    assert (rows["delivered_seconds"] > 30).all()
    flagged = (rows["flags"][0] & Flag.BEYOND_LIMITS).astype(bool)
    assert flagged.tolist() == [True] * 4 + [True] * 5  # half-selected cells saw 0.33 V as long
    assert raised.value.cells[1, 2]
    assert not raised.value.cells[0, 0]
    marked = log.read("arrays/chip/overstress/health")
    assert marked["state"][1, 2] == 7
    assert "30." in str(marked["evidence"])


def test_of_a_batch_the_pulses_that_were_as_asked_for_are_not_flagged(stopped_for):
    crossbar, log, _ = stopped_for(30.0, when=2)
    with pytest.raises(Overstressed, match=r"cell \(3, 4\)") as raised:
        crossbar.pulse(select_cells((4, 5), np.array([[1, 2], [3, 4], [0, 0]]), 0.66), 0.02)
    flags = log.read("arrays/chip/pulses")["flags"] & Flag.BEYOND_LIMITS
    assert flags.any(axis=1).tolist() == [False, True, False]
    assert raised.value.cells[3, 4]
    assert not raised.value.cells[0, 0]


def test_a_pulse_as_asked_for_passes(stopped_for):
    crossbar, log, _ = stopped_for(0.0)
    crossbar.pulse(select_cells((4, 5), np.array([[1, 2]]), 0.66), 0.02)
    assert not log.read("arrays/chip/pulses")["flags"].any()


@pytest.mark.parametrize("volts", [0.3, 0.1])
def test_a_reading_that_was_held_too_long_is_told_where_it_disturbs(stopped_for, volts):
    crossbar, log, _ = stopped_for(30.0)
    bias, how = Bias([volts / 2, 0, 0, 0], [-volts / 2, 0, 0, 0, 0]), ReadSettings(1e-3)
    if volts < 0.15:
        crossbar.measure(bias, Lines(columns=(0,)), how)
        return
    with pytest.raises(Overstressed, match=r"a reading was delivered beyond the limits: cell \(0, 0\) .* 30\.\d+ s"):
        crossbar.measure(bias, Lines(columns=(0,)), how)
    assert (log.read("arrays/chip/reads")["flags"][0, 0] & Flag.BEYOND_LIMITS) != 0


def test_the_time_of_messages_counts_before_a_reading_is_applied(bench, wirings, stopped_for):
    """Fails where a shot is as long as its apertures: 50 of them passed, and were delivered beyond the limits."""
    how = ReadSettings(1e-4)
    plain, world = bench(wirings[0]((4, 5), channels=TWO_UNITS))
    bias = Bias([0.15, 0, 0, 0], [-0.15, 0, 0, 0, 0])
    held = plain.measure(bias, Lines(columns=(0,)), how).held_seconds
    assert held.max() <= plain.hold_seconds(how) <= 2 * held.max()
    crossbar, _, world = stopped_for(0.0)
    messages = world.messages.copy()
    with pytest.raises(LimitExceeded, match=r"limits\.pulse_seconds"):
        crossbar.measure(bias, Lines(columns=(0,)), replace(how, repeats=50))
    assert world.messages == messages


@pytest.mark.parametrize(
    ("volts", "seconds", "said"),
    [
        ([[0.5], [1.0]], [0.01, 0.01], r"saw 1 V; the limit is 0\.9 V \(limits\.cell_volts\)"),
        ([[0.6], [0.6]], [0.09, 0.09], r"0\.18 s .*limits\.pulse_seconds"),
        ([[0.6], [0.0], [0.6]], [0.09, 0.01, 0.09], ""),
        ([[0.1], [0.6]], [3.0, 0.09], ""),
        ([[0.6]], [float("nan")], "inf s"),
        ([[0.905]], [0.1005], ""),
    ],
)
def test_steps_as_delivered_are_compared_with_every_limit(volts, seconds, said):
    bias = Bias([0.6], [0.0])
    lines = np.array(volts) * [[1.0, 0.0]]
    pulse = Pulse(bias, 0.1, np.zeros(1), Waveform(np.array([seconds]), lines[np.newaxis]), np.zeros((1, 2), np.uint8))
    envelope = Envelope(LIMITS, (1, 1), 2e-4)
    if not said:
        assert check_pulse(envelope, pulse) is pulse
        return
    with pytest.raises(Overstressed, match=said) as raised:
        check_pulse(envelope, pulse)
    assert (raised.value.answer.flags == Flag.BEYOND_LIMITS).all()
