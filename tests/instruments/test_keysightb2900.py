import numpy as np
import pytest
from pymeasure.test import expected_protocol

from instruments.keysightb2900 import KeysightB2901A, KeysightB2902A, KeysightB2911A, KeysightB2912A
from instruments.keysightb2900settings import RELIED_ON
from instruments.relied_on import commands
from labmtj.errors import CannotDo, InstrumentError, UsageError
from labmtj.quantities import Flag
from labmtj.shots import Pulses, Shots

OK = '+0,"No error"'
MAINS = (":SYST:LFR?;:SYST:ERR?", f"50;{OK}")


def armed(channel):
    c = channel
    return [
        (f":SOUR{c}:FUNC:MODE?;:SOUR{c}:VOLT?;:OUTP{c}?;:SYST:ERR?", f"VOLT;+0.000000E+00;0;{OK}"),
        (f":OUTP{c}:LOW?;:SYST:ERR?", f"GRO;{OK}"),
        (";".join([*commands(RELIED_ON, c), ":SYST:ERR?"]), OK),
        (
            f":SOUR{c}:VOLT:RANG 2.0;:SENS{c}:CURR:RANG 1e-07;"
            f":SENS{c}:CURR:PROT 0.01;:SENS{c}:CURR:RANG 0.01;:SENS{c}:CURR:PROT?;:SOUR{c}:VOLT:RANG?;:SOUR{c}:VOLT?;:SYST:ERR?",
            f"+1.000000E-02;+2.000000E+00;+0.000000E+00;{OK}",
        ),
    ]


ARMED = [*armed("1"), *armed("2"), MAINS]


@pytest.fixture
def dialogue(numbered):
    def opened(*pairs, cls=KeysightB2902A):
        return expected_protocol(cls, numbered(pairs), name="smu")

    return opened


def arm(smu):
    smu.limit("1", 0.01, 1.0)
    smu.limit("2", 0.01, 1.0)


def meter(channel, aperture, scale):
    return f":SENS{channel}:CURR:APER {aperture};:SENS{channel}:CURR:RANG{scale};:FORM:ELEM:SENS CURR,TIME,STAT;"


def listed(channel, shape, levels, pace, count, delay):
    triggers = "".join(f":TRIG{channel}:{each};" for each in (*pace, f"COUN {count}", "TRAN:DEL 0", f"ACQ:DEL {delay}"))
    return (
        f":SOUR{channel}:FUNC:SHAP {shape};:SOUR{channel}:VOLT:MODE LIST;:SOUR{channel}:LIST:VOLT {levels};{triggers}"
    )


def after(channel):
    c = channel
    return f":SOUR{c}:VOLT 0;:SOUR{c}:VOLT:MODE FIX;:SOUR{c}:FUNC:SHAP DC;:SENS{c}:CURR:RANG 0.01;:SOUR{c}:VOLT?;"


@pytest.mark.parametrize(
    ("cls", "maker"),
    [
        (KeysightB2901A, "Agilent"),
        (KeysightB2902A, "Keysight"),
        (KeysightB2911A, "Keysight"),
        (KeysightB2912A, "Agilent"),
    ],
)
def test_connecting_sends_nothing_and_every_model_knows_itself(dialogue, cls, maker):
    model = cls.__name__.removeprefix("Keysight")
    told = (":SYST:ERR?", '+0,"No error"')
    with dialogue(
        ("*IDN?", f"{maker} Technologies,{model},MY51143745,3.4.2011.5100"), (":FORM:SREG ASC", None), told, cls=cls
    ) as smu:
        assert smu.identify().serial == "MY51143745"
        assert len(smu.channels) == {"1": 1, "2": 2}[model[4]]
        assert hasattr(smu, "ch_2") == (len(smu.channels) == 2)
    with (
        dialogue(("*IDN?", "Keysight Technologies,B2961A,MY1,1"), cls=cls) as smu,
        pytest.raises(InstrumentError, match="is a B2961A"),
    ):
        smu.identify()


