"""Dialogues from the 2600B reference manual; and the scripts on a Lua, with a channel of ten lines in it."""

import numpy as np
import pytest

from instruments import autozero
from instruments import keithley2600scripts as scripts
from instruments.keithley2600 import Keithley2602B, Keithley2612B, Keithley2636B
from labmtj.errors import AnswerLost, CannotDo, InstrumentError, LimitExceeded, UsageError
from labmtj.quantities import Flag
from labmtj.shots import Pulses, Shots
from tests.instruments.conftest import own_names

lua51 = pytest.importorskip("lupa.lua51")

IDENTITY = "Keithley Instruments Inc., Model 2636B, 4308079, 3.2.2"
FREQUENCY = ("print(localnode.linefreq)", "5.000000000000000e+01")
STATE = "print(smua.source.func, smua.source.output, smua.source.levelv)"
AT_REST = "1.000000000000000e+00\t0.000000000000000e+00\t0.000000000000000e+00"
TABLE = {
    "status": 0, "source.highc": 0, "source.func": 1, "source.delay": 0, "source.limitp": 0, "source.sink": 0, "source.settling": 0,
    "source.offmode": 0, "source.offfunc": 1, "source.offlimiti": 0.001, "source.offlimitv": 40,
    "source.outputenableaction": 0, "sense": 0, "nvbuffer1.fillmode": 0, "nvbuffer1.fillcount": 0,
    "nvbuffer1.collectsourcevalues": 0, "nvbuffer1.timestampresolution": 1e-6, "trigger.autoclear": 0,
}  # fmt: skip
"""what a channel is brought to when it is limited, and what it must answer"""
NAMED = {"status": "status.operation.sweeping.condition"}
"""that belong to no channel"""
ASKED = ", ".join(NAMED.get(name, f"smua.{name}") for name in TABLE)
LIMITING = (
    "smua.abort()",
    *(
        "if smua.source.output ~= 1 then smua.sense = 0 end" if name == "sense" else
        f"smua.{name} = {value:g}"
        for name, value in list(TABLE.items())[1:13]
    ),
    "smua.nvbuffer1.clear()",
    *(f"smua.{name} = {value:g}" for name, value in list(TABLE.items())[13:]),
    "smua.source.autorangev = 0",
    "smua.source.rangev = 2.0",
    "smua.source.limiti = 0.001",
    "print(smua.source.limiti, smua.source.rangev, smua.source.levelv)",
    f"print({ASKED})",
)  # fmt: skip
KEPT = "1.000000000000000e-03\t2.000000000000000e+00\t0.000000000000000e+00"
TABLE_KEPT = "\t".join(f"{value:.15e}" for value in TABLE.values())


def limited(a, b):
    """Return turns for limits of 1 mA and 0.9 V on the channels named."""
    return [
        turn
        for channel in (*a, *b)
        for turn in (
            (STATE.replace("smua", f"smu{channel}"), AT_REST),
            (tuple(line.replace("smua", f"smu{channel}") for line in LIMITING), (KEPT, TABLE_KEPT)),
        )
    ]


ECHO = (
    ("", "return", "do end", "endscript", 'print("")', "while errorqueue.count > 0 do print(errorqueue.next()) end"),
    "",
)
"""by which a session finds back to its box"""
KEEPING = [
    (
        f"print(smua.source.limiti, smua.source.rangev, smua.source.output, {ASKED})".replace("smua", f"smu{each}"),
        f"1.0e-03\t2.0e+00\t0.0e+00\t{TABLE_KEPT}",
    )
    for each in "ab"
]
"""what it asks then"""


def limit(smu, *channels):
    for channel in channels:
        smu.limit(channel, 1e-3, 0.9)


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("source_function", "volts", "smua.source.func = 1"),
        ("level_volts", -0.123456789012345, "smua.source.levelv = -0.123456789012345"),
        ("level_volts", 1e-7, "smua.source.levelv = 9.9999999999999995e-08"),
        ("limit_amperes", 1e-7, "smua.source.limiti = 9.9999999999999995e-08"),
        ("source_range_volts", 2, "smua.source.rangev = 2"),
        ("source_autorange", False, "smua.source.autorangev = 0"),
        ("output", "on", "smua.source.output = 1"),
        ("output", "open", "smua.source.output = 2"),
        ("remote_sense", True, "smua.sense = 1"),
        ("range_amperes", 1e-4, "smua.measure.rangei = 0.0001"),
        ("autorange", True, "smua.measure.autorangei = 1"),
        ("lowest_range_amperes", 0.5, "smua.measure.lowrangei = 0.5"),
        ("power_line_cycles", 0.5, "smua.measure.nplc = 0.5"),
        ("autozero", "once", "smua.measure.autozero = 1"),
        ("analog_filter", False, "smua.measure.analogfilter = 0"),
    ],
)
def test_a_setting_is_one_statement(tsp, name, value, sent):
    with tsp(Keithley2636B, (sent, ())) as smu:
        setattr(smu.smua, name, value)


