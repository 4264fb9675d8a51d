"""Settings against what an array survives: refused with their key, before the first volt."""

from __future__ import annotations

from collections.abc import Sequence

from labmtj.errors import SettingError, UsageError
from labmtj.quantities import ArrayInfo
from labmtj.safety import ROUNDING_VOLTS
from labmtj.verbs import Crossbar

Key = tuple[str, ...]
Limited = ArrayInfo | Crossbar
"""whose limits count: an array by design, or, where a procedure is executed by hand, the crossbar itself"""


def check_volts(array: Limited, key: Key, volts: float) -> None:
    """Raise SettingError if a cell does not survive the voltage."""
    _at_most(array, key, volts, array.limits.cell_volts, "V", "limits.cell_volts")


def check_read_volts(array: Limited, key: Key, volts: float) -> None:
    """Raise SettingError if reading at this voltage may disturb a cell."""
    _at_most(array, key, volts, array.limits.disturb_volts, "V", "limits.disturb_volts, above which a read may disturb")


def check_pulse_seconds(array: Limited, key: Key, seconds: float) -> None:
    """Raise SettingError if the array's limit on the width of pulses is lower, or a simulation refuses the width.

    A simulated array warns of widths below 1 us when it is pulsed; for one of instruments it is done here.
    """
    if isinstance(array, ArrayInfo):
        try:
            array.pulse_widths.check(seconds, allowed=array.short_pulses, where=f"array {array.name}")
        except UsageError as error:
            raise SettingError(key, str(error)) from None
    _at_most(array, key, seconds, array.limits.pulse_seconds, "s", "limits.pulse_seconds")


def check_between(array: Limited, key: Key, volts: Sequence[float]) -> None:
    """Raise SettingError unless each state between the lowest and the highest has a voltage that cells survive."""
    for each in volts:
        check_volts(array, key, each)
    if isinstance(array, ArrayInfo) and len(volts) != len(array.states) - 2:
        between = ", ".join(array.states[1:-1]) or "none"
        raise SettingError(
            key,
            f"has {len(volts)} values; the states of array {array.name} between its lowest and its highest: {between}; "
            "give one voltage for each",
        )


def check_binary(array: Limited, what: str) -> None:
    """Raise UsageError if a cell has other than two states."""
    if isinstance(array, ArrayInfo) and len(array.states) != 2:
        raise UsageError(
            f"{what} works on cells of two states; those of array {array.name} have {len(array.states)}: "
            f"{', '.join(array.states)}; `labmtj run patterns` writes any number"
        )


def check_pulses(array: Limited, key: Key, pulses: int) -> None:
    """Raise SettingError if one cell would get more pulses than in its life."""
    _at_most(array, key, pulses, array.limits.pulses_per_cell, "pulses of a cell", "limits.pulses_per_cell")


def _at_most(array: Limited, key: Key, value: float, largest: float, unit: str, limit: str) -> None:
    if value > largest + ROUNDING_VOLTS:
        raise SettingError(
            key,
            f"{value:g} {unit} is above the {largest:g} {unit} of array {_name(array)} ({limit}); lower it",
        )


def _name(array: Limited) -> str:
    return str(getattr(array, "name", "at hand"))
