import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.report import digits

FACTORS = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


@given(st.floats(1e-14, 9e11), st.sampled_from([1, -1]))
def test_quantity_says_the_value_with_a_number_from_1_to_1000(size: float, sign: int) -> None:
    number, unit = digits.quantity(sign * size, "V").split("\u00a0")
    mantissa = float(number.replace("\u2212", "-"))
    assert mantissa * FACTORS[unit.removesuffix("V")] == pytest.approx(sign * size, rel=6e-4)
    assert 1 <= abs(mantissa) < 1000


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("read_volts", "V"), ("critical_volts_to_parallel", "V"), ("resistance_area_ohm_m2", "Ω m²"), ("area_square_metres", "m²"),
        ("diameter_metres", "m"), ("tmr_per_kelvin", "1/K"), ("temperature_kelvin", "K"), ("tmr", ""), ("seconds", "s"), ("revolts", ""),
    ],
)  # fmt: skip
def test_unit_follows_from_the_name(name: str, unit: str) -> None:
    assert digits.unit_of(name) == unit


def test_special_values_are_not_numbers() -> None:
    assert (
        digits.quantity(None, "V")
        == digits.percent(math.nan)
        == digits.fixed(math.inf)
        == digits.chance(math.nan)
        == "–"
    )
    assert digits.quantity(True, "V") == "True"
    assert digits.quantity(0.0, "V") == "0\u00a0V"


def test_p_is_never_a_false_zero() -> None:
    assert digits.chance(0.0) == "below 10⁻⁶"
    assert digits.chance(1e-5) == "1.0e-05"
    assert digits.chance(0.0123) == "0.012"


def test_counts_have_their_nouns() -> None:
    assert digits.plural(1, "solution") == "1 solution"
    assert digits.plural(1200, "solution") == "1\u202f200 solutions"


def test_short_times_are_minutes() -> None:
    assert digits.hours(0.05) == "3.0 min"
    assert digits.hours(1.5) == "1.50 h"