@pytest.mark.parametrize(
    ("name", "sent", "reply", "value"),
    [
        ("source_function", "print(smub.source.func)", "0.000000000000000e+00", "amperes"),
        ("level_volts", "print(smub.source.levelv)", "1.234567890123456e-01", 0.1234567890123456),
        ("output", "print(smub.source.output)", "1.000000000000000e+00", "on"),
        ("in_compliance", "print(smub.source.compliance)", "true", True),
        ("in_compliance", "print(smub.source.compliance)", "false", False),
        ("autozero", "print(smub.measure.autozero)", "2.000000000000000e+00", "auto"),
        ("amperes", "print(smub.measure.i())", "-1.000230000000000e-06", -1.00023e-6),
        ("volts", "print(smub.measure.v())", "1.000120000000000e-01", 0.100012),
    ],
)
def test_a_value_is_one_print(tsp, name, sent, reply, value):
    with tsp(Keithley2636B, (sent, reply)) as smu:
        assert getattr(smu.smub, name) == value


@pytest.mark.parametrize("reply", ["9.910000000000000e+37", "nil", ""])
def test_a_reading_that_is_none_is_nan(tsp, reply):
    with tsp(Keithley2636B, ("print(smua.measure.i())", reply)) as smu:
        assert np.isnan(smu.smua.amperes)


@pytest.mark.parametrize(
    ("driver", "name", "value"),
    [
        (Keithley2602B, "level_volts", 40.5),
        (Keithley2612B, "level_volts", -202.1),
        (Keithley2602B, "limit_amperes", 3.1),
        (Keithley2612B, "limit_amperes", 1e-9),
        (Keithley2636B, "limit_amperes", 1.6),
        (Keithley2636B, "power_line_cycles", 26),
    ],
)
def test_what_a_model_cannot_do_is_refused_and_not_sent(tsp, driver, name, value):
    with tsp(driver) as smu, pytest.raises(ValueError, match="not in range"):
        setattr(smu.smua, name, value)


def test_the_channels_of_two_boxes_have_their_own_limits(tsp):
    with tsp(Keithley2602B) as small, tsp(Keithley2612B, ("smua.source.levelv = 150", ())) as large:
        large.smua.level_volts = 150
        with pytest.raises(ValueError, match="not in range"):
            small.smua.level_volts = 150


def test_facts_name_the_line_frequency_of_the_box(tsp):
    with tsp(Keithley2602B, ("print(localnode.linefreq)", "6.000000000000000e+01")) as smu:
        facts = smu.facts
        assert smu.facts is facts
    assert facts.aperture_seconds == (0.001 / 60, 25 / 60)
    assert (facts.highest_volts, facts.highest_amperes, facts.range_for(2e-6)) == (40.0, 3.0, 1e-5)


def test_a_limit_is_set_at_rest_and_read_back(tsp):
    with tsp(Keithley2636B, *limited("a", "")) as smu:
        smu.limit("a", 1e-3, 2.02)


@pytest.mark.parametrize(
    ("kept", "complaint"),
    [
        (KEPT.replace("1.000000000000000e-03", "1.000000000000000e-01"), "keeps a compliance of 0.1 A, not 0.001"),
        (KEPT.replace("2.000000000000000e+00", "2.000000000000000e+01"), "keeps a source range of"),
        (KEPT.replace("0.000000000000000e+00", "1.000000000000000e-02"), "keeps a level of"),
    ],
)
def test_a_limit_that_the_box_does_not_keep_is_an_error(tsp, kept, complaint):
    with tsp(Keithley2636B, (STATE, AT_REST), (LIMITING, (kept, TABLE_KEPT))) as smu:
        with pytest.raises(InstrumentError, match=complaint):
            smu.limit("a", 1e-3, 0.9)
        with pytest.raises(UsageError, match="needs a limit"):
            smu.switch_output("a", on=True)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value + 1) for name, value in TABLE.items() if name != "nvbuffer1.timestampresolution"]
)
def test_a_setting_that_the_box_does_not_keep_is_refused_by_name(tsp, name, value):
    """use/02 and its kind: what readings hang on is set, and refused where the box keeps something else."""
    others = "\t".join(f"{value if each == name else wanted:.15e}" for each, wanted in TABLE.items())
    with tsp(Keithley2636B, (STATE, AT_REST), (LIMITING, (KEPT, others))) as smu:
        with pytest.raises(InstrumentError, match=rf"{NAMED.get(name, f'smuX.{name}')} is {value:g}, not"):
            smu.limit("a", 1e-3, 0.9)
        with pytest.raises(UsageError, match="needs a limit"):
            smu.switch_output("a", on=True)


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ("1.0e+00\t0.0e+00\t5.0e-01", "is at 0.5 V"),
        ("0.0e+00\t1.0e+00\t0.0e+00", "sources a current with its output on"),
    ],
)
def test_a_limit_is_not_set_under_voltage(tsp, state, complaint):
    with tsp(Keithley2636B, (STATE, state)) as smu, pytest.raises(InstrumentError, match=complaint):
        smu.limit("a", 1e-3, 0.9)


