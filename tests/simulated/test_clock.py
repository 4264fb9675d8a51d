"""The clock books what a bench would take, to the nanosecond."""

import numpy as np
import pytest

from labmtj.quantities import Bias, Lines, ReadSettings, Waveform
from labmtj.simulated import Timing, VirtualClock

TIMING = Timing(source_seconds=3e-4, transfer_seconds=7e-4)


def test_a_read_books_source_settle_aperture_and_transfer_of_every_shot(make):
    crossbar = make((2, 3), parts={"timing": TIMING})
    bias = Bias(np.full((5, 2), 0.1), np.zeros(3))
    how = ReadSettings(aperture_seconds=0.02, settle_seconds=0.001, repeats=2, polarity="both")
    currents = crossbar.measure(bias, Lines(columns=(0, 1)), how)
    assert crossbar.clock.booked_seconds == pytest.approx(
        {"aperture": 0.4, "settle": 0.02, "source": 0.006, "transfer": 0.014}, abs=1e-12
    )
    assert crossbar.clock.nanoseconds == 440_000_000
    shots = np.arange(20).reshape(5, 4)
    for line in (0, 1):
        np.testing.assert_allclose(currents.start_seconds[:, :, line], 0.0013 + 0.022 * shots, atol=1e-12)


def test_a_pulse_books_source_and_width(make):
    crossbar = make((2, 2), parts={"timing": TIMING})
    pulse = crossbar.pulse(Bias(np.zeros((3, 2)), np.zeros(2)), 1e-6)
    assert crossbar.clock.booked_seconds == pytest.approx({"pulse": 3e-6, "source": 9e-4}, abs=1e-15)
    np.testing.assert_allclose(pulse.start_seconds, 3e-4 + np.arange(3) * 3.01e-4, atol=1e-12)


def test_a_waveform_books_all_its_steps(make):
    crossbar = make((1, 1), parts={"timing": TIMING})
    crossbar.apply(Waveform(np.array([[2e-6, 0.0, 5e-6]]), np.zeros((1, 3, 2))))
    assert crossbar.clock.booked_seconds == pytest.approx({"pulse": 7e-6, "source": 3e-4}, abs=1e-15)


def test_sums_of_small_steps_are_exact():
    clock, once = VirtualClock(), VirtualClock()
    for _ in range(1000):
        clock.book("pulse", 1e-7)
    once.book("pulse", 1e-7, 1000)
    assert clock.now() == once.now() == 1e-4
    clock.sleep(0.25)
    assert clock.booked_seconds == {"pulse": 1e-4, "wait": 0.25}


def test_a_snapshot_restores_the_clock():
    clock, other = VirtualClock(), VirtualClock()
    clock.book("settle", 0.5)
    clock.sleep(1.0)
    other.sleep(9.0)
    other.restore(clock.snapshot())
    assert other.booked_seconds == clock.booked_seconds
    assert other.now() == 1.5


def test_arrays_on_one_clock_age_together(make):
    """A cell that loses its state at rest does so while the other array is busy."""
    clock = VirtualClock()
    weak, busy = (
        make((1, 100), thermal_stability=stability, parts={"clock": clock, "name": name})
        for name, stability in (("weak", 20.0), ("busy", 80.0))
    )
    busy.measure(Bias(np.zeros((50, 1)), np.zeros(100)), Lines(rows=(0,)), ReadSettings())
    assert not weak.array.state.any()
    weak.measure(Bias([0.0], np.zeros(100)), Lines(rows=(0,)), ReadSettings(aperture_seconds=1e-6, settle_seconds=0.0))
    assert 25 < weak.array.state.sum() < 75  # 1.1 s at 2 flips per second each way
    assert not busy.array.state.any()


def test_no_clock_goes_back():
    """Case use/29: a wait of less than 0 s is none, as on a bench."""
    clock = VirtualClock()
    clock.sleep(2.0)
    for book in (clock.sleep, lambda seconds: clock.book("settle", seconds, 3)):
        book(-5.0)
        assert clock.now() == 2.0
