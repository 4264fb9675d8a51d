"""Levels and apertures of several channels on one clock: what a trigger system makes happen, when it should happen.

Times are whole nanoseconds. Sums of fractions differ by a rounding error according to how they were made: an aperture
would open a rounding error before the one before it closes, and a reading would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Event as Flag
from typing import NamedTuple

from labmtj.virtual.network.terminals import Sensed, Time
from labmtj.virtual.network.unit import Unit

CLOSE, LEVEL, OPEN = -1, 0, 1
"""what happens; of things at one time apertures close before levels change, and open after"""


class Event(NamedTuple):
    """Something that happens on a channel."""

    nanoseconds: int
    """from the start of the schedule"""
    what: int
    channel: int
    level: float = 0.0
    """of the channel from now on"""


@dataclass(frozen=True)
class Aperture:
    """What the meter of a channel saw."""

    opened: float
    """on the clock of the bench"""
    seconds: float
    level: float
    """of the channel when it was opened"""
    mean: Sensed


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
        self._open: dict[int, tuple[int, float, float]] = {}
        """when the aperture of a channel was opened, by the schedule and by the bench, and at which level"""

    def play(self, events: Iterable[Event], levels: Mapping[int, float], stopped: Flag) -> None:
        """Let all events happen at their times, or until stopped; `levels` are those that the channels start at."""
        self._levels, started, reached = dict(levels), self._time.now(), 0
        for event in sorted(events, key=lambda each: each[:3]):
            if stopped.is_set():
                break
            if event.nanoseconds > reached:
                reached = event.nanoseconds
                self._time.spend(max(started + reached * 1e-9 - self._time.now(), 0.0), self._purpose)
            self._happen(event)
        for channel in self._open:
            self._units[channel].close_aperture()

    def _happen(self, event: Event) -> None:
        channel = event.channel
        if event.what == LEVEL:
            self._levels[channel] = event.level
            self._hold(channel, event.level)
        elif event.what == OPEN:
            assert channel not in self._open, f"channel {channel} cannot open two apertures at once"
            self._open[channel] = event.nanoseconds, self._time.now(), self._levels[channel]
            self._units[channel].open_aperture()
        else:
            began, opened, level = self._open.pop(channel)
            seen = self._units[channel].close_aperture()
            self._read(channel, Aperture(opened, (event.nanoseconds - began) * 1e-9, level, seen))