@pytest.mark.parametrize(("amperes", "volts"), [(4.0, 1.0), (1e-12, 1.0), (1e-3, 203.0), (1e-3, float("nan"))])
def test_a_limit_that_the_model_lacks_is_refused_and_not_sent(tsp, amperes, volts):
    with tsp(Keithley2636B) as smu, pytest.raises(CannotDo):
        smu.limit("a", amperes, volts)


def test_an_output_goes_on_only_with_its_limit_and_is_asked(tsp):
    on = (
        "if smua.source.levelv == 0 and math.abs(smua.source.limiti / 0.001 - 1) < 1e-6 then smua.source.output = 1 end",
        "print(smua.source.output, smua.source.levelv, smua.source.limiti)",
    )
    off = ("smua.source.levelv = 0 smua.source.output = 0", on[1])
    with tsp(
        Keithley2636B, *limited("a", ""), (OWN_NAMES, OWN_NAMES_KEPT),
        (on, "1.0e+00\t0.0e+00\t1.0e-03"), (OWN_FUNCTIONS, OWN_ANSWERS),
        (off, "0.0e+00\t0.0e+00\t1.0e-03"), (on, "0.0e+00\t0.0e+00\t1.0e-01"),
    ) as smu:  # fmt: skip
        limit(smu, "a")
        smu.switch_output("a", on=True)
        smu.switch_output("a", on=False)
        with pytest.raises(InstrumentError, match="did not go on"):
            smu.switch_output("a", on=True)


@pytest.mark.parametrize(
    ("place", "answer", "name"),
    [
        (0, "0.0e+00", "delay or timer"), (1, "nil", "waitcomplete"), (2, "0.0e+00", "printbuffer"),
        (2, "none", "print or printbuffer"),
    ],
)  # fmt: skip
def test_a_function_that_a_script_has_redefined_is_refused(tsp, place, answer, name):
    on = (
        "if smua.source.levelv == 0 and math.abs(smua.source.limiti / 0.001 - 1) < 1e-6 then smua.source.output = 1 end",
        "print(smua.source.output, smua.source.levelv, smua.source.limiti)",
    )
    answers = [answer if number == place else each for number, each in enumerate(OWN_ANSWERS)]
    turns = (OWN_NAMES, OWN_NAMES_KEPT), (on, "1.0e+00\t0.0e+00\t1.0e-03"), (OWN_FUNCTIONS, answers)
    with tsp(Keithley2636B, *limited("a", ""), *turns) as smu:
        limit(smu, "a")
        with pytest.raises(InstrumentError, match=f"has a {name} that a script has redefined"):
            smu.switch_output("a", on=True)


def test_no_output_goes_on_while_a_name_is_redefined(tsp):
    test = next(line for line in OWN_NAMES if line.startswith("local kept2 = localnode.smub.source.delay"))
    place = 1 + OWN_NAMES[: OWN_NAMES.index(test)].count("*ESR?")
    answers = [*OWN_NAMES_KEPT[:place], "16", *OWN_NAMES_KEPT[place + 1 :]]
    with tsp(Keithley2636B, *limited("a", ""), (OWN_NAMES, answers)) as smu:
        limit(smu, "a")
        for do in (lambda: smu.switch_output("a", on=True), lambda: smu.level({"a": 0.0})):
            with pytest.raises(InstrumentError, match="has a smub that a script has redefined"):
                do()


def test_outputs_are_asked_in_one_message(tsp):
    with tsp(Keithley2636B, ("print(smua.source.output, smub.source.output)", "1.0e+00\t2.0e+00")) as smu:
        assert smu.outputs() == {"a": True, "b": False}


@pytest.mark.parametrize("reply", [(), ("1.0e+00",), ("1.0e+00\tTSP>",), ("1.0e+00\t1.0e+00",) * 2])
def test_a_senseless_state_is_an_error_of_the_instrument(tsp, reply):
    asked = "print(smua.source.output, smub.source.output)"
    with tsp(Keithley2636B, (asked, reply)) as smu, pytest.raises(InstrumentError):
        smu.outputs()


