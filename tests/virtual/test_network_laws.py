"""Whole arrays on the network: against nodal analysis, reciprocity, superposition, and a simulated crossbar."""

import numpy as np
import pytest

from labmtj.quantities import Bias, Lines, ReadSettings, Waveform
from labmtj.simulated import SimulatedCrossbar, Timing
from labmtj.virtual.network.network import Network
from labmtj.virtual.network.wiring import Line, Wire, Wiring

MILLI = 1e-3


def random_relays(rng, lines, count):
    return {(1, int(rng.integers(1, 5)), 1 + int(line)) for line in rng.integers(0, lines, count)}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("leakage_siemens", [0.0, 1e-9])
def test_it_agrees_with_nodal_analysis_whatever_is_closed(bench, resistors, nodal, seed, leakage_siemens):
    rng = np.random.default_rng(seed)
    ohms = rng.uniform(1e3, 1e4, (3, 4))
    parts = {"cable_ohms": 1.5, "contact_ohms": 0.4, "lead_ohms": 0.2, "leakage_siemens": leakage_siemens}
    made = bench(resistors(ohms), **parts)
    closed = random_relays(rng, 7, 9)
    made.relays.operate([], closed)
    made.a.source_volts(0.3, 1.0)
    made.b.source_amperes(2e-5, 10.0)

    reference = nodal()
    for cell, value in np.ndenumerate(ohms):
        reference.resistor(("pad", cell[0]), ("pad", 3 + cell[1]), value)
    for line in range(7):
        reference.resistor(("pad", line), ("column", 1 + line), 1.5)
        reference.resistor(("pad", line), "ground", 1e17)
    for row in range(1, 5):
        for column in range(1, 17):
            if (1, row, column) in closed:
                reference.resistor(("row", row), ("column", column), 0.4)
            elif leakage_siemens:
                reference.resistor(("row", row), ("column", column), 1 / leakage_siemens)
    reference.resistor(("row", 4), "ground", MILLI)
    reference.source("a", ("row", 1), 0.3, 0.2 + MILLI)
    reference.amperes[("row", 2)] = 2e-5
    reference.resistor(("row", 2), "ground", 1e17)
    b = made.b.sense(0.0)
    if not b.limited:  # else it leads nowhere
        reference.solve()
        assert made.a.sense(0.0).amperes == pytest.approx(reference.given("a"), rel=1e-8, abs=1e-12)
        assert b.volts == pytest.approx(reference.volts["row", 2] + 2e-5 * 0.2, rel=1e-8)


def transfer(made, driven, read, volts=0.1):
    """Return the current into the channel that holds `read` at 0 V while the other holds `driven`."""
    lines = set(range(sum(made.array.shape)))
    made.connect(a=[driven], b=[read], ground=lines - {driven, read})
    made.a.source_volts(volts, 1.0)
    made.b.source_volts(0.0, 1.0)
    return -made.b.sense(0.0).amperes


def test_what_drives_and_what_reads_may_be_exchanged(bench, resistors):
    made = bench(resistors(np.random.default_rng(0).uniform(1e3, 1e4, (4, 5))), cable_ohms=20.0, contact_ohms=5.0)
    for one, other in [(0, 4), (1, 2), (3, 8), (7, 5)]:
        there, back = transfer(made, one, other), transfer(made, other, one)
        assert there == pytest.approx(back, rel=1e-11)
        assert abs(there) > 1e-8


def test_currents_of_two_channels_superpose(bench, resistors):
    made = bench(resistors(np.random.default_rng(1).uniform(1e3, 1e4, (4, 5))), cable_ohms=20.0, contact_ohms=5.0)
    made.connect(a=[0, 2], b=[1, 5], ground=[4, 6, 7])

    def amperes(a, b):
        made.a.source_volts(a, 1.0)
        made.b.source_volts(b, 1.0)
        return np.array([made.a.sense(0.0).amperes, made.b.sense(0.0).amperes])

    np.testing.assert_allclose(amperes(0.1, -0.3), amperes(0.1, 0) + amperes(0, -0.3), rtol=1e-12)


def rack_of(array):
    """Return a network with a channel on every line, and the channels."""
    names = [("rack", str(line)) for line in range(sum(array.shape))]
    wiring = Wiring([None] * len(names), {name: Wire(Line(line)) for line, name in enumerate(names)})
    network = Network(array, wiring)
    return network, [network.channels[name] for name in names]


def test_a_limit_that_another_limit_makes_needless_is_lifted(resistors):
    """Row 0 alone is worst off and limited first; once the column is limited too, row 0 has its way with less."""
    _, (first, second, column) = rack_of(resistors([[100.0], [1000.0]]))
    first.source_volts(0.1, 1e-4)
    second.source_volts(1.0, 1.0)
    column.source_volts(0.0, 1e-3)
    one, two, end = first.sense(0.0), second.sense(0.0), column.sense(0.0)
    assert (one.limited, two.limited, end.limited) == (False, False, True)
    assert end.amperes == -1e-3
    column_volts = 1 / 11  # (0.1 - u) / 100 + (1 - u) / 1000 = 1e-3
    assert one.amperes == pytest.approx((0.1 - column_volts) / 100, rel=1e-3)
    assert two.amperes == pytest.approx((1.0 - column_volts) / 1000, rel=1e-3)


