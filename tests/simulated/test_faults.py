"""What goes wrong on an array: breakdown, shorts that trip a compliance, back-hopping, stuck cells."""

from dataclasses import replace

import numpy as np
import pytest

from labmtj.device.mtj import BackHopping, Defect, Junctions
from labmtj.device.telegraph import Telegraph
from labmtj.device.wear import Wear
from labmtj.errors import UsageError
from labmtj.quantities import Bias, Flag, Limits, Lines, ReadSettings, Waveform


def wearing(shape, limits, ohms=200.0):
    cells = shape[0] * shape[1]
    return replace(Junctions.ideal(shape), wear=Wear(1.4, 50.0, 1.0, np.array(limits, float), np.full(cells, ohms)))


def read(crossbar, volts=0.1):
    shape = crossbar.shape
    bias = Bias(volts * np.eye(shape[0]), np.zeros(shape[1]))
    return crossbar.measure(bias, Lines(columns=tuple(range(shape[1]))), ReadSettings(10.0)).amperes


def test_a_worn_cell_becomes_a_short_for_good(make):
    """At 1.4 V stress grows by one a second: a limit of 2.5 ms is passed in the third pulse of 1 ms."""
    crossbar = make((1, 2), junctions=wearing((1, 2), [2.5e-3, 1.0]))
    for expected in (False, False, True):
        crossbar.pulse(Bias([-1.4], [0.0, 0.0]), 1e-3)
        assert crossbar.array.broken[0] == expected
    np.testing.assert_allclose(read(crossbar)[0, 0], 0.1 / 200, rtol=1e-6)
    assert not crossbar.array.broken[1]
    for volts in (0.8, -0.8):
        crossbar.pulse(Bias([volts], [0.0, 0.0]), 1e-2)
    np.testing.assert_allclose(read(crossbar)[0, 0], 0.1 / 200, rtol=1e-6)
    assert crossbar.array.flips[0] == 0


def test_a_breakdown_leaves_the_energy_that_went_in_before(make):
    crossbar = make((1, 1), junctions=wearing((1, 1), [2.5e-3]))
    energies = []
    for _ in range(4):
        crossbar.pulse(Bias([1.4], [0.0]), 1e-3)
        energies.append(crossbar.array.energy_joules)
    assert crossbar.array.broken[0]
    assert (np.diff(energies) > 0).all()


def test_breakdown_time_follows_the_power_law(make):
    """1.4 V * 1.05 wears 1.05^50 = 11.5 times faster."""
    crossbar = make((1, 1), junctions=wearing((1, 1), [1.0]))
    crossbar.pulse(Bias([-1.4 * 1.05], [0.0]), 1e-2)
    np.testing.assert_allclose(crossbar.array.stress, 1e-2 * 1.05**50, rtol=1e-9)


@pytest.mark.parametrize("defect", [Defect.STUCK_P, Defect.STUCK_AP, Defect.SHORT, Defect.OPEN])
def test_defective_cells_never_flip_nor_break(make, defect):
    ohms = {Defect.SHORT: 300.0, Defect.OPEN: 1e9}.get(defect, np.nan)
    junctions = wearing((1, 2), [1e-6, 1e3]).with_defect(0, defect, ohms)
    crossbar = make((1, 2), junctions=junctions)
    expected = {Defect.STUCK_P: 5000.0, Defect.STUCK_AP: 10000.0}.get(defect, ohms)
    for volts in (1.3, -1.3, 1.3):
        crossbar.pulse(Bias([volts], [0.0, 0.0]), 1e-3)
        np.testing.assert_allclose(read(crossbar)[0, 0], 0.1 / expected, rtol=1e-5)
    assert crossbar.array.flips[0] == 0
    assert crossbar.array.flips[1] == 3
    assert not crossbar.array.broken.any()


