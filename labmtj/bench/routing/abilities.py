"""What the instruments of a bench cannot do, found before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping

from labmtj.bench.files.wiring import Channel, Wiring
from labmtj.errors import CannotDo, Instead, SettingError, UsageError
from labmtj.quantities import ReadSettings, Refusal
from labmtj.safety import ROUNDING_VOLTS
from labmtj.verbs import SourceMeasureUnit

Units = Mapping[str, SourceMeasureUnit]


def check_channels(wiring: Wiring, units: Units) -> None:
    """Raise SettingError for a channel that no unit has, naming its place in the bench file."""
    for bus in wiring.buses:
        if bus.channel is not None:
            _check_channel(bus.channel, units, ("buses", bus.name, "channel"))
    for line in wiring.lines:
        if isinstance(line.end, Channel):
            _check_channel(line.end, units, line.key)


def _check_channel(channel: Channel, units: Units, key: tuple[str, ...]) -> None:
    if channel.unit not in units:
        raise SettingError(key, f"{channel.unit} is not a source-measure unit, it has no channels; name one that is")
    if channel.name not in units[channel.unit].channels:
        known = ", ".join(f"{channel.unit}.{name}" for name in units[channel.unit].channels)
        raise SettingError(key, f"{channel.unit} has no channel {channel.name!r}; it has {known}")


def at(name: str, units: Units) -> str:
    """Return a unit's name on the bench with its address, for messages."""
    return f"{name} at {units[name].address}"


def check_reading(wiring: Wiring, units: Units, how: ReadSettings) -> None:
    """Raise UsageError for a range, CannotDo for an aperture, that a unit does not have; advise one that all have."""
    facts = {name: units[name].facts for name in dict.fromkeys(channel.unit for channel in wiring.channels)}
    for name, each in facts.items():
        if how.range_amperes is not None and how.range_amperes > each.range_amperes[-1]:
            raise UsageError(
                f"no range of {at(name, units)} holds {how.range_amperes:g} A; "
                f"the largest is {each.range_amperes[-1]:g} A"
            )
    slow = max(facts, key=lambda name: facts[name].aperture_seconds[0])
    fast = min(facts, key=lambda name: facts[name].aperture_seconds[1])
    shortest, longest = facts[slow].aperture_seconds[0], facts[fast].aperture_seconds[1]
    if not shortest <= how.aperture_seconds <= longest:
        name = slow if how.aperture_seconds < shortest else fast
        first, last = facts[name].aperture_seconds
        raise CannotDo(
            f"{at(name, units)} integrates from {first:g} to {last:g} s, not {how.aperture_seconds:g} s; "
            "choose another aperture_seconds. It was not applied"
        ).advising(Instead("aperture_seconds", how.aperture_seconds, min(max(how.aperture_seconds, shortest), longest)))


def volts_refusal(wiring: Wiring, units: Units, volts: float, cell_volts: float) -> Refusal | None:
    """Say why a level of `volts` is too high for the array or for a unit, or None."""
    for name in dict.fromkeys(channel.unit for channel in wiring.channels):
        highest = units[name].facts.highest_volts
        if volts > highest + ROUNDING_VOLTS:
            return Refusal(f"{volts:g} V exceeds the {highest:g} V of {at(name, units)}", "lower the voltage")
    if volts > cell_volts + ROUNDING_VOLTS:
        return Refusal(f"{volts:g} V on a line exceeds {cell_volts:g} V (limits.cell_volts)", "lower the voltage")
    return None
