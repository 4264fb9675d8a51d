"""Levels and apertures of several channels on one clock: what a trigger system makes happen, when it should happen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Event as Flag
from typing import NamedTuple

from labmtj.virtual.terminals import Sensed, Time
from labmtj.virtual.unit import Unit

CLOSE, LEVEL, OPEN = -1, 0, 1
"""what happens; of things at one time apertures close before levels change, and open after"""


class Event(NamedTuple):
    """Something that happens on a channel."""

    seconds: float
    """from the start of the schedule"""
    what: int
    channel: int
    level: float = 0.0
    """of the channel from now on"""


@dataclass
class Aperture:
    """The meter of a channel at work."""

    opened: float
    """on the clock of the bench"""
    level: float
    seconds: float = 0.0
    _volt_seconds: float = 0.0
    _ampere_seconds: float = 0.0
    _limited: bool = False

    def add(self, seen: Sensed, seconds: float) -> None:
        """Integrate what was seen during a part of the aperture."""
        self.seconds += seconds
        self._volt_seconds += seen.volts * seconds
        self._ampere_seconds += seen.amperes * seconds
        self._limited |= seen.limited

    def mean(self) -> Sensed:
        """Return the average over the aperture."""
        return Sensed(self._volt_seconds / self.seconds, self._ampere_seconds / self.seconds, self._limited)


class Schedule:
    """A player of events.

    Args:
        units: the channels.
        time: is spent by what goes on.
        hold: brings a channel to a level.
        read: takes what an aperture has found.
        purpose: what time is booked under while no aperture is open.
    """

    def __init__(
        self, units: Mapping[int, Unit], time: Time, hold: Callable[[int, float], None],
        read: Callable[[int, Aperture], None], purpose: str,
    ) -> None:  # fmt: skip
        self._units, self._time, self._hold, self._read = units, time, hold, read
        self._purpose = purpose
        self._levels: dict[int, float] = {}
        self._open: dict[int, Aperture] = {}

    def play(self, events: Iterable[Event], levels: Mapping[int, float], stopped: Flag) -> None:
        """Let all events happen at their times, or until stopped; `levels` are those that the channels start at."""
        self._levels, started = dict(levels), self._time.now()
        for event in sorted(events, key=lambda each: each[:3]):
            if stopped.is_set():
                break
            self._pass(started + event.seconds - self._time.now())
            self._happen(event)

    def _pass(self, seconds: float) -> None:
        """Let time pass. All open apertures integrate the same time: the first spends it, the others look on."""
        if seconds <= 0:
            return
        for number, (channel, aperture) in enumerate(self._open.items()):
            aperture.add(self._units[channel].look(0.0 if number else seconds), seconds)
        if not self._open:
            self._time.spend(seconds, self._purpose)

    def _happen(self, event: Event) -> None:
        channel = event.channel
        if event.what == LEVEL:
            self._levels[channel] = event.level
            self._hold(channel, event.level)
        elif event.what == OPEN:
            self._open[channel] = Aperture(self._time.now(), self._levels[channel])
        elif (aperture := self._open.pop(channel, None)) is not None and aperture.seconds > 0:
            self._read(channel, aperture)
