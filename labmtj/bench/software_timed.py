"""Several units together: messages time them, so levels step one unit after another, at the times of the stamps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labmtj.bench.files.wiring import Channel
from labmtj.quantities import Flag, FloatArray, ReadSettings
from labmtj.shots import ShotReadings
from labmtj.verbs import Clock, SourceMeasureUnit

SHORTEST_SECONDS = 0.01
"""of a pulse that two boxes give together; below, the time of the messages would be much of the width (a choice)"""


class ChannelReadings(NamedTuple):
    """What channels showed, (shots, channels read) each; currents count out of the channel."""

    amperes: FloatArray
    flags: NDArray[np.uint8]
    range_amperes: FloatArray
    start_seconds: FloatArray
    """on the clock of the bench"""
    held_seconds: FloatArray
    """(shots,) how long the levels were held, at most"""


class DeliveredSteps(NamedTuple):
    """What pulses were delivered."""

    step_seconds: FloatArray
    """(pulses, steps)"""
    step_volts: FloatArray
    """(pulses, steps, channels)"""
    flags: NDArray[np.uint8]
    """(pulses, channels)"""
    start_seconds: FloatArray
    """(pulses,) on the clock of the bench"""


class SoftwareTimedPulse:
    """Sets levels and reads, unit by unit.

    Args:
        units: by name on the bench, those that take part, in the order in which they step up.
        channels: all channels in use; those of other units stay at 0 V.
        clock: of the bench.
    """

    def __init__(self, units: Mapping[str, SourceMeasureUnit], channels: Sequence[Channel], clock: Clock) -> None:
        self._units, self._channels, self._clock = units, channels, clock
        self._of = {unit: np.array([channel.unit == unit for channel in channels]) for unit in units}

    def shots(
        self,
        volts: FloatArray,
        read: Sequence[Channel],
        how: ReadSettings,
        settle_seconds: float,
        limits: Mapping[Channel, float],
    ) -> ChannelReadings:
        """Hold levels (shots, channels), from 0 V and back, and read channels under each, one unit after another.

        A unit that is not read is asked whether it is limited: the voltage on its lines is then not the one asked for,
        and what others read is wrong, which their flags say.
        """
        whole = (len(volts), len(read))
        shown = ChannelReadings(
            np.empty(whole), np.empty(whole, np.uint8), np.empty(whole), np.empty(whole), np.empty(len(volts))
        )
        held = np.zeros(len(self._channels))
        edges = [self._clock.now()]
        for number, wanted in enumerate(volts):
            self._step_to(held, wanted)
            held = wanted
            self._clock.sleep(settle_seconds)
            for unit in self._units:
                self._read(unit, number, read, how, shown)
            if self._limited_unread(wanted, read, limits):
                shown.flags[number] |= np.uint8(Flag.COMPLIANCE)
            edges.append(self._clock.now())
        self._step_to(held, np.zeros(len(self._channels)))
        edges[-1] = self._clock.now()
        shown.held_seconds[:] = np.diff(edges)
        return shown

    def _read(self, unit: str, number: int, read: Sequence[Channel], how: ReadSettings, shown: ChannelReadings) -> None:
        places = [place for place, channel in enumerate(read) if channel.unit == unit]
        if places:
            names = [read[place].name for place in places]
            answer = self._units[unit].read_currents(names, how.aperture_seconds, how.range_amperes)
            # counted back from the end, because units zero their meters before the aperture
            shown.start_seconds[number, places] = self._clock.now() - how.aperture_seconds
            shown.amperes[number, places] = answer.amperes[0]
            shown.flags[number, places] = answer.flags[0]
            shown.range_amperes[number, places] = answer.range_amperes[0]

    def _limited_unread(self, volts: FloatArray, read: Sequence[Channel], limits: Mapping[Channel, float]) -> bool:
        """Ask units whether they are limited: those that no reading says it of, and that may be.

        A channel at 0 V takes no more, through resistors, than those that drive give together. So it is not asked where
        that is within its limit: on a rack most are not.
        """
        most = sum(limits[channel] for channel, level in zip(self._channels, volts, strict=True) if level)
        may_be = {
            channel.unit
            for channel, level in zip(self._channels, volts, strict=True)
            if level or limits[channel] < most
        }  # fmt: skip
        asked = [unit for unit in self._units if unit in may_be - {channel.unit for channel in read}]
        return any(any(self._units[unit].limited().values()) for unit in asked)

    def _step_to(self, held: FloatArray, wanted: FloatArray) -> None:
        """Set levels, where they change."""
        for unit, mine in self._of.items():
            if (held[mine] != wanted[mine]).any():
                self.level(unit, wanted)

    def level(self, unit: str, volts: FloatArray) -> None:
        """Set the levels of one unit from those of all channels, (channels,)."""
        mine = np.flatnonzero(self._of[unit]).tolist()
        self._units[unit].level({self._channels[place].name: float(volts[place]) for place in mine})

    def pulses(self, volts: FloatArray, seconds: float, limits: Mapping[Channel, float]) -> DeliveredSteps:
        """Apply pulses (pulses, channels): units step up one after another, and down in the reverse order.

        Every step is delivered.

        At the end of a pulse the channels are read once, as briefly as they can, to see which are in compliance.
        """
        steps = 2 * len(self._units)
        given = DeliveredSteps(
            np.zeros((len(volts), steps)), np.zeros((len(volts), steps, len(self._channels))),
            np.zeros(volts.shape, np.uint8), np.empty(len(volts)),
        )  # fmt: skip
        for number, wanted in enumerate(volts):
            given.start_seconds[number] = stamp = self._clock.now()
            held = np.zeros(len(self._channels))
            for step, (unit, mine) in enumerate([*self._of.items(), *reversed(self._of.items())]):
                held = np.where(mine, wanted if step < len(self._units) else 0.0, held)
                self.level(unit, held)
                if step == len(self._units) - 1:
                    self._clock.sleep(seconds)
                    given.flags[number] = self.in_compliance(limits)
                now = self._clock.now()
                given.step_seconds[number, step], given.step_volts[number, step] = now - stamp, held
                stamp = now
        return given

    def in_compliance(self, limits: Mapping[Channel, float]) -> NDArray[np.uint8]:
        """Look which channels are in compliance now, (channels,): a flag for those of the units."""
        flags = np.zeros(len(self._channels), np.uint8)
        for unit, mine in self._of.items():
            answer = self._glance(unit, [self._channels[place] for place in np.flatnonzero(mine).tolist()], limits)
            flags[mine] = answer.flags[0] & np.uint8(Flag.COMPLIANCE)
        return flags

    def _glance(self, unit: str, channels: Sequence[Channel], limits: Mapping[Channel, float]) -> ShotReadings:
        """Read channels as briefly as the unit can, on a range that holds their limits."""
        facts = self._units[unit].facts
        scale = facts.range_for(max(limits[channel] for channel in channels))
        return self._units[unit].read_currents([channel.name for channel in channels], facts.aperture_seconds[0], scale)