def test_a_limit_that_comes_back_as_nothing_is_an_error(tsp):
    kept = KEPT.replace("1.000000000000000e-03", "nil")
    with (
        tsp(Keithley2636B, (STATE, AT_REST), (LIMITING, (kept, TABLE_KEPT))) as smu,
        pytest.raises(AnswerLost, match="3 numbers"),
    ):
        smu.limit("a", 1e-3, 0.9)


def test_levels_go_in_one_message_without_loss(tsp):
    sent = "smua.source.levelv = 0.123456789012345 smub.source.levelv = -1e-07"
    with tsp(Keithley2636B, *limited("a", "b"), (sent, ())) as smu:
        limit(smu, "a", "b")
        smu.level({"a": 0.123456789012345, "b": -1e-7})


@pytest.mark.parametrize("volts", [0.91, -0.91, float("nan"), float("inf")])
def test_a_level_beyond_what_the_limit_was_told_is_refused_and_not_sent(tsp, volts):
    shots = Shots(("a",), np.array([[0.1], [volts]]), ("a",), 0.0, 0.02, None)
    with tsp(Keithley2636B, *limited("a", "")) as smu:
        limit(smu, "a")
        with pytest.raises(LimitExceeded):
            smu.level({"a": volts})
        with pytest.raises(LimitExceeded):
            smu.run_shots(shots)
        with pytest.raises(LimitExceeded):
            smu.run_pulses(Pulses(("a",), shots.volts, 1e-3))


def test_an_unknown_channel_is_refused(tsp):
    with tsp(Keithley2636B) as smu, pytest.raises(UsageError, match="no channel 'c'; it has a and b"):
        smu.limit("c", 1e-3, 1.0)


METER = (
    "{smu}.measure.count = 1 {smu}.measure.interval = 0 {smu}.measure.delay = 0 {smu}.measure.filter.enable = 0"
    " {smu}.measure.rel.enablei = 0"
)
BUFFER = "{smu}.nvbuffer1.clear() {smu}.nvbuffer1.appendmode = 1 {smu}.nvbuffer1.collecttimestamps = 1"


def meter(smu, ranging, cycles="1.0", zeroing=1):
    return (
        f"{smu}.measure.analogfilter = 0",
        METER.format(smu=smu),
        f"{smu}.measure.nplc = {cycles}",
        ranging,
        f"{smu}.measure.autozero = {zeroing}",
        BUFFER.format(smu=smu),
    )


OWN_NAMES, OWN_NAMES_KEPT = own_names(Keithley2636B.__new__(Keithley2636B))
OWN_FUNCTIONS = (
    "timer.reset() delay(0.002) print(timer.measure.t())",
    *meter("smua", "smua.measure.autorangei = 0 smua.measure.rangei = 0.001", "0.001", 0)[1:],
    "smua.measure.overlappedi(smua.nvbuffer1) waitcomplete() print(smua.nvbuffer1.n)",
    "printbuffer(1, 1, smua.nvbuffer1.measureranges)",
    "print(smua.nvbuffer1.measureranges[1])",
)
OWN_ANSWERS = ("2.001e-03", "1.0e+00", "1.0e-03", "1.0e-03")
FIXED = "smua.measure.autorangei = 0 smua.measure.rangei = 0.0001"
AUTOMATIC = "smub.measure.lowrangei = 1e-07 smub.measure.autorangei = 1"


def test_reading_is_one_script(tsp):
    script = (
        "loadandrunscript",
        *meter("smub", AUTOMATIC, "0.5"),
        "smub.measure.i(smub.nvbuffer1)",
        "print(0)",
        "printbuffer(1, 1, smub.nvbuffer1.readings)",
        "printbuffer(1, 1, smub.nvbuffer1.statuses)",
        "printbuffer(1, 1, smub.nvbuffer1.measureranges)",
        "endscript",
    )
    with tsp(Keithley2636B, FREQUENCY, (script, ("0", "-2.0e-06", "6.40e+01", "1.0e-05"))) as smu:
        reading = smu.read_currents(("b",), 0.01, None)
    assert (reading.amperes.tolist(), reading.range_amperes.tolist()) == ([[-2e-6]], [[1e-5]])
    assert (reading.flags.tolist(), reading.start_seconds.tolist()) == ([[Flag.COMPLIANCE]], [0.0])


