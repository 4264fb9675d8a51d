"""The same seed gives the same bits, whatever the batching, across snapshots and through the journal's format."""

import numpy as np
import pytest

from labmtj.bench import load_bench
from labmtj.bench.files.simulated import crossbar_of
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.record.frames import HEAD, decode, encode
from labmtj.simulated import VirtualClock

ALL = Lines(tuple(range(15)), tuple(range(15)))
READING = ReadSettings(aperture_seconds=2e-3, settle_seconds=1e-4)


@pytest.fixture(scope="module")
def bench():
    return load_bench("simulated")


@pytest.fixture
def chip(bench):
    """Return a function that builds a chip with everything in it: defects, wear, telegraph cells, a real meter."""

    def build(name="chip", seed=5, **changes):
        array = bench.arrays["mtj-50nm"]
        family = array.family.model_dump()
        family["telegraph"]["fraction"]["value"] = 0.2
        for key, value in changes.items():
            family[key]["value"] = value
        array = array.model_validate(array.model_dump() | {"family": family})
        return crossbar_of(array, seed=seed, name=name, meter=bench.meter.model())

    return build


def pulses(number=40, volts=0.5, seed=0):
    """Half-select pulses on cells along a random walk, both signs, one with a floating line."""
    draw = np.random.default_rng(seed)
    lines = np.zeros((number, 30))
    for pulse, (row, column, sign) in enumerate(
        zip(draw.integers(15, size=number), draw.integers(15, size=number), draw.choice([-1, 1], number), strict=True)
    ):
        lines[pulse, row], lines[pulse, 15 + column] = sign * volts / 2, -sign * volts / 2
    lines[3, 29] = np.nan
    return Bias.from_lines(lines, (15, 15))


def inputs(number=178, seed=1):
    rows = np.random.default_rng(seed).uniform(-0.1, 0.1, (number, 15))
    return Bias(rows, np.zeros(15), ordered=False)


def singles(bias):
    return [Bias.from_lines(volts, bias.shape) for volts in bias.line_volts]


def flat(tree, path=""):
    """Return the leaves of nested mappings by their paths."""
    if not isinstance(tree, dict):
        return {path: tree}
    return {key: leaf for name, branch in tree.items() for key, leaf in flat(branch, f"{path}/{name}").items()}


def assert_same_state(first, second):
    one, other = flat(first.snapshot()), flat(second.snapshot())
    assert one.keys() == other.keys()
    for path, value in one.items():
        np.testing.assert_array_equal(value, other[path], err_msg=path)
    assert first.clock.now() == second.clock.now()


