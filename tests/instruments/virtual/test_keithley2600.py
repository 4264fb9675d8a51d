"""Answers worked out by hand: 10 kilohm to ground on every channel, Ohm's law, and the manual's defaults."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from instruments.virtual.keithley2600 import Keithley2602B, Keithley2604B, Keithley2635B, Keithley2636B
from labmtj.virtual.network.terminals import Box


@pytest.fixture(scope="module")
def started() -> Iterator[list[Keithley2636B]]:
    boxes: list[Keithley2636B] = []
    yield boxes
    for box in boxes:
        box.close()


@pytest.fixture
def unit(started: list[Keithley2636B], resistor_box: Callable[..., Box]) -> Keithley2636B:
    if not started:
        started.append(Keithley2636B(resistor_box("a", "b")))
    started[0].handle("reset() errorqueue.clear()")
    started[0].interlock_open = False
    for channel in ("a", "b"):
        load(started[0], channel).steps.clear()
    return started[0]


def load(unit: Keithley2636B, channel: str) -> Any:
    return unit.box.channels[channel]


def numbers(unit: Keithley2636B, expression: str) -> list[float]:
    return [float(each) for each in str(unit.handle(f"print({expression})")).split("\t")]


def error(unit: Keithley2636B) -> int:
    return int(numbers(unit, "(errorqueue.next())")[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source.func", 1), ("source.output", 0), ("source.levelv", 0), ("source.leveli", 0), ("source.limiti", 0.1),
        ("source.limitv", 20), ("source.limitp", 0), ("source.autorangev", 1), ("source.autorangei", 1),
        ("source.offmode", 0), ("source.offfunc", 1), ("source.offlimiti", 1e-3), ("source.offlimitv", 40),
        ("source.delay", 0), ("measure.nplc", 1), ("measure.autozero", 2), ("measure.autorangei", 1),
        ("measure.analogfilter", 1), ("measure.count", 1), ("measure.interval", 0), ("measure.filter.enable", 0),
        ("sense", 0), ("nvbuffer1.n", 0), ("nvbuffer1.appendmode", 0), ("OUTPUT_DCVOLTS", 1), ("OUTPUT_HIGH_Z", 2),
    ],
)  # fmt: skip
def test_defaults_are_those_of_the_manual(unit: Keithley2636B, name: str, value: float) -> None:
    assert numbers(unit, f"smua.{name}") == [value]


def test_a_read_follows_ohms_law(unit: Keithley2636B) -> None:
    unit.handle("smua.source.levelv = 0.1 smua.source.limiti = 1e-3 smua.source.output = smua.OUTPUT_ON")
    assert unit.handle("print(smua.measure.iv())") == "1.00000e-05\t1.00000e-01"
    assert unit.handle("print(smua.measure.r(), smua.measure.p())") == "1.00000e+04\t1.00000e-06"
    assert unit.handle("print(smub.measure.i(), smua.source.compliance)") == "0.00000e+00\tfalse"


def test_a_current_is_sourced_up_to_its_voltage_limit(unit: Keithley2636B) -> None:
    unit.handle("smua.source.func = 0 smua.source.limitv = 1 smua.source.leveli = 5e-5 smua.source.output = 1")
    assert numbers(unit, "smua.measure.v()") == [0.5]
    unit.handle("smua.source.leveli = 5e-4")
    assert numbers(unit, "smua.measure.v(), status.measurement.instrument.smua.condition") == [1.0, 1]
    assert unit.handle("print(smua.source.compliance)") == "true"


def test_a_limit_holds_the_current_and_is_told(unit: Keithley2636B) -> None:
    unit.handle("smua.source.levelv = 1 smua.source.limiti = 1e-6 smua.source.output = 1")
    assert unit.handle("print(smua.source.compliance, smua.measure.i())") == "true\t1.00000e-06"
    assert numbers(unit, "status.measurement.instrument.smua.condition") == [2]
    unit.handle("smua.source.limiti = 1e-3")
    assert unit.handle("print(smua.source.compliance, smua.measure.i())") == "false\t1.00000e-04"


def test_a_power_limit_holds_the_current_too(unit: Keithley2636B) -> None:
    unit.handle("smua.source.levelv = 2 smua.source.limitp = 1e-4 smua.source.output = 1")
    assert numbers(unit, "smua.measure.i()") == [5e-5]


def test_levels_act_at_once_and_one_after_the_other(unit: Keithley2636B) -> None:
    unit.handle("smua.source.output = 1 smub.source.output = 1")
    for channel in ("a", "b"):
        load(unit, channel).steps.clear()
    unit.handle("smua.source.levelv = 0.1 smub.source.levelv = -0.1")
    (time_a, _, volts_a), (time_b, _, volts_b) = load(unit, "a").steps[0], load(unit, "b").steps[0]
    assert (volts_a, volts_b) == (0.1, -0.1)
    assert 10e-6 < time_b - time_a < 100e-6


def test_settings_with_the_output_off_touch_nothing(unit: Keithley2636B) -> None:
    unit.handle("smua.source.levelv = 1 smua.source.limiti = 1e-3 smua.measure.nplc = 0.1")
    assert load(unit, "a").steps == []
    assert load(unit, "a").state == ("volts", 0.0, 1e-3)


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ("smua.source.offmode = smua.OUTPUT_NORMAL", ("volts", 0.0, 1e-3)),
        ("smua.source.offmode = smua.OUTPUT_NORMAL smua.source.offfunc = 0", ("amperes", 0.0, 40.0)),
        ("smua.source.offmode = smua.OUTPUT_NORMAL smua.source.offlimiti = 1e-5", ("volts", 0.0, 1e-5)),
        ("smua.source.offmode = smua.OUTPUT_ZERO", ("volts", 0.0, 0.1)),
        ("smua.source.offmode = smua.OUTPUT_HIGH_Z", ("released", 0.0, 0.0)),
        ("smua.source.output = smua.OUTPUT_HIGH_Z", ("released", 0.0, 0.0)),
    ],
)
def test_off_modes(unit: Keithley2636B, statements: str, state: tuple[str, float, float]) -> None:
    unit.handle(f"smua.source.levelv = 1 smua.source.output = 1 smua.source.output = 0 {statements}")
    assert load(unit, "a").state == state


def test_ranges_follow_the_value_or_are_kept(unit: Keithley2636B) -> None:
    assert numbers(unit, "smua.source.rangev") == [0.2]
    unit.handle("smua.source.levelv = 0.21")
    assert numbers(unit, "smua.source.rangev") == [2.0]
    unit.handle("smua.source.rangev = 3")
    assert numbers(unit, "smua.source.rangev, smua.source.autorangev") == [20.0, 0]
    unit.handle("smua.source.levelv = 20.2")
    assert error(unit) == 0
    unit.handle("smua.source.levelv = 20.3")
    assert error(unit) == 5005
    assert numbers(unit, "smua.source.levelv") == [20.2]
    unit.handle("smua.source.rangev = 2")
    assert error(unit) == 5005
    unit.handle("smua.measure.rangei = 2e-6")
    assert numbers(unit, "smua.measure.rangei, smua.measure.autorangei") == [1e-5, 0]


def test_a_fixed_range_overflows_above_102_percent(unit: Keithley2636B) -> None:
    unit.handle("smua.source.output = 1 smua.measure.rangei = 1e-5 smua.source.levelv = 0.101")
    assert numbers(unit, "smua.measure.i()") == [1.01e-5]
    unit.handle("smua.source.levelv = 0.103")
    assert numbers(unit, "smua.measure.i()") == [9.91e37]
    assert int(numbers(unit, "status.measurement.instrument.smua.condition")[0]) & 128


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("smua.source.levelv = 203", 1101),
        ("smua.source.limiti = 1e-11", 1102),
        ("smua.source.limiti = 1.6", 1101),
        ("smua.measure.nplc = 26", 1101),
        ("smua.measure.nplc = 0", 1102),
        ("smua.source.func = 2", 1401),
        ("smua.source.levelv = '1'", 1401),
        ("smua.measure.rangei = 10", 1101),
        ("smua.source.compliance = true", -286),
        ("smua.source.level = 1", -286),
        ("print(smua.source.level)", -286),
        ("smua.nvbuffer1.n = 3", -286),
        ("smua.OUTPUT_ON = 3", -286),
        ("smuc.source.levelv = 1", -286),
        ("smua.measure.i(1)", 1401),
        ("smua.makebuffer()", 1401),
        ("smua.source.rangev = 200 smua.source.limiti = 0.2", 5007),
        ("smua.source.limiti = 0.2 smua.source.levelv = 30", 5007),
        ("smua.source.output = 1 smua.sense = 1", 5008),
        ("smua.trigger.source.listv({})", 1401),
        ("smua.trigger.source.listv({1, 'x'})", 1401),
    ],
)
def test_refusals_leave_everything_as_it_was(unit: Keithley2636B, statement: str, code: int) -> None:
    names = "smua.source.levelv, smua.source.func, smua.measure.nplc, smua.sense, smua.OUTPUT_ON"
    before = numbers(unit, names)
    unit.handle(statement)
    assert error(unit) == code
    assert numbers(unit, names) == before


def test_an_open_interlock_blocks_the_200_volt_range(unit: Keithley2636B) -> None:
    unit.interlock_open = True
    unit.handle("smua.source.levelv = 30 smua.source.output = 1")
    assert error(unit) == 802
    assert numbers(unit, "smua.source.output") == [0]
    unit.handle("smua.source.levelv = 10 smua.source.output = 1")
    assert numbers(unit, "smua.source.output") == [1]


def test_readings_go_into_buffers_with_their_circumstances(unit: Keithley2636B) -> None:
    unit.handle("smua.source.levelv = 0.1 smua.source.output = 1 smua.nvbuffer1.collecttimestamps = 1")
    unit.handle("smua.nvbuffer1.collectsourcevalues = 1 smua.measure.count = 3 smua.measure.interval = 0.1")
    unit.handle("smua.measure.autorangei = 0 smua.measure.rangei = 1e-5 smua.measure.i(smua.nvbuffer1)")
    buffer = "smua.nvbuffer1"
    assert unit.handle(f"printbuffer(1, 3, {buffer})") == "1.00000e-05, 1.00000e-05, 1.00000e-05"
    assert unit.handle(f"printbuffer(1, 3, {buffer}.timestamps)") == "0.00000e+00, 1.00000e-01, 2.00000e-01"
    assert unit.handle(f"printbuffer(2, 2, {buffer}.readings, {buffer}.sourcevalues)") == "1.00000e-05, 1.00000e-01"
    assert numbers(unit, f"{buffer}.n, {buffer}[3], {buffer}.measureranges[1]") == [3, 1e-5, 1e-5]
    unit.handle(f"printbuffer(1, 4, {buffer})")
    assert error(unit) == 4900
    unit.handle("smua.measure.count = 1 smua.measure.i(smua.nvbuffer1)")
    assert numbers(unit, f"{buffer}.n") == [1]
    unit.handle(f"{buffer}.appendmode = 1 smua.measure.i({buffer})")
    assert numbers(unit, f"{buffer}.n") == [2]
    unit.handle(f"{buffer}.collecttimestamps = 0")
    assert error(unit) == 5032
    assert unit.handle(f"{buffer}.clear() print({buffer}.n)") == "0.00000e+00"


def test_a_reading_in_compliance_says_so_in_its_status(unit: Keithley2636B) -> None:
    unit.handle("smua.source.levelv = 1 smua.source.limiti = 1e-6 smua.source.output = 1")
    unit.handle("b = smua.makebuffer(10) c = smua.makebuffer(10) smua.measure.iv(b, c)")
    assert [int(each) & 64 for each in numbers(unit, "b.statuses[1], c.statuses[1]")] == [64, 64]
    assert numbers(unit, "b[1], c[1]") == [1e-6, 0.01]
    unit.handle("b = smua.makebuffer(1) b.appendmode = 1 smua.measure.i(b) smua.measure.i(b)")
    assert error(unit) == 4900


def test_a_reading_takes_its_aperture_and_now_and_then_three(unit: Keithley2636B) -> None:
    unit.handle("smua.source.output = 1 smua.measure.rangei = 1e-3 smua.measure.i()")

    def seconds(statement: str) -> float:
        before = unit.box.time.now()
        unit.handle(statement)
        return unit.box.time.now() - before

    assert seconds("smua.measure.i()") == pytest.approx(0.02)
    assert seconds("smua.measure.nplc = 0.5 smua.measure.i()") == pytest.approx(0.03)
    assert seconds("smua.measure.i()") == pytest.approx(0.01)
    unit.handle("smua.measure.filter.count = 4 smua.measure.filter.enable = 1")
    assert seconds("smua.measure.i()") == pytest.approx(0.04)


def test_overlapped_readings_take_one_aperture(unit: Keithley2636B) -> None:
    """Fails if `overlappedi` measures at once: then the channels integrate one after the other."""
    unit.handle("smua.source.levelv = 0.1 smub.source.levelv = -0.2 smua.source.output = 1 smub.source.output = 1")
    for channel in ("smua", "smub"):
        unit.handle(f"{channel}.measure.rangei = 1e-3 {channel}.measure.autozero = 0 {channel}.measure.i()")
    unit.handle("smua.nvbuffer1.collecttimestamps = 1 smub.nvbuffer1.collecttimestamps = 1")
    before = unit.box.time.now()
    unit.handle("smua.measure.overlappedi(smua.nvbuffer1) smub.measure.overlappedi(smub.nvbuffer1) waitcomplete()")
    assert unit.box.time.now() - before == pytest.approx(0.02)
    assert numbers(unit, "smua.nvbuffer1[1], smub.nvbuffer1[1]") == [1e-5, -2e-5]
    assert numbers(unit, "smua.nvbuffer1.basetimestamp - smub.nvbuffer1.basetimestamp") == [0]
    unit.handle("smua.measure.overlappedi(smua.nvbuffer1) smub.measure.i(smub.nvbuffer1)")
    assert unit.box.time.now() - before == pytest.approx(0.04)
    unit.handle("smua.measure.overlappedi(smua.nvbuffer1) smua.measure.i()")  # one converter: one after the other
    assert unit.box.time.now() - before == pytest.approx(0.08)


def test_an_overlapped_reading_can_be_aborted(unit: Keithley2636B) -> None:
    unit.handle("smua.source.levelv = 0.1 smua.source.output = 1 smua.measure.rangei = 1e-3 smua.measure.i()")
    unit.handle("smua.measure.overlappedi(smua.nvbuffer1) smua.abort() delay(0.1) waitcomplete()")
    assert numbers(unit, "smua.nvbuffer1.n, errorqueue.count") == [0, 0]
    assert numbers(unit, "smua.measure.i()") == [1e-5]


def test_four_wire_sense_reaches_the_terminals(unit: Keithley2636B) -> None:
    unit.handle("smua.sense = smua.SENSE_REMOTE")
    assert load(unit, "a").four_wire
    unit.handle("smua.reset()")
    assert not load(unit, "a").four_wire


def test_reset_and_power_cycle_switch_off(unit: Keithley2636B) -> None:
    for action in (lambda: unit.handle("reset()"), lambda: unit.handle("*RST"), unit.power_cycle):
        unit.handle("smua.source.levelv = 1 smua.source.output = 1")
        assert load(unit, "a").state[:2] == ("volts", 1.0)
        action()
        assert load(unit, "a").state == ("volts", 0.0, 1e-3)
        assert numbers(unit, "smua.source.output, smua.source.levelv") == [0, 0]


def test_contacts_are_checked_where_the_model_can(unit: Keithley2636B, resistor_box: Callable[..., Box]) -> None:
    assert unit.handle("print(smua.contact.check(), smua.contact.r())") == "true\t1.00000e+00\t1.00000e+00"
    bench_top = Keithley2604B(resistor_box("a", "b"))
    assert str(bench_top.handle("smua.contact.check() print(errorqueue.next())")).startswith("1.10000e+03")
    bench_top.close()


def test_models_differ(resistor_box: Callable[..., Box]) -> None:
    small, single = Keithley2602B(resistor_box("a", "b")), Keithley2635B(resistor_box("a"))
    assert small.handle("print(localnode.model, smua.source.limiti, smua.source.limitv)") == (
        "2602B\t1.00000e+00\t4.00000e+01"
    )
    assert small.handle("smua.source.levelv = 5 print(smua.source.rangev)") == "6.00000e+00"
    assert single.handle("print(smub)") == "nil"
    assert single.handle("smua.measure.rangei = 1e-10 print(smua.measure.rangei)") == "1.00000e-10"
    small.close()
    single.close()


def test_meter_errors_stay_within_the_data_sheet(resistor_box: Callable[..., Box]) -> None:
    """100 uA range: 0.02 % + 25 nA; the source on 1 V: 0.02 % + 0.4 mV."""
    quiet = resistor_box("a", "b")
    box = Box("smu", quiet.time, "1", seed=7, noise=True, channels=quiet.channels)
    unit = Keithley2602B(box)
    unit.handle("smua.source.levelv = 0.8 smua.source.output = 1 smua.measure.rangei = 1e-4 format.asciiprecision = 12")
    shown = float(str(unit.handle("print(smua.measure.i())")))
    assert shown != 0.8e-4
    assert abs(shown - 0.8e-4) < 0.8e-4 * 2e-4 + 25e-9 + (0.8 * 2e-4 + 4e-4) / 10e3
    unit.close()
