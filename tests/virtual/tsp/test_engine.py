from collections.abc import Callable

import pytest

from instruments.virtual.keithley707 import Keithley708B


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("print(1)", "1.00000e+00"),
        ("print(-0.1, true, nil, 'text')", "-1.00000e-01\ttrue\tnil\ttext"),
        ("print()", ""),
        ("x = 1 + 1", None),
        ("print(undefined)", "nil"),
        ("for i = 1, 2 do print(i) end", "1.00000e+00\n2.00000e+00"),
        ("format.asciiprecision = 16 print(0.1)", "1.000000000000000e-01"),
        ("printnumber(1, 2.5)", "1.00000e+00, 2.50000e+00"),
        ("format.data = format.REAL32 printnumber(1, -2)", "#0\x00\x00\x80?\x00\x00\x00\xc0"),
        ("format.data = format.REAL64 format.byteorder = format.BIGENDIAN printnumber(1)", "#0?\xf0\0\0\0\0\0\0"),
        ("print(localnode.model, localnode.linefreq)", "708B\t5.00000e+01"),
        ("*IDN?", "Keithley Instruments Inc., Model 708B, 04349716, 1.03"),
        ("*idn?", "Keithley Instruments Inc., Model 708B, 04349716, 1.03"),
        ("*OPC?", "1"),
        ("*TST?", "0"),
        ("print(errorqueue.count)", "0.00000e+00"),
        ("print(errorqueue.next())", "0.00000e+00\tQueue Is Empty\t0.00000e+00\t1.00000e+00"),
        ("f = makegetter(format, 'data') print(f())", "1.00000e+00"),
        ("local s = makesetter(format, 'data') s(2) print(format.data)", "2.00000e+00"),
        ("abort", None),
    ],
)
def test_a_message_is_a_chunk_of_lua(tsp: Keithley708B, message: str, reply: str | None) -> None:
    assert tsp.handle(message) == reply
    assert tsp.handle("print(errorqueue.count)") is not None


def test_variables_and_functions_stay_from_one_message_to_the_next(tsp: Keithley708B) -> None:
    tsp.handle("function twice(x) return 2 * x end")
    assert tsp.handle("print(twice(4))") == "8.00000e+00"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_script_comes_line_by_line_or_in_one_message(tsp: Keithley708B, end: str) -> None:
    assert tsp.handle(end.join(["loadandrunscript", "for i = 1, 2 do", "print(i)", "end", "endscript"])) == (
        "1.00000e+00\n2.00000e+00"
    )
    lines = ["loadscript hello", "print('hello')", "endscript"]
    assert [tsp.handle(line) for line in lines] == [None, None, None]
    assert tsp.handle("hello()") == "hello"
    assert tsp.handle("hello.run()") == "hello"


OPEN = ["loadandrunscript", "print('never')", "*IDN?", "abort", "x = [[", "print(1)"]


def test_a_script_without_its_end_takes_every_line_until_somebody_ends_it(
    tsp: Keithley708B, fault: Callable[[], str]
) -> None:
    """So a client that died in the midst of a message leaves a box that answers nothing."""
    assert [tsp.handle(line) for line in [*OPEN, "return", "do end", "endscript"]] == [None] * 9
    assert fault().startswith("-285")
    assert fault() == "0 Queue Is Empty"


def test_the_end_of_no_script_is_a_syntax_error(tsp: Keithley708B, fault: Callable[[], str]) -> None:
    assert tsp.handle("endscript") is None
    assert fault().startswith("-285 TSP Syntax error")
    assert fault() == "0 Queue Is Empty"


def test_a_syntax_error_executes_nothing(tsp: Keithley708B, fault: Callable[[], str]) -> None:
    assert tsp.handle("print(1) x = ") is None
    assert fault().startswith("-285 TSP Syntax error at line 1: unexpected symbol")
    assert fault() == "0 Queue Is Empty"


