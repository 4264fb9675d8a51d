"""What an earlier user left in a 2600B: one walk over the table of all that its driver relies on (use/02 and its kind).

Each row is left in the virtual instrument; then the driver arms, reads and pulses as on a clean one, in the same
time, or refuses with the name of the setting.
"""

import numpy as np
import pytest

import instruments.keithley2600 as drivers
import instruments.virtual.keithley2600 as boxes
from instruments import keithley2600relied as relied
from instruments.keithley2600relied import EVERYTHING
from labmtj.errors import InstrumentError
from labmtj.quantities import Flag
from labmtj.shots import Pulses, Shots
from labmtj.virtual.network.resistor import unit_box
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.rawsocket import SocketServer

OHMS = {"a": 10e3, "b": 2e3}
SHOTS = Shots(("a", "b"), np.array([[0.3, 0.0], [-0.2, 0.1]]), ("a", "b"), 1e-3, 0.02, 1e-3)
AUTOMATIC = Shots(("a", "b"), np.array([[0.3, 0.0], [0.2, 0.1]]), ("b",), 1e-3, 0.02, None)
EACH_TIME = (
    "LIMITS",
    "METER",
    "APERTURE",
    "FIXED_RANGE",
    "AUTORANGE",
    "ANALOG_FILTER",
    "AUTOZERO",
    "BUFFER",
    "SWEEP",
    "TIMERS",
    "BOX",
)
"""groups of the table that scripts or the session set"""
PULSES = Pulses(("a", "b"), np.array([[0.5, -0.2], [0.4, 0.2], [0.3, 0.1]]), 1e-3)


@pytest.fixture(scope="module")
def bench():
    box = unit_box("ab")
    for name, ohms in OHMS.items():
        box.channels[name].ohms = ohms
    instrument = boxes.Keithley2636B(box)
    with SocketServer(Served(instrument, box.time)) as server:
        yield box, instrument, lambda: drivers.Keithley2636B(server.resource, "box", visa_library="@py")
    instrument.close()


def of_the_box(box):
    """Return the seconds that the box itself has spent; those of messages are booked when they come."""
    return sum(seconds for purpose, seconds in box.time.booked.items() if purpose != "message")


def outcome(bench, *left_behind):
    """Return what the box did between arming and the end of the pulses, and what was read, for a session of its own."""
    box, instrument, connect = bench
    instrument.handle("smua.abort() smub.abort() reset()")
    instrument.handle("localnode.linefreq = 50 localnode.prompts = 0 localnode.showerrors = 0 errorqueue.clear()")
    instrument.handle("for k, timer in {1, 2, 3} do trigger.timer[timer].reset() end")
    for line in left_behind:
        instrument.handle(line)
    smu = connect()
    try:
        smu.identify()
        for channel in "ab":
            smu.limit(channel, 1e-3, 0.9)
            smu.switch_output(channel, on=True)
        spent = of_the_box(box)
        for channel in box.channels.values():
            channel.steps.clear()
        reads = [smu.run_shots(SHOTS), smu.run_shots(AUTOMATIC)]
        smu.level({"a": 0.25})
        reads.append(smu.read_currents("ab", 0.02, 1e-3))
        smu.level({"a": 0.0})
        pulses = smu.run_pulses(PULSES)
        steps = [[level for _, _, level, _ in box.channels[name].steps] for name in "ab"]
        outputs = [box.channels[name].sense(0).limited for name in "ab"]
        smu.make_safe()
        return {
            "seconds": of_the_box(box) - spent, "steps": steps, "limited": outputs,
            "amperes": [read.amperes for read in reads], "flags": [read.flags for read in reads] + [pulses.flags],
            "ranges": [read.range_amperes for read in reads], "widths": pulses.step_seconds,
        }  # fmt: skip
    finally:
        smu.adapter.close()


@pytest.fixture(scope="module")
def clean(bench):
    return outcome(bench)


def test_a_clean_box_reads_what_ohm_says(clean):
    np.testing.assert_allclose(clean["amperes"][0], SHOTS.volts / list(OHMS.values()), atol=1e-9)
    assert not any(np.any(flags) for flags in clean["flags"])


def unchanged(bench, clean, rows):
    """Leave rows in the box; the driver measures as on a clean box, or refuses and names one of them."""
    lines = (row.other.format(ch=channel) for row in rows for channel in ("ab" if "{ch}" in row.other else "a"))
    try:
        found = outcome(bench, *lines)
    except InstrumentError as error:
        assert any(row.name in str(error) for row in rows)  # noqa: PT017 - either is right
        return
    for name in ("amperes", "flags", "ranges"):
        for one, other in zip(found[name], clean[name], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12, err_msg=name)
    assert found["seconds"] == pytest.approx(clean["seconds"], abs=2e-5)  # the shortest aperture is one of the line
    np.testing.assert_allclose(found["widths"], clean["widths"])
    for one, other in zip(found["steps"], clean["steps"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize("row", relied.AT_LIMITING, ids=[row.name for row in relied.AT_LIMITING])
def test_what_an_earlier_user_left_changes_nothing_or_is_refused_by_name(bench, clean, row):
    unchanged(bench, clean, [row])


@pytest.mark.parametrize("group", EACH_TIME)
def test_what_a_script_sets_each_time_may_be_anything_before(bench, clean, group):
    unchanged(bench, clean, getattr(relied, group))


def test_each_row_by_itself(bench, clean, request):
    if not request.config.getoption("--torture"):
        pytest.skip("half a minute: with --torture")
    for row in EVERYTHING:
        unchanged(bench, clean, [row])


def test_the_groups_are_the_whole_table():
    assert [row for group in EACH_TIME for row in getattr(relied, group)] == list(EVERYTHING[len(relied.AT_LIMITING) :])


def test_every_row_leaves_something_behind_on_the_virtual_box(bench):
    """A row whose `other` the box does not take, or does not model, would prove nothing."""
    _, instrument, _ = bench
    for row in EVERYTHING:
        instrument.handle("reset() errorqueue.clear() format.asciiprecision = 6 format.data = 1")
        instrument.handle("localnode.prompts = 0 localnode.showerrors = 0")
        instrument.handle(row.other.format(ch="a"))
        queued = instrument.handle("localnode.prompts = 0 format.asciiprecision = 6 print(errorqueue.count)")
        assert str(queued).startswith("1.0" if row.name == "errorqueue.count" else "0.0"), row


def test_sense_that_cannot_be_changed_is_refused_by_name(bench):
    with pytest.raises(InstrumentError, match=r"smuX\.sense is 1, not 0; switch the output off first"):
        outcome(bench, "smua.sense = 1", "smua.source.output = 1")


def test_a_power_limit_that_comes_later_is_flagged(bench):
    """A source that holds a limit which the driver does not know of is reported with the reading, read or not."""
    _, instrument, connect = bench
    outcome(bench)
    smu = connect()
    smu.identify()
    for channel in "ab":
        smu.limit(channel, 1e-3, 0.9)
        smu.switch_output(channel, on=True)
    instrument.handle("smua.source.limitp = 1e-6")
    read = smu.run_shots(Shots(("a", "b"), np.array([[0.3, 0.1]]), ("b",), 1e-3, 0.02, 1e-3))
    assert read.flags.tolist() == [[Flag.COMPLIANCE]]
    smu.make_safe()
    smu.adapter.close()
