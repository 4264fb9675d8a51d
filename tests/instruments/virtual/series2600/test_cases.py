"""What scripts of other makers rely on: the cases 2600-*, each with its kind."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from instruments.virtual.keithley2600 import Keithley2601B, Keithley2636B
from labmtj.virtual.network.terminals import Box, Sensed


@pytest.fixture(scope="module")
def started() -> Iterator[list[Keithley2636B]]:
    boxes: list[Keithley2636B] = []
    yield boxes
    for box in boxes:
        box.close()


@pytest.fixture
def smu(started: list[Keithley2636B], resistor_box: Callable[..., Box]) -> Keithley2636B:
    """Return a 2636B with 10 kilohm to ground on both channels, as after power-on."""
    if not started:
        started.append(Keithley2636B(resistor_box("a", "b"), script_seconds=30.0))
    started[0].handle("smua.abort() smub.abort() reset() errorqueue.clear()")
    return started[0]


def error(box: Keithley2636B) -> int:
    return int(float(str(box.handle("print(errorqueue.next())")).split("\t")[0]))


def numbers(box: Keithley2636B, script: str) -> list[float]:
    return [float(each) for each in str(box.handle(script)).replace("\n", "\t").replace(", ", "\t").split("\t")]


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        # 2600-measure-range-defaults, 2600-display-defaults
        ("print(smua.measure.rangei, smua.measure.rangev)", "1.00000e-01\t2.00000e-01"),
        ("print(display.smua.measure.func, display.screen)", "1.00000e+00\t2.00000e+00"),
        # 2600-overflow-other-quantity
        ("smua.source.levelv = 0.5 smua.source.output = 1 smua.measure.rangei = 1e-6 print(smua.measure.v())", "5.00000e-01"),
        ("smua.source.levelv = 0.5 smua.source.output = 1 smua.measure.rangei = 1e-6 print(smua.measure.iv())", "9.91000e+37\t5.00000e-01"),
        ("smua.source.levelv = 0.5 smua.source.output = 1 smua.measure.rangei = 1e-6 print(smua.measure.r(), smua.measure.p())", "9.91000e+37\t9.91000e+37"),
        ("smua.source.func = 0 smua.source.leveli = 1e-4 smua.source.output = 1 smua.measure.rangev = 0.2 print(smua.measure.iv())", "1.00000e-04\t9.91000e+37"),
        # 2600-blender, 2600-filter-constants
        ("trigger.blender[1].orenable = true trigger.blender[1].stimulus[1] = smua.trigger.ARMED_EVENT_ID smua.trigger.source.stimulus = trigger.blender[1].EVENT_ID print(trigger.blender[1].orenable)", "true"),
        ("print(smua.FILTER_OFF, smua.FILTER_ON, smua.REL_ON, smua.REL_OFF, smua.LIMIT_AUTO, smua.FILL_ONCE)", "0.00000e+00\t1.00000e+00\t1.00000e+00\t0.00000e+00\t0.00000e+00\t0.00000e+00"),
        # 2600-node1, 2600-bit, 2600-exit-os-time
        ("display.clear() display.setcursor(1, 5) display.settext('hello') print(display.gettext(), display.getcursor())", "hello\t1.00000e+00\t5.00000e+00\t0.00000e+00"),
        ("display.loadmenu.add('a', 'x = 1') for name in display.loadmenu.catalog() do print(name) end display.loadmenu.delete('a')", "a"),
        ("lan.config.speed = 10 lan.restoredefaults() print(lan.config.speed)", "1.00000e+02"),
        ("print(status.measurement.current_limit.SMUB, status.measurement.instrument.smua.VLMT, status.standard.OPC, status.operation.instrument.digio.trigger_overrun.LINE3)", "4.00000e+00\t1.00000e+00\t1.00000e+00\t8.00000e+00"),
        ("print(status.system.NODE1, status.system5.NODE64, status.operation.user.BIT14, status.operation.instrument.smub.trigger_overrun.ENDP)", "2.00000e+00\t2.56000e+02\t1.63840e+04\t1.60000e+01"),
        ("run() script.run() print(script.anonymous.name, display.KEY_NONE, tspnet.TERM_LF)", "\t0.00000e+00\t1.00000e+00"),
        ("print(node[1].smua.source.levelv, localnode.smua == smua, tsplink.state, tsplink.reset())", "0.00000e+00\ttrue\toffline\t1.00000e+00"),
        ("print(bit.bitand(5, 4), bit.bitor(5, 2), bit.bitxor(5, 1), bit.test(4, 3), bit.get(5, 1), bit.set(0, 4), bit.clear(15, 1), bit.toggle(1, 1))", "4.00000e+00\t7.00000e+00\t4.00000e+00\ttrue\t1.00000e+00\t8.00000e+00\t1.40000e+01\t0.00000e+00"),
        ("print(bit.getfield(20, 3, 3), bit.setfield(0, 2, 2, 3))", "5.00000e+00\t6.00000e+00"),
        ("print(os.time() > 0) exit() print('not here')", "true"),
        ("function f() exit() end pcall(print, 'x') f() print('not here')", "x"),
        # 2600-trigger-wait
        ("print(trigger.wait(0.1))", "false"),
        ("trigger.timer[1].delay = 0.05 trigger.timer[1].stimulus = trigger.generator[1].EVENT_ID trigger.generator[1].assert() print(trigger.timer[1].wait(0.1), trigger.timer[1].wait(0.1))", "true\tfalse"),
        ("trigger.timer[1].delaylist = {0.1, 0.2} print(trigger.timer[1].delaylist[2], trigger.timer[1].delay)", "2.00000e-01\t1.00000e-01"),
        # texts in buffers, and the clock of the box (2600-basetimestamp)
        ("smua.measure.i(smua.nvbuffer1) printbuffer(1, 1, smua.nvbuffer1.measurefunctions, smua.nvbuffer1.sourcefunctions, smua.nvbuffer1.sourceoutputstates)", "Current, Voltage, Off"),
        ("print(smua.nvbuffer1.basetimestamp) smua.measure.v(smua.nvbuffer1) print(smua.nvbuffer1.basetimestamp > 1.6e9, smua.nvbuffer1.measurefunctions[1])", "0.00000e+00\ntrue\tVoltage"),
    ],
)  # fmt: skip
def test_what_scripts_rely_on(smu: Keithley2636B, script: str, printed: str) -> None:
    assert smu.handle(script) == printed
    assert error(smu) == 0


@pytest.mark.parametrize(
    ("script", "code"),
    [
        # 2600-initiate-unconfigured, 2600-format-codes
        ("smua.trigger.source.action = smua.ENABLE smua.trigger.initiate()", 5059),
        ("smua.trigger.measure.action = smua.ENABLE smua.trigger.initiate()", 5060),
        ("format.asciiprecision = 20", 1405),
        ("format.byteorder = 7", 1404),
        ("format.data = 9", 1406),
        # others of the error list
        ("smua.nvbuffer1.clear() smua.measure.i(smua.nvbuffer1) smua.nvbuffer1.collecttimestamps = 1", 5032),
        ("smua.nvbuffer1.clear() smua.nvbuffer1.timestampresolution = 1e-7", 5047),
        ("print(smua.nvbuffer2.readings[1])", 4900),
        ("smua.measure.count = 5 smua.measure.filter.count = 2", 5025),
        ("smua.source.output = 1 smua.sense = 1", 5008),
        ("smua.source.offmode = smua.OUTPUT_HIGH_Z smua.contact.check()", 5048),
        ("smua.source.func = 0 smua.source.output = 1 smua.contact.check()", 5049),
        ("smua.source.limiti = 1e-4 smua.source.output = 1 smua.contact.check()", 5050),
        ("smua.source.offlimiti = 1e-4 smua.contact.check()", 5066),
        ("smua.cal.unlock('wrong')", 5019),
        ("smua.measure.calibratei(1, 1, 1, 1, 1)", 5011),
        ("smua.cal.adjustdate = 5", 5016),
        ("smua.source.highc = 1 smua.measure.autorangei = 1", 5069),
        ("print(node[2])", 1211),
        ("print(node[65])", 1212),
        ("serial.baud = 7", 1500),
        ("digio.trigger[1].mode = 9", 1800),
        ("digio.readbit(15)", 1801),
        ("tspnet.timeout = 60", 2401),
        ("script.new('x = = 1', 'a')", -285),
        ("script.new('x = 1', 'not a name')", -282),
        ("script.delete('nothing')", -292),
        ("fs.chdir('/nowhere')", 2204),
        ("PulseVMeasureI(smua, 0, 0.1, 1e-3, 1e-3, 3)", 1401),  # shorter than an aperture
        ("PulseVMeasureI(5, 0, 0.1, 1e-1, 1e-3, 3)", 1401),
        ("SweepVLinMeasureI(smua)", 1400),
        ("SweepVLinMeasureI({}, 0, 1, 0, 5)", 1401),
        ("gm_vsweep(smua, 'x', 1, 5)", 1401),
        ("tspnet.connect('10.0.0.1')", 2411),
        ("tspnet.write(1, 'x')", 2400),
        ("display.loadmenu.delete('nothing')", 1108),
        ("savebuffer(5, 'csv', 'x')", 5033),
        ("print(smua.nothing)", -286),
    ],
)
def test_errors_have_the_numbers_of_the_box(smu: Keithley2636B, script: str, code: int) -> None:
    smu.handle(script)
    assert error(smu) == code


def test_an_output_enable_that_nothing_asserts_keeps_the_output_off(resistor_box: Callable[..., Box]) -> None:
    box = Keithley2601B(resistor_box("a"))
    try:
        box.handle("smua.source.outputenableaction = smua.OE_OUTPUT_OFF smua.source.output = 1")
        assert error(box) == 5041
        assert box.handle("print(smua.source.output, display.screen, smub)") == "0.00000e+00\t0.00000e+00\tnil"
    finally:
        box.close()


def test_no_reading_waits_for_a_range_that_did_not_change(smu: Keithley2636B) -> None:
    """Case 2600-first-reading-late: fixed ranges, no autozero, no delay; all readings take one aperture."""
    smu.handle(
        "smua.measure.autorangei = 0 smua.measure.rangei = 1e-3 smua.measure.autozero = 0 smua.measure.delay = 0 "
        "smua.measure.nplc = 0.001 smua.source.output = 1"
    )
    script = "timer.reset() smua.measure.i() a = timer.measure.t() smua.measure.i() print(a, timer.measure.t() - a)"
    assert numbers(smu, script) == pytest.approx([2e-5, 2e-5])


def test_pulses_of_the_trigger_model_have_one_period_and_one_width(smu: Keithley2636B) -> None:
    """As the public pulse scripts do it: timers give period and width; the first pulse is like the others."""
    smu.handle(
        "smua.source.rangev = 2 smua.measure.rangei = 1e-3 smua.measure.nplc = 0.01 smua.measure.autozero = 0 "
        "smua.measure.delay = 0 smua.nvbuffer1.clear() smua.nvbuffer1.collecttimestamps = 1 "
        "smua.trigger.source.linearv(1, 1, 5) smua.trigger.source.action = 1 smua.trigger.measure.action = 1 "
        "smua.trigger.measure.i(smua.nvbuffer1) smua.trigger.count = 5 smua.trigger.endpulse.action = smua.SOURCE_IDLE "
        "trigger.timer[1].delay = 5e-3 trigger.timer[1].count = 4 trigger.timer[1].passthrough = true "
        "trigger.timer[1].stimulus = smua.trigger.ARMED_EVENT_ID smua.trigger.source.stimulus = trigger.timer[1].EVENT_ID "
        "trigger.timer[2].delay = 1e-3 trigger.timer[2].stimulus = smua.trigger.SOURCE_COMPLETE_EVENT_ID "
        "smua.trigger.endpulse.stimulus = trigger.timer[2].EVENT_ID smua.source.output = 1"
    )
    channel = smu.box.channels["a"]
    channel.steps.clear()  # type: ignore[attr-defined]
    smu.handle("smua.trigger.initiate() waitcomplete()")
    times = numbers(smu, "printbuffer(1, 5, smua.nvbuffer1.timestamps)")
    assert [b - a for a, b in pairwise(times)] == pytest.approx([5e-3] * 4)
    steps = [(at, level) for at, _, level in channel.steps]  # type: ignore[attr-defined]
    up = [at for at, level in steps if level > 0.5]
    down = [next(at for at, level in steps if level < 0.5 and at > begin) for begin in up]
    assert [end - begin for begin, end in zip(up, down, strict=True)] == pytest.approx([1e-3] * 5)


class Noisy:
    """A channel on which nothing is connected, and whose current swings beyond the lowest range."""

    def __init__(self, channel: object) -> None:
        self._channel, self._turn = channel, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._channel, name)

    def close_aperture(self) -> Sensed:
        self._channel.close_aperture()  # type: ignore[attr-defined]
        self._turn += 1
        return Sensed(0.0, (0.2e-10, 1.5e-10, -3e-9)[self._turn % 3], limited=False)


def test_autorange_goes_up_when_a_reading_overflows(resistor_box: Callable[..., Box]) -> None:
    """Case 2600-autorange-overflow: never 9.91e37 below the top range, whatever the look before it said."""
    made = resistor_box("a", "b")
    made.channels["a"] = Noisy(made.channels["a"])  # type: ignore[index]
    box = Keithley2636B(made)
    try:
        box.handle("smua.measure.delay = 0 smua.measure.analogfilter = 0")
        for _ in range(4):
            found = numbers(box, "print(smua.measure.i(), smua.measure.v(), smua.measure.rangei)")
            assert abs(found[0]) < 1e-8
            assert abs(found[1]) < 1e-8
    finally:
        box.close()


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("SweepVLinMeasureI(smua, 0, 1, 0.01, 3) printbuffer(1, 3, smua.nvbuffer1)", [0, 5e-5, 1e-4]),
        ("SweepVLogMeasureI(smua, 0.01, 1, 0, 3) printbuffer(1, 3, smua.nvbuffer1)", [1e-6, 1e-5, 1e-4]),
        ("SweepVListMeasureI(smua, {0.1, 0.3}, 0, 2) printbuffer(1, 2, smua.nvbuffer1)", [1e-5, 3e-5]),
        ("SweepILinMeasureV(smua, 0, 1e-4, 0, 3) printbuffer(1, 3, smua.nvbuffer1)", [0, 0.5, 1]),
        ("SweepVLinMeasureI(smua, 0, 1, 0.01, 3) printbuffer(1, 3, smua.nvbuffer1.sourcevalues)", [0, 0.5, 1]),
        ("PulseVMeasureI(smua, 0, 0.1, 0.1, 1e-3, 3) printbuffer(1, 3, smua.nvbuffer1)", [1e-5] * 3),
        ("smua.source.rangei = 1e-3 PulseIMeasureV(smua, 0, 1e-4, 0.1, 1e-3, 2) printbuffer(1, 2, smua.nvbuffer1)", [1, 1]),
        ("g = gm_vsweep(smua, 0, 1, 3) print(g[1], g[2])", [1e-4, 1e-4]),
        ("print(i_leakage_measure(smua, 0.1, 0.01, 0.01, 1e-3, 0.01))", [1e-5]),
        ("smua.measure.count = 3 smua.measure.i(smua.nvbuffer1) s = smua.buffer.getstats(smua.nvbuffer1) print(s.n, s.mean)", [3, 0]),
    ],
)  # fmt: skip
def test_factory_scripts_measure_what_they_say(smu: Keithley2636B, script: str, printed: list[float]) -> None:
    assert numbers(smu, script) == pytest.approx(printed, abs=1e-12)
    assert error(smu) == 0
    assert numbers(smu, "print(smua.source.output, smua.source.levelv)") == [0, 0]


def test_pulse_sweeps_are_configured_under_tags(smu: Keithley2636B) -> None:
    smu.handle("smua.source.rangev = 2 smub.source.rangev = 2 smua.source.output = 1 smub.source.output = 1")
    configure = "f, m = ConfigPulseVMeasureISweepLin(smu{0}, 0, 0.1, 0.3, 0.01, 0.05, 0.01, 3, smu{0}.nvbuffer1, {1}) print(f, m)"
    for channel, tag in (("a", 1), ("b", 2)):
        assert smu.handle(configure.format(channel, tag)) == "true\tPulse Configuration Successful."
    assert smu.handle("print(InitiatePulseTestDual(1, 2))") == "true\tPulse Test Complete."
    for channel in "ab":
        assert numbers(smu, f"printbuffer(1, 3, smu{channel}.nvbuffer1)") == pytest.approx([1e-5, 2e-5, 3e-5])
    assert (
        smu.handle("t = QueryPulseConfig(2) print(t.points, t.smu == smub, t.stop)") == "3.00000e+00\ttrue\t3.00000e-01"
    )


def test_a_window_buffer_goes_on_at_its_beginning(smu: Keithley2636B) -> None:
    smu.handle("smua.nvbuffer1.fillmode = smua.FILL_WINDOW smua.nvbuffer1.fillcount = 2 smua.nvbuffer1.appendmode = 1")
    smu.handle("smua.source.output = 1 for k = 1, 3 do smua.source.levelv = k / 10 smua.measure.i(smua.nvbuffer1) end")
    assert numbers(smu, "printbuffer(1, 2, smua.nvbuffer1)") == pytest.approx([3e-5, 2e-5])


def test_setups_are_kept_and_recalled_with_the_output_off(smu: Keithley2636B) -> None:
    smu.handle("smua.source.limiti = 0.02 smua.measure.nplc = 5 setup.save(2)")
    smu.handle("smua.source.limiti = 0.05 smua.source.output = 1 setup.recall(2)")
    assert numbers(smu, "print(smua.source.limiti, smua.measure.nplc, smua.source.output)") == [0.02, 5, 0]
    smu.handle("setup.recall(0)")
    assert numbers(smu, "print(smua.source.limiti, smua.measure.nplc)") == [0.1, 1]


def test_a_table_shows_its_attributes_and_objects_in_its_metatable(smu: Keithley2636B) -> None:
    """As a public client finds all names of a box; the metatable itself cannot be changed."""
    assert (
        smu.handle(
            "m = getmetatable(smua.source) print(type(m.Getters.levelv), type(m.Setters.levelv), m.Setters.compliance)"
        )
        == "function\tfunction\tnil"
    )
    assert (
        smu.handle("print(type(getmetatable(smua).Objects.source), getmetatable(smua).Objects.OUTPUT_ON)")
        == "table\t1.00000e+00"
    )
    assert smu.handle("print(getmetatable(smua.nvbuffer1).luatype, pcall(setmetatable, smua, {}))").startswith(
        "reading_buffer\tfalse"
    )
    assert (
        smu.handle("m.Setters.levelv(0.2) print(m.Getters.levelv(), smua.source.levelv)") == "2.00000e-01\t2.00000e-01"
    )


def test_a_client_that_polls_sees_a_sweep_begin_and_end(smu: Keithley2636B) -> None:
    """As keithley2600 polls: until the register shows a sweep, then until it shows none."""
    sweep = "smua.trigger.source.linearv(0, 1, 3) smua.trigger.source.action = 1 smua.trigger.count = 3"
    smu.handle(f"{sweep} smua.source.output = 1 smua.trigger.arm.stimulus = trigger.EVENT_ID smua.trigger.initiate()")
    asked = "print(status.operation.sweeping.condition)"
    assert smu.handle(asked) == "2.00000e+00"  # it waits for its trigger
    smu.handle("*TRG")
    smu.handle("x = 1")  # whatever comes in between
    assert (smu.handle(asked), smu.handle(asked)) == ("2.00000e+00", "0.00000e+00")
    smu.handle("smua.trigger.arm.stimulus = 0 smua.trigger.initiate() waitcomplete()")
    assert smu.handle(asked) == "0.00000e+00"
