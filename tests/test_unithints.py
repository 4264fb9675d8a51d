import pytest

from labmtj.unithints import without_unit


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ("50 nm", "diameter_metres", "metres, without the unit: 50e-9"), ("5ms", "pulse_seconds", "seconds, without the unit: 5e-3"),
        ("0.1 V", "read_volts", "volts, without the unit: 0.1"), ("1.5e3 uA", "line_amperes", "amperes, without the unit: 0.0015"),
        ("10 k\N{GREEK CAPITAL LETTER OMEGA}", "lead_ohms", "ohms, without the unit: 10e3"), (" -2 \N{MICRO SIGN}s ", "this", "-2e-6"),
        ("5 m", "diameter_metres", "metres, without the unit: 5"), ("300 K", "temperature_kelvin", "kelvin, without the unit: 300"),
        ("1 mV", "pulse_seconds", "'1 mV' is in volts, and pulse_seconds in seconds"),
    ],
)  # fmt: skip
def test_a_number_with_a_unit_is_given_back_without_it(text, name, number):
    assert number in without_unit(text, name)


@pytest.mark.parametrize("text", ["", "50", "nm", "5 apples", "50 nm 3", "1e", "5 mm2", "3 min"])
def test_other_text_is_no_number_with_a_unit(text):
    assert without_unit(text, "diameter_metres") == ""
