import numpy as np
import pytest
from pymeasure.test import expected_protocol

from instruments import autozero
from instruments.keithley2400 import RELIED_ON, Keithley2400
from instruments.relied_on import commands
from labmtj.errors import CannotDo, InstrumentError, LimitExceeded, UsageError
from labmtj.quantities import Flag
from labmtj.shots import Pulses, Shots

CONNECT = (":FORM:ELEM VOLT,CURR,RES,TIME,STAT", None)
ZERO = (":SOUR:FUNC?;:SOUR:VOLT?;:OUTP?;:SYST:ERR?", 'VOLT;+0.000000E+00;0;0,"No error"')
TERMINALS = (":ROUT:TERM?;:SYST:ERR?", 'FRON;0,"No error"')
TAKE_OVER = (";".join([*commands(RELIED_ON, "1"), ":SYST:ERR?"]), '0,"No error"')
ARM = (
    ":SOUR:VOLT:RANG 2.0;:SENS:CURR:RANG 1e-06;:SENS:CURR:PROT 0.002;"
    ":SENS:CURR:RANG 0.01;:SENS:CURR:PROT?;:SOUR:VOLT:RANG?;:SOUR:VOLT?;:SYST:ERR?"
)
BEFORE = [ZERO, TERMINALS, TAKE_OVER]
ARMED = [*BEFORE, (ARM, '+2.000000E-03;+2.100000E+00;+0.000000E+00;0,"No error"')]
PLAIN = (":FORM:SREG ASC", None)
MAINS = (":SYST:LFR?;:SYST:ERR?", '50;0,"No error"')
ENDED = (":ABOR;:SOUR:VOLT 0;:SOUR:VOLT:MODE FIX;:SYST:ERR?", '0,"No error"')
MADE_ZERO = [ENDED, (":SOUR:VOLT 0;:SOUR:VOLT?;:SYST:ERR?", '+0.000000E+00;0,"No error"')]
NOTHING_OUT = (
    ":SOUR:VOLT 0;:SOUR:VOLT?;:SOUR:CURR 0;:SOUR:CURR?;:SYST:ERR?",
    '+0.000000E+00;+0.000000E+00;0,"No error"',
)


@pytest.fixture
def dialogue(numbered):
    def opened(*pairs):
        return expected_protocol(Keithley2400, numbered([CONNECT, *pairs]), name="smu")

    return opened


@pytest.mark.parametrize(
    "reply",
    [
        "KEITHLEY INSTRUMENTS INC.,MODEL 2400,1234567,C33   Mar 31 2015 09:32:39/A02  /K/J",
        "KEITHLEY INSTRUMENTS INC., MODEL 2400, 1234567, C33   Mar 31 2015 09:32:39/A02  /K/J",
    ],
)
def test_both_spellings_of_the_identity_are_understood(dialogue, reply):
    with dialogue(("*IDN?", reply), PLAIN, (":SYST:ERR?", '0,"No error"')) as smu:
        identity = smu.identify()
    assert (identity.model, identity.serial) == ("2400", "1234567")
    assert identity.firmware == "C33   Mar 31 2015 09:32:39/A02  /K/J"


def test_another_model_is_refused_with_what_to_do(dialogue):
    with (
        dialogue(("*IDN?", "KEITHLEY INSTRUMENTS INC.,MODEL 7002,1,A01")) as smu,
        pytest.raises(InstrumentError, match=r"is a 7002, not a 2400.*bench file"),
    ):
        smu.identify()


def test_limit_sets_range_then_compliance_and_reads_both_back(dialogue):
    with dialogue(*ARMED) as smu:
        smu.limit("1", 0.002, 0.5)


def test_a_compliance_that_the_box_did_not_take_is_noticed_and_the_output_stays_off(dialogue):
    kept = (ARM, '+1.050000E-04;+2.100000E+00;+0.000000E+00;0,"No error"')  # the old value, no error
    with dialogue(*BEFORE, kept) as smu:
        with pytest.raises(InstrumentError, match=r"compliance of 0.000105 A instead of 0.002 A"):
            smu.limit("1", 0.002, 0.5)
        with pytest.raises(UsageError, match="needs a limit"):
            smu.switch_output("1", on=True)