def reading_script(smu, cycles="1.0", zeroing=1):
    return (
        "loadandrunscript",
        *meter(smu, AUTOMATIC.replace("smub", smu), cycles, zeroing),
        f"{smu}.measure.i({smu}.nvbuffer1)",
        "print(0)",
        *(f"printbuffer(1, 1, {smu}.nvbuffer1.{each})" for each in ("readings", "statuses", "measureranges")),
        "endscript",
    )


def test_a_meter_is_zeroed_for_a_new_aperture_after_ten_minutes_after_an_error_and_when_armed_anew(tsp, monkeypatch):
    at = [0.0]
    monkeypatch.setattr(autozero.time, "monotonic", lambda: 1e6 + at[0])
    value = ("0", "1.0e-06", "0.0e+00", "1.0e-05")
    off = (
        "smub.source.levelv = 0 smub.source.output = 0",
        "print(smub.source.output, smub.source.levelv, smub.source.limiti)",
    )
    first, later = reading_script("smub"), reading_script("smub", zeroing=0)
    with tsp(
        Keithley2636B, FREQUENCY, (first, value), (later, value), (reading_script("smua"), value),
        (reading_script("smub", "0.5"), value), (first, value), (first, ()), ECHO, (first, value), (later, value),
        (off, "0.0e+00\t0.0e+00\t1.0e-03"), (first, value),
    ) as smu:  # fmt: skip
        smu.read_currents(("b",), 0.02, None)
        at[0] = 599.0
        smu.read_currents(("b",), 0.02, None)
        smu.read_currents(("a",), 0.02, None)
        smu.read_currents(("b",), 0.01, None)
        smu.read_currents(("b",), 0.02, None)
        at[0] = 1199.0
        with pytest.raises(InstrumentError):
            smu.read_currents(("b",), 0.02, None)
        smu.read_currents(("b",), 0.02, None)
        smu.read_currents(("b",), 0.02, None)
        smu.switch_output("b", on=False)
        smu.read_currents(("b",), 0.02, None)


SHOTS = Shots(("a", "b"), np.array([[0.1, 0.0], [-0.1, 0.2]]), ("a",), 0.001, 0.02, 60e-6)
SHOTS_SCRIPT = (
    "loadandrunscript",
    "local va = {", "0.1,-0.1,", "}",
    "local vb = {", "0.0,0.2,", "}",
    "local start, limited = {}, {}",
    'if smua.source.output ~= 1 or smub.source.output ~= 1 then error("an output is off") end',
    "timer.reset()",
    *meter("smua", FIXED),
    "for k = 1, 2 do",
    "smua.source.levelv = va[k]",
    "smub.source.levelv = vb[k]",
    "delay(0.001)",
    "if errorqueue.count > 0 then break end",
    "start[k] = timer.measure.t()",
    "smua.measure.i(smua.nvbuffer1)",
    "limited[k] = (smub.source.compliance and 1 or 0)",
    "end",
    "smua.source.levelv = 0",
    "smub.source.levelv = 0",
    'print(table.concat(start, ","))',
    'print(table.concat(limited, ","))',
    "printbuffer(1, 2, smua.nvbuffer1.readings)",
    "printbuffer(1, 2, smua.nvbuffer1.statuses)",
    "printbuffer(1, 2, smua.nvbuffer1.measureranges)",
    "endscript",
)  # fmt: skip


def test_a_sequence_is_one_script_and_one_answer(tsp):
    printed = ("0.00101,0.02205", "0,0", "1.0e-05, 9.91e+37", "0.0e+00, 4.0e+00", "1.0e-04, 1.0e-04")
    with tsp(Keithley2636B, *limited("a", "b"), FREQUENCY, (SHOTS_SCRIPT, printed)) as smu:
        limit(smu, "a", "b")
        found = smu.run_shots(SHOTS)
    np.testing.assert_array_equal(found.amperes, [[1e-5], [np.nan]])
    assert found.flags.tolist() == [[0], [Flag.OVERFLOW | Flag.INVALID]]
    assert found.start_seconds.tolist() == [0.00101, 0.02205]
    assert found.range_amperes.tolist() == [[1e-4], [1e-4]]


ZEROED = ("smua.abort()", "smub.abort()", "smua.source.levelv = 0", "smub.source.levelv = 0")


@pytest.mark.parametrize(
    "printed",
    [("0.001", "0", "1.0e-05", "0.0e+00", "1.0e-04"), ("0.001,0.02", "0,0", "1.0e-05, 1,0"), (), ("TSP>",) * 5],
)
def test_an_incomplete_answer_is_an_error_and_the_levels_go_to_zero(tsp, printed):
    with tsp(
        Keithley2636B, *limited("a", "b"), FREQUENCY, (SHOTS_SCRIPT, printed), ECHO, *KEEPING, (ZEROED, ())
    ) as smu:
        limit(smu, "a", "b")
        with pytest.raises(InstrumentError):
            smu.run_shots(SHOTS)


