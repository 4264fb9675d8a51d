"""Minimal inputs of public clients and scripts, with the right answer; the names are those of the cases."""

import struct

import pytest

from instruments.virtual.keithley2400 import Keithley2400
from instruments.virtual.keithley2450 import Keithley2450
from instruments.virtual.keysightb2900 import KeysightB2902A, KeysightB2911A
from labmtj.virtual.network.resistor import unit_box


def numbers(reply):
    return [float(each) for each in reply.split(",")]


@pytest.fixture
def k2400():
    return Keithley2400(unit_box("1"))


@pytest.fixture
def k2450():
    return Keithley2450(unit_box("1"))


@pytest.fixture
def b2902():
    return KeysightB2902A(unit_box("12"))


def accepted(box, *lines):
    """Send lines; each is understood."""
    for line in lines:
        reply = box.handle(line)
        assert (reply is not None) == ("?" in line), line
        assert box.handle(":SYST:ERR:COUN?") == "0", (line, box.errors.pop())


# -- B2902A


def test_b2902_func_shape_optional(b2902):
    accepted(b2902, "SOUR:FUNC PULS")
    assert b2902.handle(":SOUR:FUNC:SHAP?;:SOUR:FUNC DC;FUNC?") == "PULS;DC"


def test_b2902_sens_data_args(b2902):
    b2902.handle(
        ":SOUR:VOLT:MODE SWE;:SOUR:VOLT:STAR 0;STOP 0.49;POIN 50;:TRIG:COUN 50;:FORM:ELEM:SENS SOUR;:OUTP ON;:INIT"
    )
    assert numbers(b2902.handle("SENS:DATA? 0,3")) == pytest.approx([0, 0.01, 0.02])
    assert numbers(b2902.handle("SENS:DATA? 48")) == pytest.approx([0.48, 0.49])
    assert numbers(b2902.handle("SENS:DATA:LAT?")) == pytest.approx([0.49])
    assert len(numbers(b2902.handle("SENS:DATA?"))) == 50


def test_b2902_missing_subsystems(b2902):
    accepted(
        b2902, "ARM:SOUR AINT", "ARM:DEL 0", "SOUR:SWE:POIN 11", "SOUR:VOLT:STEP 0.1", "SOUR:LIST:VOLT:APP 0.3", "OUTP:FILT OFF",
        "OUTP:HCAP OFF", "SENS:WAIT OFF", "SOUR:WAIT OFF", "FORM:BORD SWAP", "TRAC:STAT:FORM MEAN", "TRAC:FREE?", "STAT:MEAS:COND?",
        "STAT:QUES:COND?", "SENS:RES:OCOM OFF", "DISP:VIEW SING1",
    )  # fmt: skip


def test_b2902_timer_min(b2902):
    assert b2902.handle("TRIG1:ALL:TIM MIN;TIM?;:SYST:ERR?") == '+2.000000E-05;+0,"No error"'
    assert KeysightB2911A(unit_box("1")).handle("TRIG1:ALL:TIM MIN;TIM?") == "+1.000000E-05"


def test_b2902_syst_time(b2902):
    assert b2902.handle("SYST:DATE?;:SYST:TIME?") == "2026,1,1;0,0,0"
    b2902.box.time.spend(3661.5, "settle")
    assert b2902.handle("SYST:TIME?") == "1,1,1"
    assert float(b2902.handle("SYST:TIME:TIM:COUN?")) == pytest.approx(3661.5)
    accepted(b2902, "SYST:DATE 2027,2,3", "SYST:TIME 4,5,6", "SYST:TIME:TIM:COUN:RES")
    assert b2902.handle("SYST:DATE?;:SYST:TIME?;:SYST:TIME:TIM:COUN?") == "2027,2,3;4,5,6;+0.000000E+00"


def test_b2902_pulse_headers(b2902):
    accepted(
        b2902, "SOUR:FUNC:TRIG:CONT OFF", "SOUR:WAIT ON", "SENS:WAIT ON", "SOUR:SWE:POIN 5", "TRIG:LXI:LAN:DIS:ALL"
    )
    assert b2902.handle("SOUR:VOLT:POIN?") == "5"


