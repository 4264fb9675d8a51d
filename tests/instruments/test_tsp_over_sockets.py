"""The TSP drivers against the virtual boxes, over a socket, checked against Ohm's law by hand."""

import signal
import threading
import time

import numpy as np
import pytest

import instruments.keithley707 as drivers707
import instruments.keithley2600 as drivers2600
import instruments.keithley3706 as drivers3706
import instruments.virtual.keithley707 as boxes707
import instruments.virtual.keithley2600 as boxes2600
import instruments.virtual.keithley3706 as boxes3706
from labmtj.errors import InstrumentError, Stopped
from labmtj.quantities import Flag
from labmtj.shots import Pulses, Shots
from labmtj.virtual.network.resistor import BookedTime, matrix_box, unit_box
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.rawsocket import SocketServer

OHMS = {"a": 10e3, "b": 2e3}


class Slowly(BookedTime):
    """Time that passes, once it is told to."""

    factor = 0.0

    def spend(self, seconds, purpose):
        super().spend(seconds, purpose)
        time.sleep(seconds * self.factor)


def served(box, instrument, driver, **options):
    """Yield a driver that talks to an instrument over a socket, with the box behind it."""
    with SocketServer(Served(instrument, box.time)) as server:
        client = driver(server.resource, "box", visa_library="@py", **options)
        client.box, client.virtual = box, instrument
        yield client
        client.adapter.close()
    instrument.close()


@pytest.fixture(scope="module", params=["Keithley2602B", "Keithley2612B", "Keithley2636B"])
def unit(request):
    box = unit_box("ab")
    for name, ohms in OHMS.items():
        box.channels[name].ohms = ohms
    yield from served(box, getattr(boxes2600, request.param)(box), getattr(drivers2600, request.param))


@pytest.fixture
def armed(unit):
    """Return a unit with 1 mA and 0.9 V on both channels, outputs on."""
    unit.identify()
    unit.make_safe()
    for channel in unit.channels:
        unit.limit(channel, 1e-3, 0.9)
        unit.switch_output(channel, on=True)
    return unit


def test_arming_is_seen_at_the_terminals_and_safety_too(armed):
    assert armed.outputs() == {"a": True, "b": True}
    armed.level({"a": 0.5, "b": -0.25})
    assert [armed.box.channels[name].sense(0).volts for name in "ab"] == [0.5, -0.25]
    armed.make_safe()
    assert armed.outputs() == {"a": False, "b": False}
    assert [armed.box.channels[name].sense(0).volts for name in "ab"] == [0.0, 0.0]
    assert not armed.self_test()


def test_a_sequence_reads_what_ohm_says(armed):
    volts = np.array([[0.1, 0.2], [-0.3, 0.0], [0.123456789, -0.9]])
    found = armed.run_shots(Shots(("a", "b"), volts, ("a", "b"), 1e-3, 0.02, 1e-3))
    np.testing.assert_allclose(found.amperes, volts / list(OHMS.values()), atol=1e-9)
    assert not found.flags.any()
    assert (found.range_amperes == 1e-3).all()
    assert (np.diff(found.start_seconds) >= 0.021).all()
    assert [armed.box.channels[name].sense(0).volts for name in "ab"] == [0.0, 0.0]


def test_both_channels_are_read_in_one_aperture(armed):
    """Fails if the driver measures with `measure.i` twice, or the box one after the other."""
    armed.level({"a": 0.5, "b": -0.25})
    armed.read_currents("ab", 0.1, 1e-3)  # sets the meters, and zeroes them
    before = armed.box.time.booked["aperture"]
    found = armed.read_currents("ab", 0.1, 1e-3)
    assert armed.box.time.booked["aperture"] - before == pytest.approx(0.1)
    np.testing.assert_allclose(found.amperes, [[0.5 / OHMS["a"], -0.25 / OHMS["b"]]], atol=1e-9)


def test_autorange_tells_its_range(armed):
    found = armed.run_shots(Shots(("a",), np.array([[0.5], [0.005]]), ("a",), 0.0, 0.02, None))
    assert found.range_amperes.tolist() == [[1e-4], [1e-6]]


