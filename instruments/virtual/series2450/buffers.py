"""The named buffers of a 2450: entries with their circumstances, shown element by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, pstdev
from typing import NamedTuple

from instruments.virtual.series2450.status import Reporting
from instruments.virtual.series2450.tables import ELEMENTS, MOST_IN_BUFFER, MOST_POINTS, UNITS
from labmtj.virtual.scpi.blocks import block
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, command, one
from labmtj.virtual.scpi.values import Whole, Word, only, quoted, spelling


class Reading(NamedTuple):
    """One entry of a buffer."""

    value: float
    function: str
    source: float
    source_function: str
    seconds: float
    source_status: int
    unit: str


class Buffers(Reporting):
    """A 2450 that can store readings and show them."""

    def reset(self) -> None:
        """Have the two default buffers, empty, and no other."""
        self.buffers: dict[str, list[Reading]] = {"defbuffer1": [], "defbuffer2": []}
        self.sizes = dict.fromkeys(self.buffers, MOST_POINTS)
        self.fill_once: set[str] = set()
        """the buffers that keep the first readings instead of the last"""
        super().reset()

    def keep(self, name: str, reading: Reading) -> None:
        """Store a reading; the oldest one goes if there is no room, or this one."""
        buffer = self.buffers[name]
        if len(buffer) >= self.sizes[name]:
            if name in self.fill_once:
                return
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
        """Return readings as they are sent; elements that are words come as 0 in a binary block."""
        shown = [self._element(reading, each) for reading in readings for each in elements]
        letter = {"REAL": "d", "SRE": "f"}.get(self.values[1]["format"], "")
        if not letter:
            return ",".join(shown)
        swapped = self.values[1]["border"] == "SWAP"
        return block([_number(each) for each in shown], letter, swapped=swapped, counted=False)

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
            "SOURSTAT": lambda: str(reading.source_status),
            "UNIT": lambda: UNITS[reading.unit],
            "SOURUNIT": lambda: UNITS[reading.source_function],
            "FORM": lambda: f"{reading.value:.6g} {UNITS[reading.unit][0]}",
            "SOURFORM": lambda: f"{reading.source:.6g} {UNITS[reading.source_function][0]}",
        }
        return shown[element]()

    def number_shown(self, value: float) -> str:
        """Return a number with as many digits as are set."""
        digits = self.values[1]["digits"]
        return self.number_style % value if digits == 0 else f"{value:.{digits - 1}E}"

    def _first_seconds(self) -> float:
        return min((buffer[0].seconds for buffer in self.buffers.values() if buffer), default=0.0)

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

    @command(":TRACe:FILL:MODE")
    def _set_fill_mode(self, call: Call) -> None:
        only(call.arguments, 2)
        once = Word("CONTinuous|ONCE").read(call.arguments[:1], "CONT") == "ONCE"
        name = self.buffer(call.arguments[1]) if len(call.arguments) > 1 else "defbuffer1"
        self.fill_once = self.fill_once | {name} if once else self.fill_once - {name}

    @command(":TRACe:FILL:MODE?")
    def _fill_mode(self, call: Call) -> str:
        return "ONCE" if self.buffer_or_default(call) in self.fill_once else "CONT"

    @command(":TRACe:ACTual:STARt?")
    def _first_index(self, call: Call) -> str:
        return "1" if self.buffers[self.buffer_or_default(call)] else "0"

    @command(":TRACe:STATistics:CLEar")
    def _clear_statistics(self, call: Call) -> None:
        self.buffer_or_default(call)  # they are worked out when they are asked for

    @command(":TRACe:ACTual?", ":TRACe:ACTual:END?")
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


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def at_least(call: Call, count: int) -> tuple[str, ...]:
    """Return the arguments of a call; a SCPI error if they are fewer."""
    if len(call.arguments) < count:
        raise SCPIError(-109)
    return call.arguments