def assert_same_currents(first, second):
    for name in ("raw_amperes", "flags", "range_amperes", "start_seconds", "volts", "amperes"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def course(crossbar, seed):
    """Pulse and read in turn; return every current."""
    crossbar.pulse(pulses(12, 0.6, seed), 1e-4)
    first = crossbar.measure(inputs(9, seed), ALL, ReadSettings(1e-3, repeats=2, polarity="both"))
    crossbar.clock.sleep(0.5)
    crossbar.pulse(pulses(12, 0.8, seed + 1), 1e-3)
    return np.concatenate([first.raw_amperes.ravel(), crossbar.measure(inputs(3), ALL, READING).raw_amperes.ravel()])


@pytest.mark.parametrize("polarity", ["given", "both"])
def test_a_batch_of_reads_is_its_single_reads(chip, polarity):
    whole, one_by_one = chip(), chip()
    for crossbar in (whole, one_by_one):
        crossbar.pulse(pulses(), 1e-3)
    how = ReadSettings(aperture_seconds=2e-3, settle_seconds=1e-4, repeats=2, polarity=polarity)
    batch = whole.measure(inputs(), ALL, how)
    parts = [one_by_one.measure(each, ALL, how) for each in singles(inputs())]
    for name in ("raw_amperes", "flags", "range_amperes", "start_seconds", "volts", "amperes"):
        together = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(getattr(batch, name), together, err_msg=name)
    assert_same_state(whole, one_by_one)


def test_reads_that_flip_cells_are_the_same_in_a_batch(chip):
    """At a stability of 22 k_B T a cell flips during reads, in the middle of the batch."""
    whole, one_by_one = chip(thermal_stability=22.0), chip(thermal_stability=22.0)
    how = ReadSettings(aperture_seconds=5e-3, settle_seconds=1e-3)
    batch = whole.measure(inputs(60), ALL, how)
    parts = [one_by_one.measure(each, ALL, how) for each in singles(inputs(60))]
    assert whole.array.flips.sum() > 5
    np.testing.assert_array_equal(batch.raw_amperes, np.concatenate([part.raw_amperes for part in parts]))
    assert_same_state(whole, one_by_one)


@pytest.mark.parametrize("volts", [0.6, 1.9])
def test_a_batch_of_pulses_is_its_single_pulses(chip, volts):
    """At 1.9 V cells break down, too."""
    whole, one_by_one = chip(), chip()
    batch = whole.pulse(pulses(volts=volts), 1e-3)
    parts = [one_by_one.pulse(each, 1e-3) for each in singles(pulses(volts=volts))]
    assert whole.array.flips.sum() > 10
    assert whole.array.broken.any() == (volts > 1)
    np.testing.assert_array_equal(batch.start_seconds, np.concatenate([part.start_seconds for part in parts]))
    np.testing.assert_array_equal(batch.flags, np.concatenate([part.flags for part in parts]))
    delivered = np.concatenate([part.delivered.line_volts for part in parts])
    np.testing.assert_array_equal(batch.delivered.line_volts, delivered)
    assert_same_state(whole, one_by_one)


def test_reads_near_breakdown_are_the_same_in_a_batch(chip):
    """A batch that mixes harmless and wearing biases adds the stress that each adds alone."""
    bias = Bias(np.array([[0.1], [0.92], [0.75], [0.93], [0.1]]) * np.eye(15)[4], np.zeros(15))
    whole, one_by_one = chip(), chip()
    whole.measure(bias, ALL, READING)
    for each in singles(bias):
        one_by_one.measure(each, ALL, READING)
    assert whole.array.stress.any()
    assert_same_state(whole, one_by_one)


def test_other_names_and_seeds_are_independent(chip):
    runs = [course(chip(), 0), course(chip(), 0), course(chip("other"), 0), course(chip(seed=6), 0)]
    np.testing.assert_array_equal(runs[0], runs[1])
    for other in runs[2:]:
        assert np.mean(runs[0] == other) < 0.01
    flips = [chip(name, seed) for name, seed in (("chip", 5), ("other", 5), ("chip", 6))]
    for crossbar in flips:
        crossbar.pulse(pulses(60, 0.5), 1e-4)
    states = [crossbar.array.state for crossbar in flips]
    assert not np.array_equal(states[0], states[1])
    assert not np.array_equal(states[0], states[2])


def test_what_one_array_does_moves_no_draw_of_another(chip, bench):
    """Two chips on one clock: the other one's reads take time but draw none of this one's numbers."""
    alone = chip("a")
    clock = VirtualClock()
    here, there = (
        crossbar_of(bench.arrays["mtj-50nm"], seed=5, name=name, meter=bench.meter.model(), clock=clock)
        for name in ("a", "b")
    )
    single = crossbar_of(bench.arrays["mtj-50nm"], seed=5, name="a", meter=bench.meter.model())
    there.measure(inputs(7), ALL, READING)
    here.pulse(pulses(20, 0.6), 1e-4)
    single.pulse(pulses(20, 0.6), 1e-4)
    np.testing.assert_array_equal(here.array.state, single.array.state)
    np.testing.assert_array_equal(here.array.flips, single.array.flips)
    assert alone.array.flips.sum() == 0


@pytest.mark.parametrize("journalled", [False, True])
def test_a_snapshot_continues_to_the_bit(chip, journalled):
    original, restored = chip(), chip()
    course(original, 0)
    snapshot = original.snapshot()
    if journalled:
        snapshot = decode(encode({"kind": "state", "chip": snapshot})[HEAD.size :])["chip"]
    restored.restore(snapshot)
    assert_same_state(original, restored)
    np.testing.assert_array_equal(course(original, 7), course(restored, 7))
    assert_same_state(original, restored)


def test_a_snapshot_in_the_middle_of_toggles_and_breakdowns_continues(chip):
    original, restored = chip(), chip()
    original.pulse(pulses(30, 1.9), 1e-3)
    assert original.array.broken.any()
    restored.restore(original.snapshot())
    np.testing.assert_array_equal(course(original, 7), course(restored, 7))
    assert_same_state(original, restored)


def test_a_snapshot_is_a_copy(chip):
    crossbar = chip()
    snapshot = crossbar.snapshot()
    before = {path: np.copy(value) for path, value in flat(snapshot).items()}
    course(crossbar, 0)
    for path, value in flat(snapshot).items():
        np.testing.assert_array_equal(value, before[path], err_msg=path)
    crossbar.restore(snapshot)
    np.testing.assert_array_equal(course(crossbar, 0), course(chip(), 0))
