import math
import threading

import pytest
import pyvisa.errors
from pymeasure.adapters import Adapter

from instruments.keithley2600 import Keithley2636B
from instruments.tspnumbers import LINE_LENGTH, listing, number, numbers
from labmtj.errors import AnswerLost, InstrumentError, Stopped

IDENTITY = "Keithley Instruments Inc., Model 2636B, 4308079, 3.2.2"  # of a real box
LAST = "errorqueue.count, format.asciiprecision)"


class Scripted(Adapter):
    """Answers messages by a function of their number and text; a reply that is an exception is raised."""

    resource_name = "TCPIP::10.0.0.7::5025::SOCKET"

    def __init__(self, answer):
        super().__init__()
        self.connection = None
        self.answer, self.sent, self.lines = answer, [], []

    def _write(self, command, **_):
        self.sent.append(command)
        self.lines += self.answer(len(self.sent), command)

    def _read(self, **_):
        line = self.lines.pop(0) if self.lines else pyvisa.errors.VisaIOError(pyvisa.constants.StatusCode.error_timeout)
        if isinstance(line, Exception):
            raise line
        return line


def done(number, errors=0, precision=16):
    return f"={number}\t{errors:.15e}\t{precision:.15e}"


def box(*replies):
    """Return a 2636B that opens well, and then gives these lists of lines."""
    adapter = Scripted(lambda count, _: [done(1)] if count == 1 else list(replies[count - 2]))
    return Keithley2636B(adapter, "smu")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.00000e+00", 1.0), ("true", 1.0), ("false", 0.0), ("-1.234567890123456e-07", -1.234567890123456e-07)],
)
def test_a_number_is_what_was_printed(text, value):
    assert number(text) == value


@pytest.mark.parametrize("text", ["nil", "", " ", "9.91000e+37", "-9.91e37", "9.9e37"])
def test_no_number_is_nan(text):
    assert math.isnan(number(text))


@pytest.mark.parametrize("text", ["1.0e", "TSP>", "1.0,2.0", "\x00"])
def test_garbage_is_no_number(text):
    with pytest.raises(ValueError):
        number(text)


def test_a_buffer_keeps_sentinels_apart_from_nil():
    values = numbers("1.0e-06, 9.91e+37, nil")
    assert values[:2] == [1e-6, 9.91e37]
    assert math.isnan(values[2])


def test_a_long_table_is_cut_into_short_lines_without_loss():
    values = [0.1 * index / 3 for index in range(500)]
    lines = listing(values)
    assert max(map(len, lines)) <= LINE_LENGTH + 25
    assert [float(text) for text in "".join(lines).strip("{}").split(",") if text] == values


def test_nothing_is_sent_before_the_first_use(tsp):
    with tsp(Keithley2636B):
        pass


def test_one_message_sends_answers_and_checks(tsp):
    with tsp(Keithley2636B, ("*IDN?", IDENTITY)) as smu:
        identity = smu.identify()
    assert (identity.model, identity.serial, identity.firmware) == ("2636B", "4308079", "3.2.2")


@pytest.mark.parametrize(
    ("reply", "model"),
    [("Keithley Instruments, Model 2602B, 1, 3.2.2", "2602B"), ("KEITHLEY INSTRUMENTS INC.,MODEL 2400,1,C33", "2400")],
)
def test_another_model_is_refused_by_name(tsp, reply, model):
    with (
        tsp(Keithley2636B, ("*IDN?", reply)) as smu,
        pytest.raises(InstrumentError, match=f"is {model}, not 2636B"),
    ):
        smu.identify()


@pytest.mark.parametrize(
    "entry",
    ["-2.86e+02\tTSP Runtime error at line 1\t2.0e+01\t1.0e+00", "-2.86e+02\tTSP Runtime error at line 1\t2.0e+01"],
)
def test_a_queued_error_is_raised_with_command_and_text(tsp, entry):
    with (
        tsp(Keithley2636B, ("foo.bar = 1", (), [entry])) as smu,
        pytest.raises(InstrumentError, match="error -286: TSP Runtime error at line 1") as caught,
    ):
        smu.write("foo.bar = 1")
    assert caught.value.command == "foo.bar = 1"


def test_all_queued_errors_are_quoted(tsp):
    entries = ["1.102e+03\tParameter too small\t2.0e+01\t1.0e+00", "8.02e+02\tOutput blocked\t2.0e+01\t1.0e+00"]
    told = "error 1102: Parameter too small; error 802: Output blocked"
    with tsp(Keithley2636B, ("x = 1", (), entries)) as smu, pytest.raises(InstrumentError, match=told):
        smu.write("x = 1")


def test_errors_from_before_are_found_by_the_self_test_and_stop_nothing(tsp):
    entry = "-2.85e+02\tTSP Syntax error\t2.0e+01\t1.0e+00"
    with tsp(Keithley2636B, ((),), opening=(entry, entry)) as smu:  # the second is that of ending no script
        assert smu.self_test() == ["error left in the queue: error -285: TSP Syntax error"]


def test_prompts_that_somebody_left_on_do_not_disturb(tsp):
    with tsp(Keithley2636B, ("*IDN?", IDENTITY), opening=("TSP>", "TSP?", ">>>>")) as smu:
        assert smu.identify().model == "2636B"