def test_an_error_of_the_box_in_a_sequence_is_raised_and_the_levels_go_to_zero(tsp):
    entry = "5.007e+03\tOperation would exceed safe operating area\t2.0e+01\t1.0e+00"
    with tsp(
        Keithley2636B, *limited("a", "b"), FREQUENCY, (SHOTS_SCRIPT, ("0.001", "1.0e-05"), [entry]), (ZEROED, ())
    ) as smu:
        limit(smu, "a", "b")
        with pytest.raises(InstrumentError, match="error 5007"):
            smu.run_shots(SHOTS)


@pytest.mark.parametrize("seconds", [1e-6, 0.6])
def test_an_aperture_outside_its_limits_is_refused(tsp, seconds):
    with tsp(Keithley2636B, FREQUENCY) as smu, pytest.raises(CannotDo, match=r"is not within 2e-05 to 0.5 s"):
        smu.read_currents(("a",), seconds, None)


def test_a_current_that_no_range_holds_is_refused(tsp):
    with tsp(Keithley2636B, FREQUENCY) as smu, pytest.raises(CannotDo, match="no current range holds 2 A"):
        smu.read_currents(("a",), 0.02, 2.0)


def pulsed(smu):
    return (
        f"{smu}.measure.nplc = 0.001",
        f"{smu}.measure.autozero = 0",
        METER.format(smu=smu),
        f"{smu}.measure.autorangei = 0 {smu}.measure.rangei = 0.001",
        BUFFER.format(smu=smu),
        f"{smu}.measure.i()",
        f"{smu}.trigger.source.listv(v{smu[-1]})",
        f"{smu}.trigger.measure.i({smu}.nvbuffer1)",
        f"{smu}.trigger.source.limiti = {smu}.source.limiti",
        f"{smu}.trigger.source.action = 1",
        f"{smu}.trigger.measure.action = 1",
        f"{smu}.trigger.arm.count = 1",
        f"{smu}.trigger.count = 2",
        f"{smu}.trigger.arm.stimulus = 0",
        f"{smu}.trigger.measure.stimulus = trigger.timer[3].EVENT_ID",
        f"{smu}.trigger.source.stimulus = trigger.timer[1].EVENT_ID",
        f"{smu}.trigger.endpulse.action = 0",
        f"{smu}.trigger.endpulse.stimulus = trigger.timer[2].EVENT_ID",
        f"{smu}.trigger.endsweep.action = 0",
    )


PULSES = Pulses(("a", "b"), np.array([[0.6, -0.2], [-0.6, 0.2]]), 1e-3)
PULSES_SCRIPT = (
    "loadandrunscript",
    "local va = {", "0.6,-0.6,", "}",
    "local vb = {", "-0.2,0.2,", "}",
    'if smua.source.output ~= 1 or smub.source.output ~= 1 then error("an output is off") end',
    "smua.source.levelv = 0",
    "smub.source.levelv = 0",
    *pulsed("smua"), *pulsed("smub"),
    "trigger.timer[1].delay = 0.0012",
    "trigger.timer[1].count = 1 trigger.timer[1].passthrough = true",
    "trigger.timer[1].stimulus = smub.trigger.ARMED_EVENT_ID",
    "trigger.timer[2].delay = 0.001 trigger.timer[2].count = 1 trigger.timer[2].passthrough = false",
    "trigger.timer[2].stimulus = trigger.timer[1].EVENT_ID",
    "trigger.timer[3].delay = 0.00093 trigger.timer[3].count = 1 trigger.timer[3].passthrough = false",
    "trigger.timer[3].stimulus = trigger.timer[1].EVENT_ID",
    "if errorqueue.count == 0 then",
    "smua.trigger.initiate()",
    "smub.trigger.initiate()",
    "waitcomplete()",
    "end",
    "smua.source.levelv = 0",
    "smub.source.levelv = 0",
    "printbuffer(1, 2, smua.nvbuffer1.statuses)",
    "printbuffer(1, 2, smub.nvbuffer1.statuses)",
    "printbuffer(1, 2, smua.nvbuffer1.timestamps)",
    "endscript",
)  # fmt: skip


def test_pulses_are_one_script_for_the_trigger_model(tsp):
    printed = ("0.0e+00, 6.4e+01", "0.0e+00, 0.0e+00", "0.0e+00, 1.2e-03")
    with tsp(Keithley2636B, *limited("a", "b"), FREQUENCY, (PULSES_SCRIPT, printed)) as smu:
        limit(smu, "a", "b")
        found = smu.run_pulses(PULSES)
    assert found.flags.tolist() == [[0, 0], [Flag.COMPLIANCE, 0]]
    assert found.step_seconds.tolist() == [[1e-3], [1e-3]]
    assert found.step_volts.tolist() == [[[0.6, -0.2]], [[-0.6, 0.2]]]
    assert found.start_seconds.tolist() == [0.0, 1.2e-3]


