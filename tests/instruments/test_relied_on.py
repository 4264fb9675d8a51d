"""State that an earlier user left in a SCPI box: each entry of a driver's table is undone, or refused by its name.

Cases use/01, use/04, use/05 and their kind. The virtual box does what each setting does: without the entry the outcome
is another one, except for the settings named below.
"""

import numpy as np
import pytest
import pyvisa
from pymeasure.adapters import Adapter

from instruments.keithley2400 import Keithley2400
from instruments.keithley2450 import Keithley2450
from instruments.keithley7000 import Keithley7002
from instruments.keysightb2200 import KeysightB2201A
from instruments.keysightb2900 import KeysightB2902A
from instruments.virtual import keithley2400, keithley2450, keithley7000, keysightb2200, keysightb2900
from labmtj.errors import InstrumentError, LabmtjError, UsageError
from labmtj.quantities import Flag
from labmtj.shots import Pulses, Shots
from labmtj.virtual.network.resistor import matrix_box, unit_box

OHMS, LIMIT = 10e3, 4e-5
LEVELS = np.array([[0.1234567], [-0.2], [0.5], *[[0.0123456 * number] for number in range(8)]])
"""volts; the third one ends at the limit"""


class Wire(Adapter):
    """A cable to a virtual box in the same process; a question that is not answered is a timeout."""

    resource_name = "GPIB0::24::INSTR"

    class Connection:
        timeout = 2000

        def __init__(self, wire):
            self.wire = wire

        def clear(self):
            self.wire.lines.clear()
            self.wire.box.device_clear()

        def close(self):
            """Do nothing."""

    def __init__(self, box):
        super().__init__()
        self.box, self.lines, self.connection = box, [], self.Connection(self)

    def _write(self, command, **_):
        reply = self.box.handle(command)
        if reply is not None:
            self.lines.append(reply)

    def _read(self, **_):
        if not self.lines:
            raise pyvisa.errors.VisaIOError(pyvisa.constants.StatusCode.error_timeout)
        return self.lines.pop(0)


UNITS = {
    "2400": (Keithley2400, lambda: keithley2400.Keithley2400(unit_box("1", OHMS))),
    "2450": (Keithley2450, lambda: keithley2450.Keithley2450(unit_box("1", OHMS))),
    "B2902A": (KeysightB2902A, lambda: keysightb2900.KeysightB2902A(unit_box("12", OHMS))),
}
WITHOUT_EFFECT = {  # here: what the virtual box only keeps, and what does harm elsewhere
    "guard", "high capacitance mode", "output filter", "automatic output filter", "service request mask", "beeper",
    "sweep direction",  # a list has none
    "output-off state",  # wear, and what other instruments see
    "automatic output on",  # a sequence starts with its output on
    "running sequence", "running trigger model", "storing buffer", "format of status registers",
    "ohms mode", "offset-compensated ohms",  # resistance is not measured
    "concurrent functions", "source read-back", "digits of a number",
    "automatic source delay",  # a delay that is set ends it
    "arm timer",  # there is one arming
    "source function", "source mode", "pulse shape", "compliance that sets the range",  # set with every sequence, too
    "remote sense",  # a resistor has no leads
    "voltage protection",  # 2 V is its lowest, above the levels here
    "fill mode of the buffer",  # it is emptied before every sequence
    "continuous triggered output",  # the driver sets the level after every sequence
}  # fmt: skip


def read_and_pulse(smu, box):
    """Arm, read in every way, pulse, and leave; what came out, and the seconds that it took on the bench."""
    smu.identify()
    for channel in smu.channels:
        smu.limit(channel, LIMIT, 1.0)
    for channel in smu.channels:
        smu.switch_output(channel, on=True)
    begun = box.box.time.now()
    levels = LEVELS * np.ones(len(smu.channels))
    found = []
    for range_amperes in (1e-4, None):
        read = smu.run_shots(Shots(smu.channels, levels, smu.channels, 1e-3, 0.02, range_amperes))
        found += [read.amperes, read.flags, read.range_amperes, read.start_seconds]
    found.append([smu.outputs()[channel] for channel in smu.channels])
    smu.level(dict.fromkeys(smu.channels, 0.3))
    spot = smu.read_currents(smu.channels, 0.02, None)
    smu.level(dict.fromkeys(smu.channels, 0.0))
    pulses = smu.run_pulses(Pulses(smu.channels, levels[:3], 0.025))
    found += [spot.amperes, spot.flags, pulses.step_seconds, pulses.step_volts, pulses.flags]
    seconds = box.box.time.now() - begun
    held = [
        (kind, volts, limit) for channel in box.box.channels.values() for _, kind, volts, limit in channel.steps[-60:]
    ]
    smu.make_safe()
    return [*(np.asarray(each, float) for each in found), np.array([seconds]), held]


def alike(one, other):
    *numbers, _ = one
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-12) for a, b in zip(numbers, other, strict=False)
    )


def table_of(unit):
    driver, virtual = UNITS[unit]
    return driver(Wire(virtual()), name="smu").relied_on()


def outcome(unit, entry, table=None, monkeypatch=None):
    driver, virtual = UNITS[unit]
    box = virtual()
    smu = driver(Wire(box), name="smu")  # connected before, so that nothing but the table helps
    if table is not None:
        monkeypatch.setattr(smu, "relied_on", lambda: table)
    if entry is not None:
        for channel in reversed(smu.channels):
            box.handle(entry.other.format(ch=channel))
        assert len(box.errors) == 0, (entry.other, box.errors.pop())
    return read_and_pulse(smu, box)


