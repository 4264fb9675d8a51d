"""Dialogues written by hand from the manual; currents by Ohm's law into 10 kΩ."""

import pytest

from instruments.virtual.keithley2400 import Keithley2400
from labmtj.virtual.network.resistor import unit_box


@pytest.fixture
def unit():
    return Keithley2400(unit_box("1"))


def test_defaults_are_those_of_the_manual(unit):
    assert unit.handle(":SOUR:FUNC?;VOLT?;:OUTP?;:SENS:CURR:PROT?;:SENS:VOLT:PROT?") == (
        "VOLT;+0.000000E+00;0;+1.050000E-04;+2.100000E+01"
    )
    assert unit.handle(":SENS:CURR:RANG?;RANG:AUTO?;:SENS:CURR:NPLC?") == "+1.050000E-04;1;+1.000000E+00"
    assert unit.handle(":FORM:ELEM?") == "VOLT,CURR,RES,TIME,STAT"
    assert unit.handle(":OUTP:SMOD?") == "NORM"
    assert unit.handle("SYST:ERR?") == '0,"No error"'
    assert unit.handle("*IDN?").startswith("KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,")


def test_a_reading_follows_ohms_law(unit):
    assert unit.handle(":SOUR:VOLT 0.5;:OUTP ON;:FORM:ELEM VOLT,CURR,STAT") is None
    volts, amperes, status = map(float, unit.handle(":READ?").split(","))
    assert (volts, amperes) == (0.5, pytest.approx(50e-6, rel=1e-5))
    assert int(status) == (1 << 2) | (1 << 12) | (1 << 14)


def test_a_reading_without_output_is_803_and_no_reply(unit):
    assert unit.handle(":READ?") is None
    assert unit.handle(":SYST:ERR?") == '803,"Not permitted with OUTPUT off"'
    assert unit.handle("*ESR?") == str(128 | 16)


def test_compliance_limits_and_is_reported(unit):
    unit.handle(":SOUR:VOLT 5;:OUTP ON;:FORM:ELEM CURR,STAT")
    amperes, status = map(float, unit.handle(":READ?").split(","))
    assert amperes == pytest.approx(105e-6, rel=1e-5)
    assert int(status) & (1 << 3)
    assert unit.handle(":SENS:CURR:PROT:TRIP?") == "1"


def test_a_fixed_range_below_compliance_limits_first(unit):
    unit.handle(":SENS:CURR:PROT 1e-3;:SENS:CURR:RANG 1e-5;:SOUR:VOLT 5;:OUTP ON;:FORM:ELEM CURR,STAT")
    amperes, status = map(float, unit.handle(":READ?").split(","))
    assert amperes == pytest.approx(10.5e-6, rel=1e-4)
    assert int(status) & (1 << 16)
    assert not int(status) & (1 << 3)


def test_too_low_a_compliance_leaves_the_old_one(unit):
    unit.handle(":SENS:CURR:PROT 1e-3;:SENS:CURR:RANG 1e-3")
    unit.handle(":SENS:CURR:PROT 1e-7")
    assert unit.handle(":SENS:CURR:PROT?") == "+1.000000E-03"
    assert unit.handle(":SYST:ERR?").startswith("822,")


def test_the_measure_range_does_not_exceed_the_compliance_range(unit):
    unit.handle(":SENS:CURR:RANG 0.1")
    assert unit.handle(":SYST:ERR?").startswith("824,")
    assert unit.handle(":SENS:CURR:RANG:AUTO?") == "1"


def test_more_than_22_watts_are_refused(unit):
    unit.handle(":SENS:CURR:PROT 1;:SOUR:VOLT 100")
    assert unit.handle(":SOUR:VOLT?") == "+0.000000E+00"
    assert unit.handle(":SYST:ERR?").startswith("826,")


