"""The factory scripts of a 2600B for sweeps and small measurements (KISweep, KIGeneral, KIParlib).

Each turns the output on, does its steps, and leaves output off and level as they were; readings are in nvbuffer1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from instruments.virtual.series2600.source import AMPS, OFF, ON, VOLTS
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, TOO_FEW_PARAMETERS, Complaint
from labmtj.virtual.tsp.tree import Group, Members, number, whole, within

if TYPE_CHECKING:
    from instruments.virtual.series2600.engine import Channel
    from labmtj.virtual.tsp.clock import Clock

MOST_POINTS, LONGEST_SECONDS = 100_000, 100_000.0
KINDS = {"V": VOLTS, "I": AMPS}


def line(start: float, stop: float, points: int) -> list[float]:
    """Return levels from start to stop with equal steps."""
    return [start + (stop - start) * place / max(points - 1, 1) for place in range(points)]


def decades(start: float, stop: float, points: int) -> list[float]:
    """Return levels from start to stop with equal ratios; Complaint where that would pass zero."""
    if start * stop <= 0:
        raise Complaint(INVALID_PARAMETER, "a logarithmic sweep does not pass zero")
    return [start * (stop / start) ** (place / max(points - 1, 1)) for place in range(points)]


class Factory:
    """The functions; `channel` finds the channel that a script names by its table, such as smua."""

    def __init__(self, clock: Clock, channel: Callable[[object], Channel | None]) -> None:
        self._clock, self._find = clock, channel

    def members(self) -> Members:
        """Return the globals."""
        found: Members = {}
        for letter, other in (("V", "I"), ("I", "V")):
            found[f"Sweep{letter}LinMeasure{other}"] = partial(self._between, letter, line)
            found[f"Sweep{letter}LogMeasure{other}"] = partial(self._between, letter, decades)
            found[f"Sweep{letter}ListMeasure{other}"] = partial(self._listed, letter)
        return found | {
            "gm_vsweep": partial(self._transconductance, VOLTS),
            "gm_isweep": partial(self._transconductance, AMPS),
            "i_leakage_measure": self._leakage,
            "i_leakage_threshold": self._leakage_below,
        }

    def _between(self, letter: str, shape: Callable[[float, float, int], list[float]], *given: object) -> None:
        channel, start, stop, seconds, points = self._parameters(given, 5)
        levels = shape(number(start), number(stop), int(whole(1, MOST_POINTS)(points)))
        self._sweep(channel, letter, levels, seconds)

    def _listed(self, letter: str, *given: object) -> None:
        channel, levels, seconds, points = self._parameters(given, 4)
        if not isinstance(levels, list):
            raise Complaint(INVALID_PARAMETER, "parameter 2 is invalid: a table of levels is expected")
        count = int(whole(1, len(levels))(points))
        self._sweep(channel, letter, [number(level) for level in levels[:count]], seconds)

    def _sweep(self, channel: Channel, letter: str, levels: Sequence[float], seconds: object) -> None:
        wait = within(0.0, LONGEST_SECONDS)(seconds)
        kind, name = KINDS[letter], "i" if letter == "V" else "v"
        buffer = channel.buffers[0]
        buffer.clear()
        for setting in ("collecttimestamps", "collectsourcevalues", "appendmode"):
            buffer.members[setting].value = 1.0
        with self.sourcing(channel, kind):
            for level in levels:
                channel.source.level[kind].write(level)
                self._clock.spend(wait, "settle")
                channel.meter.measure(name, buffer)

    def _transconductance(self, kind: int, *given: object) -> tuple[object, ...]:
        """Return the slope between the points of a sweep, and the buffers of what was measured and sourced."""
        channel, start, stop, points = self._parameters(given, 4)
        measured, sourced = channel.buffers
        for buffer in channel.buffers:
            buffer.clear()
            buffer.members["appendmode"].value = 1.0
        levels = line(number(start), number(stop), int(whole(2, MOST_POINTS)(points)))
        with self.sourcing(channel, kind):
            for level in levels:
                channel.source.level[kind].write(level)
                channel.meter.measure("iv" if kind == VOLTS else "vi", measured, sourced)
        y, x = ([entry.reading for entry in buffer.entries] for buffer in (measured, sourced))
        slopes = [(y[n + 1] - y[n]) / (x[n + 1] - x[n]) if x[n + 1] != x[n] else 0.0 for n in range(len(y) - 1)]
        return slopes, measured, sourced

    def _leakage(self, *given: object) -> float:
        channel, level, limit, source_seconds, scale, seconds = self._parameters(given, 6)
        with self._leaking(channel, level, limit, source_seconds, scale, seconds):
            return float(channel.meter.measure("i")[0])

    def _leakage_below(self, *given: object) -> bool:
        """Return whether the current falls below a threshold before the timeout."""
        channel, level, limit, source_seconds, scale, seconds, threshold, timeout = self._parameters(given, 8)
        end = self._clock.now() + within(0.0, LONGEST_SECONDS)(timeout)
        with self._leaking(channel, level, limit, source_seconds, scale, seconds):
            while True:
                if abs(channel.meter.measure("i")[0]) < number(threshold):
                    return True
                if self._clock.now() >= end:
                    return False

    @contextmanager
    def _leaking(self, channel: Channel, *given: object) -> Iterator[None]:
        level, limit, source_seconds, scale, seconds = given
        before = channel.source.limit_amperes.value
        channel.source.limit_amperes.write(limit)
        try:
            with self.sourcing(channel, VOLTS):
                channel.source.level[VOLTS].write(level)
                self._clock.spend(within(0.0, LONGEST_SECONDS)(source_seconds), "settle")
                channel.meter.ranging.range[AMPS].write(scale)
                self._clock.spend(within(0.0, LONGEST_SECONDS)(seconds), "settle")
                yield
        finally:
            channel.source.limit_amperes.write(before)

    @contextmanager
    def sourcing(self, channel: Channel, kind: int) -> Iterator[None]:
        """Switch the output on and source one quantity within; then off, with the level as it was."""
        source = channel.source
        before = source.level[kind].value
        source.func.write(kind)
        source.output.write(ON)
        try:
            yield
        finally:
            source.level[kind].write(before)
            source.output.write(OFF)

    def _parameters(self, given: tuple[object, ...], least: int) -> tuple[Any, ...]:
        """Return the channel and the other parameters; Complaint without enough of them."""
        if len(given) < least:
            raise Complaint(TOO_FEW_PARAMETERS, f"expected at least {least} parameters")
        channel = self._find(given[0]) if isinstance(given[0], Group) else None
        if channel is None:
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: smua or smub is expected")
        return channel, *given[1:least]
