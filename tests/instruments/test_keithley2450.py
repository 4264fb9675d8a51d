import numpy as np
import pytest
from pymeasure.test import expected_protocol

from instruments.keithley2450 import RELIED_ON, Keithley2450
from instruments.relied_on import commands
from labmtj.errors import InstrumentError
from labmtj.quantities import Flag
from labmtj.shots import Pulses, Shots

OK = '0,"No error;0,0,0"'
ARMED = [
    (":SOUR:FUNC?;:SOUR:VOLT?;:OUTP?;:SYST:ERR?", f"VOLT;0;0;{OK}"),
    (":ROUT:TERM?;:SYST:ERR?", f"FRON;{OK}"),
    (";".join([*commands(RELIED_ON, "1"), ":SYST:ERR?"]), OK),
    (
        ":SOUR:VOLT:RANG 2.0;:SENS:CURR:RANG 1e-08;:SOUR:VOLT:ILIM 0.001;:SENS:CURR:RANG 0.001;:SOUR:VOLT:ILIM?;:SOUR:VOLT:RANG?;:SOUR:VOLT?;:SYST:ERR?",
        f"0.001;2;0;{OK}",
    ),
]
MAINS = (":SYST:LFR?;:SYST:ERR?", f"60;{OK}")
ON = (":OUTP?;:SYST:ERR?", f"1;{OK}")


@pytest.fixture
def dialogue(numbered):
    def opened(*pairs):
        return expected_protocol(Keithley2450, numbered(pairs), name="smu")

    return opened


def sweep(levels, cycles, scale, delay, count):
    return (
        f":SOUR:LIST:VOLT {levels};:SENS:CURR:NPLC {cycles};:SENS:CURR:RANG {scale};:SENS:AZER:ONCE;:SENS:CURR:AZER 0;"
        f':TRAC:CLE "defbuffer1";:SOUR:SWE:VOLT:LIST 1,{delay},1,OFF,"defbuffer1";:INIT;*WAI;'
        f':TRAC:DATA? 1,{count},"defbuffer1",READ,REL,SOURSTAT;'
        ":SOUR:VOLT 0;:OUTP 1;:SENS:CURR:RANG 0.001;:SOUR:VOLT?;:SYST:ERR?"
    )


def test_connecting_sends_nothing_and_language_and_identity_are_checked(dialogue):
    for maker in ("KEITHLEY INSTRUMENTS INC.", "KEITHLEY INSTRUMENTS"):
        told = (":SYST:ERR?", '0,"No error;0;2026/01/01 00:00:00.000"')
        with dialogue(("*LANG?", "SCPI"), ("*IDN?", f"{maker},MODEL 2450,01234567,1.0.0i"), told) as smu:
            assert smu.identify().firmware == "1.0.0i"


@pytest.mark.parametrize("language", ["TSP", "SCPI2400"])
def test_another_language_is_refused_with_what_to_do(dialogue, language):
    with dialogue(("*LANG?", language)) as smu, pytest.raises(InstrumentError, match="Command Set to SCPI"):
        smu.identify()


def test_limit_is_set_on_the_source_and_read_back(dialogue):
    with dialogue(*ARMED) as smu:
        smu.limit("1", 0.001, 1.0)
    ignored = (ARMED[-1][0], f"0.000105;2;0;{OK}")
    with dialogue(*ARMED[:-1], ignored) as smu, pytest.raises(InstrumentError, match="keeps a compliance of"):
        smu.limit("1", 0.001, 1.0)


def test_a_sequence_is_a_list_sweep_into_the_buffer_and_the_output_stays_on(dialogue):
    sent = sweep("0.1,0.2,0.3", "1.2", "0.0001", "0.001", 3)
    reply = f"1.0000001e-05,0,128,1e-3,0.025,160,9.9e37,0.05,128;0;{OK}"
    with dialogue(*ARMED, MAINS, ON, (sent, reply)) as smu:
        smu.limit("1", 0.001, 1.0)
        read = smu.run_shots(Shots(("1",), np.array([[0.1], [0.2], [0.3]]), ("1",), 0.001, 0.02, 1e-4))
    np.testing.assert_array_equal(read.amperes[:, 0], [1.0000001e-05, 1e-3, np.nan])
    assert read.flags[:, 0].tolist() == [0, Flag.COMPLIANCE, Flag.OVERFLOW | Flag.INVALID]
    np.testing.assert_allclose(read.start_seconds, [0.001, 0.026, 0.051])


def test_a_sweep_is_not_started_with_the_output_off_because_it_would_switch_it_on(dialogue):
    end = [(":ABOR;:SYST:ERR?", OK), (":SOUR:VOLT 0;:SOUR:VOLT?;:SYST:ERR?", f"0;{OK}")]
    with dialogue(*ARMED, MAINS, (ON[0], f"0;{OK}"), *end) as smu:
        smu.limit("1", 0.001, 1.0)
        with pytest.raises(InstrumentError, match="output off"):
            smu.run_shots(Shots(("1",), np.array([[0.1]]), ("1",), 0.001, 0.02, 1e-4))


def test_errors_are_cut_at_the_details_of_the_event_log(dialogue):
    sent = ":SOUR:VOLT 0.1;:SYST:ERR?"
    with dialogue(*ARMED, (sent, '-113,"Undefined header;1;2015/05/06 12:57:04.484"'), (":SYST:ERR?", OK)) as smu:
        smu.limit("1", 0.001, 1.0)
        with pytest.raises(InstrumentError, match="-113") as caught:
            smu.level({"1": 0.1})
    assert caught.value.problem == "reports error -113, Undefined header"


def test_a_spot_reading(dialogue):
    sent = (
        ':SENS:CURR:NPLC 1.2;:SENS:CURR:RANG:AUTO 1;:SENS:AZER:ONCE;:SENS:CURR:AZER 0;:TRAC:CLE "defbuffer1";'
        ':READ? "defbuffer1",READ,REL,SOURSTAT;:SENS:CURR:RANG 0.001;:SYST:ERR?'
    )
    with dialogue(*ARMED, MAINS, (sent, f"2.5e-07,0,128;{OK}")) as smu:
        smu.limit("1", 0.001, 1.0)
        read = smu.read_currents(["1"], 0.02, None)
    assert read.amperes.tolist() == [[2.5e-7]]
    assert read.range_amperes.tolist() == [[1e-6]]


def test_a_pulse_is_a_point_of_a_sweep_and_its_width_is_the_clock_of_the_box(dialogue):
    delay = repr(0.05 - 0.01 / 60)
    sent = sweep("0.0,0.5,0.0", repr(0.01 / 60 * 60), "0.001", delay, 3)
    with dialogue(*ARMED, MAINS, ON, (sent, f"0,0,128,5e-5,0.0513,128,0,0.1026,128;0;{OK}")) as smu:
        smu.limit("1", 0.001, 1.0)
        done = smu.run_pulses(Pulses(("1",), np.array([[0.5]]), 0.05))
    np.testing.assert_allclose(done.step_seconds, [[0.0513]])
