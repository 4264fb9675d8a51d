"""A number that was written with its unit, as the plain number in SI units that a file or an option takes."""

from __future__ import annotations

import re

_PREFIXES = {
    "": 0, "f": -15, "p": -12, "n": -9, "u": -6, "\N{MICRO SIGN}": -6, "\N{GREEK SMALL LETTER MU}": -6, "m": -3, "k": 3,
    "M": 6, "G": 9,
}  # fmt: skip
_UNITS = {
    "V": "volts", "s": "seconds", "A": "amperes", "ohm": "ohms", "Ohm": "ohms", "\N{OHM SIGN}": "ohms",
    "\N{GREEK CAPITAL LETTER OMEGA}": "ohms", "m": "metres", "K": "kelvin", "T": "tesla", "Hz": "hertz", "S": "siemens",
    "J": "joules", "F": "farads", "W": "watts",
}  # fmt: skip
_NUMBER = re.compile(
    rf"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([{''.join(filter(None, _PREFIXES))}]?)({'|'.join(_UNITS)})"
)


def without_unit(text: str, name: str) -> str:
    """Say how a number with a unit is written where a plain number is wanted, "" if the text is none.

    Args:
        text: such as "50 nm".
        name: of what it is for; one such as diameter_metres says its own unit.
    """
    if (found := _NUMBER.fullmatch(text.strip())) is None:
        return ""
    number, prefix, symbol = found.groups()
    unit = _UNITS[symbol]
    own = next((each for each in _UNITS.values() if name.endswith(each)), unit)
    if own != unit:
        return f"{text!r} is in {unit}, and {name} in {own}; write a number in {own}, without the unit"
    if exponent := _PREFIXES[prefix]:
        has_exponent = re.search("[eE]", number)
        number = f"{float(number) * 10.0**exponent:g}" if has_exponent else f"{number}e{exponent}"
    return f"{text!r} is a number with a unit; write it in {unit}, without the unit: {number}"
