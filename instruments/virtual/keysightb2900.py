"""Keysight B2901A, B2902A, B2911A and B2912A as they answer on the wire: pulses and lists on channels in step.

Page numbers are those of the B2900 SCPI command reference (edition 2); UG = user's guide, B296x = the low-noise source
of the same command family, used where the page was not readable. What has none is from memory, unverified.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import ClassVar

from instruments.virtual.keysightb2900_tables import (
    BIT_COMPLIANCE,
    BIT_CURRENT_SOURCE,
    BIT_OVERFLOW,
    DEFAULT_CYCLES,
    ELEMENT_CHOICES,
    ELEMENTS,
    INTERLOCK_VOLTS,
    ITEMS,
    LONGEST_APERTURE,
    MEASURE_REACH,
    MOST_READINGS,
    POWER,
    REACH,
    SETTINGS,
    SHORTEST_APERTURE,
    TRIGGER_PARTS,
    TRIGGERS,
    meter,
)
from labmtj.virtual.schedule import CLOSE, LEVEL, OPEN, Aperture, Event, Schedule
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import Call, after, check, command
from labmtj.virtual.scpi_values import (
    Number,
    channel_list,
    digits,
    only,
    quoted,
    spelling,
)
from labmtj.virtual.sourcemeter import Sheet, SourceMeter, names
from labmtj.virtual.unit import NO_VALUE, Measured


class KeysightB2901A(SourceMeter):
    """One channel."""

    sheet = Sheet.of(meter(1), REACH, MEASURE_REACH)
    model: ClassVar[str] = "B2901A"
    queue_depth = 100
    shortest_timer: ClassVar[float] = 20e-6
    """(datasheet p17)"""
    interlock_error = -221
    settings = SETTINGS

    def identity(self) -> str:
        """Return the answer to `*IDN?`."""
        return f"Keysight Technologies,{self.model},{self.box.serial},3.4.2011.5100"

    def error_reply(self, code: int, text: str) -> str:
        """Return an error with its sign, also for none (5-2)."""
        return f'{code:+d},"{text}"'

    def reset(self) -> None:
        """Be as after `*RST`; the error queue stays (5-2)."""
        channels = sorted(self.suffixes)
        self.functions = {channel: {"VOLT", "CURR"} for channel in channels}
        self.elements: tuple[str, ...] = ELEMENTS
        self._format = "ASC"
        self._readings: dict[int, list[list[float]]] = {channel: [] for channel in channels}
        self._buffers: dict[int, list[list[float]]] = {channel: [] for channel in channels}
        super().reset()
        for channel in channels:
            self.values[channel]["aperture"] = DEFAULT_CYCLES / self.box.line_hertz

    # What is accepted

    def check_power(self, channel: int, **changed: float) -> None:
        """Refuse more amperes than the model gives at this voltage."""
        values = {**self.values[channel], **changed}
        volts, amperes = ("range", "limit") if values["function"] == "VOLT" else ("limit", "range")
        allowed = next((most for reach, most in POWER if values[f"VOLT {volts}"] <= reach), 0.0)
        if values[f"VOLT {volts}"] > 6.3 and values[f"CURR {amperes}"] > allowed:
            raise SCPIError(-221)

    @check("output")
    def check_output(self, _name: str, channel: int, on: bool) -> bool:  # noqa: FBT001 (called by position)
        """Refuse high voltage while the interlock is open."""
        values = self.values[channel]
        high = abs(values["VOLT level"] if values["function"] == "VOLT" else values["VOLT limit"]) > INTERLOCK_VOLTS
        return super().check_output(_name, channel, on) if high else on

    @check("all timer", "transient timer", "acquire timer")
    def _check_timer(self, _name: str, _channel: int, seconds: float) -> float:
        if seconds < self.shortest_timer:
            raise SCPIError(-222)
        return seconds

    @after(*(f"all {part}" for part in TRIGGER_PARTS))
    def _set_both(self, name: str, channel: int) -> None:
        for trigger in TRIGGERS:
            self.values[channel][name.replace("all", trigger)] = self.values[channel][name]

    @after(*names("q level"))
    def _set_peak(self, name: str, channel: int) -> None:
        self.values[channel][name.replace("level", "peak")] = self.values[channel][name]

    def aperture(self, channel: int) -> float:
        """Return the seconds of one conversion."""
        return float(self.values[channel]["aperture"])

    @command(":SENSe#:CURRent[:DC]:NPLCycles", ":SENSe#:VOLTage[:DC]:NPLCycles", ":SENSe#:RESistance:NPLCycles")
    def _set_cycles(self, call: Call) -> None:
        line = self.box.line_hertz
        kind = Number(SHORTEST_APERTURE * line, LONGEST_APERTURE * line, clamps=True)
        self.values[call.channel]["aperture"] = kind.read(call.arguments, DEFAULT_CYCLES) / line

    @command(":SENSe#:CURRent[:DC]:NPLCycles?", ":SENSe#:VOLTage[:DC]:NPLCycles?", ":SENSe#:RESistance:NPLCycles?")
    def _cycles(self, call: Call) -> str:
        return self.number_style % (self.aperture(call.channel) * self.box.line_hertz)

    @command(":SENSe#:CURRent[:DC]:PROTection:TRIPped?", ":SENSe#:VOLTage[:DC]:PROTection:TRIPped?")
    def _tripped(self, call: Call) -> str:
        return "1" if self.values[call.channel]["output"] and self.units[call.channel].limited() else "0"

    # What is measured and shown

    @command(":SENSe#:FUNCtion[:ON]")
    def _measure_also(self, call: Call) -> None:
        only(call.arguments, 9)
        self.functions[call.channel] |= {self._function(argument) for argument in call.arguments}

    @command(":SENSe#:FUNCtion:OFF")
    def _measure_not(self, call: Call) -> None:
        only(call.arguments, 9)
        self.functions[call.channel] -= {self._function(argument) for argument in call.arguments}

    @command(":SENSe#:FUNCtion[:ON]:ALL")
    def _measure_all(self, call: Call) -> None:
        self.functions[call.channel] = {"VOLT", "CURR", "RES"}

    @command(":SENSe#:FUNCtion:OFF:ALL")
    def _measure_nothing(self, call: Call) -> None:
        self.functions[call.channel] = set()

    @command(":SENSe#:FUNCtion[:ON]?")
    def _measured(self, call: Call) -> str:
        return ",".join(f'"{each}"' for each in ELEMENTS[:3] if each in self.functions[call.channel]) or '""'

    def _function(self, argument: str) -> str:
        found = spelling("VOLTage|CURRent|RESistance", quoted(argument).upper().removesuffix(":DC"))
        if found is None:
            raise SCPIError(-224)
        return found

    @command(":FORMat:ELEMents:SENSe#")
    def _choose_elements(self, call: Call) -> None:
        only(call.arguments, 9)
        chosen = {spelling(ELEMENT_CHOICES, argument) for argument in call.arguments}
        if None in chosen:
            raise SCPIError(-224)
        self.elements = tuple(each for each in ELEMENTS if each in chosen)  # in this order, whatever the list's

    @command(":FORMat:ELEMents:SENSe#?")
    def _chosen_elements(self, _call: Call) -> str:
        return ",".join(self.elements)

    @command(":FORMat[:DATA]")
    def _set_format(self, call: Call) -> None:
        word = spelling("ASCii|REAL", only(call.arguments, 2))
        length = call.arguments[1] if len(call.arguments) > 1 else "32"
        if word is None or (word == "REAL" and length not in ("32", "64")):
            raise SCPIError(-224)
        self._format = word if word == "ASC" else f"REAL,{length}"

    @command(":FORMat[:DATA]?")
    def _shown_format(self) -> str:
        return self._format

    # Sequences

    @command(":INITiate[:IMMediate][:ALL]", ":INITiate[:IMMediate]:ACQuire", ":INITiate[:IMMediate]:TRANsient")
    def _initiate(self, call: Call) -> None:
        self._run(self._channels(call))

    @command(":ABORt[:ALL]", ":ABORt:ACQuire", ":ABORt:TRANsient")
    def _abort(self, call: Call) -> None:
        self._channels(call)  # between two messages nothing runs that could be stopped

    @command(":IDLE#[:ALL]?", ":IDLE#:ACQuire?", ":IDLE#:TRANsient?")
    def _idle(self, _call: Call) -> str:
        return "1"

    def interrupt(self, message: str) -> bool:
        """Stop a running sequence for `:ABOR`, whatever channels it names."""
        return super().interrupt(message.partition("(")[0]) if ";" not in message else False

    def _channels(self, call: Call) -> list[int]:
        if not call.arguments:
            return [1]
        found: list[int] = []
        for first, last in channel_list(only(call.arguments)):
            if not (digits(first, 2) and digits(last, 2)):
                raise SCPIError(-222)
            found.extend(range(int(first), int(last) + 1))
        if not found or not self.suffixes.issuperset(found) or len(set(found)) < len(found):
            raise SCPIError(-222)
        return found

    def _switch_on(self, channels: Sequence[int]) -> None:
        for channel in channels:
            values = self.values[channel]
            if not values["output"] and values["on auto"]:
                values["output"] = self.check_output("output", channel, True)  # noqa: FBT003 (as the engine calls it)
                self.apply(channel)
            elif not values["output"]:
                raise SCPIError(-221)

    def _run(self, channels: Sequence[int]) -> None:
        """Step levels and read, all channels on one clock."""
        plans = {channel: self._plan(channel) for channel in channels}
        self._switch_on(channels)
        for channel in channels:
            self._readings[channel] = []
        pulsing = any(self.values[channel]["shape"] == "PULS" for channel in channels)
        events = [event for channel in channels for event in self._schedule(channel, plans[channel])]
        self._play(channels, events, "pulse" if pulsing else "settle")
        for channel in channels:  # back to the immediate level (a continuous trigger output is not modelled)
            if self.values[channel]["off auto"]:
                self.values[channel]["output"] = False
            self.apply(channel)
            self._feed(channel)

    def _play(self, channels: Sequence[int], events: Sequence[Event], purpose: str) -> None:
        schedule = Schedule(self.units, self.box.time, self.hold, self._read_aperture, purpose)
        schedule.play(events, {channel: self.level(channel) for channel in channels}, self.stopped)

    def _plan(self, channel: int) -> list[float]:
        """Return the level of every trigger."""
        values = self.values[channel]
        function, count = values["function"], values["transient count"]
        mode = values[f"{function} mode"]
        if mode == "FIX":
            points = [values[f"{function} peak"] if values["shape"] == "PULS" else values[f"{function} level"]]
        else:
            points = self._stairs(channel) if mode == "SWE" else list(values[f"{function} list"])
        if values[f"{function} autorange"]:  # the range that holds them all
            values[f"{function} range"] = self._holding(self.sheet.sourced[function], max(points, key=abs))
        for point in points:
            self.check_level(f"{function} level", channel, point)
        return [points[index % len(points)] for index in range(max(count, values["acquire count"]))]

    def _stairs(self, channel: int) -> list[float]:
        values = self.values[channel]
        start, stop, count = (values[f"{values['function']} {part}"] for part in ("start", "stop", "points"))
        if values["spacing"] == "LOG" and start * stop <= 0:
            raise SCPIError(-221)
        fractions = [index / max(count - 1, 1) for index in range(count)]
        if values["spacing"] == "LOG":
            points = [start * (stop / start) ** fraction for fraction in fractions]
        else:
            points = [start + (stop - start) * fraction for fraction in fractions]
        if values["stairs"] == "DOUB":
            points += points[::-1]
        return points if values["direction"] == "UP" else points[::-1]

    def _schedule(self, channel: int, plan: Sequence[float]) -> Iterator[Event]:
        values, aperture = self.values[channel], self.aperture(channel)
        base, pulsed = values[f"{values['function']} level"], values["shape"] == "PULS"
        begin = values["transient delay"] + (values["pulse delay"] if pulsed else 0.0)
        end = begin + values["pulse width"]
        busy = {"transient": end if pulsed else begin, "acquire": values["acquire delay"] + aperture}
        steps = {
            trigger: max(values[f"{trigger} timer"], busy[trigger])
            if values[f"{trigger} source"] == "TIM"
            else max(busy.values())
            for trigger in TRIGGERS
        }
        for index in range(values["transient count"]):
            start = index * steps["transient"]
            yield Event(start + begin, LEVEL, channel, plan[index])
            if pulsed:
                yield Event(start + end, LEVEL, channel, base)
        for index in range(values["acquire count"]):
            start = index * steps["acquire"] + values["acquire delay"]
            yield Event(start, OPEN, channel)
            yield Event(start + aperture, CLOSE, channel)

    def _read_aperture(self, channel: int, aperture: Aperture) -> None:
        shown = self.convert(channel, aperture.mean, aperture.seconds)
        self._readings[channel].append(self._reading(channel, shown, aperture.level, aperture.opened))

    def _reading(self, channel: int, shown: Measured, level: float, opened: float) -> list[float]:
        functions = self.functions[channel]
        volts = shown.volts if "VOLT" in functions else NO_VALUE
        amperes = shown.amperes if "CURR" in functions else NO_VALUE
        ohms = shown.volts / shown.amperes if "RES" in functions and shown.amperes else NO_VALUE
        bits = (
            (BIT_CURRENT_SOURCE, self.values[channel]["function"] == "CURR"),
            (BIT_COMPLIANCE, shown.limited),
            (BIT_OVERFLOW, shown.overflow),
        )
        return [volts, amperes, ohms, opened, float(sum(bit for bit, present in bits if present)), level]

    def _spot(self, channels: Sequence[int]) -> None:
        """Read every channel once at its present level, all at the same time."""
        self._switch_on(channels)
        for channel in channels:
            self._readings[channel] = []
        events = [Event(0.0, OPEN, channel) for channel in channels]
        events += [Event(self.aperture(channel), CLOSE, channel) for channel in channels]
        self._play(channels, events, "settle")

    # Answers

    @command(*(f":MEASure{item}?" for item in ("", ":VOLTage[:DC]", ":CURRent[:DC]", ":RESistance")))
    def _measure(self, call: Call) -> str:
        channels = self._channels(call)
        self._spot(channels)
        return self._show([self._readings[channel][-1:] for channel in channels], self.elements)

    @command(*(f":FETCh[:SCALar]{item}?" for item in ITEMS))
    def _fetch(self, call: Call) -> str:
        return self._last(call, 1)

    @command(*(f":FETCh:ARRay{item}?" for item in ITEMS))
    def _fetch_all(self, call: Call) -> str:
        return self._last(call, MOST_READINGS)

    @command(*(f":READ[:SCALar]{item}?" for item in ITEMS))
    def _read(self, call: Call) -> str | None:
        self._initiate(call)
        return None if self.stopped.is_set() else self._last(call, 1)

    @command(*(f":READ:ARRay{item}?" for item in ITEMS))
    def _read_all(self, call: Call) -> str | None:
        self._initiate(call)
        return None if self.stopped.is_set() else self._last(call, MOST_READINGS)

    def _last(self, call: Call, most: int) -> str:
        found = [self._readings[channel][-most:] for channel in self._channels(call)]
        if not any(found):
            raise SCPIError(-230)
        item = spelling(ELEMENT_CHOICES, call.header.rstrip("?").rpartition(":")[2])
        return self._show(found, (item,) if item else self.elements)

    def _show(self, found: Sequence[list[list[float]]], elements: Sequence[str]) -> str:
        """Return the readings of all channels in turn; a channel with fewer is filled up."""
        places = [ELEMENTS.index(each) for each in elements]
        missing = [NO_VALUE] * len(ELEMENTS)
        rows = (
            readings[index] if index < len(readings) else missing
            for index in range(max(map(len, found)))
            for readings in found
        )
        return self._formatted([row[place] for row in rows for place in places])

    def _formatted(self, numbers: Sequence[float]) -> str:
        if self._format == "ASC":
            return ",".join(self.number_style % each for each in numbers)
        block = struct.pack(f">{len(numbers)}{'f' if self._format.endswith('32') else 'd'}", *numbers)
        return f"#{len(str(len(block)))}{len(block)}" + block.decode("latin-1")

    # The buffer

    def _feed(self, channel: int) -> None:
        values = self.values[channel]
        if values["feed"] == "NEXT":
            room = values["buffer size"] - len(self._buffers[channel])
            self._buffers[channel].extend(self._readings[channel][:room])

    @command(":TRACe#:CLEar")
    def _clear_buffer(self, call: Call) -> None:
        self._buffers[call.channel] = []

    @command(":TRACe#:DATA?")
    def _buffered(self, call: Call) -> str:
        if not self._buffers[call.channel]:
            raise SCPIError(-230)
        return self._show([self._buffers[call.channel]], self.elements)

    @command(":SENSe#:DATA?")
    def _sensed(self, call: Call) -> str:
        if not self._readings[call.channel]:
            raise SCPIError(-230)
        return self._show([self._readings[call.channel]], self.elements)

    @command(":TRACe#:POINts:ACTual?")
    def _buffer_fill(self, call: Call) -> str:
        return str(len(self._buffers[call.channel]))

    # The rest

    @command("[:SOURce#]:LIST:VOLTage:POINts?")
    def _volts_in_list(self, call: Call) -> str:
        return str(len(self.values[call.channel]["VOLT list"]))

    @command("[:SOURce#]:LIST:CURRent:POINts?")
    def _amperes_in_list(self, call: Call) -> str:
        return str(len(self.values[call.channel]["CURR list"]))

    @command(":SYSTem:INTerlock:TRIPped?")
    def _interlock(self) -> str:
        return "0" if self.interlock_closed else "1"

    @command(":SYSTem:LFRequency?")
    def _line_frequency(self) -> str:
        return f"{self.box.line_hertz:.0f}"

    @command(":SYSTem:BEEPer[:IMMediate]", ":SYSTem:TIME:TIMer:COUNt:RESet[:IMMediate]", ":SYSTem:LFRequency")
    def _accepted(self, _call: Call) -> None:
        """Do nothing that could be noticed."""


class KeysightB2902A(KeysightB2901A):
    """Two channels."""

    model = "B2902A"
    suffixes = frozenset({1, 2})


class KeysightB2911A(KeysightB2901A):
    """One channel, with the 10 nA range and faster timers."""

    model = "B2911A"
    sheet = Sheet.of(meter(0), REACH, MEASURE_REACH)
    shortest_timer = 10e-6


class KeysightB2912A(KeysightB2911A):
    """Two channels, with the 10 nA range and faster timers."""

    model = "B2912A"
    suffixes = frozenset({1, 2})