@pytest.mark.parametrize(
    ("line", "code"), [(":SOUR:VOLT 211", -222), (":SOUR:VOLT:RANG 20;:SOUR:VOLT 22", -222), (":SOUR:VOLT abc", -104)]
)
def test_what_is_beyond_the_range_is_refused(unit, line, code):
    unit.handle(line)
    assert unit.handle(":SYST:ERR?").startswith(f"{code},")
    assert unit.handle(":SOUR:VOLT?") == "+0.000000E+00"


def test_a_staircase_gives_all_readings_in_one_line(unit):
    unit.handle(":SOUR:VOLT:MODE SWE;:SOUR:VOLT:STAR 0;STOP 1;:SOUR:SWE:POIN 5;:TRIG:COUN 5;:FORM:ELEM CURR;:OUTP ON")
    assert [float(x) for x in unit.handle(":READ?").split(",")] == pytest.approx([0, 25e-6, 50e-6, 75e-6, 100e-6])
    assert unit.handle(":FETC?").count(",") == 4


def test_a_list_sweep_extends_by_append_and_ends_with_the_mode(unit):
    unit.handle(
        ":SOUR:LIST:VOLT 0.1,0.2;:SOUR:LIST:VOLT:APP 0.3;:SOUR:VOLT:MODE LIST;:TRIG:COUN 3;:FORM:ELEM VOLT;:OUTP 1"
    )
    assert unit.handle(":SOUR:LIST:VOLT:POIN?") == "3"
    assert [float(x) for x in unit.handle(":READ?").split(",")] == [0.1, 0.2, 0.3]
    channel = unit.box.channels["1"]
    assert channel.steps[-1][2] == 0.3
    unit.handle(":SOUR:VOLT:MODE FIX")
    assert channel.steps[-1][2] == 0.0


def test_a_level_reaches_the_terminals_at_once_and_only_with_the_output_on(unit):
    channel = unit.box.channels["1"]
    unit.handle(":SOUR:VOLT 1")
    assert channel.steps[-1][1:3] == ("volts", 0.0)
    unit.handle(":OUTP ON")
    assert channel.steps[-1][1:] == ("volts", 1.0, 105e-6)
    unit.handle(":OUTP:SMOD HIMP;:OUTP OFF")
    assert channel.steps[-1][1] == "open"


def test_changing_terminals_turns_the_output_off(unit):
    unit.handle(":OUTP ON;:ROUT:TERM REAR")
    assert unit.handle(":OUTP?") == "0"


def test_autozero_takes_three_apertures(unit):
    unit.handle(":OUTP ON;:READ?")
    booked = unit.box.time.booked
    assert (booked["aperture"], booked["autozero"]) == (0.02, 0.04)


def test_the_buffer_fills_and_raises_its_bit(unit):
    unit.handle(":TRAC:POIN 2;:TRAC:FEED SENS;:TRAC:FEED:CONT NEXT;:TRIG:COUN 2;:FORM:ELEM CURR;:SOUR:VOLT 1;:OUTP ON")
    unit.handle("*SRE 1;:STAT:MEAS:ENAB 512;:INIT")
    assert unit.status_byte() & 65 == 65
    assert [float(x) for x in unit.handle(":TRAC:DATA?").split(",")] == pytest.approx([1e-4, 1e-4])
    assert float(unit.handle(":CALC3:FORM MEAN;:CALC3:DATA?")) == pytest.approx(1e-4)


def test_an_open_interlock_keeps_the_output_off(unit):
    unit.interlock_closed = False
    unit.handle(":OUTP ON")
    assert unit.handle(":OUTP?;:SYST:ERR?") == '0;802,"Output blocked by output enable"'


def test_a_current_source_reads_volts(unit):
    unit.handle(":SOUR:FUNC CURR;:SOUR:CURR 1e-5;:SENS:FUNC 'VOLT';:OUTP ON;:FORM:ELEM VOLT,CURR")
    assert [float(x) for x in unit.handle(":READ?").split(",")] == pytest.approx([0.1, 1e-5])
