"""The pulse scripts that come with a 2600B (KIPulse): configure under a tag, then run; from memory, unverified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from instruments.virtual.series2600.factory import decades, line
from instruments.virtual.series2600.source import AMPS, ON, SOURCE_REACH, VOLTS, fitting
from labmtj.virtual.tsp.buffers import ReadingBuffer
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, TOO_FEW_PARAMETERS, Complaint
from labmtj.virtual.tsp.tree import Members, number, within

if TYPE_CHECKING:
    from instruments.virtual.series2600.engine import Channel
    from labmtj.virtual.tsp.clock import Clock

LONGEST_SECONDS = 100_000.0
MOST_TAG = 1000
Shape = Callable[[float, float, int], list[float]]


@dataclass(frozen=True)
class Train:
    """Pulses of one channel, as configured."""

    channel: Channel
    buffer: ReadingBuffer
    kind: int
    """what is sourced: VOLTS or AMPS"""
    bias: float
    levels: Sequence[float]
    """one for each pulse"""
    limit: float
    on_seconds: float
    off_seconds: float

    @property
    def is_possible(self) -> bool:
        """Whether the output is on and sources what the pulses are of."""
        return self.channel.source.is_on and self.channel.source.kind == self.kind


class Pulses:
    """ConfigPulse..., InitiatePulseTest and its relatives, PulseVMeasureI and PulseIMeasureV."""

    def __init__(self, clock: Clock, find: Callable[[object], Channel | None]) -> None:
        self._clock, self._find = clock, find
        self._trains: dict[int, Train] = {}

    def members(self) -> Members:
        """Return the globals."""
        found: Members = {}
        for name, kind in (("VMeasureI", VOLTS), ("IMeasureV", AMPS)):
            found[f"ConfigPulse{name}"] = partial(self._configure, kind, None)
            found[f"ConfigPulse{name}SweepLin"] = partial(self._configure, kind, line)
            found[f"ConfigPulse{name}SweepLog"] = partial(self._configure, kind, decades)
            found[f"Pulse{name}"] = partial(self._pulse_now, kind)
        return found | {
            "InitiatePulseTest": self._run,
            "InitiatePulseTestDual": self._run,
            "QueryPulseConfig": self._described,
        }

    def _configure(self, kind: int, shape: Shape | None, *parameters: object) -> tuple[bool, str]:
        """Keep a train under its tag; errors are returned in the second value, not in the error queue."""
        try:
            train, tag = self._train(kind, shape, parameters)
        except Complaint as complaint:
            return False, complaint.entry.text
        except ValueError as problem:
            return False, str(problem)
        self._trains[tag] = train
        return True, "Pulse Configuration Successful."

    def _train(self, kind: int, shape: Shape | None, given: tuple[object, ...]) -> tuple[Train, int]:
        """Return what was asked for: by (smu, ..., buffer, tag), or as older firmware has it by (buffer, ..., tag)."""
        by_buffer = isinstance(given[0], ReadingBuffer) if given else False
        least = 7 + (shape is not None) + (1 if by_buffer else 2)
        if len(given) < least:
            raise ValueError(f"expected {least} parameters, from the smu or the buffer to the tag")
        middle, tag = list(given[1:least]), given[least - 1]
        buffer = given[0] if by_buffer else middle[-2]
        channel = self._find(given[0])
        if not isinstance(buffer, ReadingBuffer) or channel is None:
            raise ValueError("expected smua or smub, and a reading buffer")
        start, stop = middle[1], middle[2] if shape else middle[1]
        limit, on, off, points = middle[3 if shape else 2 :][:4]
        count = int(within(1, buffer.capacity)(points))
        levels = (shape or line)(number(start), number(stop), count)
        self._check_levels(channel, kind, [number(middle[0]), *levels])
        highest = channel.source.scales[AMPS if kind == VOLTS else VOLTS][-1]
        train = Train(
            channel, buffer, kind, number(middle[0]), levels, within(0.0, highest)(limit),
            *(within(0.0, LONGEST_SECONDS)(each) for each in (on, off)),
        )  # fmt: skip
        self._check_width(train)
        return train, int(within(1, MOST_TAG)(tag))

    @staticmethod
    def _check_levels(channel: Channel, kind: int, levels: Sequence[float]) -> None:
        most = channel.source.range[kind].value * SOURCE_REACH
        for level in levels:
            within(-most, most)(level)

    @staticmethod
    def _check_width(train: Train) -> None:
        aperture = train.channel.meter.aperture_seconds
        if train.on_seconds <= aperture:
            raise ValueError(f"ton of {train.on_seconds!r} s does not hold a measurement of {aperture!r} s")

    def _run(self, first: object = None, *others: object) -> tuple[bool, str]:
        trains = [self._trains.get(int(within(1, MOST_TAG)(tag))) for tag in (first, *others)]
        chosen = [train for train in trains if train is not None]
        if len(chosen) < len(trains):
            return False, "no pulse was configured under this tag"
        if not all(train.is_possible for train in chosen):
            return False, "the output is off, or sources something else"
        self._pulse(chosen)
        return True, "Pulse Test Complete."

    def _pulse_now(self, kind: int, *given: object) -> None:
        """PulseVMeasureI(smu, bias, level, ton, toff, points): output on, pulses, output off."""
        if len(given) < 6:
            raise Complaint(TOO_FEW_PARAMETERS, "expected at least 6 parameters")
        smu, bias, level, on, off, points = given[:6]
        channel = self._find(smu)
        buffer = channel.buffers[0] if channel else None
        limit = channel and (channel.source.limit_amperes if kind == VOLTS else channel.source.limit_volts).value
        if channel and channel.source.auto[kind].value:
            most = max(abs(number(each)) for each in (bias, level))
            channel.source.range[kind].value = fitting(channel.source.scales[kind], most / SOURCE_REACH)
        try:
            train, _ = self._train(kind, None, (smu, bias, level, limit, on, off, points, buffer, 1))
        except ValueError as problem:
            raise Complaint(INVALID_PARAMETER, f"parameter is invalid: {problem}") from None
        train.buffer.clear()
        train.channel.source.func.write(kind)
        train.channel.source.output.write(ON)
        self._pulse([train])
        train.channel.source.output.write(0)

    def _pulse(self, trains: Sequence[Train]) -> None:
        """Step all channels up, measure at the end of the pulse, step them back."""
        for train in trains:
            train.buffer.begin()
        for place in range(max(len(train.levels) for train in trains)):
            active = [train for train in trains if place < len(train.levels)]
            begin = self._clock.now()
            for train in active:
                train.channel.source.step(train.levels[place], train.limit)
            aperture = max(train.channel.meter.aperture_seconds for train in active)
            on, off = (max(seconds) for seconds in zip(*((t.on_seconds, t.off_seconds) for t in active), strict=True))
            self._clock.spend(max(0.0, on - aperture * len(active)), "pulse")
            for train in active:
                meter, name = train.channel.meter, "i" if train.kind == VOLTS else "v"
                meter.store(name, (train.buffer,), meter.read())
            self._clock.spend(max(0.0, begin + on - self._clock.now()), "pulse")
            for train in active:
                train.channel.source.step(train.bias, train.limit)
            self._clock.spend(off, "pulse")
        for train in trains:
            train.channel.source.apply()

    def _described(self, tag: object = None) -> dict[str, Any] | None:
        train = self._trains.get(int(within(1, MOST_TAG)(tag)))
        if train is None:
            return None
        return {
            "tag": tag, "smu": train.channel.group, "buf": train.buffer, "bias": train.bias, "limit": train.limit,
            "level": train.levels[0], "start": train.levels[0], "stop": train.levels[-1],
            "ton": train.on_seconds, "toff": train.off_seconds, "points": float(len(train.levels)),
            "func": float(train.kind),
        }  # fmt: skip