@pytest.fixture(scope="module", params=UNITS)
def clean(request):
    found = outcome(request.param, None)
    expected = np.clip(LEVELS / OHMS, -LIMIT, LIMIT) * np.ones(found[0].shape[1])
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-9)
    assert (found[1] == np.where(abs(LEVELS / OHMS) > LIMIT, Flag.COMPLIANCE, 0)).all()
    return request.param, found


def test_every_setting_that_is_left_is_undone_or_refused_by_name(clean):
    unit, found = clean
    for entry in table_of(unit):
        try:
            assert alike(outcome(unit, entry), found), entry.name
        except InstrumentError as error:
            assert entry.ask, f"{entry.name}: {error}"  # noqa: PT017
            assert entry.name in str(error)  # noqa: PT017
        else:
            assert not entry.ask


def test_every_entry_matters(clean, monkeypatch):
    unit, found = clean
    table, idle = table_of(unit), set()
    for entry in table:
        if not (entry.set or entry.ask):
            continue
        rest = tuple(each for each in table if each != entry and (not entry.set or each.set != entry.set))
        try:
            if alike(outcome(unit, entry, rest, monkeypatch), found):
                idle.add(entry.name)
        except LabmtjError:
            pass
    assert idle <= WITHOUT_EFFECT


@pytest.mark.parametrize("unit", ["2400", "2450"])
def test_the_chip_may_hang_on_the_rear_terminals(unit):
    driver, virtual = UNITS[unit]
    smu = driver(Wire(virtual()), name="smu", terminals="rear")
    with pytest.raises(InstrumentError, match=r"front or rear terminals is FRON, not REAR; .*terminals: front"):
        smu.limit("1", 1e-3, 1.0)
    smu.adapter.box.handle(":ROUT:TERM REAR")
    smu.limit("1", 1e-3, 1.0)
    with pytest.raises(UsageError, match="choose front or rear"):
        driver(Wire(virtual()), name="smu", terminals="back")


@pytest.mark.parametrize("unit", ["2400", "B2902A"])
def test_a_refused_setting_is_named(unit, monkeypatch):
    driver, virtual = UNITS[unit]
    box = virtual()
    smu = driver(Wire(box), name="smu")
    monkeypatch.setattr(
        smu, "relied_on", lambda: (*type(smu).relied_on(smu), type(table_of(unit)[0])("depth of the sea", "", ":SEA 3"))
    )
    with pytest.raises(InstrumentError, match="does not take its depth of the sea: reports error -113"):
        smu.limit("1", 1e-3, 1.0)


def test_the_format_of_status_registers_is_set_before_the_first_numbered_question():
    for unit in ("2400", "B2902A"):
        driver, virtual = UNITS[unit]
        box = virtual()
        smu = driver(Wire(box), name="smu")
        box.handle(":FORM:SREG HEX")
        assert smu.identify().model
        box.handle(":FORM:SREG HEX")
        smu.make_safe()  # also without an identity


@pytest.mark.parametrize("way", ["shots", "spot"])
def test_a_channel_that_is_limited_but_not_read_is_reported_with_the_reading(way):
    box = keysightb2900.KeysightB2902A(unit_box("12", OHMS))
    smu = KeysightB2902A(Wire(box), name="smu")
    smu.identify()
    smu.limit("1", 1e-5, 1.0)
    smu.limit("2", 1e-3, 1.0)
    for channel in smu.channels:
        smu.switch_output(channel, on=True)
    if way == "shots":
        read = smu.run_shots(Shots(("1", "2"), np.array([[0.5, 0.1], [0.05, 0.1]]), ("2",), 1e-3, 0.02, 1e-4))
        assert read.flags.tolist() == [[Flag.COMPLIANCE], [0]]
    else:
        smu.level({"1": 0.5, "2": 0.1})
        assert smu.read_currents(("2",), 0.02, 1e-4).flags.tolist() == [[Flag.COMPLIANCE]]
        smu.level({"1": 0.05, "2": 0.1})
        assert smu.read_currents(("2",), 0.02, 1e-4).flags.tolist() == [[0]]


MATRICES = {
    "7002": (Keithley7002, lambda: keithley7000.Keithley7002(matrix_box({1: "7012-S", 2: "7012-S"}, 4, 10)), {1: "7012-S", 2: "7012-S"}),
    "B2201A": (KeysightB2201A, lambda: keysightb2200.KeysightB2201A(matrix_box({1: "B2211A", 2: "B2211A"}, 14, 12)), {1: "B2211A", 2: "B2211A"}),
}  # fmt: skip


def switching(matrix, box):
    """Close and open relays; which are closed at each step, and how long it took."""
    matrix.identify()
    matrix.make_safe()
    begun, found = box.box.time.now(), []
    for opening, closing in (((), ((1, 1, 1), (2, 3, 2))), (((1, 1, 1),), ((1, 2, 1), (1, 3, 3)))):
        matrix.switch([matrix.crosspoint(*each) for each in opening], [matrix.crosspoint(*each) for each in closing])
        found.append(sorted(box.relays.closed()))
    return found, box.box.time.now() - begun


@pytest.mark.parametrize("name", MATRICES)
def test_what_is_left_in_a_matrix_is_undone(name):
    driver, virtual, cards = MATRICES[name]

    def left(*lines):
        box = virtual()
        matrix = driver(Wire(box), name="matrix", cards=cards)
        for line in lines:
            box.handle(line)
            assert len(box.errors) == 0, (line, box.errors.pop())
        return switching(matrix, box)

    clean = left()
    for entry in driver(Wire(virtual()), name="matrix", cards=cards).relied_on():
        found, seconds = left(entry.other)
        assert found == clean[0], entry.name
        assert seconds == pytest.approx(clean[1]), entry.name
