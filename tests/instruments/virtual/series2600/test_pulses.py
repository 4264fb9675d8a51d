"""The pulse scripts of the box, on 10 kilohm to ground."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from instruments.virtual.keithley2600 import Keithley2602B
from labmtj.virtual.network.terminals import Box

READY = "smua.measure.nplc = 0.01 smua.measure.rangei = 1e-4 smua.measure.autozero = 0 smua.source.rangev = 1 "
CONFIGURE = "f, msg = ConfigPulseVMeasureI(smua.nvbuffer1, 0, 0.5, 1e-3, 500e-6, 2e-3, 3, 1) "


@pytest.fixture
def unit(resistor_box: Callable[..., Box]) -> Iterator[Keithley2602B]:
    box = Keithley2602B(resistor_box("a", "b"))
    box.handle(READY + "smua.source.output = 1 smua.measure.i()")
    yield box
    box.close()


def test_three_pulses_are_delivered_and_measured(unit: Keithley2602B) -> None:
    load: Any = unit.box.channels["a"]
    load.steps.clear()
    assert unit.handle(CONFIGURE + "print(f) print(InitiatePulseTest(1))") == "true\ntrue\tPulse Test Complete."
    assert unit.handle("printbuffer(1, 3, smua.nvbuffer1.readings)") == "5.00000e-05, 5.00000e-05, 5.00000e-05"
    times, volts = [step[0] for step in load.steps], [step[2] for step in load.steps]
    assert volts == [0.5, 0, 0.5, 0, 0.5, 0, 0]
    assert [down - up for up, down in zip(times[0:6:2], times[1:6:2], strict=True)] == pytest.approx([500e-6] * 3)
    assert times[2] - times[1] == pytest.approx(2e-3)


@pytest.mark.parametrize(
    "statement",
    [
        "print((ConfigPulseVMeasureI(smua.nvbuffer1, 0, 0.5, 1e-3, 100e-6, 2e-3, 3, 1)))",  # no room to measure
        "print((ConfigPulseVMeasureI(smua.nvbuffer1, 0, 5, 1e-3, 500e-6, 2e-3, 3, 1)))",  # beyond the range
        "print((ConfigPulseVMeasureI(smua.nvbuffer1, 0)))",
        "print((ConfigPulseVMeasureI(1, 0, 0.5, 1e-3, 500e-6, 2e-3, 3, 1)))",
        "print((InitiatePulseTest(7)))",
        CONFIGURE + "smua.source.output = 0 print((InitiatePulseTest(1)))",
    ],
)
def test_what_is_wrong_is_returned(unit: Keithley2602B, statement: str) -> None:
    assert unit.handle(statement) == "false"