def test_a_continuous_triggered_output_stays_at_the_last_level(b2902):
    b2902.handle(":SOUR:VOLT:MODE LIST;:SOUR:LIST:VOLT 0.1,0.2;:TRIG:COUN 2;:SOUR:FUNC:TRIG:CONT ON;:OUTP ON;:INIT")
    assert b2902.box.channels["1"].look().volts == pytest.approx(0.2)
    b2902.handle(":SOUR:VOLT 0.05")
    assert b2902.box.channels["1"].look().volts == pytest.approx(0.05)


def test_the_output_protection_opens_the_output_in_compliance(b2902):
    b2902.handle(":OUTP:PROT ON;:SOUR:VOLT 5;:OUTP ON")
    b2902.handle(":MEAS? (@1)")
    assert b2902.handle(":OUTP?") == "0"
    assert b2902.box.channels["1"].steps[-1][1] == "open"


def test_arm_counts_delays_and_timers_pace_a_b2902(b2902):
    b2902.handle(":OUTP ON;:SENS:CURR:APER 1e-3;:ARM:COUN 3;SOUR TIM;TIM 1;DEL 0.5;:TRIG:COUN 2;:FORM:ELEM:SENS TIME")
    stamps = numbers(b2902.handle(":READ:ARR?"))
    assert [stamp - stamps[0] for stamp in stamps] == pytest.approx([0, 1e-3, 1, 1.001, 2, 2.001])
    assert stamps[0] == pytest.approx(0.5)


def test_a_trigger_of_the_bus_is_waited_for(b2902):
    b2902.handle(":OUTP ON;:ARM:SOUR BUS;:INIT")
    assert b2902.handle(":FETC?;:SYST:ERR?").startswith("-230") or b2902.handle(":SYST:ERR:COUN?") == "0"
    assert b2902.handle(":IDLE1?") == "0"
    b2902.handle("*TRG")
    assert b2902.handle(":IDLE1?") == "1"
    assert len(numbers(b2902.handle(":FETC:CURR? (@1)"))) == 1
    assert b2902.handle(":READ?") is None  # no trigger comes
    b2902.handle(":ABOR")
    assert b2902.handle(":IDLE1?") == "1"


def test_a_b2902_measures_ohms_by_itself(b2902):
    b2902.handle(":SENS:FUNC:ALL;:SENS:RES:MODE AUTO;:OUTP ON;:FORM:ELEM:SENS RES")
    assert numbers(b2902.handle(":MEAS? (@1)")) == pytest.approx([10e3])


def test_statistics_of_a_trace(b2902):
    b2902.handle(
        ":TRAC:FEED:CONT NEXT;:SOUR:VOLT:MODE LIST;:SOUR:LIST:VOLT 0.1,0.2,0.6;:TRIG:COUN 3;:OUTP ON;:FORM:ELEM:SENS SOUR;:INIT"
    )
    for word, value in (("MEAN", 0.3), ("MAX", 0.6), ("MIN", 0.1), ("PKPK", 0.5)):
        assert float(b2902.handle(f":TRAC:STAT:FORM {word};DATA?")) == pytest.approx(value)


# -- 2400


def test_2400_delay_auto(k2400):
    assert k2400.handle("*RST;:SOUR:DEL 0.5;:SOUR:DEL:AUTO?") == "0"
    k2400.handle("OUTP ON;:FORM:ELEM TIME")
    first, second = (float(k2400.handle("READ?")) for _ in range(2))
    assert second - first == pytest.approx(0.5 + 3 * 0.02, rel=1e-3)  # three apertures with autozero


def test_2400_mep(k2400):
    assert k2400.handle("SYST:MEP:STAT?") == "1"
    accepted(k2400, "SYST:MEP:STAT 1")


def test_2400_display_text(k2400):
    accepted(k2400, 'DISP:WIND1:TEXT:DATA "HI"', "DISP:WIND1:TEXT:STAT ON", "DISP:DIG?")
    assert k2400.handle("DISP:TEXT:DATA?;:DISP:DATA?;:DISP:WIND2:TEXT:STAT?") == '"HI";"HI";0'
    k2400.handle(f'DISP:TEXT:DATA "{"x" * 21}"')
    assert k2400.handle("SYST:ERR?").startswith("-223")


