"""Dialogues written by hand from the manual; currents by Ohm's law into 10 kΩ."""

import pytest

from instruments.virtual.keithley2450 import Keithley2450
from labmtj.virtual.network.resistor import unit_box


@pytest.fixture
def unit():
    return Keithley2450(unit_box("1"))


def numbers(reply):
    return [float(each) for each in reply.split(",")]


def test_defaults(unit):
    assert unit.handle("*IDN?") == "KEITHLEY INSTRUMENTS INC.,MODEL 2450,1234567,1.0.0i"
    assert unit.handle("*LANG?") == "SCPI"
    assert unit.handle(":SOUR:FUNC?;:SOUR:VOLT:RANG?;ILIM?;:SENS:FUNC?") == 'VOLT;+2.000000E-02;+1.050000E-04;"CURR:DC"'
    assert unit.handle(":SYST:ERR?").startswith('0,"No error;')


def test_an_error_carries_type_and_time(unit):
    unit.handle("nonsense")
    assert unit.handle(":SYST:ERR?") == '-113,"Undefined header;1;2026/01/01 00:00:00.000"'


def test_a_reading_follows_ohms_law_and_may_name_its_elements(unit):
    unit.handle(":SOUR:VOLT 0.5;:OUTP ON")
    assert float(unit.handle(":READ?")) == pytest.approx(50e-6)
    assert numbers(unit.handle(':READ? "defbuffer1",SOUR,READ')) == pytest.approx([0.5, 50e-6])
    assert unit.handle(':FETC? "defbuffer1",UNIT,SOURUNIT') == "Amp DC,Volt DC"
    assert unit.handle(":TRAC:ACT?") == "2"


def test_the_limit_is_told(unit):
    unit.handle(":SOUR:VOLT:ILIM 1e-5;:SOUR:VOLT 5;:OUTP ON")
    assert float(unit.handle(":READ?")) == pytest.approx(1e-5)
    assert unit.handle(":SOUR:VOLT:ILIM:TRIP?") == "1"
    assert (
        unit.handle(':FETC? "defbuffer1",SOUR,SOURSTAT') == "+1.000000E-01,168"
    )  # 8 read back + 32 limited + 128 output on (8-29)


def test_a_linear_sweep_fills_the_buffer_and_switches_off(unit):
    unit.handle(':SOUR:SWE:VOLT:LIN 0,1,5,0.01,1,AUTO,OFF,OFF,"defbuffer1";:INIT;*WAI')
    assert unit.handle(":TRAC:ACT?;:OUTP?") == "5;0"
    found = numbers(unit.handle(':TRAC:DATA? 1,5,"defbuffer1",SOUR,READ'))
    assert found[0::2] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert found[1::2] == pytest.approx([0, 25e-6, 50e-6, 75e-6, 100e-6])
    assert unit.handle(':TRAC:STAT:MAX?;:TRAC:STAT:MIN? "defbuffer1"') == "+1.000000E-04;+0.000000E+00"


def test_a_list_sweep(unit):
    unit.handle(':SOUR:LIST:VOLT 0.1,0.2;:SOUR:LIST:VOLT:APP 0.3;:SOUR:SWE:VOLT:LIST 1,0.001,1,OFF,"defbuffer1";:INIT')
    assert numbers(unit.handle(':TRAC:DATA? 1,3,"defbuffer1"')) == pytest.approx([10e-6, 20e-6, 30e-6])


def test_functions_have_settings_of_their_own(unit):
    unit.handle(
        ":SENS:CURR:NPLC 0.1;:SENS:VOLT:NPLC 10;:SENS:CURR:AZER 0;:SENS:CURR:RSEN ON;:OUTP ON;:SOUR:VOLT:DEL:AUTO 0"
    )
    unit.handle(":READ?")
    assert unit.box.time.now() == pytest.approx(0.002)
    assert unit.box.channels["1"].four_wires
    unit.handle(':SENS:FUNC "VOLT"')
    assert not unit.box.channels["1"].four_wires


def test_named_buffers(unit):
    unit.handle("TRAC:MAKE 'mine', 10;:OUTP ON;:SENS:COUN 12;:READ? 'mine'")
    assert unit.handle(":TRAC:ACT? 'mine';:TRAC:POIN? 'mine';:TRAC:ACT?") == "10;10;0"
    unit.handle(":TRAC:DEL 'mine'")
    assert unit.handle(":TRAC:ACT? 'mine'") is None


def test_digits_of_readings(unit):
    unit.handle(":SOUR:VOLT 0.5;:OUTP ON;:FORM:ASC:PREC 3")
    assert unit.handle(":READ?") == "5.00E-05"