def test_limit_at_a_level_is_refused_before_anything_is_set(dialogue):
    with (
        dialogue((ZERO[0], 'VOLT;+1.000000E-01;1;0,"No error"')) as smu,
        pytest.raises(InstrumentError, match=r"is at .*bring it to 0 V"),
    ):
        smu.limit("1", 0.002, 0.5)


@pytest.mark.parametrize(
    ("amperes", "volts"), [(1.1, 1), (0, 1), (1e-3, 211), (1e-3, -1), (float("nan"), 1), (1e-3, float("nan"))]
)
def test_what_the_model_cannot_do_is_not_sent(dialogue, amperes, volts):
    with dialogue() as smu, pytest.raises(CannotDo):
        smu.limit("1", amperes, volts)


def test_output_goes_on_only_while_the_box_keeps_the_limit(dialogue):
    on = (":OUTP 1;:OUTP?;:SYST:ERR?", '1;0,"No error"')
    kept = (":SENS:CURR:PROT?;:SYST:ERR?", '+2.000000E-03;0,"No error"')
    with dialogue(*ARMED, ZERO, kept, on) as smu:
        smu.limit("1", 0.002, 0.5)
        smu.switch_output("1", on=True)
    rebooted = (kept[0], '+1.050000E-04;0,"No error"')
    with dialogue(*ARMED, ZERO, rebooted) as smu:
        smu.limit("1", 0.002, 0.5)
        with pytest.raises(InstrumentError, match="compliance"):
            smu.switch_output("1", on=True)


def test_levels_lose_no_digit_and_stay_within_what_limit_was_told(dialogue):
    with dialogue(*ARMED, (":SOUR:VOLT 0.12345678901234568;:SYST:ERR?", '0,"No error"')) as smu:
        smu.limit("1", 0.002, 0.5)
        smu.level({"1": 0.12345678901234568})
        for volts in (0.51, -0.51, float("nan")):
            with pytest.raises(LimitExceeded):
                smu.level({"1": volts})


METER = ":SENS:CURR:NPLC 1.0;:SENS:CURR:RANG {};:SYST:AZER ONCE;:SYST:AZER 0;:SOUR:DEL {};:TRIG:COUN {};:SYST:TIME:RES"
SWEEP = (
    ":SOUR:LIST:VOLT {};"
    + METER
    + ";:SOUR:VOLT:MODE LIST;:SOUR:SWE:RANG FIX;:READ?;:SOUR:VOLT 0;:SOUR:VOLT:MODE FIX;:SENS:CURR:RANG 0.01;:SOUR:VOLT?;:SYST:ERR?"
)


def reading(amperes, seconds, status=20480):
    return f"+1.000000E-01,{amperes},+9.910000E+37,{seconds:+.6E},{status:+.6E}"


def test_a_sequence_is_one_message_and_its_status_words_become_flags(dialogue):
    rows = [
        reading("+1.000000E-05", 0.03),
        reading("-2.000000E-03", 0.06, 20480 + 8),
        reading("+1.055000E-04", 0.09, 20480 + 1),  # the end of the range, by some firmware: not the current
        reading("+9.900000E+37", 0.105),
        reading("+1.055000E-04", 0.12, 20480 + (1 << 16)),
        reading("+9.910000E+37", 0.15),
    ]
    sent = SWEEP.format("0.1,-0.5,0.2,0.2,0.3,0.0", "0.0001", "0.001", 6)
    with dialogue(*ARMED, MAINS, (sent, ",".join(rows) + ';+0.000000E+00;0,"No error"')) as smu:
        smu.limit("1", 0.002, 0.5)
        shots = Shots(("1",), np.array([[0.1], [-0.5], [0.2], [0.2], [0.3], [0.0]]), ("1",), 0.001, 0.02, 1e-4)
        read = smu.run_shots(shots)
    np.testing.assert_array_equal(read.amperes[:, 0], [1e-5, -2e-3, np.nan, np.nan, 1.055e-4, np.nan])
    assert read.flags[:, 0].tolist() == [
        0,
        Flag.COMPLIANCE,
        Flag.OVERFLOW | Flag.INVALID,
        Flag.OVERFLOW | Flag.INVALID,
        Flag.COMPLIANCE,
        Flag.INVALID,
    ]
    np.testing.assert_allclose(read.start_seconds, [0.001, 0.031, 0.061, 0.076, 0.091, 0.121])
    assert (read.range_amperes == 1e-4).all()