def test_a_short_trips_the_compliance_and_the_limit_is_held(make):
    junctions = Junctions.ideal((2, 2)).with_defect(0, Defect.SHORT, 100.0)
    crossbar = make((2, 2), junctions=junctions, limits=Limits(line_amperes=1e-3))
    bias = Bias([0.4, 0.0], [0.0, 0.0])
    lines = Lines((0, 1), (0, 1))
    currents = crossbar.measure(bias, lines, ReadSettings(10.0))
    np.testing.assert_array_equal(currents.flags[0, 0] & Flag.COMPLIANCE, [Flag.COMPLIANCE, 0, 0, 0])
    assert currents.amperes[0, 0] == pytest.approx(-1e-3, rel=1e-6)
    # by hand: 1 mA into 100 ohm beside 10 kohm
    assert currents.volts[0, 0, 0] == pytest.approx(1e-3 / (1 / 100 + 1 / 10000), rel=1e-6)
    pulse = crossbar.pulse(bias, 1e-6)
    np.testing.assert_array_equal(pulse.flags[0], [Flag.COMPLIANCE, 0, 0, 0])
    assert pulse.delivered.line_volts[0, 0, 0] == pytest.approx(1e-3 / (1 / 100 + 1 / 10000), rel=1e-6)
    assert pulse.bias is bias


def test_without_the_short_nothing_limits(make):
    crossbar = make((2, 2), limits=Limits(line_amperes=1e-3))
    assert not crossbar.measure(Bias([0.4, 0.0], [0.0, 0.0]), Lines((0, 1), (0, 1)), ReadSettings()).flags.any()
    assert not crossbar.pulse(Bias([0.4, 0.0], [0.0, 0.0]), 1e-6).flags.any()


def test_back_hopping_makes_more_amplitude_worse_and_ends(make):
    """Beyond 1.6 critical voltages the return is as fast as the attempt: half of the cells end where they began."""
    written = []
    for volts in (0.55, 1.1):
        count = 0
        for seed in range(2):
            junctions = replace(Junctions.ideal((1, 60), thermal_stability=40.0), back_hopping=BackHopping(1.6, 20.0))
            crossbar = make((1, 60), junctions=junctions, parts={"seed": seed})
            crossbar.pulse(Bias([volts], np.zeros(60)), 1e-6)
            count += int(crossbar.array.state.sum())
        written.append(count / 120)
    assert written[0] == 1.0
    assert 0.3 < written[1] < 0.7


def test_a_flip_in_the_aperture_is_averaged(make):
    """The current is the time average: a read of one second, in which a weak cell flips, lies in between."""
    crossbar = make((1, 1), parallel_ohms=1000.0, thermal_stability=25.0, barrier_exponent=1)
    how = ReadSettings(aperture_seconds=0.05, settle_seconds=0.0)
    amperes = crossbar.measure(Bias(np.full((200, 1), 0.1), [0.0]), Lines(columns=(0,)), how).amperes[:, 0] * 1e6
    first = int(np.argmax(amperes > 50.5))
    assert first > 0
    np.testing.assert_allclose(amperes[:first], 50.0, atol=0.01)
    assert 50.0 < amperes[first] < 100.0
    assert amperes[first + 1] == pytest.approx(100.0, abs=0.01)


def test_telegraph_levels_are_seen_in_repeated_reads(make):
    junctions = replace(
        Junctions.ideal((2, 2), parallel_ohms=1000.0),
        telegraph=Telegraph(np.array([3]), np.array([0.02]), np.array([0.03]), np.array([0.06])),
    )
    crossbar = make((2, 2), junctions=junctions, state=np.ones((2, 2)))
    how = ReadSettings(aperture_seconds=0.02, settle_seconds=0.0, repeats=3000)
    raw = crossbar.measure(Bias([0.1, 0.1], [0.0, 0.0]), Lines((0, 1), (0, 1)), how).raw_amperes[0] * 1e6
    np.testing.assert_allclose(raw[:, [0, 2]], [[-200, 200]] * 3000, atol=0.05)  # the other cells are quiet
    high = raw[:, 3] < 199
    np.testing.assert_allclose(raw[high, 3], 100 + 100 / 1.02, atol=0.05)
    np.testing.assert_allclose(raw[~high, 3], 200, atol=0.05)
    np.testing.assert_allclose(raw[:, 1], -raw[:, 3], atol=0.1)
    # stationary share 2/3; memory of one shot (21 ms): exp(-21 (1/30 + 1/60)) = 0.35
    memory = np.exp(-0.021 * (1 / 0.03 + 1 / 0.06))
    error = np.sqrt(2 / 9 / 3000 * (1 + memory) / (1 - memory))
    assert abs(high.mean() - 2 / 3) < 4 * error
    assert np.corrcoef(high[:-1], high[1:])[0, 1] == pytest.approx(memory, abs=0.08)


