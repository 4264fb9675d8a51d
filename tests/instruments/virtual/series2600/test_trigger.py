"""Sweeps and pulses of the trigger model, with their times as the terminals see them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from instruments.virtual.keithley2600 import Keithley2602B
from labmtj.virtual.network.terminals import Box


@pytest.fixture
def unit(resistor_box: Callable[..., Box]) -> Iterator[Keithley2602B]:
    box = Keithley2602B(resistor_box("a", "b"))
    box.handle("smua.source.output = 1 smub.source.output = 1 smua.measure.rangei = 1e-3 smua.measure.autozero = 0")
    for channel in ("a", "b"):
        steps(box, channel).clear()
    yield box
    box.close()


def steps(unit: Keithley2602B, channel: str) -> list[Any]:
    resistor: Any = unit.box.channels[channel]
    return resistor.steps  # type: ignore[no-any-return]


def ok(unit: Keithley2602B, *statements: str) -> None:
    for statement in statements:
        assert unit.handle(statement) is None
    assert unit.handle("print(errorqueue.next())") == "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00"


def test_a_list_sweep_measures_every_point(unit: Keithley2602B) -> None:
    ok(
        unit,
        "smua.trigger.source.listv({0.1, -0.2, 0.3}) smua.trigger.source.action = smua.ENABLE",
        "smua.trigger.measure.iv(smua.nvbuffer1, smua.nvbuffer2) smua.trigger.measure.action = smua.ENABLE",
        "smua.trigger.count = 3 smua.nvbuffer1.collectsourcevalues = 1 smua.trigger.initiate() waitcomplete()",
    )
    assert unit.handle("printbuffer(1, 3, smua.nvbuffer1.readings)") == "1.00000e-05, -2.00000e-05, 3.00000e-05"
    assert unit.handle("printbuffer(1, 3, smua.nvbuffer2.readings)") == "1.00000e-01, -2.00000e-01, 3.00000e-01"
    assert unit.handle("printbuffer(1, 3, smua.nvbuffer1.sourcevalues)") == "1.00000e-01, -2.00000e-01, 3.00000e-01"
    assert [volts for _, _, volts in steps(unit, "a")] == [0.1, -0.2, 0.3, 0.0]


@pytest.mark.parametrize(
    ("shape", "levels"),
    [
        ("linearv(0, 0.4, 3)", [0.0, 0.2, 0.4, 0.0]),
        ("logv(0.01, 1, 3)", [0.01, 0.1, 1.0, 0.0]),
        ("listv({0.5})", [0.5, 0.5, 0.5, 0.0]),
    ],
)
def test_shapes(unit: Keithley2602B, shape: str, levels: list[float]) -> None:
    ok(
        unit,
        f"smua.trigger.source.{shape} smua.trigger.source.action = 1 smua.trigger.count = 3 smua.trigger.initiate()",
    )
    assert [volts for _, _, volts in steps(unit, "a")] == pytest.approx(levels)


def test_timers_make_pulses_on_both_channels_at_once(unit: Keithley2602B) -> None:
    """Three pulses of 200 us, 1 ms apart."""
    ok(
        unit,
        "trigger.timer[1].delay = 1e-3 trigger.timer[1].count = 2 trigger.timer[1].passthrough = true",
        "trigger.timer[1].stimulus = smua.trigger.ARMED_EVENT_ID",
        "trigger.timer[2].delay = 200e-6 trigger.timer[2].stimulus = smua.trigger.SOURCE_COMPLETE_EVENT_ID",
    )
    for channel, level in (("smua", 0.4), ("smub", -0.4)):
        ok(
            unit,
            f"{channel}.trigger.source.listv({{{level}}}) {channel}.trigger.source.action = {channel}.ENABLE",
            f"{channel}.trigger.source.stimulus = trigger.timer[1].EVENT_ID {channel}.trigger.count = 3",
            f"{channel}.trigger.endpulse.action = {channel}.SOURCE_IDLE",
            f"{channel}.trigger.endpulse.stimulus = trigger.timer[2].EVENT_ID",
        )
    begin = unit.box.time.now()
    ok(unit, "smub.trigger.initiate() smua.trigger.initiate() waitcomplete()")
    for channel, level in (("a", 0.4), ("b", -0.4)):
        found = steps(unit, channel)
        assert [volts for _, _, volts in found[:6]] == [level, 0.0] * 3
        assert [time - begin for time, _, _ in found[:6]] == pytest.approx([0, 2e-4, 1e-3, 1.2e-3, 2e-3, 2.2e-3])


def test_a_measurement_inside_a_pulse_does_not_make_it_longer(unit: Keithley2602B) -> None:
    ok(
        unit,
        "smua.measure.nplc = 0.005 trigger.timer[1].delay = 500e-6",
        "trigger.timer[1].stimulus = smua.trigger.SOURCE_COMPLETE_EVENT_ID",
        "smua.trigger.source.listv({0.1}) smua.trigger.source.action = 1 smua.trigger.measure.i(smua.nvbuffer1)",
        "smua.trigger.measure.action = 1 smua.trigger.endpulse.action = 0",
        "smua.trigger.endpulse.stimulus = trigger.timer[1].EVENT_ID smua.measure.i() smua.trigger.initiate()",
    )
    (up, _, _), (down, _, _) = steps(unit, "a")[:2]
    assert down - up == pytest.approx(500e-6)
    assert unit.handle("printbuffer(1, 1, smua.nvbuffer1)") == "1.00000e-05"


def test_sweeps_of_both_channels_measure_at_the_same_time(unit: Keithley2602B) -> None:
    """Fails if a point is measured in one go: the second channel would wait for the aperture of the first."""
    for channel, level in (("smua", 0.1), ("smub", -0.2)):
        ok(
            unit,
            f"{channel}.measure.rangei = 1e-3 {channel}.measure.autozero = 0 {channel}.measure.i()",
            f"{channel}.trigger.source.listv({{{level}}}) {channel}.trigger.source.action = 1",
            f"{channel}.trigger.measure.i({channel}.nvbuffer1) {channel}.trigger.measure.action = 1",
            f"{channel}.trigger.count = 3",
        )
    before = unit.box.time.now()
    ok(unit, "smua.trigger.initiate() smub.trigger.initiate() waitcomplete()")
    assert unit.box.time.now() - before == pytest.approx(3 * 0.02)
    assert unit.handle("printbuffer(3, 3, smua.nvbuffer1, smub.nvbuffer1)") == "1.00000e-05, -2.00000e-05"


def test_a_stimulus_that_never_comes_waits_until_it_is_set_or_aborted(unit: Keithley2602B) -> None:
    ok(unit, "smua.trigger.source.listv({0.1}) smua.trigger.source.action = 1 smua.trigger.endpulse.action = 1")
    ok(unit, "smua.trigger.endsweep.action = 1 smua.trigger.source.stimulus = trigger.EVENT_ID smua.trigger.initiate()")
    assert steps(unit, "a") == []
    assert str(unit.handle("smua.trigger.initiate() print(errorqueue.next())")).startswith("1.10000e+03")
    unit.handle("*TRG")
    unit.handle("waitcomplete()")
    assert [volts for _, _, volts in steps(unit, "a")] == [0.1]
    ok(unit, "smua.trigger.initiate()", "smua.abort()", "smua.trigger.initiate()", "smua.trigger.source.set()")


def test_a_level_beyond_a_fixed_range_is_refused_before_the_sweep(unit: Keithley2602B) -> None:
    unit.handle("smua.source.rangev = 1 smua.trigger.source.listv({0.5, 2}) smua.trigger.source.action = 1")
    assert str(unit.handle("smua.trigger.initiate() print(errorqueue.next())")).startswith("5.00500e+03")
    assert {volts for _, _, volts in steps(unit, "a")} == {0.0}


def test_a_sweep_has_its_own_limit(unit: Keithley2602B) -> None:
    ok(
        unit,
        "smua.trigger.source.listv({0.5}) smua.trigger.source.action = 1 smua.trigger.source.limiti = 1e-5",
        "smua.trigger.measure.v(smua.nvbuffer1) smua.trigger.measure.action = 1 smua.trigger.initiate()",
    )
    assert unit.handle("print(smua.nvbuffer1[1])") == "1.00000e-01"


def test_a_timer_without_end_does_not_keep_the_box_busy_without_end(resistor_box: Callable[..., Box]) -> None:
    """With 100 000 events for a message it takes three times as long as is allowed here, and the box reboots."""
    unit = Keithley2602B(resistor_box("a", "b"), script_seconds=3.0)
    try:
        ok(unit, "trigger.timer[1].count = 0 trigger.timer[1].delay = 1e-3")
        ok(unit, "trigger.timer[1].stimulus = trigger.generator[1].EVENT_ID trigger.generator[1].assert() delay(1000)")
        assert unit.reboots == 0
    finally:
        unit.close()
