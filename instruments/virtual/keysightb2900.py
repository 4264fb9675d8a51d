"""Keysight B2901A, B2902A, B2911A and B2912A as they answer on the wire: pulses and lists on channels in step.

Page numbers are those of the B2900 SCPI command reference (edition 2); UG = user's guide, B296x = the low-noise source
of the same command family, used where the page was not readable. What has none is from memory, unverified.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from labmtj.simulated.meter import MeterModel, MeterRange, VoltageRange
from labmtj.virtual.scpi import Call, Setting, after, check, command
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_values import (
    Number,
    Numbers,
    Switch,
    Whole,
    Word,
    channel_list,
    digits,
    only,
    quoted,
    spelling,
)
from labmtj.virtual.sourcemeter import Range, Sheet, SourceMeter, names
from labmtj.virtual.terminals import Sensed
from labmtj.virtual.unit import NO_VALUE, Measured, Quantity

REACH, MEASURE_REACH = 1.05, 1.06
"""as fractions of full scale (datasheet p16)"""
_RANGES = (  # full scale in amperes, gain, offset (datasheet p16); rms noise: a guess, a hundredth of the offset
    MeterRange(1e-8, 0.0010, 50e-12, 0.5e-12),
    MeterRange(1e-7, 0.0006, 100e-12, 1e-12),
    MeterRange(1e-6, 0.00025, 500e-12, 5e-12),
    MeterRange(1e-5, 0.00025, 1.5e-9, 15e-12),
    MeterRange(1e-4, 0.0002, 25e-9, 250e-12),
    MeterRange(1e-3, 0.0002, 200e-9, 2e-9),
    MeterRange(1e-2, 0.0002, 2.5e-6, 25e-9),
    MeterRange(1e-1, 0.0002, 20e-6, 200e-9),
    MeterRange(1.0, 0.0003, 1.5e-3, 15e-6),
    MeterRange(1.5, 0.0005, 3.5e-3, 35e-6),
    MeterRange(3.0, 0.004, 7e-3, 70e-6),
)
_VOLTAGE_RANGES = (  # full scale in volts, gain, offset (datasheet p16), rms noise; the source like the meter
    VoltageRange(0.2, 0.00015, 225e-6, 1e-6, 0.00015, 225e-6),
    VoltageRange(2.0, 0.0002, 350e-6, 5e-6, 0.0002, 350e-6),
    VoltageRange(20.0, 0.00015, 5e-3, 50e-6, 0.00015, 5e-3),
    VoltageRange(200.0, 0.00015, 50e-3, 500e-6, 0.00015, 50e-3),
)


def _meter(first: int) -> MeterModel:
    return MeterModel(_RANGES[first:], MEASURE_REACH, resolution_fraction=1e-6, voltage_ranges=_VOLTAGE_RANGES)


POWER = ((21.0, 1.515), (210.0, 0.105))
"""volts up to which so many amperes may flow"""
INTERLOCK_VOLTS = 42.0
LONGEST_APERTURE, SHORTEST_APERTURE, DEFAULT_CYCLES = 2.0, 8e-6, 0.1
"""seconds, seconds, power-line cycles (4-73)"""
SHORTEST_PULSE, LONGEST_PULSE = 50e-6, 1e5
"""seconds (UG 2-20)"""
MOST_IN_LIST, MOST_READINGS = 2500, 100_000
ELEMENTS = ("VOLT", "CURR", "RES", "TIME", "STAT", "SOUR")
ELEMENT_CHOICES = "VOLTage|CURRent|RESistance|TIME|STATus|SOURce"
ITEMS = ("", *(f":{choice}" for choice in ELEMENT_CHOICES.split("|")))
"""one element may be asked for by name"""

BIT_CURRENT_SOURCE, BIT_COMPLIANCE, BIT_OVERFLOW = 1, 1 << 1, 1 << 13
"""of the status word with each reading (1-14)"""


def _quantity_settings(quantity: Quantity, node: str, top: float, low: float, default: float) -> tuple[Setting, ...]:
    source, sense = f"[:SOURce#]:{node}", f":SENSe#:{node}[:DC]"
    level = Number(-top, top)
    return (
        Setting(f"{quantity} level", f"{source}[:LEVel][:IMMediate][:AMPLitude]", level, 0.0),
        Setting(f"{quantity} peak", f"{source}[:LEVel]:TRIGgered[:AMPLitude]", level, 0.0),
        Setting(f"{quantity} range", f"{source}:RANGe", Range(-top, top), {"VOLT": 2.0, "CURR": 1e-4}[quantity]),
        Setting(f"{quantity} autorange", f"{source}:RANGe:AUTO", Switch(), default=True),
        Setting(f"{quantity} mode", f"{source}:MODE", Word("FIXed|SWEep|LIST"), "FIX"),
        Setting(f"{quantity} start", f"{source}:STARt", level, 0.0),
        Setting(f"{quantity} stop", f"{source}:STOP", level, 0.0),
        Setting(f"{quantity} points", f"{source}:POINts", Whole(1, MOST_IN_LIST), 1),
        Setting(f"{quantity} list", f"[:SOURce#]:LIST:{node}", Numbers(-top, top, MOST_IN_LIST), (0.0,)),
        Setting(
            f"{quantity} limit",
            f"{sense}:PROTection[:LEVel] {sense}:PROTection[:LEVel]:BOTH"
            f" {sense}:PROTection[:LEVel]:POSitive {sense}:PROTection[:LEVel]:NEGative",
            Number(low, top),
            default,
        ),
        Setting(f"sense {quantity} range", f"{sense}:RANGe[:UPPer]", Range(-top, top), default),
        Setting(f"sense {quantity} autorange", f"{sense}:RANGe:AUTO", Switch(), default=True),
        Setting(f"sense {quantity} lowest", f"{sense}:RANGe:AUTO:LLIMit", Number(0.0, top), 0.0),
    )


def _trigger_settings(name: str, node: str) -> tuple[Setting, ...]:
    trigger = f":TRIGger#{node}"
    sources = Word("AINTernal|BUS|TIMer|INTernal1|INTernal2|LAN")
    return (
        Setting(f"{name} source", f"{trigger}:SOURce[:SIGNal]", sources, "AINT"),
        Setting(f"{name} count", f"{trigger}:COUNt", Whole(1, MOST_READINGS), 1),
        Setting(f"{name} timer", f"{trigger}:TIMer", Number(10e-6, 1e5), 1e-3),
        Setting(f"{name} delay", f"{trigger}:DELay", Number(0.0, 1e5), 0.0),
    )


TRIGGERS = ("transient", "acquire")
TRIGGER_PARTS = ("source", "count", "timer", "delay")


class _Event(NamedTuple):
    """Something that happens at a time of a sequence; what changes a level comes before what reads it."""

    seconds: float
    order: int
    channel: int
    level: float | None
    """None: the aperture opens (order 1) or closes (order -1)"""


@dataclass
class _Aperture:
    """The meter of a channel at work."""

    opened: float
    level: float
    seconds: float = 0.0
    volt_seconds: float = 0.0
    ampere_seconds: float = 0.0
    limited: bool = False

    def add(self, seen: Sensed, seconds: float) -> None:
        self.seconds += seconds
        self.volt_seconds += seen.volts * seconds
        self.ampere_seconds += seen.amperes * seconds
        self.limited |= seen.limited

    def mean(self) -> Sensed:
        return Sensed(self.volt_seconds / self.seconds, self.ampere_seconds / self.seconds, self.limited)


@dataclass
class _Progress:
    """Where a sequence is."""

    levels: dict[int, float]
    apertures: dict[int, _Aperture] = field(default_factory=dict)


class KeysightB2901A(SourceMeter):
    """One channel."""

    sheet = Sheet.of(_meter(1), REACH, MEASURE_REACH)
    model: ClassVar[str] = "B2901A"
    queue_depth = 100
    shortest_timer: ClassVar[float] = 20e-6
    """(datasheet p17)"""
    interlock_error = -221
    settings = (
        Setting("function", "[:SOURce#]:FUNCtion:MODE", Word("VOLTage|CURRent"), "VOLT"),
        Setting("shape", "[:SOURce#]:FUNCtion:SHAPe", Word("DC|PULSe"), "DC"),
        *_quantity_settings("VOLT", "VOLTage", 210.0, 1e-6, 2.0),
        *_quantity_settings("CURR", "CURRent", 3.03, 1e-12, 100e-6),
        Setting("pulse delay", "[:SOURce#]:PULSe:DELay", Number(0.0, 99999.9), 0.0),
        Setting("pulse width", "[:SOURce#]:PULSe:WIDTh", Number(SHORTEST_PULSE, LONGEST_PULSE), SHORTEST_PULSE),
        Setting("stairs", "[:SOURce#]:SWEep:STAir", Word("SINGle|DOUBle"), "SING"),
        Setting("spacing", "[:SOURce#]:SWEep:SPACing", Word("LINear|LOGarithmic"), "LIN"),
        Setting("direction", "[:SOURce#]:SWEep:DIRection", Word("UP|DOWN"), "UP"),
        Setting("sweep ranging", "[:SOURce#]:SWEep:RANGing", Word("BEST|AUTO|FIXed"), "BEST"),
        Setting(
            "aperture",
            ":SENSe#:CURRent[:DC]:APERture :SENSe#:VOLTage[:DC]:APERture :SENSe#:RESistance:APERture",
            Number(SHORTEST_APERTURE, LONGEST_APERTURE, clamps=True),
            DEFAULT_CYCLES / 50,
        ),
        Setting(
            "aperture auto",
            ":SENSe#:CURRent[:DC]:APERture:AUTO :SENSe#:VOLTage[:DC]:APERture:AUTO"
            " :SENSe#:CURRent[:DC]:NPLCycles:AUTO :SENSe#:VOLTage[:DC]:NPLCycles:AUTO",
            Switch(),
            default=True,
        ),
        Setting("four wires", ":SENSe#:REMote", Switch(), default=False),
        Setting("output", ":OUTPut#[:STATe]", Switch(), default=False),
        Setting("off mode", ":OUTPut#:OFF:MODE", Word("NORMal|ZERO|HIZ"), "NORM"),
        Setting("on auto", ":OUTPut#:ON:AUTO", Switch(), default=True),
        Setting("off auto", ":OUTPut#:OFF:AUTO", Switch(), default=False),
        Setting("protection", ":OUTPut#:PROTection[:STATe]", Switch(), default=False),
        Setting("low", ":OUTPut#:LOW", Word("GROund|FLOat"), "GRO"),
        *_trigger_settings("all", "[:ALL]"),
        *_trigger_settings("transient", ":TRANsient"),
        *_trigger_settings("acquire", ":ACQuire"),
        Setting("arm count", ":ARM#[:ALL][:LAYer]:COUNt", Whole(1, MOST_READINGS), 1),
        Setting("buffer size", ":TRACe#:POINts", Whole(1, MOST_READINGS), MOST_READINGS),
        Setting("buffer feed", ":TRACe#:FEED", Word("SENSe|MATH|LIMit"), "SENS"),
        Setting("feed", ":TRACe#:FEED:CONTrol", Word("NEXT|NEVer"), "NEV"),
        Setting("beeper", ":SYSTem:BEEPer:STATe", Switch(), default=True),
        Setting("display", ":DISPlay:ENABle", Switch(), default=True),
        Setting("autozero", ":SENSe#:AZERo", Switch(), default=False),
    )

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
        events = [event for channel in channels for event in self._schedule(channel, plans[channel])]
        events.sort(key=lambda event: event[:3])
        for channel in channels:
            self._readings[channel] = []
        progress = _Progress({channel: self.level(channel) for channel in channels})
        started = self.box.time.now()
        for event in events:
            if self.stopped.is_set():
                break
            self._pass(started + event.seconds - self.box.time.now(), progress)
            self._happen(event, progress)
        for channel in channels:  # back to the immediate level (a continuous trigger output is not modelled)
            if self.values[channel]["off auto"]:
                self.values[channel]["output"] = False
            self.apply(channel)
            self._feed(channel)

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

    def _schedule(self, channel: int, plan: Sequence[float]) -> Iterator[_Event]:
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
            yield _Event(start + begin, 0, channel, plan[index])
            if pulsed:
                yield _Event(start + end, 0, channel, base)
        for index in range(values["acquire count"]):
            start = index * steps["acquire"] + values["acquire delay"]
            yield _Event(start, 1, channel, None)
            yield _Event(start + aperture, -1, channel, None)

    def _pass(self, seconds: float, progress: _Progress) -> None:
        """Let time pass; meters whose aperture is open integrate all of it together."""
        if seconds <= 0:
            return
        for number, (channel, aperture) in enumerate(progress.apertures.items()):
            aperture.add(self.units[channel].look(0.0 if number else seconds), seconds)
        if not progress.apertures:
            pulsing = any(self.values[channel]["shape"] == "PULS" for channel in progress.levels)
            self.box.time.spend(seconds, "pulse" if pulsing else "settle")

    def _happen(self, event: _Event, progress: _Progress) -> None:
        channel = event.channel
        if event.level is not None:
            progress.levels[channel] = event.level
            self.hold(channel, event.level)
        elif event.order > 0:
            progress.apertures[channel] = _Aperture(self.box.time.now(), progress.levels[channel])
        elif (aperture := progress.apertures.pop(channel, None)) is not None and aperture.seconds > 0:
            shown = self.convert(channel, aperture.mean(), aperture.seconds)
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
        longest, opened = max(map(self.aperture, channels)), self.box.time.now()
        for number, channel in enumerate(channels):
            true = self.units[channel].look(0.0 if number else longest)
            shown = self.convert(channel, true, self.aperture(channel))
            self._readings[channel] = [self._reading(channel, shown, self.level(channel), opened)]

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
    sheet = Sheet.of(_meter(0), REACH, MEASURE_REACH)
    shortest_timer = 10e-6


class KeysightB2912A(KeysightB2911A):
    """Two channels, with the 10 nA range and faster timers."""

    model = "B2912A"
    suffixes = frozenset({1, 2})