@pytest.mark.parametrize("second", ["5.0e-05", "2.4e-03"])
def test_pulses_that_came_at_another_time_are_not_believed(tsp, second):
    printed = ("0.0e+00, 0.0e+00", "0.0e+00, 0.0e+00", f"0.0e+00, {second}")
    with tsp(Keithley2636B, *limited("a", "b"), FREQUENCY, (PULSES_SCRIPT, printed), (ZEROED, ())) as smu:
        limit(smu, "a", "b")
        with pytest.raises(InstrumentError, match="did not keep the time of its pulses"):
            smu.run_pulses(PULSES)


def test_a_pulse_that_is_too_short_is_refused_with_the_shortest(tsp):
    with tsp(Keithley2636B, *limited("a", "")) as smu:
        limit(smu, "a")
        with pytest.raises(CannotDo, match=r"5e-05 s is too short; its shortest is 0.0001 s"):
            smu.run_pulses(Pulses(("a",), np.array([[0.5]]), 50e-6))


OWN = ("localnode.smua", "localnode.smub")
STEPS = (
    "abort()", "source.levelv = 0", "source.leveli = 0", "source.output = 0", "source.offmode = 0", "source.offfunc = 1",
    "source.offlimiti = 0.001", "source.offlimitv = 40",
)  # fmt: skip
SAFE = (
    *(f"{smu}.{step}" for step in STEPS for smu in OWN),
    *(
        "print(status.operation.sweeping.condition, {0}.levelv, {0}.leveli, {0}.output, {0}.offmode, {0}.offfunc, "
        "{0}.offlimiti, {0}.offlimitv)".format(f"{smu}.source")
        for smu in OWN
    ),
    *OWN_NAMES,
)
AT_REST_AND_OFF = "\t".join(["0.0e+00"] * 5 + ["1.0e+00", "1.0e-03", "4.0e+01"])


def abort(number):
    return (f'abort\nprint("={number}", errorqueue.count, format.asciiprecision)', None)


def answered(lines, number, *printed):
    message = "\n".join([*lines, f'print("={number}", errorqueue.count, format.asciiprecision)'])
    first, *rest = [*printed, f"={number}\t0.0e+00\t1.6e+01"]
    return [(message, first), *((None, line) for line in rest)]


def test_safe_is_zero_then_off_in_one_message_and_asked(tsp):
    raw = [abort(2), *answered(SAFE, 3, AT_REST_AND_OFF, AT_REST_AND_OFF, *OWN_NAMES_KEPT)]
    with tsp(Keithley2636B, ((), ()), raw=raw) as smu:
        smu.check_errors()
        smu.make_safe()


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (3, "1.0e+00", "channel b: smuX.source.output is 1, not 0"),
        (0, "4.0e+00", "a sweep still runs"),
        (5, "0.0e+00", "smuX.source.offfunc is 0, not 1"),
    ],
)
def test_what_make_safe_does_not_reach_is_said(tsp, place, value, said):
    changed = "\t".join(value if number == place else each for number, each in enumerate(AT_REST_AND_OFF.split("\t")))
    raw = [abort(2), *answered(SAFE, 3, AT_REST_AND_OFF, changed, *OWN_NAMES_KEPT)]
    with tsp(Keithley2636B, ((), ()), raw=raw) as smu:
        smu.check_errors()
        with pytest.raises(InstrumentError, match=f"does not go to 0 V and off: .*{said}"):
            smu.make_safe()


def test_a_box_whose_names_are_not_its_own_is_reset_and_not_called_safe(tsp):
    """`*RST` is the last that is sent, and what it answers makes nothing safe."""
    answers = [AT_REST_AND_OFF, AT_REST_AND_OFF, *OWN_NAMES_KEPT[:2], "0", *OWN_NAMES_KEPT[3:]]
    raw = [abort(2), *answered(SAFE, 3, *answers), *answered(["*IDN?"], 4, IDENTITY), *answered(["*RST"], 5)]
    with tsp(Keithley2636B, ("*IDN?", IDENTITY), raw=raw) as smu:
        smu.identify()
        with pytest.raises(
            InstrumentError, match=r"not sure: it has a localnode.smua that a script .*outputs may be on"
        ):
            smu.make_safe()


# ---- the scripts on a Lua that nobody here wrote ----