def test_compliance_and_overflow_are_flagged(armed):
    armed.limit("b", 1e-4, 0.9)
    found = armed.run_shots(Shots(("a", "b"), np.array([[0.5, 0.5]]), ("a", "b"), 0.0, 0.02, 1e-5))
    assert found.flags[0, 0] == Flag.OVERFLOW | Flag.INVALID
    assert found.flags[0, 1] & Flag.COMPLIANCE
    assert np.isnan(found.amperes[0, 0])


@pytest.mark.parametrize("seconds", [100e-6, 1e-3, 20e-3])
def test_pulses_are_as_long_as_they_are_said_to_be_on_both_channels(armed, seconds):
    for channel in armed.box.channels.values():
        channel.steps.clear()
    volts = np.array([[0.5, -0.5], [0.6, 0.1], [-0.4, 0.3]])
    found = armed.run_pulses(Pulses(("a", "b"), volts, seconds))
    for number, name in enumerate("ab"):
        steps = [(when, level) for when, _, level, _ in armed.box.channels[name].steps]
        up = [when for when, level in steps if level]
        down = [min(when for when, level in steps if not level and when > start) for start in up]
        assert [level for _, level in steps if level] == volts[:, number].tolist()
        np.testing.assert_allclose(np.subtract(down, up), found.step_seconds[:, 0], rtol=1e-9)
        np.testing.assert_allclose(np.subtract(up, up[0]), found.start_seconds, atol=1e-9)
    assert not found.flags.any()


def test_a_pulse_that_was_limited_is_flagged(armed):
    armed.limit("b", 1e-4, 0.9)
    found = armed.run_pulses(Pulses(("a", "b"), np.array([[0.5, 0.5], [0.5, 0.1]]), 1e-3))
    assert found.flags.tolist() == [[0, Flag.COMPLIANCE], [0, 0]]


def test_thousands_of_shots_take_few_scripts(armed):
    volts = np.linspace(-0.9, 0.9, 2100)[:, np.newaxis]
    found = armed.run_shots(Shots(("a",), volts, ("a",), 0.0, 0.001, 1e-4))
    np.testing.assert_allclose(found.amperes, volts / OHMS["a"], atol=1e-10)


@pytest.fixture
def slowly():
    """A unit whose box takes as long as a real one, armed; the box; the clock."""
    box = unit_box("ab")
    slow = Slowly()
    box = type(box)(box.name, slow, box.serial, noise=False, channels=box.channels)
    for channel in box.channels.values():
        channel._time = slow
    for unit in served(box, boxes2600.Keithley2636B(box), drivers2600.Keithley2636B):
        unit.limit("a", 1e-3, 0.9)
        unit.switch_output("a", on=True)
        slow.factor = 1.0
        yield unit, box, slow
        slow.factor = 0.0


LONG = Shots(("a",), np.full((1000, 1), 0.5), ("a",), 0.0, 0.02, 1e-4)


