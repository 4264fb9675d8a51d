"""Formats numbers: significant digits, a unit with its prefix, percent."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_UNITS = {
    "ohm_m2": "Ω m²", "square_metres": "m²", "metres": "m", "volts": "V", "ohms": "Ω", "seconds": "s", "amperes": "A",
    "siemens": "S", "hertz": "Hz", "kelvin": "K",
}  # fmt: skip
_NO_PREFIX = {"", "m²", "Ω m²", "K", "1/K"}
MISSING = "–"


def percent(value: float, digits: int = 1) -> str:
    """Return a fraction as percent, without the sign."""
    return MISSING if not math.isfinite(value) else f"{100 * value:.{digits}f}"


def fixed(value: float, digits: int = 2) -> str:
    """Return a number with a fixed number of decimals."""
    return MISSING if not math.isfinite(value) else f"{value:z.{digits}f}".replace("-", "\u2212")


def chance(p: float) -> str:
    """Return a p value: two digits, never a false zero."""
    if not math.isfinite(p):
        return MISSING
    return "below 10⁻⁶" if p < 1e-6 else f"{p:.1e}" if p < 1e-3 else f"{p:.2g}"


def counted(number: int) -> str:
    """Return a count with its thousands apart."""
    return f"{number:,}".replace(",", "\u202f")


def plural(number: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{counted(number)} {noun}" if number == 1 else f"{counted(number)} {noun}s"


def hours(value: float) -> str:
    """Return hours, or minutes where hours would be mostly zeros."""
    return MISSING if not math.isfinite(value) else f"{value:.2f} h" if value >= 0.1 else f"{60 * value:.1f} min"


def unit_of(name: str) -> str:
    """Return the unit in a name, such as V for `read_volts` and `critical_volts_to_parallel`."""
    if name.endswith("_per_kelvin"):
        return "1/K"
    padded = f"_{name}_"
    return next((unit for word, unit in _UNITS.items() if f"_{word}_" in padded), "")


def quantity(value: object, unit: str) -> str:
    """Return a value with its unit, not to be broken: 3.5e-08 m is 35 nm."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return MISSING if value is None else str(value)
    power = 0
    if unit not in _NO_PREFIX and value != 0 and math.isfinite(value):
        digits = f"{abs(value):.3e}"  # rounded first: 999.96 mV is 1 V
        power = min(9, max(-15, 3 * (int(digits.partition("e")[2]) // 3)))
    number = f"{value / 10.0**power:.4g}".replace("-", "\u2212")
    return f"{number}\u00a0{_PREFIXES[power]}{unit}" if unit else number


def spread_text(values: ArrayLike, unit: str, digits: int) -> str:
    """Return the median with the 5th and 95th percentile of the values that are numbers."""
    finite = np.asarray(values, float)[np.isfinite(values)]
    if not finite.size:
        return "unknown"
    low, middle, high = (f"{each:.{digits}f}" for each in np.percentile(finite, (5, 50, 95)))
    return f"{middle} {unit} ({low} to {high})"