def test_a_jump_reaches_every_line_as_the_network_lets_it(make):
    """Beside it a network solved with the resistance that the jump leaves: rows see each other through the columns."""
    quiet = Junctions.ideal((3, 3), parallel_ohms=2000.0)
    jumping = replace(quiet, telegraph=Telegraph(np.array([4]), np.array([1e-3]), np.array([1e-9]), np.array([1e9])))
    changed = replace(quiet, parallel_ohms=np.where(np.arange(9) == 4, 2000.0 * 1.001, 2000.0))
    amperes = []
    for junctions in (quiet, jumping, changed):
        crossbar = make((3, 3), junctions=junctions, state=np.ones((3, 3)), segment_ohms=20.0, lead_ohms=50.0)
        how = ReadSettings(aperture_seconds=3600.0)  # next to no other noise is left
        amperes.append(
            crossbar.measure(Bias([0.0, 0.1, 0.0], np.zeros(3)), Lines((0, 1, 2), (0, 1, 2)), how).amperes[0]
        )
    np.testing.assert_allclose(amperes[1] - amperes[0], amperes[2] - amperes[0], rtol=5e-3)
    assert (np.abs(amperes[1] - amperes[0]) > 1e-12).all()


def test_writing_draws_a_new_resistance_within_the_cycle_spread(make):
    crossbar = make((1, 100), junctions=replace(Junctions.ideal((1, 100)), cycle_to_cycle=0.01), parts={"seed": 1})
    before = read(crossbar)
    for volts in (0.6, -0.7):
        crossbar.pulse(Bias([volts], np.zeros(100)), 1e-2)
    assert (crossbar.array.flips == 2).all()
    change = np.log(read(crossbar) / before)
    assert change.std() == pytest.approx(0.01 * np.sqrt(2), rel=0.35)
    assert np.abs(change).max() < 0.08


def test_a_bias_of_another_shape_is_refused(make):
    crossbar = make((2, 3))
    bias = Bias(np.zeros(3), np.zeros(2))
    assert crossbar.refusal(bias) is not None
    assert crossbar.refusal(Bias(np.zeros(2), np.zeros(3)), 1e-3) is None
    for attempt in (
        lambda: crossbar.pulse(bias, 1e-3),
        lambda: crossbar.measure(bias, Lines(rows=(0,)), ReadSettings()),
    ):
        with pytest.raises(UsageError, match="build it for this array"):
            attempt()
    assert crossbar.clock.now() == 0.0


@pytest.mark.parametrize("seconds", [0.0, -1e-3, np.nan, np.inf])
def test_a_pulse_without_a_width_is_refused(make, seconds):
    crossbar = make((1, 1))
    with pytest.raises(UsageError, match="seconds > 0"):
        crossbar.pulse(Bias([0.1], [0.0]), seconds)
    with pytest.raises(UsageError, match="step_seconds"):
        crossbar.apply(Waveform(np.array([[1e-3, seconds or -1.0]]), np.zeros((1, 2, 2))))
    assert not crossbar.array.hazard.any()


def test_wires_of_another_shape_are_refused(make):
    with pytest.raises(UsageError, match="do not fit"):
        make((2, 3), junctions=Junctions.ideal((3, 2)))


def test_a_line_named_twice_is_refused_as_on_a_bench(make):
    """Case use/19."""
    crossbar = make((2, 4))
    with pytest.raises(UsageError, match="column 3 is named twice"):
        crossbar.measure(Bias(np.full(2, 0.1), np.zeros(4)), Lines(columns=(3, 3)), ReadSettings())