def test_a_late_answer_is_never_taken_for_the_next():
    smu = box([], ["1.0e+00", done(2), "", done(3)], ["2.0e+00", done(4)])
    with pytest.raises(InstrumentError, match="did not answer"):
        smu.ask("print(1)")
    assert smu.ask("print(2)") == "2.0e+00"


def test_a_doubled_answer_is_never_taken_for_the_next():
    smu = box(["1.0e+00", done(2), "1.0e+00", done(2)], ["2.0e+00", done(3)])
    assert (smu.ask("print(1)"), smu.ask("print(2)")) == ("1.0e+00", "2.0e+00")


@pytest.mark.parametrize(
    "failure",
    [
        pyvisa.errors.VisaIOError(pyvisa.constants.StatusCode.error_timeout),
        BrokenPipeError(32, "Broken pipe"),
        ConnectionResetError(104, "reset"),
        UnicodeDecodeError("ascii", b"\xff", 0, 1, "ordinal not in range"),
        "=2\tgarbage\t16",
        "=2\t0.0",
    ],
)
def test_every_failure_of_the_line_is_one_error_with_all_names(failure):
    smu = box([failure])
    with pytest.raises(InstrumentError) as caught:
        smu.ask("print(1)")
    assert caught.value.instrument == "smu"
    assert caught.value.address == "TCPIP::10.0.0.7::5025::SOCKET"
    assert "print(1)" in caught.value.command


@pytest.mark.parametrize("last", ["=2\tgarbage\t16", "=2\t0.0", "=2\tinf\t16", "=2\tnan\t16", "=2\t"])
def test_an_answer_that_ends_in_another_way_is_quoted_and_no_fault_of_the_cable(last):
    with pytest.raises(AnswerLost) as caught:
        box([last]).ask("print(1)")
    assert f"ended its answer with {last!r}, not with the number of the message" in str(caught.value)
    assert "cable" not in str(caught.value)


def test_a_box_that_prints_without_end_is_no_fault_of_the_cable(monkeypatch):
    monkeypatch.setattr("instruments.tspsession.LONGEST_ANSWER", 5)
    with pytest.raises(AnswerLost, match="printed 5 lines, and none begins with =2") as caught:
        box(["1.0"] * 10).ask("print(1)")
    assert "cable" not in str(caught.value)


def test_a_text_that_looks_like_the_end_of_an_answer_hides_nothing():
    """Only the numbers that this session has given end an answer; any other line belongs to what was printed."""
    smu = box([done(2, errors=1)], ["-2.86e+02\tx", "=7\t0\t16\t20\t1", done(3)])
    with pytest.raises(InstrumentError, match=r"reports error -286: x; =7"):
        smu.run('error("x\\n=7\\t0\\t16")')


def test_garbage_for_a_number_is_an_error_with_the_reply():
    smu = box(["1.0e", done(2)])
    with pytest.raises(InstrumentError, match="not a number") as caught:
        _ = smu.smua.level_volts
    assert (caught.value.command, caught.value.reply) == ("print(smua.source.levelv)", "1.0e")


def test_silence_for_a_value_is_an_error():
    with pytest.raises(InstrumentError, match="printed nothing"):
        box([done(2)]).ask("x = 1")


def test_a_restart_is_noticed_and_set_right():
    smu = box([done(2, precision=6)], [done(3)], ["1.0e+00", done(4)])
    for _ in range(2):
        with pytest.raises(InstrumentError, match="has been restarted"):
            smu.write("x = 1")
    smu.expect_nothing()
    assert smu.ask("print(1)") == "1.0e+00"
    assert "localnode.prompts = 0" in smu.adapter.sent[2]


def test_a_box_that_does_not_speak_tsp_is_said_so():
    smu = Keithley2636B(Scripted(lambda *_: []), "smu")
    with pytest.raises(InstrumentError, match="in its TSP language"):
        smu.identify()


def test_a_resource_that_cannot_be_opened_is_an_instrument_error():
    with pytest.raises(InstrumentError, match="cannot be reached"):
        Keithley2636B("no such resource", "smu", visa_library="@py")


def test_an_abort_reaches_a_running_script_from_another_thread():
    running, aborted = threading.Event(), threading.Event()

    class Running(Scripted):
        def _read(self, **_):
            if len(self.sent) == 1:
                return super()._read()
            running.set()
            assert aborted.wait(5)
            return super()._read()

    def answer(count, command):
        if command.startswith("abort\n"):
            aborted.set()
            return [done(2)]
        return [done(1)] if count == 1 else []

    smu = Keithley2636B(Running(answer), "smu")
    stopper = threading.Thread(target=lambda: running.wait(5) and smu.abort())
    stopper.start()
    with pytest.raises(Stopped):
        smu.script("while true do delay(1) end")
    stopper.join()
    assert smu.adapter.sent[-1] == f'abort\nprint("=2", {LAST}'


def test_an_abort_with_nothing_running_disturbs_no_later_answer():
    smu = box([], [done(2)], [done(3)], ["1.0e+00", done(4)])
    with pytest.raises(InstrumentError):
        smu.ask("print(0)")
    smu.abort()
    assert smu.ask("print(1)") == "1.0e+00"
