"""Settings against what an array survives: refused with their key, before the first volt."""

from __future__ import annotations

from labmtj.errors import SettingError
from labmtj.quantities import ArrayInfo
from labmtj.safety import ROUNDING_VOLTS

Key = tuple[str, ...]


def check_volts(array: ArrayInfo, key: Key, volts: float) -> None:
    """Raise SettingError if a cell does not survive the voltage."""
    _at_most(array, key, volts, array.limits.cell_volts, "V", "limits.cell_volts")


def check_read_volts(array: ArrayInfo, key: Key, volts: float) -> None:
    """Raise SettingError if reading at this voltage may disturb a cell."""
    _at_most(array, key, volts, array.limits.disturb_volts, "V", "limits.disturb_volts, above which a read may disturb")


def check_pulse_seconds(array: ArrayInfo, key: Key, seconds: float) -> None:
    """Raise SettingError if the array's limit on the width of pulses is lower."""
    _at_most(array, key, seconds, array.limits.pulse_seconds, "s", "limits.pulse_seconds")


def _at_most(array: ArrayInfo, key: Key, value: float, largest: float, unit: str, limit: str) -> None:
    if value > largest + ROUNDING_VOLTS:
        raise SettingError(
            key,
            f"{value:g} {unit} is above the {largest:g} {unit} of array {array.name} ({limit}); lower it",
        )
