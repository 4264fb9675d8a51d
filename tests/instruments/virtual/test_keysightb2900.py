"""Dialogues written by hand from the command reference; currents by Ohm's law into 10 kΩ."""

import struct

import pytest

from instruments.virtual.keysightb2900 import KeysightB2901A, KeysightB2902A, KeysightB2911A
from labmtj.virtual.network.resistor import unit_box


@pytest.fixture
def unit():
    return KeysightB2902A(unit_box("12"))


def numbers(reply):
    return [float(each) for each in reply.split(",")]


def steps(unit, channel):
    """The levels of a channel with the times between them."""
    return [(seconds, level) for seconds, _, level, _ in unit.box.channels[channel].steps]


def test_defaults(unit):
    assert unit.handle("*IDN?") == "Keysight Technologies,B2902A,1234567,3.4.2011.5100"
    assert unit.handle(":SENS:CURR:PROT?;:SENS2:VOLT:PROT?") == "+1.000000E-04;+2.000000E+00"
    assert unit.handle(":SENS:CURR:NPLC?;APER?") == "+1.000000E-01;+2.000000E-03"
    assert unit.handle(":OUTP:ON:AUTO?;:OUTP2?") == "1;0"
    assert unit.handle(":FORM:ELEM:SENS?") == "VOLT,CURR,RES,TIME,STAT,SOUR"
    assert unit.handle(":SYST:ERR?") == '+0,"No error"'


def test_a_spot_measurement_of_two_channels_turns_the_outputs_on(unit):
    unit.handle(":SOUR1:VOLT 0.5;:SOUR2:VOLT -0.25;:FORM:ELEM:SENS CURR,STAT")
    assert numbers(unit.handle(":MEAS? (@1,2)")) == pytest.approx([50e-6, 0, -25e-6, 0])
    assert unit.handle(":OUTP1?;:OUTP2?") == "1;1"
    assert unit.box.time.booked["aperture"] == pytest.approx(2e-3)  # both at the same time


def test_with_automatic_on_off_a_reading_of_a_dark_channel_is_refused(unit):
    unit.handle(":OUTP1:ON:AUTO 0")
    assert unit.handle(":READ? (@1)") is None
    assert unit.handle(":SYST:ERR?").startswith("-221,")


def test_compliance_is_in_the_status_word(unit):
    unit.handle(":SOUR:VOLT 5;:OUTP ON;:FORM:ELEM:SENS CURR,STAT")
    amperes, status = numbers(unit.handle(":MEAS? (@1)"))
    assert amperes == pytest.approx(1e-4)
    assert int(status) & 0b110
    assert unit.handle(":SENS1:CURR:PROT:TRIP?") == "1"


def test_apertures_out_of_range_are_clamped_silently(unit):
    assert unit.handle(":SENS:CURR:APER 10;APER?;:SENS:CURR:NPLC 1e-6;NPLC?;:SYST:ERR?") == (
        '+2.000000E+00;+4.000000E-04;+0,"No error"'
    )


def test_a_list_on_two_channels_steps_and_reads_in_turn(unit):
    unit.handle(":OUTP1 ON;:OUTP2 ON;:SENS1:CURR:APER 1e-3;:SENS2:CURR:APER 1e-3;:FORM:ELEM:SENS CURR,TIME")
    for channel, levels in ((1, "0.1,0.2,0.3"), (2, "-0.1,-0.2,-0.3")):
        unit.handle(f":SOUR{channel}:VOLT:MODE LIST;:SOUR{channel}:LIST:VOLT {levels}")
        unit.handle(f":TRIG{channel}:SOUR AINT;:TRIG{channel}:COUN 3;:TRIG{channel}:ACQ:DEL 5e-4")
    found = numbers(unit.handle(":READ:ARR? (@1,2)"))
    assert found[0::2] == pytest.approx([10e-6, -10e-6, 20e-6, -20e-6, 30e-6, -30e-6])
    stamps = [stamp - found[1] for stamp in found[1::2]]
    assert stamps == pytest.approx([0, 0, 1.5e-3, 1.5e-3, 3e-3, 3e-3])
    assert unit.box.time.booked["aperture"] == pytest.approx(3e-3)
    assert unit.box.time.booked["settle"] == pytest.approx(1.5e-3)
    assert steps(unit, "1")[-1][1] == 0.0  # back at the immediate level
    assert numbers(unit.handle(":FETC:ARR:CURR? (@1)")) == pytest.approx([10e-6, 20e-6, 30e-6])
    assert numbers(unit.handle(":FETC:CURR? (@2)")) == pytest.approx([-30e-6])


