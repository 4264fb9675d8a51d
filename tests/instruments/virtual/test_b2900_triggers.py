"""Triggers of a B2900: exactly as many readings as are asked for, one per level, whatever the times (b2902-lost-readings)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instruments.virtual.keysightb2900 import KeysightB2902A
from labmtj.virtual.network.resistor import unit_box


def numbers(reply):
    return [float(each) for each in reply.split(",")]


def test_a_hundred_readings_are_a_hundred():
    unit = KeysightB2902A(unit_box("12"))
    unit.handle("*RST;:OUTP ON;:TRIG:COUN 100;:FORM:ELEM:SENS CURR")
    assert len(numbers(unit.handle(":READ:ARR?"))) == 100


@pytest.mark.parametrize("points", [11, 21])
@pytest.mark.parametrize("pace", ["SOUR AINT", "SOUR TIM;TIM 2e-3"])
def test_a_stair_reads_every_level(points, pace):
    unit = KeysightB2902A(unit_box("12"))
    unit.handle(f"*RST;:OUTP ON;:SOUR:VOLT:MODE SWE;:SOUR:VOLT:STAR 0;STOP 1;POIN {points};:TRIG:COUN {points}")
    unit.handle(f":TRIG:{pace};:SENS:CURR:APER 2e-3;:FORM:ELEM:SENS CURR,SOUR")
    read = numbers(unit.handle(":READ:ARR? (@1)"))
    assert read[1::2] == pytest.approx([index / (points - 1) for index in range(points)])
    assert read[0::2] == pytest.approx([min(level / 10e3, 1e-4) for level in read[1::2]], abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    counts=st.tuples(st.integers(1, 99), st.integers(1, 99)),
    apertures=st.tuples(st.floats(8e-6, 0.1), st.floats(8e-6, 0.1)),
    delays=st.tuples(st.floats(0, 0.1), st.floats(0, 0.1)),
    timers=st.tuples(st.floats(20e-6, 0.1), st.floats(20e-6, 0.1)),
    timed=st.tuples(st.booleans(), st.booleans()),
)
def test_any_times_on_two_channels(counts, apertures, delays, timers, timed):
    unit = KeysightB2902A(unit_box("12"))
    unit.handle(":OUTP1 ON;:OUTP2 ON;:FORM:ELEM:SENS CURR,SOUR")
    for channel in (1, 2):
        aperture, delay, timer = apertures[channel - 1], delays[channel - 1], timers[channel - 1]
        source = "TIM" if timed[channel - 1] else "AINT"
        unit.handle(f":SOUR{channel}:VOLT:MODE LIST;:SOUR{channel}:LIST:VOLT 0.1,0.2,0.3")
        unit.handle(
            f":SENS{channel}:CURR:APER {aperture!r};:TRIG{channel}:ACQ:DEL {delay!r};:TRIG{channel}:TIM {timer!r}"
        )
        unit.handle(f":TRIG{channel}:SOUR {source};COUN {counts[channel - 1]}")
    rows = numbers(unit.handle(":READ:ARR? (@1,2)"))
    for channel in (1, 2):
        levels = [level for level in rows[2 * channel - 1 :: 4] if level < 1e37]
        expected = [(0.1, 0.2, 0.3)[index % 3] for index in range(counts[channel - 1])]
        assert len(levels) == len(expected)
        in_step = timers[channel - 1] > 2 * (delays[channel - 1] + apertures[channel - 1])
        if in_step or not timed[channel - 1]:  # else levels step by the timer, and readings come after
            assert levels == expected
    assert unit.handle(":SYST:ERR:COUN?") == "0"