def test_a_stop_in_the_midst_of_a_sequence_ends_it_at_zero_volts_and_blames_nobody(slowly):
    """Ctrl+C twice: the script is aborted, and that it was stands in the box's own queue of errors."""
    unit, box, slow = slowly

    def stop(*_):
        raise Stopped(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(Stopped) as stopped:
            unit.run_shots(LONG)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert not getattr(stopped.value, "__notes__", [])
    slow.factor = 0.0
    assert box.channels["a"].sense(0).volts == 0.0


def test_an_abort_reaches_a_running_sequence_and_leaves_zero_volts(slowly):
    unit, box, slow = slowly
    timer = threading.Timer(0.5, unit.abort)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        unit.run_shots(LONG)
    assert time.monotonic() - began < 10  # 20 s, had it not been aborted
    timer.join()
    slow.factor = 0.0
    assert box.channels["a"].sense(0).volts == 0.0
    assert unit.outputs() == {"a": True, "b": False}


def test_a_restart_is_noticed_before_anything_else_is_believed(armed):
    armed.virtual.power_cycle()
    with pytest.raises(InstrumentError, match="has been restarted"):
        armed.run_shots(Shots(("a",), np.array([[0.5]]), ("a",), 0.0, 0.02, 1e-4))
    with pytest.raises(InstrumentError, match="has been restarted"):  # it is told until the box is made safe
        armed.level({"a": 0.0})
    armed.make_safe()
    assert armed.outputs() == {"a": False, "b": False}


MATRICES = [
    (boxes3706.Keithley3706A, drivers3706.Keithley3706A, {1: "3730", 2: "3730"}, (6, 16)),
    (boxes707.Keithley707B, drivers707.Keithley707B, {1: "7072", 3: "7174A"}, (8, 12)),
    (boxes707.Keithley708B, drivers707.Keithley708B, {1: "7072"}, (8, 12)),
]


@pytest.fixture(scope="module", params=MATRICES, ids=[driver.__name__ for _, driver, _, _ in MATRICES])
def matrix(request):
    virtual, driver, cards, size = request.param
    box = matrix_box(cards, *size)
    yield from served(box, virtual(box), driver, cards=cards)


def test_relays_move_are_asked_and_are_counted(matrix):
    matrix.identify()
    matrix.make_safe()
    first = [matrix.crosspoint(1, 2, column) for column in (3, 4)]
    second = matrix.crosspoint(1, 4, 5)
    before = matrix.closures()
    matrix.switch([], first)
    matrix.switch(first[:1], [second])
    assert matrix.closed() == {first[1], second}
    assert matrix.box.relays.closed() == {(1, 2, 4), (1, 4, 5)}
    after = matrix.closures()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        first[0]: 1, first[1]: 1, second: 1,
    }  # fmt: skip
    matrix.make_safe()
    assert not matrix.box.relays.closed()


def test_a_move_takes_the_time_of_its_relays(matrix):
    matrix.identify()
    before = matrix.box.time.booked["relay"]
    matrix.switch([], [matrix.crosspoint(1, 1, 1)])
    matrix.switch([matrix.crosspoint(1, 1, 1)], [matrix.crosspoint(1, 1, 2)])
    assert matrix.box.time.booked["relay"] - before == pytest.approx(3 * matrix.relay_seconds)


def test_a_relay_that_the_box_does_not_know_moves_no_other(matrix):
    matrix.make_safe()
    with pytest.raises(InstrumentError, match="reports error"):
        matrix.switch(["9999"], [matrix.crosspoint(1, 1, 1)])
    assert not matrix.box.relays.closed()


def test_what_an_earlier_user_left_in_a_matrix_costs_nothing_or_is_refused_by_name(matrix):
    """use/05 and its kind: delays, rules, scans, backplane relays, labels, forbidden crosspoints."""

    def seconds():
        matrix.switch(sorted(matrix.closed()), [])  # a scan leaves one closed
        begun = matrix.box.time.now()
        matrix.switch([], relays)
        assert matrix.closed() == set(relays)
        matrix.switch(relays, [])
        return matrix.box.time.now() - begun

    matrix.make_safe()
    matrix.identify()
    relays = [matrix.crosspoint(1, 1, 1), matrix.crosspoint(1, 2, 3)]
    labelled = f'channel.setlabel("{matrix.crosspoint(1, 3, 1)}", "{relays[0]}")'
    left_behind = [(each.name, each.other) for each in matrix.relied_on()]
    left_behind += [("label", labelled), ("forbidden", f'channel.setforbidden("{relays[0]}")')]
    clean, refused = seconds(), []
    for name, other in left_behind:
        matrix.virtual.handle("reset() errorqueue.clear() format.asciiprecision = 16")
        matrix.virtual.handle(other)
        assert matrix.virtual.handle("print(errorqueue.count)") == "0.000000000000000e+00", other
        matrix.expect_nothing()
        try:
            assert seconds() == pytest.approx(clean), name
        except InstrumentError as error:
            refused.append((name, str(error)))
            matrix.make_safe()
    assert all(name in told for name, told in refused)
    assert {name for name, _ in refused if "backplane" not in name} == {"label", "forbidden"}
    matrix.virtual.handle("reset()")
    matrix.expect_nothing()