def test_a_runtime_error_ends_the_script_and_names_its_line(tsp: Keithley708B, fault: Callable[[], str]) -> None:
    assert tsp.handle("loadandrunscript\nprint(1)\nprint(nothing.field)\nprint(2)\nendscript") == "1.00000e+00"
    assert fault() == "-286 TSP Runtime error at line 2: attempt to index global 'nothing' (a nil value)"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("format.nothing = 1", "-286 TSP Runtime error at line 1: attempt to write undefined field `nothing' of format"),
        ("localnode.model = 1", "-286 TSP Runtime error at line 1: attempt to write read-only field `model' of localnode"),
        ("print(format.nothing)", "-286 TSP Runtime error at line 1: attempt to read undefined field `nothing' of format"),
        ("format.asciiprecision = 17", "1405 Invalid ASCII precision"),
        ("format.asciiprecision = 0", "1405 Invalid ASCII precision"),
        ("format.asciiprecision = 'x'", "1405 Invalid ASCII precision"),
        ("format.byteorder = 0/0", "1404 Invalid byte order"),
        ("format.data = 4", "1406 Invalid data format"),
        ("tsplink.group = 65", "1101 parameter too big: 65.0 is above 64"),
        ("tsplink.group = -1", "1102 parameter too small: -1.0 is below 0"),
        ("tsplink.group = 'x'", "1401 parameter 1 is invalid: a number is expected"),
        ("tsplink.group = 0/0", "1401 parameter 1 is invalid: a number is expected"),
        ("beeper.enable = 4", "1401 parameter 1 is invalid: 4"),
        ("delay(-1)", "1102 parameter too small: -1.0 is below 0.0"),
        ("errorqueue.count = 1", "-286 TSP Runtime error at line 1: attempt to write read-only field `count' of errorqueue"),
        ("printbuffer(1)", "1400 expected at least 3 parameters"),
        ("printbuffer(1, 2, 3)", "1401 parameter 3 is invalid: a buffer is expected"),
        ("errorqueue.next(1)", "1400 wrong number of parameters"),
        ("*FOO", "-113 Undefined header: *FOO"),
        ("error('mine')", "-286 TSP Runtime error at line 1: mine"),
        ("error({})", "-286"),
        ("error()", "-286"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_in_the_queue(
    tsp: Keithley708B, fault: Callable[[], str], message: str, told: str
) -> None:
    tsp.handle(message)
    assert fault().startswith(told)


def test_a_refused_setting_keeps_its_value_and_the_script_runs_on(tsp: Keithley708B, fault: Callable[[], str]) -> None:
    assert tsp.handle("format.asciiprecision = 99 print(format.asciiprecision)") == "6.00000e+00"
    assert fault().startswith("1405")


def test_the_queue_overflows_at_its_end(tsp: Keithley708B) -> None:
    tsp.handle("for i = 1, 150 do format.data = 9 end")
    codes = str(tsp.handle("for i = 1, 100 do print((errorqueue.next())) end print(errorqueue.count)")).split("\n")
    assert {codes[0], codes[98]} == {"1.40600e+03"}
    assert codes[99:] == ["-3.50000e+02", "0.00000e+00"]


def test_status_bytes_follow_errors_and_enables(tsp: Keithley708B) -> None:
    tsp.handle("*CLS")
    assert (tsp.handle("*STB?"), tsp.status_byte()) == ("0", 0)
    tsp.handle("x = ")
    assert (tsp.handle("*STB?"), tsp.status_byte()) == ("4", 4)
    tsp.handle("*ESE 32")
    assert tsp.handle("*STB?") == "36"
    assert (tsp.handle("*ESR?"), tsp.handle("*ESR?")) == ("32", "0")
    tsp.handle("*CLS;*OPC")
    assert tsp.handle("*ESR?;*ESE?") == "1\n32"
    tsp.handle("*ESE 0")


def test_prompts_and_errors_come_unasked_when_switched_on(tsp: Keithley708B) -> None:
    assert tsp.handle("localnode.prompts = 1") == "TSP>"
    assert tsp.handle("x = ") == "TSP?"
    assert tsp.handle("errorqueue.clear() print(1)") == "1.00000e+00\nTSP>"
    assert tsp.handle("loadscript s") == ">>>>"
    assert tsp.handle("endscript") == "TSP>"
    assert tsp.handle("localnode.prompts = 0 localnode.showerrors = 1") is None
    assert str(tsp.handle("format.data = 9")).startswith("1.40600e+03\tInvalid data format")


def test_time_passes_on_the_clock_of_the_box(tsp: Keithley708B) -> None:
    before = tsp.box.time.now()
    assert tsp.handle("timer.reset() delay(2.5) print(timer.measure.t())") == "2.50000e+00"
    assert tsp.box.time.now() - before == pytest.approx(2.5)


def test_a_power_cycle_forgets_everything(tsp: Keithley708B) -> None:
    tsp.handle("x = 1 format.data = 2 *CLS")
    tsp.power_cycle()
    assert tsp.handle("print(x, format.data)") == "nil\t1.00000e+00"
    assert tsp.handle("*ESR?") == "128"


def test_a_device_clear_forgets_half_a_script(tsp: Keithley708B) -> None:
    tsp.handle("loadscript s")
    tsp.device_clear()
    assert tsp.handle("print(1)") == "1.00000e+00"
