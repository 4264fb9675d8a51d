"""The named buffers of a 2450: entries with their circumstances, shown element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import fmean, pstdev
from typing import NamedTuple

from instruments.virtual.series2450.tables import (
    ELEMENTS,
    EPOCH,
    MOST_IN_BUFFER,
    MOST_POINTS,
    UNITS,
)
from labmtj.virtual.meter_commands import MeterCommands
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import Call, command, one
from labmtj.virtual.scpi_values import (
    Whole,
    only,
    quoted,
    spelling,
)


class Reading(NamedTuple):
    """One entry of a buffer."""

    value: float
    function: str
    source: float
    source_function: str
    seconds: float
    limited: bool


class Buffers(MeterCommands):
    """A 2450 that can store readings and show them."""

    def reset(self) -> None:
        """Have the two default buffers, empty, and no other."""
        self.buffers: dict[str, list[Reading]] = {"defbuffer1": [], "defbuffer2": []}
        self.sizes = dict.fromkeys(self.buffers, MOST_POINTS)
        super().reset()

    def keep(self, name: str, reading: Reading) -> None:
        """Store a reading; the oldest one goes if there is no room."""
        buffer = self.buffers[name]
        if len(buffer) >= self.sizes[name]:
            del buffer[0]
        buffer.append(reading)

    def buffer_and_elements(self, arguments: Sequence[str]) -> tuple[str, list[str]]:
        """Return the buffer and the elements that a query names."""
        name, rest = "defbuffer1", list(arguments)
        if rest and rest[0][:1] in ("'", '"'):
            name = self.buffer(rest.pop(0))
        elements = [spelling(ELEMENTS, each) or "" for each in rest] or ["READ"]
        if "" in elements:
            raise SCPIError(-224)
        return name, elements

    def buffer(self, argument: str) -> str:
        """Return the name of a buffer that exists."""
        name = quoted(argument)
        if name not in self.buffers:
            raise SCPIError(-224)
        return name

    def buffer_or_default(self, call: Call) -> str:
        """Return the buffer that is named, or the first default one."""
        return self.buffer(one(call)) if call.arguments else "defbuffer1"

    def show(self, readings: Sequence[Reading], elements: Sequence[str]) -> str:
        """Return readings as they are sent."""
        return ",".join(self._element(reading, each) for reading in readings for each in elements)

    def _element(self, reading: Reading, element: str) -> str:
        clock = self.clock(reading.seconds)
        shown: dict[str, Callable[[], str]] = {
            "READ": lambda: self.number_shown(reading.value),
            "SOUR": lambda: self.number_shown(reading.source),
            "REL": lambda: self.number_shown(reading.seconds - self._first_seconds()),
            "SEC": lambda: f"{int(clock.timestamp())}",
            "FRAC": lambda: self.number_shown(clock.microsecond * 1e-6),
            "DATE": lambda: f"{clock:%m/%d/%Y}",
            "TIME": lambda: f"{clock:%H:%M:%S.%f}",
            "TST": lambda: f"{clock:%m/%d/%Y %H:%M:%S.%f}",
            "STAT": lambda: "0",
            "SOURSTAT": lambda: str((4 if reading.limited else 0) | (1 if self.values[1]["output"] else 0)),
            "UNIT": lambda: UNITS[reading.function],
            "SOURUNIT": lambda: UNITS[reading.source_function],
            "FORM": lambda: f"{reading.value:.6g} {UNITS[reading.function][0]}",
            "SOURFORM": lambda: f"{reading.source:.6g} {UNITS[reading.source_function][0]}",
        }
        return shown[element]()

    def number_shown(self, value: float) -> str:
        """Return a number with as many digits as are set."""
        digits = self.values[1]["digits"]
        return self.number_style % value if digits == 0 else f"{value:.{digits - 1}E}"

    def _first_seconds(self) -> float:
        return min((buffer[0].seconds for buffer in self.buffers.values() if buffer), default=0.0)

    def clock(self, seconds: float) -> datetime:
        """Return the calendar time of a time on the bench."""
        return EPOCH + timedelta(seconds=min(seconds, 1e9))

    # Commands

    @command(":TRACe:MAKE")
    def _make_buffer(self, call: Call) -> None:
        name = quoted(at_least(call, 2)[0])
        if name in self.buffers or not name.isidentifier() or len(self.buffers) > 99:
            raise SCPIError(-224)
        self.sizes[name] = Whole(10, MOST_IN_BUFFER).read(call.arguments[1:2], MOST_POINTS)
        self.buffers[name] = []

    @command(":TRACe:DELete")
    def _delete_buffer(self, call: Call) -> None:
        name = self.buffer(one(call))
        if name.startswith("defbuffer"):
            raise SCPIError(-221)
        del self.buffers[name], self.sizes[name]
        self.forget_sweep()

    @command(":TRACe:CLEar")
    def _clear_buffer(self, call: Call) -> None:
        self.buffers[self.buffer_or_default(call)] = []

    @command(":TRACe:ACTual?")
    def _buffer_fill(self, call: Call) -> str:
        return str(len(self.buffers[self.buffer_or_default(call)]))

    @command(":TRACe:POINts")
    def _set_size(self, call: Call) -> None:
        only(call.arguments, 2)
        size = Whole(10, MOST_IN_BUFFER).read(call.arguments[:1], MOST_POINTS)
        name = self.buffer(call.arguments[1]) if len(call.arguments) > 1 else "defbuffer1"
        self.sizes[name], self.buffers[name] = size, []

    @command(":TRACe:POINts?")
    def _size(self, call: Call) -> str:
        return str(self.sizes[self.buffer_or_default(call)])

    @command(":TRACe:DATA?")
    def _buffered(self, call: Call) -> str:
        first, last = (Whole(1, MOST_IN_BUFFER).read((each,), 1) for each in at_least(call, 2)[:2])
        name, elements = self.buffer_and_elements(call.arguments[2:])
        found = self.buffers[name][first - 1 : last]
        if last < first or len(found) < last - first + 1:
            raise SCPIError(-222)
        return self.show(found, elements)

    @command(*(f":TRACe:STATistics:{node}?" for node in ("AVERage", "MAXimum", "MINimum", "STDDev", "PK2Pk")))
    def _statistics(self, call: Call) -> str:
        values = [each.value for each in self.buffers[self.buffer_or_default(call)]]
        if not values:
            raise SCPIError(-230)
        last = call.header.rstrip("?").rpartition(":")[2][:2]
        work: dict[str, Callable[[Sequence[float]], float]] = {
            "AV": fmean, "MA": max, "MI": min, "ST": pstdev, "PK": lambda found: max(found) - min(found),
        }  # fmt: skip
        return self.number_shown(work[last](values))

    def forget_sweep(self) -> None:
        """Forget what is to be stored in a buffer that is gone."""


def at_least(call: Call, count: int) -> tuple[str, ...]:
    """Return the arguments of a call; a SCPI error if they are fewer."""
    if len(call.arguments) < count:
        raise SCPIError(-109)
    return call.arguments
