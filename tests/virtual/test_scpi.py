"""The language itself, on an instrument of three settings."""

import pytest

from labmtj.virtual.network.resistor import unit_box
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.headers import expression, headers
from labmtj.virtual.scpi.instrument import SCPIInstrument
from labmtj.virtual.scpi.table import Setting, after, check, command
from labmtj.virtual.scpi.values import Number, Switch, Word


class Box(SCPIInstrument):
    settings = (
        Setting("volts", "[:SOURce#]:VOLTage[:LEVel][:IMMediate][:AMPLitude]", Number(-20, 20), 0.0),
        Setting("auto", "[:SOURce#]:VOLTage:RANGe:AUTO", Switch(), default=True),
        Setting("mode", "[:SOURce#]:VOLTage:MODE", Word("FIXed|SWEep|LIST"), "FIX"),
    )
    suffixes = frozenset({1, 2})
    queue_depth = 3

    def __init__(self, box):
        self.followed = []
        super().__init__(box)

    def identity(self):
        return "MAKER,BOX,1,1"

    @command(":ECHO?")
    def _echo(self, call):
        return "|".join(call.arguments)

    @command(":FIRE")
    def _fire(self):
        self.followed.append("fired")

    @check("volts")
    def _odd(self, _name, _channel, volts):
        if volts == 13:
            raise SCPIError(-221)
        return volts

    @after("volts")
    def _follow(self, name, channel):
        self.followed.append((name, channel, self.values[channel][name]))


@pytest.fixture
def box():
    return Box(unit_box("1"))


def errors(box):
    found = []
    while (reply := box.handle(":SYST:ERR?")) != '0,"No error"':
        found.append(int(reply.split(",")[0]))
    return found


@pytest.mark.parametrize("header", [
    ":SOURCE1:VOLTAGE:LEVEL:IMMEDIATE:AMPLITUDE", "sour:volt", ":VOLT", "VOLTage:AMPL", ":Sour1:Volt:Lev", "SOUR:VOLT:IMM",
])  # fmt: skip
def test_spellings(box, header):
    box.handle(f"{header} 1.5")
    assert box.handle(f"{header}?") == "+1.500000E+00"
    assert errors(box) == []


@pytest.mark.parametrize(
    "header",
    ["SOURC:VOLT", "VOLTA", "SOUR::VOLT", "VOLT:SOUR", "VOL", "SOUR:VOLT:LEV:LEV", "VOLT1", "::VOLT", "?", ":"],
)
def test_anything_else_is_undefined_and_not_answered(box, header):
    assert box.handle(f"{header}?") is None
    assert errors(box) == [-113]


def test_suffixes_are_channels(box):
    box.handle(":SOUR2:VOLT 2")
    assert box.handle(":SOUR2:VOLT?;:SOUR1:VOLT?;:VOLT?") == "+2.000000E+00;+0.000000E+00;+0.000000E+00"
    box.handle(":SOUR3:VOLT 2")
    assert errors(box) == [-114]


@pytest.mark.parametrize(("message", "expected"), [
    ("SOUR:VOLT 1;MODE SWE", [("SOUR:VOLT", "1"), ("SOUR:MODE", "SWE")]),
    (":A:B 1;C 2;:D 3;E?", [("A:B", "1"), ("A:C", "2"), ("D", "3"), ("E?", "")]),
    (":A:B:C 1;*CLS;D 2;", [("A:B:C", "1"), ("*CLS", ""), ("A:B:D", "2")]),
    (":*CLS;:*RST", [("*CLS", ""), ("*RST", "")]),
    ("A 'x;y',\"b;c\";B (@1;2)", [("A", "'x;y',\"b;c\""), ("B", "(@1;2)")]),
    ("A\t1 ; ;; B", [("A", "1"), ("B", "")]),
    ("A 'open;B", [("A", "'open;B")]),
])  # fmt: skip
def test_levels_of_the_tree(message, expected):
    assert [(header.removeprefix(":"), rest) for header, rest in headers(message)] == expected


def test_answers_of_one_line_are_joined_and_bad_ones_left_out(box):
    assert box.handle(":VOLT 1;VOLT?;VOLT:MODE?;:VOLT 99;:VOLT?") == "+1.000000E+00;FIX;+1.000000E+00"
    assert errors(box) == [-222]