def test_2400_status_registers(k2400):
    assert k2400.handle("STAT:OPER:COND?") == "1024"
    k2400.handle("OUTP ON;:SOUR:VOLT 5")
    assert int(k2400.handle("STAT:MEAS:COND?")) & (1 << 14 | 1 << 6) == 1 << 14 | 1 << 6
    k2400.handle("STAT:MEAS:ENAB 16384;*SRE 1")
    assert k2400.status_byte() == 65
    assert int(k2400.handle("STAT:MEAS?")) & 1 << 14
    assert int(k2400.handle("STAT:MEAS?")) == 0  # reading clears; the condition has not begun anew
    k2400.handle("ARM:SOUR BUS;:INIT")
    assert k2400.handle("STAT:OPER:COND?") == "64"
    assert k2400.handle("READ?") is None  # no trigger comes
    k2400.handle("*TRG")
    assert k2400.handle("STAT:OPER:COND?") == "1024"
    assert len(k2400.handle("FETC?").split(",")) == 5


def test_2400_llim_default(k2400):
    assert k2400.handle("*RST;:SENS:CURR:RANG:AUTO:LLIM?") == "+1.050000E-06"
    k2400.handle("SENS:CURR:RANG:AUTO:LLIM 1e-3;:SENS:CURR:PROT 1e-2;:OUTP ON;:READ?")
    assert k2400.handle("SENS:CURR:RANG?") == "+1.050000E-03"


def test_arm_counts_and_timers_pace_a_2400(k2400):
    k2400.handle("OUTP ON;:SOUR:DEL 0;:SYST:AZER 0;:ARM:COUN 3;SOUR TIM;TIM 2;:TRIG:COUN 2;:FORM:ELEM TIME")
    stamps = numbers(k2400.handle("READ?"))
    assert [stamp - stamps[0] for stamp in stamps] == pytest.approx([0, 0.02, 2, 2.02, 4, 4.02])


def test_a_2400_measures_ohms_by_itself(k2400):
    k2400.handle("SENS:FUNC 'RES';:FORM:ELEM RES,STAT;:OUTP ON")
    ohms, status = numbers(k2400.handle("READ?"))
    assert ohms == pytest.approx(10e3, rel=1e-4)
    assert int(status) & 1 << 10


def test_the_voltage_protection_of_a_2400_protects(k2400):
    k2400.handle(
        "SOUR:VOLT:PROT 20;:SOUR:VOLT:RANG 200;:SENS:CURR:PROT 0.05;:SOUR:VOLT 30;:OUTP ON;:FORM:ELEM CURR,STAT"
    )
    amperes, status = numbers(k2400.handle("READ?"))
    assert amperes == pytest.approx(2e-3, rel=1e-3)
    assert int(status) & 1 << 4
    assert k2400.handle("SOUR:VOLT:PROT:TRIP?") == "1"


def test_the_other_terminals_of_a_2400_and_a_2450_are_open(k2400, k2450):
    for box in (k2400, k2450):
        box.handle("SOUR:VOLT 0.5;:OUTP ON;:ROUT:TERM REAR;:OUTP ON")
        box.handle("FORM:ELEM CURR") if box is k2400 else None
        assert float(box.handle("READ?")) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("border", "mark"), [("SWAP", "<"), ("NORM", ">")])
def test_binary_blocks_in_both_byte_orders(k2400, k2450, b2902, border, mark):
    for box, elements, form, letter, front in (
        (k2400, "FORM:ELEM CURR", "FORM REAL", "f", 2), (k2450, "*CLS", "FORM REAL", "d", 2), (k2450, "*CLS", "FORM SRE", "f", 2),
        (b2902, "FORM:ELEM:SENS CURR", "FORM REAL,64", "d", 3),
    ):  # fmt: skip
        box.handle(f"SOUR:VOLT 0.5;:OUTP ON;{elements if elements.startswith('*') else ':' + elements}")
        box.handle(f"{form};:FORM:BORD {border}")
        block = box.handle("READ?").encode("latin-1")
        assert block[:1] == b"#"
        assert struct.unpack(mark + letter, block[front:]) == pytest.approx((5e-5,), rel=1e-4)


def test_limits_null_and_power_of_a_2400(k2400):
    k2400.handle("SENS:FUNC 'VOLT','CURR';:SOUR:VOLT 0.5;:OUTP ON;:SENS:RES:MODE MAN;:CALC:STAT 1;:READ?")
    assert float(k2400.handle("CALC:DATA?")) == pytest.approx(0.5 * 5e-5, rel=1e-3)
    assert k2400.handle("CALC2:FEED CURR;LIM2:UPP 1e-5;STAT 1;FAIL?") == "1"
    assert k2400.handle("CALC2:LIM2:UPP 1e-4;FAIL?") == "0"
    k2400.handle("CALC2:NULL:ACQ;STAT 1")
    assert float(k2400.handle("CALC2:DATA?")) == pytest.approx(0, abs=1e-9)