BOX = """
trace, clock = {}, 0
local function note(text) table.insert(trace, text) end
local function channel(name)
  local levels = {}
  local source = setmetatable({output = 1}, {
    __newindex = function(_, key, value) note(name .. "." .. key .. "=" .. value); levels[key] = value end,
    __index = function(_, key) return levels[key] end,
  })
  local buffer = {clear = function() end, readings = {}, statuses = {}, measureranges = {}}
  local measure = setmetatable({filter = {}, rel = {}}, {})
  measure.i = function(target) table.insert(target.readings, levels.levelv / 1e4); note(name .. " reads") end
  measure.overlappedi = measure.i
  return {source = source, measure = measure, nvbuffer1 = buffer}
end
smua, smub = channel("a"), channel("b")
errorqueue = {count = 0}
timer = {reset = function() end, measure = {t = function() return clock end}}
function delay(seconds) clock = clock + seconds; if stumble then errorqueue.count = 1 end end
function waitcomplete() note("waits") end
function printbuffer(first, last, values) printed = values end
lines = {}
function print(text) table.insert(lines, text) end
"""


def run(lines, *, stumble=False):
    lua = lua51.LuaRuntime()
    lua.execute(BOX)
    lua.globals().stumble = stumble
    lua.execute("\n".join(lines))
    return lua.globals()


def test_the_script_of_a_sequence_sets_waits_reads_and_returns_to_zero():
    shots = Shots(("a", "b"), np.array([[0.5, 0.0], [-0.25, 0.125]]), ("a", "b"), 0.002, 0.02, None)
    box = run(scripts.shots(shots, []))
    assert list(box.trace.values()) == [
        "a.levelv=0.5", "b.levelv=0", "a reads", "b reads", "waits",
        "a.levelv=-0.25", "b.levelv=0.125", "a reads", "b reads", "waits",
        "a.levelv=0", "b.levelv=0",
    ]  # fmt: skip
    assert list(box.lines.values()) == ["0.002,0.004", "0,0"]


def test_the_script_of_a_sequence_ends_at_the_first_error_with_levels_at_zero():
    shots = Shots(("a",), np.full((100, 1), 0.5), ("a",), 0.002, 0.02, None)
    box = run(scripts.shots(shots, []), stumble=True)
    assert list(box.trace.values()) == ["a.levelv=0.5", "a.levelv=0"]


def test_the_script_does_nothing_with_an_output_that_is_off():
    shots = Shots(("a", "b"), np.full((2, 2), 0.5), ("a",), 0.0, 0.02, None)
    with pytest.raises(lua51.LuaError, match="an output is off"):
        run(['rawset(smub.source, "output", 0)', *scripts.shots(shots, [])])


def test_a_source_that_is_not_read_but_holds_its_limit_is_printed_with_the_shot():
    shots = Shots(("a", "b"), np.array([[0.5, 0.0], [0.2, 0.0]]), ("b",), 0.002, 0.02, None)
    box = run(["rawset(smua.source, 'compliance', true)", *scripts.shots(shots, [])])
    assert list(box.lines.values())[1] == "1,1"


def test_a_reading_of_a_driven_line_tells_of_the_limit_of_its_source(tsp):
    printed = ("0.00101,0.02205", "0,1", "1.0e-05, 1.0e-05", "0.0e+00, 0.0e+00", "1.0e-04, 1.0e-04")
    with tsp(Keithley2636B, *limited("a", "b"), FREQUENCY, (SHOTS_SCRIPT, printed)) as smu:
        limit(smu, "a", "b")
        assert smu.run_shots(SHOTS).flags.tolist() == [[0], [Flag.COMPLIANCE]]


@pytest.mark.parametrize("text", ["#", "%", "..."])
def test_scripts_keep_to_the_lua_of_the_boxes(text):
    shots = Shots(("a", "b"), np.zeros((2, 2)), ("a", "b"), 0.0, 0.02, None)
    lines = scripts.shots(shots, scripts.meter("a", 1.0, None, 1e-7, zeroing=True))
    lines += scripts.pulses(Pulses(("a", "b"), np.zeros((2, 2)), 1e-3), [1e-3, 1e-3], 50.0)
    assert not [line for line in lines if text in line]


def test_long_sequences_take_several_scripts_and_keep_their_order(monkeypatch):
    monkeypatch.setattr("instruments.keithley2600.LONGEST_SEQUENCE", 2)
    smu = Keithley2636B.__new__(Keithley2636B)
    smu._aborts, smu.name = 0, "smu"
    parts = smu._in_pieces(("a",), 5, lambda part: part)
    assert [(part.start, part.stop) for part in parts] == [(0, 2), (2, 4), (4, 6)]
