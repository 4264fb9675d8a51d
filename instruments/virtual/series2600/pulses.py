"""The pulse scripts that come with a 2600B (KIPulse): configure under a tag, then run; from memory, unverified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from instruments.virtual.series2600.measure import Meter
from instruments.virtual.series2600.source import AMPS, SOURCE_REACH, VOLTS, Source
from labmtj.virtual.tsp.buffers import ReadingBuffer
from labmtj.virtual.tsp.clock import Clock
from labmtj.virtual.tsp.complaints import Complaint
from labmtj.virtual.tsp.tree import Members, within

LONGEST_SECONDS = 100_000.0
Owner = Callable[[ReadingBuffer], tuple[Source, Meter] | None]
"""finds the channel that a buffer belongs to"""


@dataclass(frozen=True)
class Train:
    """Pulses of one channel, as configured."""

    source: Source
    meter: Meter
    buffer: ReadingBuffer
    kind: int
    """what is sourced: VOLTS or AMPS"""
    bias: float
    level: float
    limit: float
    on_seconds: float
    off_seconds: float
    points: int


class Pulses:
    """ConfigPulseVMeasureI, ConfigPulseIMeasureV and InitiatePulseTest."""

    def __init__(self, clock: Clock, owner: Owner) -> None:
        self._clock, self._owner = clock, owner
        self._trains: dict[int, Train] = {}

    def members(self) -> Members:
        """Return the globals."""

        def configure(kind: int) -> Callable[..., tuple[bool, str]]:
            return lambda *parameters: self._configure(kind, parameters)

        return {
            "ConfigPulseVMeasureI": configure(VOLTS),
            "ConfigPulseIMeasureV": configure(AMPS),
            "InitiatePulseTest": self._run,
        }

    def _configure(self, kind: int, parameters: tuple[object, ...]) -> tuple[bool, str]:
        """Keep a train under its tag; what is wrong is told in the second value, not in the error queue."""
        try:
            train, tag = self._train(kind, parameters)
        except Complaint as complaint:
            return False, complaint.entry.text
        except ValueError as problem:
            return False, str(problem)
        self._trains[tag] = train
        return True, "Pulse Configuration Successful."

    def _train(self, kind: int, parameters: tuple[object, ...]) -> tuple[Train, int]:
        if len(parameters) < 8 or not isinstance(parameters[0], ReadingBuffer):
            raise ValueError("expected a buffer, bias, level, limit, ton, toff, points and a tag")
        buffer, owner = parameters[0], self._owner(parameters[0])
        if owner is None:
            raise ValueError("the buffer belongs to no channel")
        source, meter = owner
        most = source.range[kind].value * SOURCE_REACH
        bias, level = (within(-most, most)(each) for each in parameters[1:3])
        highest = source.scales[AMPS if kind == VOLTS else VOLTS][-1]
        limit = within(0.0, highest)(parameters[3])
        on, off = (within(0.0, LONGEST_SECONDS)(each) for each in parameters[4:6])
        points, tag = int(within(1, buffer.capacity)(parameters[6])), int(within(1, 1000)(parameters[7]))
        if on <= meter.aperture_seconds:
            raise ValueError(f"ton of {on!r} s does not hold a measurement of {meter.aperture_seconds!r} s")
        return Train(source, meter, buffer, kind, bias, level, limit, on, off, points), tag

    def _run(self, tag: object = None) -> tuple[bool, str]:
        train = self._trains.get(int(within(1, 1000)(tag)))
        if train is None:
            return False, "no pulse was configured under this tag"
        if not train.source.is_on or train.source.kind != train.kind:
            return False, "the output is off, or sources something else"
        train.buffer.begin()
        for _ in range(train.points):
            self._pulse(train)
        train.source.apply()
        return True, "Pulse Test Complete."

    def _pulse(self, train: Train) -> None:
        """Step up, measure at the end of the pulse, step back."""
        begin = self._clock.now()
        train.source.step(train.level, train.limit)
        self._clock.spend(train.on_seconds - train.meter.aperture_seconds, "pulse")
        train.meter.store("i" if train.kind == VOLTS else "v", (train.buffer,), train.meter.read())
        self._clock.spend(max(0.0, begin + train.on_seconds - self._clock.now()), "pulse")
        train.source.step(train.bias, train.limit)
        self._clock.spend(train.off_seconds, "pulse")