def test_the_source_memory_of_a_2400_is_swept(k2400):
    for place, volts in ((1, 0.1), (2, 0.2), (3, -0.3)):
        k2400.handle(f"SOUR:VOLT {volts};:SOUR:MEM:SAVE {place}")
    k2400.handle("SOUR:FUNC MEM;:SOUR:MEM:STAR 1;POIN 3;:TRIG:COUN 3;:OUTP ON;:FORM:ELEM CURR")
    assert numbers(k2400.handle("READ?")) == pytest.approx([1e-5, 2e-5, -3e-5], rel=1e-4)
    assert k2400.handle("SOUR:FUNC?;:SOUR:FUNC VOLT;FUNC?") == "MEM;VOLT"


def test_the_buffer_of_a_2400_stamps_by_differences_and_tells_its_room(k2400):
    k2400.handle("SOUR:DEL 0.08;:SYST:AZER 0;:OUTP ON;:TRAC:POIN 3;FEED:CONT NEXT;:TRIG:COUN 3;:FORM:ELEM TIME;:INIT")
    assert numbers(k2400.handle("TRAC:TST:FORM DELT;:TRAC:DATA?")) == pytest.approx([0, 0.1, 0.1])
    assert k2400.handle("TRAC:FREE?").endswith(",48")


def test_set_ups_are_saved_and_recalled(k2400):
    k2400.handle("SOUR:VOLT 0.7;:SENS:CURR:NPLC 3;*SAV 2;*RST")
    assert k2400.handle("*RCL 2;:SOUR:VOLT?;:SENS:CURR:NPLC?;:OUTP?") == "+7.000000E-01;+3.000000E+00;0"


# -- 2450


def test_2450_delay_auto(k2450):
    assert k2450.handle("SOUR:VOLT:DEL 0.5;:SOUR:VOLT:DEL:AUTO?") == "0"
    k2450.handle("OUTP ON")
    first, second = (float(k2450.handle('READ? "defbuffer1",REL')) for _ in range(2))
    assert second - first == pytest.approx(0.5 + 3 * 0.02, rel=1e-3)


def test_2450_auto_ohms(k2450):
    k2450.handle('*RST;:SENS:FUNC "RES";:SENS:RES:RANG:AUTO ON;:OUTP ON')
    assert float(k2450.handle("READ?")) == pytest.approx(10e3, rel=1e-4)


def test_2450_durationloop(k2450):
    k2450.handle('TRIG:LOAD "DurationLoop", 0.1, 0.01')
    k2450.handle("INIT")
    count = int(k2450.handle("TRAC:ACT?"))
    assert count >= 1
    stamps = numbers(k2450.handle(f'TRAC:DATA? 1,{count},"defbuffer1",REL'))
    assert stamps[-1] <= 0.1
    assert k2450.handle("SYST:ERR:COUN?") == "0"


def test_2450_trigger_blocks(k2450):
    accepted(k2450, "TRIG:BLOC:MEAS 1", 'SOUR:CONF:LIST:CRE "a"', "DIG:LINE1:MODE TRIG,OUT")
    k2450.handle("*RST;:SOUR:VOLT 0.5;:OUTP ON")
    accepted(
        k2450, 'TRIG:BLOC:BUFF:CLE 1, "defbuffer1"', 'TRIG:BLOC:MEAS 2, "defbuffer1"', "TRIG:BLOC:DEL:CONS 3, 0.5",
        "TRIG:BLOC:BRAN:COUN 4, 3, 2", "TRIG:BLOC:SOUR:STAT 5, OFF", "INIT",
    )  # fmt: skip
    stamps = numbers(k2450.handle('TRAC:DATA? 1,3,"defbuffer1",REL'))
    assert stamps[2] - stamps[1] == pytest.approx(0.5 + 3 * 0.02 + 1e-3, rel=1e-3)
    assert k2450.handle("TRAC:ACT?;:OUTP?") == "3;0"


