"""All source-measure channels of a bench as one: armed once, and back at 0 V after every operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from labmtj.bench.files.wiring import Channel
from labmtj.bench.hardware_timed import HardwareTimedPulse
from labmtj.bench.routing import longest
from labmtj.bench.routing.abilities import at
from labmtj.bench.routing.steps import StepOrder
from labmtj.bench.software_timed import SHORTEST_SECONDS, ChannelReadings, DeliveredSteps, SoftwareTimedPulse
from labmtj.errors import Instead
from labmtj.quantities import FloatArray, ReadSettings, Refusal
from labmtj.shots import Pulses, Shots
from labmtj.verbs import Clock, SourceMeasureUnit

MESSAGES_OF_A_SHOT = 3
"""to each of several units: its level, a reading or a look at its compliance, and after the last shot 0 V"""


class Sources:
    """The channels of all units.

    A sequence that one unit can do alone, because the channels of all others stay at 0 V and are not read, is one call
    of that unit. Otherwise messages time it; a pulse is timed by one unit while the others hold: see `turns`.

    Args:
        units: by name on the bench.
        channels: those in use.
        clock: of the bench.
    """

    def __init__(self, units: Mapping[str, SourceMeasureUnit], channels: Sequence[Channel], clock: Clock) -> None:
        self.units, self.channels, self._clock = units, tuple(channels), clock
        self.names = _units_of(self.channels)
        """of the units in use"""
        self._at_zero: set[str] = set()
        self._message_seconds: dict[str, float] = {}
        """by unit, what a message and its answer took at least"""
        self._limits: dict[Channel, float] = {}
        self._highest_volts = 0.0

    # -- state -------------------------------------------------------------------------------------------------------

    def arm(self, amperes: float, highest_volts: float) -> None:
        """Limit every channel in use at 0 V (read back by the unit), and switch its output on."""
        self._highest_volts = highest_volts
        self._limits.clear()
        self.to_zero()
        for channel in self.channels:
            self.limit(channel, amperes)
            self.units[channel.unit].switch_output(channel.name, on=True)

    def switch_off(self) -> None:
        """Bring every unit to 0 V, 0 A and off, verified; also the channels that are not in use."""
        self._at_zero.clear()
        for unit in self.units.values():
            unit.make_safe()

    def to_zero(self) -> None:
        """Bring every unit to 0 V that is not known to be there."""
        for name in self.names:
            if name not in self._at_zero:
                self.zero(name)

    def zero(self, unit: str) -> None:
        """Bring the channels in use of one unit to 0 V, in any case."""
        begun = self._clock.now()
        self.units[unit].level({channel.name: 0.0 for channel in self.channels if channel.unit == unit})
        took = self._clock.now() - begun
        self._message_seconds[unit] = min(took, self._message_seconds.get(unit, took))
        self._at_zero.add(unit)

    def limit(self, channel: Channel, amperes: float) -> None:
        """Set the compliance of a channel at 0 V, unless it is set already; no more than the unit can do."""
        unit = self.units[channel.unit]
        wanted = min(amperes, unit.facts.highest_amperes)
        if self._limits.get(channel) != wanted:
            self._limits.pop(channel, None)
            self.to_zero()
            unit.limit(channel.name, wanted, self._highest_volts)
            self._limits[channel] = wanted

    def forget(self) -> None:
        """Forget levels and limits: after an error, or when another user had the units."""
        self._at_zero.clear()
        self._limits.clear()

    def abort(self) -> None:
        """Stop what runs on any unit, from any thread."""
        for unit in self.units.values():
            unit.abort()

    # -- work --------------------------------------------------------------------------------------------------------

    def shots(self, volts: FloatArray, read: Sequence[Channel], how: ReadSettings) -> ChannelReadings:
        """Hold levels (shots, channels in use) one after another and read some of the channels under each."""
        active = self._begin(volts, read)
        settle_seconds = max(how.settle_seconds, *(self.units[unit].facts.source_settle_seconds for unit in active))
        if len(active) == 1:
            shown = self._shots_on_one(active[0], volts, read, how, settle_seconds)
        else:
            at_zero = [unit for unit in self.names if unit not in active]  # their lines may draw too much, too
            messages = SoftwareTimedPulse(self._named([*active, *at_zero]), self.channels, self._clock)
            shown = messages.shots(volts, read, how, settle_seconds, self._limits)
        self._at_zero |= set(active)
        return shown

    def hold_seconds(self, how: ReadSettings) -> float:
        """Return how long a shot is held if all units take part one after another with their fastest messages."""
        settle_seconds = max(how.settle_seconds, *(self.units[unit].facts.source_settle_seconds for unit in self.names))
        if len(self.names) == 1:  # it times its shots itself
            return settle_seconds + how.aperture_seconds
        messages = MESSAGES_OF_A_SHOT * sum(self._message_seconds.values())
        return settle_seconds + how.aperture_seconds * len(self.names) + messages

    def longest_reading(self, volts: FloatArray, read: Sequence[Channel], how: ReadSettings) -> float:
        """Return the seconds that `shots` takes at most, but for a unit that does not answer."""
        active = self._active(volts, read)
        settle_seconds = max(how.settle_seconds, *(self.units[unit].facts.source_settle_seconds for unit in active))
        taking_part = 1 if len(active) == 1 else len(self.names)
        return longest.reading(len(volts), taking_part, settle_seconds, how.aperture_seconds)

    def longest_pulses(self, volts: FloatArray, seconds: float) -> float:
        """Return the seconds that `pulses` takes at most, but for a unit that does not answer."""
        return longest.pulsing(len(volts), len(self._active(volts, ())), seconds)

    def _shots_on_one(
        self, unit: str, volts: FloatArray, read: Sequence[Channel], how: ReadSettings, settle_seconds: float
    ) -> ChannelReadings:
        places, names = self._of(unit)
        wanted = tuple(channel.name for channel in read)
        shots = Shots(names, volts[:, places], wanted, settle_seconds, how.aperture_seconds, how.range_amperes)
        begun = self._clock.now()
        answer = self.units[unit].run_shots(shots)
        starts = np.broadcast_to(begun + answer.start_seconds[:, np.newaxis], answer.amperes.shape)
        shot_seconds = settle_seconds + how.aperture_seconds
        held = np.maximum(np.diff(answer.start_seconds, append=answer.start_seconds[-1] + shot_seconds), shot_seconds)
        return ChannelReadings(answer.amperes, answer.flags, answer.range_amperes, starts, held)

    def pulse_refusal(self, every: Iterable[StepOrder], seconds: float) -> Refusal | None:
        """Say why pulses of this width cannot be given with all of these turns, or None.

        One refusal for all: it names the turns that need the longest pulse, whose width works with the others, too.
        """
        slowest = max(every, key=self._shortest_seconds, default=None)
        if slowest is None or seconds >= (shortest := self._shortest_seconds(slowest)):
            return None
        why = ", because messages time it: held by one unit while another times it, it would disturb cells"
        return Refusal(
            f"a pulse of {seconds:g} s is too short for "
            f"{' and '.join(at(unit, self.units) for unit in self._stepping(slowest))}: "
            f"the shortest is {shortest:g} s{'' if slowest.last_unit_is_timer else why}",
            "ask for longer pulses (pulse_seconds), or use a unit with faster ones",
            Instead("pulse_seconds", seconds, shortest),
        )

    def _stepping(self, turns: StepOrder) -> Sequence[str]:
        return turns.units or self.names[:1]

    def _shortest_seconds(self, turns: StepOrder) -> float:
        """Return the shortest pulse that these turns give."""
        shortest = [self.units[unit].facts.shortest_pulse_seconds for unit in self._stepping(turns)]
        return shortest[-1] if turns.last_unit_is_timer else max(SHORTEST_SECONDS, *shortest)

    def pulses(self, volts: FloatArray, seconds: float, turns: StepOrder) -> DeliveredSteps:
        """Apply pulses (pulses, channels in use) from 0 V and back; ask `pulse_refusal` first."""
        active = self._begin(volts, ())
        if len(active) == 1:
            given = self._pulses_on_one(active[0], volts, seconds)
        else:
            way = HardwareTimedPulse if turns.last_unit_is_timer else SoftwareTimedPulse
            given = way(self._named(turns.units), self.channels, self._clock).pulses(volts, seconds, self._limits)
        self._at_zero |= set(active)
        return given

    def _pulses_on_one(self, unit: str, volts: FloatArray, seconds: float) -> DeliveredSteps:
        places, names = self._of(unit)
        begun = self._clock.now()
        answer = self.units[unit].run_pulses(Pulses(names, volts[:, places], seconds))
        step_volts = np.zeros((*answer.step_seconds.shape, len(self.channels)))
        step_volts[:, :, places] = answer.step_volts
        flags = np.zeros(volts.shape, np.uint8)
        flags[:, places] = answer.flags
        return DeliveredSteps(answer.step_seconds, step_volts, flags, begun + answer.start_seconds)

    def _begin(self, volts: FloatArray, read: Sequence[Channel]) -> list[str]:
        """Return the units that take part; from now on until they are done their levels are not known."""
        active = self._active(volts, read)
        self.to_zero()
        self._at_zero -= set(active)
        return active

    def _active(self, volts: FloatArray, read: Sequence[Channel]) -> list[str]:
        """Return the units that drive or read something; the first one if there is none. The others stay at 0 V."""
        driving = [channel for place, channel in enumerate(self.channels) if (volts[:, place] != 0).any()]
        return _units_of([*driving, *read]) or self.names[:1]

    def _named(self, units: Sequence[str]) -> dict[str, SourceMeasureUnit]:
        return {unit: self.units[unit] for unit in units}

    def _of(self, unit: str) -> tuple[list[int], tuple[str, ...]]:
        """Return the places of a unit's channels, and their names."""
        places = [place for place, channel in enumerate(self.channels) if channel.unit == unit]
        return places, tuple(self.channels[place].name for place in places)


def _units_of(channels: Iterable[Channel]) -> list[str]:
    return list(dict.fromkeys(channel.unit for channel in channels))
