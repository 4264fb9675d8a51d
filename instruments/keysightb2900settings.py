"""What the driver of the Keysight B2900A family relies on in its box."""

from __future__ import annotations

from instruments.relied_on import ReliedOn, settings

RELIED_ON = settings(
    ReliedOn("running sequence", ":ARM{ch}:SOUR BUS;:INIT (@{ch})", ":ABOR (@{ch})"),
    # the source
    ("automatic output on", ":OUTP{ch}:ON:AUTO", "1", "0"),  # by starting a sweep
    ("automatic output off", ":OUTP{ch}:OFF:AUTO", "1", "0"),
    ("output-off state", ":OUTP{ch}:OFF:MODE", "HIZ", "NORM"),
    ("output protection", ":OUTP{ch}:PROT", "1", "0"),
    ReliedOn(
        "low terminal",
        ":OUTP{ch}:LOW FLO",
        ask=":OUTP{ch}:LOW?",
        wanted="GRO",
        advice="ground it on the box while its output is off (:OUTP:LOW GRO)",
    ),
    ("high capacitance mode", ":OUTP{ch}:HCAP", "1", "0"),
    ("automatic output filter", ":OUTP{ch}:FILT:AUTO", "1", "0"),
    ("output filter", ":OUTP{ch}:FILT", "1", "0"),
    ("source function", ":SOUR{ch}:FUNC:MODE", "CURR", "VOLT"),
    ("pulse shape", ":SOUR{ch}:FUNC:SHAP", "PULS", "DC"),
    ("source mode", ":SOUR{ch}:VOLT:MODE", "SWE", "FIX"),
    ("continuous triggered output", ":SOUR{ch}:FUNC:TRIG:CONT", "1", "0"),
    ReliedOn("first point of a list", ":SOUR{ch}:LIST:VOLT 0,0.01,0.02;VOLT:STAR 2", ":SOUR{ch}:LIST:VOLT:STAR 1"),
    ("source range", ":SOUR{ch}:VOLT:RANG", "200"),
    ("source autorange", ":SOUR{ch}:VOLT:RANG:AUTO", "1"),
    # times
    ReliedOn("wait of the source", ":SOUR{ch}:WAIT:AUTO 0;OFFS 0.5;:SOUR{ch}:WAIT 1", ":SOUR{ch}:WAIT 0"),
    ReliedOn("wait of the meter", ":SENS{ch}:WAIT:AUTO 0;OFFS 0.5;:SENS{ch}:WAIT 1", ":SENS{ch}:WAIT 0"),
    ("arm source", ":ARM{ch}:SOUR", "BUS", "AINT"),
    ReliedOn("arm timer", ":ARM{ch}:SOUR TIM;TIM 3", ":ARM{ch}:SOUR AINT"),
    ("arm count", ":ARM{ch}:COUN", "3", "1"),
    ("arm delay", ":ARM{ch}:DEL", "2", "0"),
    ("trigger source", ":TRIG{ch}:SOUR", "BUS"),
    ReliedOn("trigger timer", ":TRIG{ch}:SOUR TIM;TIM 3"),
    ("trigger count", ":TRIG{ch}:COUN", "7"),
    ReliedOn("trigger delays", ":TRIG{ch}:TRAN:DEL 2;:TRIG{ch}:ACQ:DEL 2"),
    ("pulse delay", ":SOUR{ch}:PULS:DEL", "2"),
    ("aperture", ":SENS{ch}:CURR:APER", "1"),
    # the meter
    ReliedOn("measured functions", ':SENS{ch}:FUNC:OFF:ALL;:SENS{ch}:FUNC "VOLT"', ':SENS{ch}:FUNC "CURR"'),
    ReliedOn("ohms mode", ":SENS{ch}:FUNC:ALL;:SENS{ch}:RES:MODE AUTO", ":SENS{ch}:RES:MODE MAN"),
    ReliedOn("offset-compensated ohms", ":SENS{ch}:FUNC:ALL;:SENS{ch}:RES:OCOM 1", ":SENS{ch}:RES:OCOM 0"),
    ("remote sense", ":SENS{ch}:REM", "1", "0"),
    ("compliance", ":SENS{ch}:CURR:PROT", "1e-6"),
    ("current range", ":SENS{ch}:CURR:RANG", "1e-6"),
    ("lowest range of autorange", ":SENS{ch}:CURR:RANG:AUTO:LLIM", "1e-2", "MIN"),
    # answers
    ("data format", ":FORM", "REAL,64", "ASC"),
    ("elements of a reading", ":FORM:ELEM:SENS", "VOLT"),
    ("format of status registers", ":FORM:SREG", "HEX", "ASC"),
    ("service request mask", "*SRE", "36", "0"),
    ("beeper", ":SYST:BEEP:STAT", "1", "0"),
)