def test_configuration_lists_of_a_2450_step_the_source(k2450):
    k2450.handle('SOUR:CONF:LIST:CRE "steps"')
    for volts in (0.1, 0.2, 0.3):
        k2450.handle(f'SOUR:VOLT {volts};:SOUR:CONF:LIST:STOR "steps"')
    assert k2450.handle('SOUR:CONF:LIST:SIZE? "steps";:SOUR:CONF:LIST:CAT?') == '3;"steps"'
    k2450.handle(
        'OUTP ON;:TRIG:BLOC:BUFF:CLE 1;:TRIG:BLOC:CONF:REC 2,"steps";:TRIG:BLOC:MEAS 3;:TRIG:BLOC:CONF:NEXT 4,"steps"'
    )
    k2450.handle("TRIG:BLOC:BRAN:COUN 5,3,3;:INIT")
    assert numbers(k2450.handle('TRAC:DATA? 1,3,"defbuffer1"')) == pytest.approx([1e-5, 2e-5, 3e-5], rel=1e-4)


def test_2450_no_error_text(k2450):
    assert k2450.handle("SYST:ERR?") == '0,"No error;0;0 0"'
    k2450.handle("nonsense")
    assert k2450.handle("SYST:ERR?") == '-113,"Undefined header;1;2026/01/01 00:00:00.000"'


def test_2450_ocomp(k2450):
    accepted(k2450, "SENS:RES:OCOM ON", "OUTP:INT:STAT?", "TRAC:FILL:MODE?", "CALC:CURR:MATH:STAT?")


def test_math_offset_and_unit_of_a_2450(k2450):
    k2450.handle("SOUR:VOLT 0.5;:OUTP ON")
    k2450.handle("CALC:CURR:MATH:FORM MXB;MMF 2;MBF 1;STAT 1")
    assert float(k2450.handle("READ?")) == pytest.approx(1 + 2 * 5e-5)
    k2450.handle("CALC:CURR:MATH:STAT 0;:SENS:CURR:REL:ACQ")
    assert float(k2450.handle("READ?")) == pytest.approx(0, abs=1e-9)
    k2450.handle("SENS:CURR:REL:STAT 0;:SENS:CURR:UNIT OHM")
    assert float(k2450.handle("READ?")) == pytest.approx(10e3, rel=1e-4)


def test_the_protection_of_a_2450_protects(k2450):
    k2450.handle("SOUR:VOLT:PROT PROT2;:SOUR:VOLT:ILIM 1e-2;:SOUR:VOLT 5;:OUTP ON")
    assert float(k2450.handle("READ?")) == pytest.approx(2e-4, rel=1e-4)
    assert k2450.handle('SOUR:VOLT:PROT:TRIP?;:FETC? "defbuffer1",SOURSTAT') == f"1;{4 + 8 + 128}"


def test_a_buffer_of_a_2450_fills_once_or_goes_on(k2450):
    k2450.handle('TRAC:POIN 10,"defbuffer1";:TRAC:FILL:MODE ONCE,"defbuffer1";:OUTP ON')
    for volts in range(12):
        k2450.handle(f"SOUR:VOLT {0.01 * volts};:TRAC:TRIG")
    assert k2450.handle("TRAC:ACT?;FILL:MODE?") == "10;ONCE"
    assert float(k2450.handle('TRAC:DATA? 1,1,"defbuffer1",SOUR')) == pytest.approx(0, abs=1e-6)


def test_digital_lines_of_a_2450(k2450):
    k2450.handle("DIG:LINE1:MODE DIG,OUT;:DIG:LINE2:MODE DIG,OUT;:DIG:WRIT 2")
    assert k2450.handle("DIG:LINE1:STAT?;:DIG:LINE2:STAT?;:DIG:LINE3:MODE?") == "0;1;DIG,IN"
    k2450.handle("DIG:LINE3:STAT 1")
    assert k2450.handle("SYST:ERR?").startswith("-221")


def test_a_fixed_current_range_leaves_the_voltmeter_alone(k2400, b2902):
    """Only the converter that overflows has no reading."""
    b2902.handle(":SOUR:VOLT 0.5;:SENS:CURR:PROT 1e-3;:SENS:CURR:RANG 1e-6;:OUTP ON;:FORM:ELEM:SENS VOLT,CURR")
    volts, amperes = numbers(b2902.handle(":MEAS? (@1)"))
    assert volts == pytest.approx(10e3 * 1.05e-6, rel=1e-2)  # the range limits the source
    assert amperes == pytest.approx(1.05e-6, rel=1e-2)