def test_long_lists_go_out_a_hundred_levels_at_a_time_and_long_sequences_in_pieces_of_two_seconds(dialogue):
    volts = np.arange(130) / 1000
    whole = ",".join(map(repr, volts.tolist()))
    first, second = (",".join(map(repr, part.tolist())) for part in (volts[:100], volts[100:]))
    main = (
        SWEEP.format("{}", "{}", "{}", 130)
        .replace("NPLC 1.0", "NPLC 0.1")
        .replace("RANG {}", "RANG 0.001", 1)
        .format(second, "0.001")
        .replace(":SOUR:LIST:VOLT", ":SOUR:LIST:VOLT:APP")
    )
    assert whole.startswith(first)
    reply = ",".join(reading("+1.000000E-05", 0.01 * index) for index in range(130)) + ';+0.000000E+00;0,"No error"'
    with dialogue(*ARMED, MAINS, (f":SOUR:LIST:VOLT {first}", None), (main, reply)) as smu:
        smu.limit("1", 0.002, 0.5)
        assert len(smu.run_shots(Shots(("1",), volts[:, np.newaxis], ("1",), 0.001, 0.002, 1e-3)).amperes) == 130
    pieces = [
        (SWEEP.format("0.1", "0.01", "1.5", 1), reading("+1.000000E-05", 1.5) + ';+0.000000E+00;0,"No error"'),
        (
            SWEEP.format("0.2", "0.01", "1.5", 1).replace(":SYST:AZER ONCE;", ""),
            reading("+2.000000E-05", 1.5) + ';+0.000000E+00;0,"No error"',
        ),
    ]
    with dialogue(*ARMED, MAINS, *pieces) as smu:
        smu.limit("1", 0.002, 0.5)
        read = smu.run_shots(Shots(("1",), np.array([[0.1], [0.2]]), ("1",), 1.5, 0.02, 1.0))
    assert read.amperes[:, 0].tolist() == [1e-5, 2e-5]
    np.testing.assert_allclose(read.start_seconds, [1.5, 4.525])


def test_the_meter_is_zeroed_for_a_new_aperture_then_after_a_while_and_not_in_between(dialogue, monkeypatch):
    zeroing = METER.format("", "0.0", 1).replace(":RANG ", ":RANG:AUTO 1") + ";:READ?;:SENS:CURR:RANG 0.01;:SYST:ERR?"
    resting, slower = zeroing.replace(":SYST:AZER ONCE;", ""), zeroing.replace("NPLC 1.0", "NPLC 5.0")
    sent = [zeroing, resting, slower, zeroing, resting, zeroing]
    apertures, ages = [0.02, 0.02, 0.1, 0.02, 0.02, 0.02], [0, 599, 600, 601, 1200, 1201]
    reply = reading("+3.000000E-06", 1.0) + ';0,"No error"'
    with dialogue(*ARMED, MAINS, *((each, reply) for each in sent)) as smu:
        smu.limit("1", 0.002, 0.5)
        for aperture, age in zip(apertures, ages, strict=True):
            monkeypatch.setattr(autozero.time, "monotonic", lambda age=age: 1e6 + age)
            smu.read_currents(["1"], aperture, None)


def test_an_error_of_the_box_is_raised_with_its_remedy_and_levels_go_back_to_zero(dialogue):
    sent = SWEEP.format("0.1", "0.01", "0.0", 1)
    failed = (sent, '+0.000000E+00;+803,"Not permitted with OUTPUT off"')
    queue = [(":SYST:ERR?", '-222,"Parameter data out of range"'), (":SYST:ERR?", '0,"No error"')]
    with dialogue(*ARMED, MAINS, failed, *queue, *MADE_ZERO) as smu:
        smu.limit("1", 0.002, 0.5)
        with pytest.raises(
            InstrumentError, match=r"error 803, Not permitted with OUTPUT off; error -222.*switch the output on"
        ) as caught:
            smu.run_shots(Shots(("1",), np.array([[0.1]]), ("1",), 0.0, 0.02, 1.0))
    assert caught.value.instrument == "smu"
    assert ":READ?" in caught.value.command