def test_both_channels_run_their_lists_in_one_message_paced_by_timers(dialogue):
    sent = (
        meter(1, 0.02, " 0.0001") + listed(1, "DC", "0.1,0.2", ("SOUR TIM", "TIM 0.0212"), 2, 0.001)
        + meter(2, 0.02, " 0.0001") + listed(2, "DC", "0.0,-0.2", ("SOUR TIM", "TIM 0.0212"), 2, 0.001)
        + ":READ:ARR? (@1,2);" + after(1) + after(2) + ":SYST:ERR?"
    )  # fmt: skip
    readings = (
        "+1.000000E-05,+5.001000E+00,+0.000000E+00,-1.000000E-05,+5.001000E+00,+0.000000E+00,"
        "+1.000000E-02,+5.022200E+00,+2.000000E+00,+9.910000E+37,+5.022200E+00,+8.192000E+03"
    )
    with dialogue(*ARMED, (sent, f"{readings};+0.000000E+00;+0.000000E+00;{OK}")) as smu:
        arm(smu)
        read = smu.run_shots(Shots(("1", "2"), np.array([[0.1, 0.0], [0.2, -0.2]]), ("1", "2"), 0.001, 0.02, 1e-4))
    np.testing.assert_array_equal(read.amperes, [[1e-5, -1e-5], [1e-2, np.nan]])
    assert read.flags.tolist() == [[0, 0], [Flag.COMPLIANCE, Flag.OVERFLOW | Flag.INVALID]]
    np.testing.assert_allclose(read.start_seconds, [0.001, 0.0222])


def test_a_channel_that_only_sources_keeps_its_range_and_is_left_out_of_the_answer(dialogue):
    sent = (
        meter(2, 0.02, " 0.01") + listed(2, "DC", "0.1", ("SOUR AINT",), 1, 0.0)
        + meter(1, 0.02, ":AUTO 1") + listed(1, "DC", "0.0", ("SOUR AINT",), 1, 0.0)
        + ":READ:ARR? (@2,1);" + after(2) + after(1) + ":SYST:ERR?"
    )  # fmt: skip
    with dialogue(*ARMED, (sent, f"2e-5,1,0,-3e-6,1,0;0;0;{OK}")) as smu:
        arm(smu)
        read = smu.run_shots(Shots(("2", "1"), np.array([[0.1, 0.0]]), ("1",), 0.0, 0.02, None))
    assert read.amperes.tolist() == [[-3e-6]]
    assert read.range_amperes.tolist() == [[1e-5]]


def test_with_autorange_two_moving_channels_run_shot_by_shot(dialogue):
    def one(first, second):
        return (
            meter(1, 0.02, ":AUTO 1") + listed(1, "DC", first, ("SOUR AINT",), 1, 0.0)
            + meter(2, 0.02, ":AUTO 1") + listed(2, "DC", second, ("SOUR AINT",), 1, 0.0)
            + ":READ:ARR? (@1,2);" + after(1) + after(2) + ":SYST:ERR?"
        )  # fmt: skip

    pairs = [(one("0.1", "-0.1"), f"1e-6,1,0,2e-6,1,0;0;0;{OK}"), (one("0.2", "-0.2"), f"3e-6,2,0,4e-6,2,0;0;0;{OK}")]
    with dialogue(*ARMED, *pairs) as smu:
        arm(smu)
        read = smu.run_shots(Shots(("1", "2"), np.array([[0.1, -0.1], [0.2, -0.2]]), ("1", "2"), 0.0, 0.02, None))
    assert read.amperes.tolist() == [[1e-6, 2e-6], [3e-6, 4e-6]]
    assert read.start_seconds[1] >= 0.02


def test_pulses_are_timed_by_the_box_and_read_before_their_falling_edge(dialogue):
    sent = (
        ":SOUR1:PULS:DEL 0;:SOUR1:PULS:WIDT 0.0001;:SOUR2:PULS:DEL 0;:SOUR2:PULS:WIDT 0.0001;"
        + meter(1, 2.5e-05, " 0.01") + ":SOUR1:VOLT 0;" + listed(1, "PULS", "0.4,-0.4", ("SOUR TIM", "TIM 0.0013"), 2, 6.5e-05)
        + meter(2, 2.5e-05, " 0.01") + ":SOUR2:VOLT 0;" + listed(2, "PULS", "-0.4,0.4", ("SOUR TIM", "TIM 0.0013"), 2, 6.5e-05)
        + ":READ:ARR? (@1,2);" + after(1) + after(2) + ":SYST:ERR?"
    )  # fmt: skip
    with dialogue(*ARMED[:-1], (sent, f"1e-4,7,0,-1e-4,7,0,1e-4,7.0013,0,1e-2,7.0013,4;0;0;{OK}")) as smu:
        arm(smu)
        done = smu.run_pulses(Pulses(("1", "2"), np.array([[0.4, -0.4], [-0.4, 0.4]]), 1e-4))
    assert done.step_seconds.tolist() == [[1e-4], [1e-4]]
    assert done.step_volts.tolist() == [[[0.4, -0.4]], [[-0.4, 0.4]]]
    assert done.flags.tolist() == [[0, 0], [0, Flag.COMPLIANCE]]
    np.testing.assert_allclose(done.start_seconds, [0, 0.0013])


