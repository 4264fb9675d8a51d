"""Time on the network: flips within an aperture, sub-steps, noise, booking, threads, waiting."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from labmtj.device.mtj import noise_rms_amperes
from labmtj.virtual.network.line_noise import LineNoise

FLIPPING = {"thermal_stability": 10.0, "attempt_seconds": 1e-6}
"""AP to P at 0.5 V within some microseconds"""


def test_a_flip_within_an_aperture_shows_in_the_mean_and_in_the_limit(bench, chip):
    made = bench(chip((1, 1), **FLIPPING))
    made.connect(a=[0], ground=[1])
    made.a.source_volts(0.55, 1.0)
    before = made.a.sense(0.0)
    made.network.seen_by_pads = []
    mean = made.a.sense(1e-4)
    after = made.a.sense(0.0)
    assert made.array.flips.tolist() == [1]
    first = made.network.seen_by_pads[0].seconds / 1e-4
    assert 0 < first < 1
    assert after.amperes > 1.9 * before.amperes
    assert mean.amperes == pytest.approx(first * before.amperes + (1 - first) * after.amperes, rel=1e-9)

    made = bench(chip((1, 1), **FLIPPING))
    made.connect(a=[0], ground=[1])
    made.a.source_volts(0.55, 1.5 * before.amperes)
    assert not made.a.sense(0.0).limited
    clamped = made.a.sense(1e-4)
    assert clamped.limited
    assert clamped.amperes == pytest.approx((first + (1 - first) * 1.5) * before.amperes, rel=1e-9)


def test_many_short_waits_are_one_long_wait(bench, chip):
    cells = {"thermal_stability": 12.0, "half_volts": 0.5, "attempt_seconds": 1e-6}
    states = []
    for parts in (1, 7, 100):
        made = bench(chip((3, 4), **cells), cable_ohms=30.0)
        made.connect(a=[0, 1], b=[2, 3], ground=[4, 5, 6])
        made.a.source_volts(0.6, 1.0)
        made.b.source_volts(-0.4, 1.0)
        for _ in range(parts):
            made.network.spend(7e-3 / parts, "pulse")
        states.append((made.array.flips.tolist(), made.array.state.tolist()))
    assert states[0] == states[1] == states[2]
    assert sum(states[0][0]) > 3


def test_a_bench_at_rest_is_retention(bench, chip):
    made = bench(chip((3, 4), thermal_stability=8.0, attempt_seconds=1e-6))
    made.a.source_volts(0.0, 1.0)
    made.network.spend(0.1, "wait")
    assert made.array.flips.sum() > 0


def test_seconds_are_booked_by_purpose(bench, resistors):
    made = bench(resistors(1e3))
    made.network.spend(0.25, "settle")
    made.network.spend(0.001, "relay")
    made.network.spend(0.001, "relay")
    made.a.sense(0.02)
    made.b.sense(0.0)
    assert made.network.clock.booked_seconds == {"settle": 0.25, "relay": 0.002, "aperture": 0.02}
    assert made.network.now() == pytest.approx(0.272, abs=1e-12)


def test_booked_seconds_are_waited_as_far_as_asked(bench, resistors):
    made = bench(resistors(1e3), realtime_factor=0.5)
    started = time.monotonic()
    made.network.spend(0.1, "settle")
    made.a.sense(0.1)
    assert time.monotonic() - started >= 0.1
    lazy = bench(resistors(1e3))
    started = time.monotonic()
    lazy.network.spend(3600.0, "settle")
    assert time.monotonic() - started < 10


def test_noise_of_the_cells_reaches_the_channels_that_see_it(bench, resistors):
    array = resistors([[1e4, 1e4]])
    made = bench(array, noise=LineNoise(array.cells, 0, "resistors"))
    made.connect(a=[0], b=[1], ground=[2])
    made.a.source_volts(0.1, 1.0)
    made.b.source_volts(0.0, 1.0)
    a = np.array([made.a.sense(1e-3).amperes for _ in range(400)])
    b = np.array([made.b.sense(1e-3).amperes for _ in range(400)])
    one = noise_rms_amperes(array.cells, array.state, np.full(2, 0.1), np.full(2, 1e-5), 1e-3)[0]
    assert a.std() == pytest.approx(2**0.5 * one, rel=0.15)
    assert b.std() == pytest.approx(one, rel=0.15)
    assert a.mean() == pytest.approx(2e-5, rel=1e-5)
    assert made.a.sense(0.0) == made.a.sense(0.0)  # a look is true
    made.relays.operate([(1, 2, 2)], [])
    assert np.std([made.b.sense(1e-3).amperes for _ in range(20)]) < 1e-6 * one


def test_a_bench_without_noise_reads_the_same_twice(bench, chip):
    made = bench(chip((3, 4)))
    made.connect(a=[0], ground=[1, 2, 3, 4, 5, 6])
    made.a.source_volts(0.1, 1.0)
    assert made.a.sense(0.01) == made.a.sense(0.02)


def test_many_threads_are_one_queue(bench, resistors):
    made = bench(resistors(np.full((2, 3), 1e3)), cable_ohms=1.0)
    made.connect(a=[0], b=[2], ground=[1, 3, 4])

    def work(channel, volts):
        for turn in range(50):
            channel.source_volts(volts * turn, 1.0)
            channel.sense(1e-3)
            made.relays.operate([(1, 3, 9)], [(1, 3, 10)])
            made.network.spend(1e-3, "wait")
            made.relays.operate([(1, 3, 10)], [(1, 3, 9)])

    with ThreadPoolExecutor() as threads:
        list(threads.map(work, (made.a, made.b), (1e-3, 2e-3)))
    assert made.network.clock.booked_seconds == {"aperture": pytest.approx(0.1), "wait": pytest.approx(0.1)}
    made.a.source_volts(0.1, 1.0)
    made.b.source_volts(0.0, 1.0)
    alone = bench(resistors(np.full((2, 3), 1e3)), cable_ohms=1.0)
    alone.connect(a=[0], b=[2], ground=[1, 3, 4])
    alone.a.source_volts(0.1, 1.0)
    alone.b.source_volts(0.0, 1.0)
    assert made.a.sense(0.0).amperes == pytest.approx(alone.a.sense(0.0).amperes, rel=1e-12)


def test_channels_that_integrate_together_see_the_same_flip_and_spend_one_aperture(bench, chip):
    """Fails if each channel takes its own aperture: the second one would miss the flip, and 2 x 100 us be booked."""
    made = bench(chip((1, 1), **FLIPPING))
    made.connect(a=[0], b=[1])
    made.a.source_volts(0.55, 1.0)
    made.b.source_volts(0.0, 1.0)
    before = made.a.sense(0.0).amperes
    for channel in (made.a, made.b):
        channel.open_aperture()
    made.network.spend(1e-4, "settle")
    a, b = made.a.close_aperture(), made.b.close_aperture()
    assert made.array.flips.tolist() == [1]
    assert a.amperes > 1.05 * before
    assert b.amperes == pytest.approx(-a.amperes, rel=1e-9)
    assert made.network.clock.booked_seconds == {"aperture": 1e-4}


def test_an_aperture_sees_only_the_time_it_is_open(bench, resistors):
    made = bench(resistors([[1e4, 1e4]]))
    made.connect(a=[0], b=[1], ground=[2])
    made.b.source_volts(0.0, 1.0)
    made.a.open_aperture()
    for volts, seconds in ((0.1, 1e-3), (0.3, 3e-3)):
        made.a.source_volts(volts, 1.0)
        made.network.spend(seconds, "settle")
        made.b.open_aperture()
    assert made.a.close_aperture().volts == pytest.approx(0.25, rel=1e-6)
    assert made.b.close_aperture() == made.b.sense(0.0)  # opened again at the end: nothing came in
    made.network.spend(1e-3, "settle")
    assert made.network.clock.booked_seconds == {"aperture": 4e-3, "settle": 1e-3}


def test_noise_of_one_aperture_is_the_same_for_all_who_integrate(bench, resistors):
    array = resistors(1e4)
    made = bench(array, noise=LineNoise(array.cells, 0, "resistors"))
    made.connect(a=[0], b=[1])
    made.a.source_volts(0.1, 1.0)
    made.b.source_volts(0.0, 1.0)
    made.a.open_aperture()
    made.b.open_aperture()
    made.network.spend(1e-3, "settle")
    a, b = made.a.close_aperture().amperes, made.b.close_aperture().amperes
    assert a != made.a.sense(0.0).amperes
    assert a == pytest.approx(-b, rel=1e-3)
