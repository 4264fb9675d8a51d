"""A pulse of several units that one of them times: the others hold their levels by messages before and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from labmtj.bench.files.wiring import Channel
from labmtj.bench.software_timed import DeliveredSteps, SoftwareTimedPulse
from labmtj.quantities import FloatArray
from labmtj.shots import Pulses
from labmtj.verbs import Clock, SourceMeasureUnit


class HardwareTimedPulse:
    """Gives pulses one by one: the cells see the whole voltage for the width that the last unit times, no longer.

    Args:
        units: by name on the bench, in the order in which they step up; the last one times.
        channels: all channels in use; those of other units stay at 0 V.
        clock: of the bench.
    """

    def __init__(self, units: Mapping[str, SourceMeasureUnit], channels: Sequence[Channel], clock: Clock) -> None:
        *self._holders, timer = units
        self._unit, self._clock = units[timer], clock
        self._messages = SoftwareTimedPulse({name: units[name] for name in self._holders}, channels, clock)
        self._owners = np.array([channel.unit for channel in channels])
        self._mine = np.flatnonzero(self._owners == timer).tolist()
        self._names = tuple(channels[place].name for place in self._mine)

    def pulses(self, volts: FloatArray, seconds: float, limits: Mapping[Channel, float]) -> DeliveredSteps:
        """Apply pulses (pulses, channels). The channels that hold are checked for compliance once, before the pulse.

        The timing unit does not report when within its message the pulse came. The rest of the time that the message
        took, with the others at their levels, is recorded as time before the pulse.
        """
        return DeliveredSteps(
            *map(np.concatenate, zip(*(self._pulse(each, seconds, limits) for each in volts), strict=True))
        )

    def _pulse(self, wanted: FloatArray, seconds: float, limits: Mapping[Channel, float]) -> DeliveredSteps:
        course = _Course(self._clock)
        held = np.zeros(len(wanted))
        for unit in self._holders:
            held = np.where(self._owners == unit, wanted, held)
            self._messages.level(unit, held)
            course.add(held)
        flags = self._messages.in_compliance(limits)
        answer = self._unit.run_pulses(Pulses(self._names, wanted[np.newaxis, self._mine], seconds))
        flags[self._mine] = answer.flags[0]
        levels = np.repeat(held[np.newaxis], answer.step_seconds.shape[1], axis=0)
        levels[:, self._mine] = answer.step_volts[0]
        course.add_around(held, answer.step_seconds[0], levels)
        for unit in reversed(self._holders):
            held = np.where(self._owners == unit, 0.0, held)
            self._messages.level(unit, held)
            course.add(held)
        return course.given(flags)


class _Course:
    """What the channels were at, step by step, by the clock of the bench."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._begun = clock, clock.now()
        self._stamp = self._begun
        self._seconds: list[float] = []
        self._volts: list[FloatArray] = []

    def _elapsed(self) -> float:
        before, self._stamp = self._stamp, self._clock.now()
        return self._stamp - before

    def add(self, volts: FloatArray) -> None:
        """Add the levels of the channels since the last call."""
        self._seconds.append(self._elapsed())
        self._volts.append(volts)

    def add_around(self, volts: FloatArray, step_seconds: FloatArray, step_volts: FloatArray) -> None:
        """Add the levels since the last call, except for some steps at the end, (steps,) and (steps, channels)."""
        self._seconds += [max(0.0, self._elapsed() - float(step_seconds.sum())), *step_seconds.tolist()]
        self._volts += [volts, *step_volts]

    def given(self, flags: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> DeliveredSteps:
        """Return all of it as one pulse."""
        return DeliveredSteps(
            np.array([self._seconds]), np.array([self._volts]), flags[np.newaxis], np.array([self._begun])
        )