def test_fifty_microseconds_is_the_shortest_pulse(dialogue):
    with dialogue(*ARMED[:-1]) as smu:
        arm(smu)
        with pytest.raises(CannotDo, match="its shortest is 5e-05 s"):
            smu.run_pulses(Pulses(("1", "2"), np.array([[0.4, -0.4]]), 49e-6))


def test_a_spot_reading_at_the_present_levels(dialogue):
    sent = (
        meter(1, 8e-06, " 1e-06")
        + meter(2, 8e-06, " 1e-06")
        + ":MEAS? (@1,2);:SENS1:CURR:RANG 0.01;:SENS2:CURR:RANG 0.01;:SYST:ERR?"
    )
    with dialogue(*ARMED, (sent, f"1e-7,1,0,2e-7,1,0;{OK}")) as smu:
        arm(smu)
        assert smu.read_currents(["1", "2"], 8e-6, 1e-6).amperes.tolist() == [[1e-7, 2e-7]]


def test_both_levels_are_set_in_one_message(dialogue):
    with dialogue(*ARMED[:-1], (":SOUR1:VOLT 0.25;:SOUR2:VOLT -0.25;:SYST:ERR?", OK)) as smu:
        arm(smu)
        smu.level({"1": 0.25, "2": -0.25})


def test_make_safe_ends_sequences_then_zeroes_then_switches_off(dialogue):
    def end(c):
        return f":ABOR (@{c});:SOUR{c}:VOLT 0;:SOUR{c}:VOLT:MODE FIX;:SOUR{c}:FUNC:SHAP DC"

    pairs = [
        (f"{end(1)};{end(2)};:SYST:ERR?", OK),
        (
            ":SOUR1:VOLT 0;:SOUR1:VOLT?;:SOUR1:CURR 0;:SOUR1:CURR?;"
            ":SOUR2:VOLT 0;:SOUR2:VOLT?;:SOUR2:CURR 0;:SOUR2:CURR?;:SYST:ERR?",
            f"0;0;0;0;{OK}",
        ),
        (":OUTP1 0;:OUTP1?;:OUTP2 0;:OUTP2?;:SYST:ERR?", f"0;0;{OK}"),
        (":OUTP1?;:OUTP2?;:SYST:ERR?", f"0;0;{OK}"),
    ]
    with dialogue(*pairs) as smu:
        smu.make_safe()
        assert smu.outputs() == {"1": False, "2": False}
        with pytest.raises(UsageError, match="needs a limit"):
            smu.switch_output("1", on=True)


def test_the_attributes_of_a_channel_name_it(dialogue):
    pairs = [
        (":SOUR2:VOLT 0.1", None), (":SYST:ERR?", OK), (":SOUR2:VOLT?", "+1.000000E-01"),
        (":SENS1:CURR:PROT:TRIP?", "1"), (":OUTP1?", "0"),
    ]  # fmt: skip
    with dialogue(*pairs) as smu:
        smu.ch_2.voltage = 0.1
        assert smu.ch_2.voltage == 0.1
        assert smu.ch_1.compliance_tripped is True
        assert smu.ch_1.output_enabled is False
    with (
        dialogue((":SOUR2:VOLT 0.1", None), (":SYST:ERR?", '-221,"Settings conflict"'), (":SYST:ERR?", OK)) as smu,
        pytest.raises(InstrumentError, match="-221"),
    ):
        smu.ch_2.voltage = 0.1