def test_a_shorter_channel_is_filled_up(unit):
    unit.handle(":TRIG1:COUN 2;:FORM:ELEM:SENS CURR")
    assert numbers(unit.handle(":READ:ARR? (@1,2)"))[3] == 9.91e37


def test_pulses_have_their_width_and_go_back_to_the_base(unit):
    unit.handle(":SOUR:FUNC:SHAP PULS;:SOUR:VOLT 0;:SOUR:VOLT:MODE LIST;:SOUR:LIST:VOLT 0.4,-0.4")
    unit.handle(":SENS:CURR:PROT 1e-3;:SENS:CURR:APER 2e-5;:SOUR:PULS:DEL 0;:SOUR:PULS:WIDT 1e-4")
    unit.handle(":TRIG:SOUR TIM;:TRIG:TIM 1e-3;:TRIG:COUN 2;:TRIG:ACQ:DEL 5e-5;:FORM:ELEM:SENS CURR;:OUTP ON")
    before = len(unit.box.channels["1"].steps)
    assert numbers(unit.handle(":READ:ARR? (@1)")) == pytest.approx([40e-6, -40e-6])
    (a, up), (b, down), (c, minus), (d, back) = steps(unit, "1")[before:]
    assert (up, down, minus, back) == (0.4, 0.0, -0.4, 0.0)
    assert (b - a, c - a, d - c) == pytest.approx((1e-4, 1e-3, 1e-4))


def test_an_aperture_across_the_edge_of_a_pulse_does_not_move_the_edge(unit):
    unit.handle(
        ":SOUR:FUNC:SHAP PULS;:SOUR:VOLT:TRIG 0.4;:SENS:CURR:APER 1e-3;:SOUR:PULS:WIDT 1e-4;:OUTP ON;:FORM:ELEM:SENS CURR"
    )
    before = len(unit.box.channels["1"].steps)
    assert numbers(unit.handle(":READ? (@1)")) == pytest.approx([4e-6])  # a tenth of the aperture
    (a, _), (b, _) = steps(unit, "1")[before:]
    assert b - a == pytest.approx(1e-4)


@pytest.mark.parametrize(("line", "code"), [
    (":SOUR:PULS:WIDT 1e-5", -222),
    (":TRIG:TIM 15e-6", -222),
    (":SOUR3:VOLT 1", -114),
    (":READ? (@3)", -222),
    (":SOUR:LIST:VOLT 300", -222),
    (":SENS:CURR:PROT 2;:SOUR:VOLT:RANG 20;:SENS:CURR:PROT 1;:SOUR:VOLT:RANG 200", -221),
])  # fmt: skip
def test_what_the_model_cannot_do_is_refused(unit, line, code):
    unit.handle(line)
    assert int(unit.handle(":SYST:ERR?").split(",")[0]) == code


def test_other_models_of_the_family():
    assert KeysightB2901A(unit_box("1")).handle(":SOUR2:VOLT?") is None
    fast = KeysightB2911A(unit_box("1"))
    assert fast.handle(":TRIG:TIM 1e-5;:TRIG:TIM?;:SENS:CURR:RANG 1e-8;RANG?") == "+1.000000E-05;+1.000000E-08"


def test_a_binary_block(unit):
    unit.handle(":FORM REAL,64;:FORM:ELEM:SENS CURR;:SOUR:VOLT 1")
    block = unit.handle(":MEAS? (@1)").encode("latin-1")
    assert block[:3] == b"#18"
    assert struct.unpack(">d", block[3:])[0] == pytest.approx(1e-4)


def test_reset_keeps_the_error_queue(unit):
    unit.handle("nonsense")
    assert unit.handle("*RST;:SYST:ERR?").startswith("-113,")


def test_an_abort_is_known_by_its_header(unit):
    assert unit.interrupt(":ABOR (@1,2)")
    assert unit.interrupt(":ABOR")
    assert not unit.interrupt(":ABOR;:SOUR:VOLT 1")
