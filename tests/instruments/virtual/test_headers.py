"""Every header of the manuals' tables: known, or listed as not known; what is kept is kept, and has its default after *RST."""

import pytest

from instruments.virtual import keithley2400, keithley2450, keithley7000, keysightb2200, keysightb2900
from labmtj.virtual.network.resistor import matrix_box, unit_box
from labmtj.virtual.scpi import names as scpi_names

BRANDS = {
    "2400": lambda: keithley2400.Keithley2400(unit_box("1")),
    "2450": lambda: keithley2450.Keithley2450(unit_box("1")),
    "B2902A": lambda: keysightb2900.KeysightB2902A(unit_box("12")),
    "7002": lambda: keithley7000.Keithley7002(matrix_box({1: "7012-S", 2: "7012-S"}, 4, 10)),
    "B2201A": lambda: keysightb2200.KeysightB2201A(matrix_box({1: "B2211A", 2: "B2211A"}, 14, 12)),
}
LEAST = {"2400": 0.9, "2450": 0.9, "B2902A": 0.9, "7002": 0.9, "B2201A": 0.9}


def another(row):
    """A value other than the default, as it is sent, and as it comes back."""
    default = row.setting.default
    match row.behaviour:
        case "switch":
            return ("0", "0") if default else ("1", "1")
        case "number" | "whole":
            low, high, _ = map(float, row.arguments)
            value = low if low != default else high
            return (repr(value), None)
        case "word":
            words = ["".join(each for each in word if not each.islower()) for word in row.arguments[0].split("|")]
            word = next(each for each in words if each != default)
            return (word, word)
        case "text":
            return ('"other"', '"other"')


def same(reply, value):
    return float(reply) == pytest.approx(float(value), rel=1e-6)


@pytest.mark.parametrize("brand", BRANDS)
def test_the_headers_of_a_manual(brand):
    box = BRANDS[brand]()
    rows = scpi_names.names(type(box).names_in)
    assert len({row.pattern for row in rows}) == len(rows)
    for row in rows:
        header = row.header
        if row.behaviour == "-":
            assert box.handle(f"{header} 1") is None
            assert box.handle(":SYST:ERR:CODE?" if box.knows(":SYST:ERR:CODE?") else "*CLS")
            box.handle("*CLS")
        elif row.behaviour == "code":
            assert box.knows(header) or box.asks(header), header
        elif row.behaviour == "answer":
            assert box.handle(header) == " ".join(row.arguments), header
        elif row.behaviour == "event":
            assert box.handle(header) is None
        else:
            sent, comes = another(row)
            default = box.handle(f"{header}?")
            box.handle(f"{header} {sent}")
            reply = box.handle(f"{header}?")
            assert reply == comes if comes is not None else same(reply, sent), (header, reply)
            assert reply != default
            box.handle("*RST")
            assert box.handle(f"{header}?") == default, header
        assert len(box.errors) == 0, (header, box.errors.pop())


@pytest.mark.parametrize("brand", BRANDS)
def test_nine_tenths_of_the_headers_are_known(brand):
    coverage = type(BRANDS[brand]()).coverage()
    assert len(coverage.names & coverage.known) >= LEAST[brand] * len(coverage.names), coverage.missing
    marked = {row.pattern for row in scpi_names.names(type(BRANDS[brand]()).names_in) if row.behaviour == "-"}
    assert set(coverage.missing) == marked  # the table says what is not known, and nothing else is
