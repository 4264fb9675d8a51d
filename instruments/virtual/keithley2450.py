"""Keithley 2450 in its SCPI mode as it answers on the wire: one channel, limits, sweeps and named buffers.

Page numbers are those of the 2450 reference manual (2450-901-01 rev. B). What has none is from memory, unverified.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import fmean, pstdev
from typing import NamedTuple

from instruments.virtual.keithley2450_tables import (
    AUTO_DELAY_SECONDS,
    ELEMENTS,
    EPOCH,
    FUNCTIONS,
    HIGH_POWER_VOLTS,
    LOW_POWER_AMPERES,
    METER,
    MOST_IN_BUFFER,
    MOST_IN_LIST,
    MOST_POINTS,
    PER_FUNCTION,
    REACH,
    SETTINGS,
    UNITS,
)
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import Call, after, check, command, one
from labmtj.virtual.scpi_values import Numbers, Whole, Word, number, only, quoted, spelling
from labmtj.virtual.sourcemeter import Sheet, SourceMeter, names
from labmtj.virtual.terminals import Box
from labmtj.virtual.unit import NO_VALUE, Quantity


class Reading(NamedTuple):
    """One entry of a buffer."""

    value: float
    function: str
    source: float
    source_function: str
    seconds: float
    limited: bool


class Keithley2450(SourceMeter):
    """The box."""

    sheet = Sheet.of(METER, REACH, REACH)
    queue_depth = 1000
    settings = SETTINGS

    def __init__(self, box: Box) -> None:
        self.language = "SCPI"
        super().__init__(box)

    def identity(self) -> str:
        """Return the answer to `*IDN?` (B-5)."""
        return f"KEITHLEY INSTRUMENTS INC.,MODEL 2450,{self.box.serial},1.0.0i"

    def error_reply(self, code: int, text: str) -> str:
        """Return an error as the event log shows it: type and time behind the text."""
        if code == 0:
            return '0,"No error;0,0,0"'  # 6-101
        return f'{code},"{text};1;{self._clock(self.box.time.now()):%Y/%m/%d %H:%M:%S.%f}"'

    def reset(self) -> None:
        """Be as after `*RST`; buffers are emptied, sweeps forgotten."""
        self._buffers: dict[str, list[Reading]] = {"defbuffer1": [], "defbuffer2": []}
        self._sizes = dict.fromkeys(self._buffers, MOST_POINTS)
        self._measured = "CURR"
        self._sweep: Callable[[], None] | None = None
        super().reset()

    @command("*LANG?")
    def _language(self) -> str:
        return self.language

    @command("*LANG")
    def _set_language(self, call: Call) -> None:
        self.language = Word("SCPI|TSP|SCPI2400").read(call.arguments, "SCPI")  # counts from the next power-on

    # What is held and how it is read

    def apply(self, channel: int) -> None:
        """Bring the terminals to the settings of the present functions."""
        values = self.values[channel]
        for name in PER_FUNCTION:
            values[name] = values[f"{self._measured} {name}"]
        values["off mode"] = values[f"{values['function']} off mode"]
        super().apply(channel)

    @after(
        *(f"{function} {name}" for function in FUNCTIONS for name in ("nplc", "autozero", "four wires")),
        *names("q off mode"),
    )
    def _reapply(self, _name: str, channel: int) -> None:
        self.apply(channel)

    @check("terminals")
    def _switch_terminals(self, _name: str, channel: int, terminals: str) -> str:
        if terminals != self.values[channel]["terminals"]:  # the output goes off first
            self.values[channel]["output"] = False
            self.apply(channel)
        return terminals

    def check_power(self, channel: int, **changed: float) -> None:
        """Refuse what exceeds the power of the box."""
        values = {**self.values[channel], **changed}
        volts, amperes = ("range", "limit") if values["function"] == "VOLT" else ("limit", "range")
        if values[f"VOLT {volts}"] > HIGH_POWER_VOLTS and values[f"CURR {amperes}"] > LOW_POWER_AMPERES:
            raise SCPIError(-221)

    @command(":SOURce#:VOLTage:ILIMit[:LEVel]:TRIPped?", ":SOURce#:CURRent:VLIMit[:LEVel]:TRIPped?")
    def _tripped(self) -> str:
        return "1" if self.values[1]["output"] and self.units[1].limited() else "0"

    @command(":SOURce#:VOLTage:PROTection:TRIPped?")
    def _protection_tripped(self) -> str:
        return "0"

    @command("[:SENSe#]:FUNCtion[:ON]")
    def _choose_function(self, call: Call) -> None:
        found = spelling("VOLTage|CURRent|RESistance", quoted(one(call)).upper().removesuffix(":DC"))
        if found is None:
            raise SCPIError(-224)
        self._measured = found
        self.apply(1)

    @command("[:SENSe#]:FUNCtion[:ON]?")
    def _chosen_function(self) -> str:
        return FUNCTIONS[self._measured]

    @command("[:SENSe#]:AZERo:ONCE")
    def _zero_once(self) -> None:
        self.box.time.spend(2 * self.aperture(1), "autozero")

    # Readings

    def _take(self, level: float | None = None) -> Reading:
        values, function = self.values[1], self.values[1]["function"]
        delay = AUTO_DELAY_SECONDS if values[f"{function} delay auto"] else values[f"{function} delay"]
        self.box.time.spend(delay, "settle")
        seconds, count = self.box.time.now(), values[f"{self._measured} filter count"]
        shown = self.measure(1, count if values[f"{self._measured} filter"] else 1)
        ohms = shown.volts / shown.amperes if shown.amperes else NO_VALUE
        found = {"VOLT": shown.volts, "CURR": shown.amperes, "RES": ohms}
        programmed = values[f"{function} level"] if level is None else level
        source = found[function] if values[f"{function} read back"] else programmed
        return Reading(found[self._measured], self._measured, source, function, seconds, shown.limited)

    def _measure_into(self, name: str) -> None:
        for _ in range(self.values[1]["count"]):
            if self.stopped.is_set():
                break
            self._keep(name, self._take())

    def _keep(self, name: str, reading: Reading) -> None:
        buffer = self._buffers[name]
        if len(buffer) >= self._sizes[name]:
            del buffer[0]
        buffer.append(reading)

    @command(":READ?", ":MEASure?")
    def _read(self, call: Call) -> str | None:
        name, elements = self._buffer_and_elements(call.arguments)
        self._measure_into(name)
        return None if self.stopped.is_set() else self._show(self._buffers[name][-1:], elements)

    @command(*(f":MEASure:{function}?" for function in ("VOLTage[:DC]", "CURRent[:DC]", "RESistance")))
    def _measure_function(self, call: Call) -> str | None:
        self._measured = next(each for each in FUNCTIONS if f":{each}" in call.header)
        self.apply(1)
        return self._read(call)

    @command(":FETCh?")
    def _fetch(self, call: Call) -> str:
        name, elements = self._buffer_and_elements(call.arguments)
        if not self._buffers[name]:
            raise SCPIError(-230)
        return self._show(self._buffers[name][-1:], elements)

    def _buffer_and_elements(self, arguments: Sequence[str]) -> tuple[str, list[str]]:
        name, rest = "defbuffer1", list(arguments)
        if rest and rest[0][:1] in ("'", '"'):
            name = self._buffer(rest.pop(0))
        elements = [spelling(ELEMENTS, each) or "" for each in rest] or ["READ"]
        if "" in elements:
            raise SCPIError(-224)
        return name, elements

    def _buffer(self, argument: str) -> str:
        name = quoted(argument)
        if name not in self._buffers:
            raise SCPIError(-224)
        return name

    def _show(self, readings: Sequence[Reading], elements: Sequence[str]) -> str:
        return ",".join(self._element(reading, each) for reading in readings for each in elements)

    def _element(self, reading: Reading, element: str) -> str:
        clock = self._clock(reading.seconds)
        shown: dict[str, Callable[[], str]] = {
            "READ": lambda: self._number(reading.value),
            "SOUR": lambda: self._number(reading.source),
            "REL": lambda: self._number(reading.seconds - self._first_seconds()),
            "SEC": lambda: f"{int(clock.timestamp())}",
            "FRAC": lambda: self._number(clock.microsecond * 1e-6),
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

    def _number(self, value: float) -> str:
        digits = self.values[1]["digits"]
        return self.number_style % value if digits == 0 else f"{value:.{digits - 1}E}"

    def _first_seconds(self) -> float:
        return min((buffer[0].seconds for buffer in self._buffers.values() if buffer), default=0.0)

    def _clock(self, seconds: float) -> datetime:
        return EPOCH + timedelta(seconds=min(seconds, 1e9))

    # Sweeps

    @command(":SOURce#:SWEep:VOLTage:LINear", ":SOURce#:SWEep:CURRent:LINear")
    def _sweep_linear(self, call: Call) -> None:
        start, stop, count = self._ends(call)
        self._plan(call, [start + (stop - start) * index / max(count - 1, 1) for index in range(count)], 3)

    @command(":SOURce#:SWEep:VOLTage:LINear:STEP", ":SOURce#:SWEep:CURRent:LINear:STEP")
    def _sweep_by_steps(self, call: Call) -> None:
        start, stop = map(number, self._at_least(call, 3)[:2])
        step = number(call.arguments[2])
        count = round((stop - start) / step) + 1 if step else 0
        if not 1 <= count <= MOST_POINTS:
            raise SCPIError(-222)
        self._plan(call, [start + step * index for index in range(count)], 3)

    @command(":SOURce#:SWEep:VOLTage:LOG", ":SOURce#:SWEep:CURRent:LOG")
    def _sweep_logarithmic(self, call: Call) -> None:
        start, stop, count = self._ends(call)
        if start * stop <= 0:
            raise SCPIError(-222)
        self._plan(call, [start * (stop / start) ** (index / max(count - 1, 1)) for index in range(count)], 3)

    @command(":SOURce#:SWEep:VOLTage:LIST", ":SOURce#:SWEep:CURRent:LIST")
    def _sweep_list(self, call: Call) -> None:
        first = Whole(1, MOST_POINTS).read(call.arguments[:1], 1)
        levels = list(self.values[1][f"{self._swept(call)} list"])[first - 1 :]
        if not levels:
            raise SCPIError(-222)
        self._plan(call, levels, 1)

    def _ends(self, call: Call) -> tuple[float, float, int]:
        start, stop, count = self._at_least(call, 3)[:3]
        return number(start), number(stop), Whole(2, MOST_POINTS).read((count,), 2)

    def _at_least(self, call: Call, count: int) -> tuple[str, ...]:
        if len(call.arguments) < count:
            raise SCPIError(-109)
        return call.arguments

    def _swept(self, call: Call) -> Quantity:
        return "VOLT" if ":VOLT" in call.header else "CURR"

    def _plan(self, call: Call, levels: list[float], used: int) -> None:
        """Keep a sweep for `:INIT`: behind the levels come delay, count, range type and others, and a buffer."""
        quantity, rest = self._swept(call), call.arguments[used:]
        highest = self._holding(self.sheet.sourced[quantity], max(levels, key=abs))
        delay = -1.0 if not rest or spelling("DEFault", rest[0]) else number(rest[0])
        repeats = Whole(1, MOST_POINTS).read(rest[1:2], 1) if len(rest) > 1 else 1
        named = [each for each in rest[2:] if each[:1] in ("'", '"')]
        buffer = self._buffer(named[0]) if named else "defbuffer1"
        if delay < -1 or delay > 1e4 or repeats * len(levels) > MOST_POINTS:
            raise SCPIError(-222)
        self._sweep = lambda: self._run(quantity, levels * repeats, highest, delay, buffer)

    def _run(self, quantity: Quantity, levels: Sequence[float], highest: float, delay: float, buffer: str) -> None:
        """Sweep with the output on, and switch it off behind; the buffer is emptied first, as by the box's template."""
        values, self._buffers[buffer] = self.values[1], []
        values["function"] = quantity
        if values[f"{quantity} autorange"]:
            values[f"{quantity} range"] = highest
        values["output"] = self.check_output("output", 1, True)  # noqa: FBT003 (as the engine calls it)
        for level in levels:
            if self.stopped.is_set():
                break
            values[f"{quantity} level"] = level
            self.apply(1)
            if delay > 0:
                self.box.time.spend(delay, "settle")
            self._keep(buffer, self._take(level))
        values["output"] = False
        self.apply(1)

    @command(":SOURce#:LIST:VOLTage:APPend", ":SOURce#:LIST:CURRent:APPend")
    def _append(self, call: Call) -> None:
        name = f"{self._swept(call)} list"
        extended = self.values[1][name] + Numbers(-210.0, 210.0, MOST_IN_LIST).read(call.arguments, ())
        if len(extended) > MOST_POINTS:
            raise SCPIError(-223)
        self.values[1][name] = extended

    @command(":SOURce#:LIST:VOLTage:POINts?", ":SOURce#:LIST:CURRent:POINts?")
    def _list_points(self, call: Call) -> str:
        return str(len(self.values[1][f"{self._swept(call)} list"]))

    @command(":TRIGger:LOAD")
    def _load(self, call: Call) -> None:
        """Load the one factory model that just measures: "SimpleLoop",count,delay,buffer."""
        if quoted(self._at_least(call, 2)[0]).upper() != "SIMPLELOOP":
            raise SCPIError(-224)
        count = Whole(1, MOST_POINTS).read(call.arguments[1:2], 1)
        delay = number(call.arguments[2]) if len(call.arguments) > 2 else 0.0
        buffer = self._buffer(call.arguments[3]) if len(call.arguments) > 3 else "defbuffer1"
        if not 0 <= delay <= 1e4:
            raise SCPIError(-222)
        self._sweep = lambda: self._loop(count, delay, buffer)

    def _loop(self, count: int, delay: float, buffer: str) -> None:
        self._buffers[buffer] = []
        for _ in range(count):
            if self.stopped.is_set():
                break
            self.box.time.spend(delay, "settle")
            self._keep(buffer, self._take())

    @command(":INITiate[:IMMediate]")
    def _initiate(self) -> None:
        if self._sweep is None:
            raise SCPIError(-221)
        self._sweep()

    @command(":ABORt", ":TRIGger:PAUSe", ":TRIGger:RESume")
    def _abort(self) -> None:
        """Do nothing: between two messages nothing runs that could be stopped."""

    @command(":TRIGger:STATe?")
    def _trigger_state(self) -> str:
        return "IDLE;IDLE;0"

    # Buffers

    @command(":TRACe:MAKE")
    def _make_buffer(self, call: Call) -> None:
        name = quoted(self._at_least(call, 2)[0])
        if name in self._buffers or not name.isidentifier() or len(self._buffers) > 99:
            raise SCPIError(-224)
        self._sizes[name] = Whole(10, MOST_IN_BUFFER).read(call.arguments[1:2], MOST_POINTS)
        self._buffers[name] = []

    @command(":TRACe:DELete")
    def _delete_buffer(self, call: Call) -> None:
        name = self._buffer(one(call))
        if name.startswith("defbuffer"):
            raise SCPIError(-221)
        del self._buffers[name], self._sizes[name]
        self._sweep = None

    @command(":TRACe:CLEar")
    def _clear_buffer(self, call: Call) -> None:
        self._buffers[self._buffer_or_default(call)] = []

    @command(":TRACe:ACTual?")
    def _buffer_fill(self, call: Call) -> str:
        return str(len(self._buffers[self._buffer_or_default(call)]))

    @command(":TRACe:POINts")
    def _set_size(self, call: Call) -> None:
        only(call.arguments, 2)
        size = Whole(10, MOST_IN_BUFFER).read(call.arguments[:1], MOST_POINTS)
        name = self._buffer(call.arguments[1]) if len(call.arguments) > 1 else "defbuffer1"
        self._sizes[name], self._buffers[name] = size, []

    @command(":TRACe:POINts?")
    def _size(self, call: Call) -> str:
        return str(self._sizes[self._buffer_or_default(call)])

    @command(":TRACe:DATA?")
    def _buffered(self, call: Call) -> str:
        first, last = (Whole(1, MOST_IN_BUFFER).read((each,), 1) for each in self._at_least(call, 2)[:2])
        name, elements = self._buffer_and_elements(call.arguments[2:])
        found = self._buffers[name][first - 1 : last]
        if last < first or len(found) < last - first + 1:
            raise SCPIError(-222)
        return self._show(found, elements)

    @command(":TRACe:TRIGger")
    def _measure_to_buffer(self, call: Call) -> None:
        self._measure_into(self._buffer_or_default(call))

    @command(*(f":TRACe:STATistics:{node}?" for node in ("AVERage", "MAXimum", "MINimum", "STDDev", "PK2Pk")))
    def _statistics(self, call: Call) -> str:
        values = [each.value for each in self._buffers[self._buffer_or_default(call)]]
        if not values:
            raise SCPIError(-230)
        last = call.header.rstrip("?").rpartition(":")[2][:2]
        work: dict[str, Callable[[Sequence[float]], float]] = {
            "AV": fmean, "MA": max, "MI": min, "ST": pstdev, "PK": lambda found: max(found) - min(found),
        }  # fmt: skip
        return self._number(work[last](values))

    def _buffer_or_default(self, call: Call) -> str:
        return self._buffer(one(call)) if call.arguments else "defbuffer1"

    # The rest

    @command(":SYSTem:EVENtlog:NEXT?")
    def _next_event(self) -> str:
        return self.error_reply(*self.errors.pop())

    @command(":SYSTem:EVENtlog:COUNt?")
    def _event_count(self, _call: Call) -> str:
        return str(len(self.errors))

    @command(":SYSTem:LFRequency?")
    def _line_frequency(self) -> str:
        return f"{self.box.line_hertz:.0f}"

    @command(
        ":SYSTem:BEEPer[:IMMediate]", ":DISPlay:SCReen", ":DISPlay:CLEar", ":DISPlay:LIGHt:STATe", ":DISPlay:ENABle"
    )
    def _accepted(self, _call: Call) -> None:
        """Do nothing that could be noticed."""