@pytest.mark.parametrize("seed", range(60))
def test_every_channel_obeys_its_limit_and_yields_to_nothing_else(resistors, seed):
    rng = np.random.default_rng(seed)
    array = resistors(10 ** rng.uniform(2, 5, (rng.integers(1, 4), rng.integers(1, 4))))
    _, channels = rack_of(array)
    told = []
    for channel in channels:
        if rng.random() < 0.7:
            told.append(("volts", rng.uniform(-1, 1), 10 ** rng.uniform(-6, -3)))
            channel.source_volts(*told[-1][1:])
        elif rng.random() < 0.8:
            told.append(("amperes", rng.uniform(-1e-3, 1e-3), 10 ** rng.uniform(-3, 1)))
            channel.source_amperes(*told[-1][1:])
        else:
            told.append(("off", 0.0, 0.0))
    sensed = [channel.sense(0.0) for channel in channels]
    assert sum(each.amperes for each in sensed) == pytest.approx(0.0, abs=1e-14)
    for (source, level, limit), (volts, amperes, limited) in zip(told, sensed, strict=True):
        if source == "off":
            assert (amperes, limited) == (0.0, False)
            continue
        own, other = (volts, amperes) if source == "volts" else (amperes, volts)
        drop = 1.001 * MILLI * abs(amperes)
        assert abs(other) <= limit * (1 + 1e-6) + drop
        if limited:  # it holds the limit, and short of its level in the direction of the limit
            assert abs(other) == pytest.approx(limit, rel=1e-6, abs=drop)
            assert np.sign(other) * (own - level) <= 1e-9 + drop
        else:
            assert own == pytest.approx(level, rel=1e-6, abs=drop)


def crossbar_like(array, seed=0, name="chip"):
    """Return a simulated crossbar of the same chip; silent, its clock books nothing around a bias."""
    return SimulatedCrossbar(array.wires, array.cells, seed=seed, name=name, timing=Timing(0.0, 0.0), cell_noise=False)


def test_a_rack_reads_what_a_simulated_crossbar_reads(chip):
    """One channel per line, straight to the pads: 12 digits, at the volts that the pads have."""
    array = chip((4, 5))
    network, channels = rack_of(array)
    network.seen_by_pads = []
    for channel, volts in zip(channels, np.random.default_rng(0).uniform(-0.1, 0.1, 9), strict=True):
        channel.source_volts(volts, 1.0)
    read = [channel.sense(0.01).amperes for channel in channels]
    pads = network.seen_by_pads[0].line_volts
    expected = crossbar_like(array).measure(
        Bias.from_lines(pads, (4, 5)), Lines(tuple(range(4)), tuple(range(5))), ReadSettings()
    )
    np.testing.assert_allclose(read, -expected.amperes[0], rtol=1e-12)


def test_a_matrix_reads_what_a_simulated_crossbar_reads(bench, chip):
    made = bench(chip((4, 5)))
    made.network.seen_by_pads = []
    made.connect(a=[1], b=[6], ground=[0, 2, 3, 4, 5, 7, 8])
    made.a.source_volts(0.1, 1.0)
    made.b.source_volts(0.0, 1.0)
    read = made.a.sense(0.01).amperes, made.b.sense(0.01).amperes
    pads = made.network.seen_by_pads[0].line_volts
    expected = crossbar_like(made.array).measure(Bias.from_lines(pads, (4, 5)), Lines((1,), (2,)), ReadSettings())
    np.testing.assert_allclose(read, -expected.amperes[0], rtol=1e-12)


CELLS = {"thermal_stability": 12.0, "half_volts": 0.5, "attempt_seconds": 1e-6}
"""cells that flip every few operations of a hundred microseconds"""


def live(made, seed, steps=60):
    """Route at random, drive at random, let times pass; return what the channels sensed."""
    rng, seen = np.random.default_rng(seed), []
    for _ in range(steps):
        made.a.source_volts(0.0, 1e-3)
        made.relays.operate(made.relays.closed(), random_relays(rng, 7, 6))
        made.a.source_volts(rng.choice([-0.6, 0.6]), 1e-3)
        made.b.source_volts(rng.choice([-0.3, 0.0, 0.3]), 3e-5)
        made.network.spend(rng.uniform(1e-5, 1e-4), "pulse")
        seen += [made.a.sense(1e-4), made.b.sense(1e-4)]
        made.b.release()
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_the_same_cells_flip_in_a_simulated_crossbar_at_the_same_pad_volts(bench, chip, seed):
    made = bench(chip((3, 4), seed, **CELLS), cable_ohms=30.0, contact_ohms=10.0)
    made.network.seen_by_pads = []
    crossbar = crossbar_like(made.array, seed)
    live(made, seed)
    segments = made.network.seen_by_pads
    crossbar.apply(
        Waveform(
            np.array([[segment.seconds for segment in segments]]),
            np.array([[segment.line_volts for segment in segments]]),
        )
    )
    assert made.array.flips.sum() > 30
    np.testing.assert_array_equal(crossbar.array.flips, made.array.flips)
    np.testing.assert_array_equal(crossbar.array.state, made.array.state)
    np.testing.assert_allclose(crossbar.array.hazard, made.array.hazard, rtol=1e-3, atol=1e-4)
    assert sum(segment.seconds for segment in segments) == pytest.approx(made.network.now(), abs=1e-6)


def test_the_same_seed_gives_the_same_bench_to_the_bit(bench, chip):
    def course(seed):
        made = bench(chip((3, 4), seed, **CELLS), cable_ohms=30.0, contact_ohms=10.0)
        return live(made, 5), made.array.flips.tolist()

    assert course(1) == course(1)
    assert course(1) != course(2)
