"""What the driver of the Keysight B2900A family relies on in its box."""

from __future__ import annotations

from instruments.relied_on import ReliedOn

RELIED_ON = (
    ReliedOn("running sequence", ":ARM{ch}:SOUR BUS;:INIT (@{ch})", ":ABOR (@{ch})"),
    # the source
    ReliedOn("automatic output on", ":OUTP{ch}:ON:AUTO 1", ":OUTP{ch}:ON:AUTO 0"),  # by starting a sweep
    ReliedOn("automatic output off", ":OUTP{ch}:OFF:AUTO 1", ":OUTP{ch}:OFF:AUTO 0"),
    ReliedOn("output-off state", ":OUTP{ch}:OFF:MODE HIZ", ":OUTP{ch}:OFF:MODE NORM"),
    ReliedOn("output protection", ":OUTP{ch}:PROT 1", ":OUTP{ch}:PROT 0"),
    ReliedOn(
        "low terminal",
        ":OUTP{ch}:LOW FLO",
        ask=":OUTP{ch}:LOW?",
        wanted="GRO",
        advice="ground it on the box while its output is off (:OUTP:LOW GRO)",
    ),
    ReliedOn("high capacitance mode", ":OUTP{ch}:HCAP 1", ":OUTP{ch}:HCAP 0"),
    ReliedOn("automatic output filter", ":OUTP{ch}:FILT:AUTO 1", ":OUTP{ch}:FILT:AUTO 0"),
    ReliedOn("output filter", ":OUTP{ch}:FILT 1", ":OUTP{ch}:FILT 0"),
    ReliedOn("source function", ":SOUR{ch}:FUNC:MODE CURR", ":SOUR{ch}:FUNC:MODE VOLT"),
    ReliedOn("pulse shape", ":SOUR{ch}:FUNC:SHAP PULS", ":SOUR{ch}:FUNC:SHAP DC"),
    ReliedOn("source mode", ":SOUR{ch}:VOLT:MODE SWE", ":SOUR{ch}:VOLT:MODE FIX"),
    ReliedOn("continuous triggered output", ":SOUR{ch}:FUNC:TRIG:CONT 1", ":SOUR{ch}:FUNC:TRIG:CONT 0"),
    ReliedOn("first point of a list", ":SOUR{ch}:LIST:VOLT 0,0.01,0.02;VOLT:STAR 2", ":SOUR{ch}:LIST:VOLT:STAR 1"),
    ReliedOn("source range", ":SOUR{ch}:VOLT:RANG 200"),
    ReliedOn("source autorange", ":SOUR{ch}:VOLT:RANG:AUTO 1"),
    # times
    ReliedOn("wait of the source", ":SOUR{ch}:WAIT:AUTO 0;OFFS 0.5;:SOUR{ch}:WAIT 1", ":SOUR{ch}:WAIT 0"),
    ReliedOn("wait of the meter", ":SENS{ch}:WAIT:AUTO 0;OFFS 0.5;:SENS{ch}:WAIT 1", ":SENS{ch}:WAIT 0"),
    ReliedOn("arm source", ":ARM{ch}:SOUR BUS", ":ARM{ch}:SOUR AINT"),
    ReliedOn("arm timer", ":ARM{ch}:SOUR TIM;TIM 3", ":ARM{ch}:SOUR AINT"),
    ReliedOn("arm count", ":ARM{ch}:COUN 3", ":ARM{ch}:COUN 1"),
    ReliedOn("arm delay", ":ARM{ch}:DEL 2", ":ARM{ch}:DEL 0"),
    ReliedOn("trigger source", ":TRIG{ch}:SOUR BUS"),
    ReliedOn("trigger timer", ":TRIG{ch}:SOUR TIM;TIM 3"),
    ReliedOn("trigger count", ":TRIG{ch}:COUN 7"),
    ReliedOn("trigger delays", ":TRIG{ch}:TRAN:DEL 2;:TRIG{ch}:ACQ:DEL 2"),
    ReliedOn("pulse delay", ":SOUR{ch}:PULS:DEL 2"),
    ReliedOn("aperture", ":SENS{ch}:CURR:APER 1"),
    # the meter
    ReliedOn("measured functions", ':SENS{ch}:FUNC:OFF:ALL;:SENS{ch}:FUNC "VOLT"', ':SENS{ch}:FUNC "CURR"'),
    ReliedOn("ohms mode", ":SENS{ch}:FUNC:ALL;:SENS{ch}:RES:MODE AUTO", ":SENS{ch}:RES:MODE MAN"),
    ReliedOn("offset-compensated ohms", ":SENS{ch}:FUNC:ALL;:SENS{ch}:RES:OCOM 1", ":SENS{ch}:RES:OCOM 0"),
    ReliedOn("remote sense", ":SENS{ch}:REM 1", ":SENS{ch}:REM 0"),
    ReliedOn("compliance", ":SENS{ch}:CURR:PROT 1e-6"),
    ReliedOn("current range", ":SENS{ch}:CURR:RANG 1e-6"),
    ReliedOn("lowest range of autorange", ":SENS{ch}:CURR:RANG:AUTO:LLIM 1e-2", ":SENS{ch}:CURR:RANG:AUTO:LLIM MIN"),
    # answers
    ReliedOn("data format", ":FORM REAL,64", ":FORM ASC"),
    ReliedOn("elements of a reading", ":FORM:ELEM:SENS VOLT"),
    ReliedOn("format of status registers", ":FORM:SREG HEX", ":FORM:SREG ASC"),
    ReliedOn("service request mask", "*SRE 36", "*SRE 0"),
    ReliedOn("beeper", ":SYST:BEEP:STAT 1", ":SYST:BEEP:STAT 0"),
)