def test_autorange_and_a_spot_reading_at_the_present_level(dialogue):
    sent = METER.format("", "0.0", 1).replace(":RANG ", ":RANG:AUTO 1") + ";:READ?;:SENS:CURR:RANG 0.01;:SYST:ERR?"
    with dialogue(*ARMED, MAINS, (sent, reading("+3.000000E-06", 1.0) + ';0,"No error"')) as smu:
        smu.limit("1", 0.002, 0.5)
        read = smu.read_currents(["1"], 0.02, None)
    assert read.amperes.tolist() == [[3e-6]]
    assert read.range_amperes.tolist() == [[1e-5]]


@pytest.mark.parametrize("seconds", [0.0001, 0.21])
def test_an_aperture_that_the_box_lacks_is_refused(dialogue, seconds):
    with dialogue(*ARMED, MAINS) as smu:
        smu.limit("1", 0.002, 0.5)
        with pytest.raises(CannotDo, match=r"0.0002 to 0.2 s"):
            smu.read_currents(["1"], seconds, None)


def test_a_pulse_is_a_point_of_a_sweep_and_its_width_is_the_clock_of_the_box(dialogue):
    sent = SWEEP.format("0.0,0.4,0.0,-0.5,0.0", "0.01", "0.0198", 5).replace("NPLC 1.0", "NPLC 0.01")
    stamps = [0.020, 0.043, 0.066, 0.090, 0.113]
    status = [20480, 20480, 20480, 20488, 20480]
    reply = (
        ",".join(reading("+1.000000E-05", *each) for each in zip(stamps, status, strict=True))
        + ';+0.000000E+00;0,"No error"'
    )
    with dialogue(*ARMED, MAINS, (sent, reply)) as smu:
        smu.limit("1", 0.002, 0.5)
        done = smu.run_pulses(Pulses(("1",), np.array([[0.4], [-0.5]]), 0.02))
    np.testing.assert_allclose(done.step_seconds, [[0.023], [0.024]])
    assert done.step_volts.tolist() == [[[0.4]], [[-0.5]]]
    assert done.flags.tolist() == [[0], [Flag.COMPLIANCE]]
    np.testing.assert_allclose(done.start_seconds, [0.0198, 0.0658])


def test_too_short_a_pulse_names_the_shortest(dialogue):
    with dialogue(*ARMED) as smu:
        smu.limit("1", 0.002, 0.5)
        with pytest.raises(CannotDo, match=r"smu: a pulse of 0.001 s is too short; its shortest is 0.01 s"):
            smu.run_pulses(Pulses(("1",), np.array([[0.4]]), 0.001))


BACK = [PLAIN, ("", ""), (":SYST:ERR?", '0,"No error"')]
"""the way back from a senseless answer"""


def test_make_safe_tries_again_what_failed(dialogue):
    dead = (ENDED[0], "nonsense")
    off = (":OUTP 0;:OUTP?;:SYST:ERR?", '0;0,"No error"')
    with dialogue(dead, *BACK, ENDED, NOTHING_OUT, off) as smu:
        smu.make_safe()


def test_make_safe_goes_on_after_a_failure_and_reports_it(dialogue):
    dead = (ENDED[0], "nonsense")
    off = (":OUTP 0;:OUTP?;:SYST:ERR?", '0;0,"No error"')
    with (
        dialogue(dead, *BACK, dead, *BACK, NOTHING_OUT, off) as smu,
        pytest.raises(InstrumentError, match="error queue"),
    ):
        smu.make_safe()


def test_make_safe_notices_an_output_that_stays_on(dialogue):
    on = (":OUTP 0;:OUTP?;:SYST:ERR?", '1;0,"No error"')
    with (
        dialogue(ENDED, NOTHING_OUT, on, on) as smu,
        pytest.raises(InstrumentError, match="output to 0; switch it off by hand"),
    ):
        smu.make_safe()


def test_an_unknown_channel_is_a_wrong_use(dialogue):
    with dialogue() as smu, pytest.raises(UsageError, match="no channel 'a'; it has 1"):
        smu.limit("a", 1e-3, 1)