def test_what_is_not_understood_ends_the_line(box):
    assert box.handle(":VOLT 1;:NONSENSE;:VOLT 2") is None
    assert box.handle(":VOLT?") == "+1.000000E+00"


@pytest.mark.parametrize(("argument", "code"), [
    ("", -109), ("1,2", -108), ("abc", -104), ("21", -222), ("nan", -104), ("inf", -104), ("1e999", -222), ("13", -221), ("0x10", -104),
])  # fmt: skip
def test_values_that_are_refused_change_nothing(box, argument, code):
    box.handle(f":VOLT {argument}")
    assert errors(box) == [code]
    assert box.handle(":VOLT?") == "+0.000000E+00"
    assert box.followed == []


@pytest.mark.parametrize(("argument", "volts"), [
    ("1", 1), ("+.5", 0.5), ("-1.", -1), ("2E-3", 2e-3), ("MIN", -20), ("maximum", 20), ("DEF", 0), ("15 mV", 15e-3), ("2V", 2),
])  # fmt: skip
def test_numbers(box, argument, volts):
    box.handle(f":VOLT {argument}")
    assert float(box.handle(":VOLT?")) == volts
    assert box.followed == [("volts", 1, volts)]


def test_limits_and_default_may_be_asked_for(box):
    box.handle(":VOLT 3")
    assert box.handle(":VOLT? MAX;:VOLT? MIN;:VOLT? DEF") == "+2.000000E+01;-2.000000E+01;+0.000000E+00"


@pytest.mark.parametrize(("argument", "shown"), [("ON", "1"), ("off", "0"), ("1", "1"), ("0", "0"), ("2.6", "1")])
def test_switches(box, argument, shown):
    assert box.handle(f":VOLT:RANG:AUTO {argument};AUTO?") == shown


def test_words_are_answered_short(box):
    assert box.handle(":VOLT:MODE sweep;MODE?") == "SWE"
    box.handle(":VOLT:MODE SWEE")
    assert errors(box) == [-224]


def test_a_command_without_parameters_takes_none(box):
    box.handle(":FIRE")
    box.handle(":FIRE 1")
    assert box.followed == ["fired"]
    assert errors(box) == [-108]


def test_parameters_are_parted_outside_of_quotes_and_lists(box):
    assert box.handle(":ECHO? 'a,b', (@1,2) ,3") == "'a,b'|(@1,2)|3"


def test_the_error_queue_overflows_in_its_last_place(box):
    for _ in range(5):
        box.handle("NONSENSE")
    assert box.handle(":SYST:ERR:COUN?") == "3"
    assert errors(box) == [-113, -113, -350]
    assert box.handle("*CLS;:SYST:ERR?") == '0,"No error"'


def test_status_registers(box):
    assert box.handle("*ESR?") == "128"  # power on
    box.handle("NONSENSE")
    box.handle(":VOLT 99")
    box.handle("*OPC")
    assert box.status_byte() == 4
    box.handle("*ESE 16;*SRE 32")
    assert box.handle("*STB?;*ESE?;*SRE?") == "100;16;32"
    assert box.handle("*ESR?;*ESR?") == "49;0"
    assert box.handle("*CLS;*STB?;*OPC?;*TST?") == "0;1;0"


def test_power_cycle_and_reset(box):
    box.handle(":SOUR2:VOLT 3;NONSENSE")
    box.handle("*RST")
    assert box.handle(":SOUR2:VOLT?") == "+0.000000E+00"
    assert errors(box) == [-113]
    box.handle(":VOLT 3;:NONSENSE")
    box.power_cycle()
    assert box.handle(":VOLT?;*ESR?") == "+0.000000E+00;128"
    assert errors(box) == []


def test_only_a_pure_abort_interrupts(box):
    assert box.interrupt(":ABOR")
    assert box.interrupt("abort;")
    assert not box.interrupt(":ABOR;:VOLT 1")
    assert not box.interrupt(":VOLT?")


def test_memory_of_spellings_is_bounded(box):
    for number in range(3000):
        box.handle(f":VOLT {number / 1000};:N{number}")
    assert len(box._programs) <= 1000
    assert len(box._found) <= 1000


def test_a_pattern_matches_short_and_long_forms_only():
    pattern = expression("[:ROUTe]:CONFigure:SLOT#:STIMe")
    assert pattern.fullmatch(":CONF:SLOT12:STIM").groups() == ("12",)
    assert not pattern.fullmatch(":CONFI:SLOT1:STIM")
