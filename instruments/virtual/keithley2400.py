"""Keithley 2400 as it answers on the wire: one channel, sweeps, a buffer, and the habits that drivers trip over.

Page numbers are those of the 2400 user's manual (2400S-900-01). What has none is from memory, unverified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, pstdev

from instruments.virtual.keithley2400_tables import (
    AMPERES,
    AUTO_DELAY_SECONDS,
    BIT_AMPERES_READ,
    BIT_AMPERES_SOURCED,
    BIT_COMPLIANCE,
    BIT_FILTER,
    BIT_FOUR_WIRES,
    BIT_FRONT,
    BIT_OHMS_READ,
    BIT_OVERFLOW,
    BIT_RANGE_COMPLIANCE,
    BIT_VOLTS_READ,
    BIT_VOLTS_SOURCED,
    BUFFER_FULL,
    ELEMENT_CHOICES,
    ELEMENTS,
    ERRORS,
    HIGH_POWER_VOLTS,
    LOW_POWER_AMPERES,
    MOST_IN_LIST,
    MOST_READINGS,
    SETTINGS,
    SHEET,
    SOURCE_REACH,
)
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import Call, after, check, command, one
from labmtj.virtual.scpi_values import Numbers, Word, quoted, spelling
from labmtj.virtual.sourcemeter import QUANTITIES, SourceMeter, names, other
from labmtj.virtual.terminals import Box
from labmtj.virtual.unit import NO_VALUE, Measured, Quantity


class Keithley2400(SourceMeter):
    """The box."""

    sheet = SHEET
    model = "2400"
    error_texts = ERRORS
    settings = SETTINGS

    def __init__(self, box: Box) -> None:
        self._readings: list[list[float]] = []
        self._buffer: list[list[float]] = []
        super().__init__(box)

    def identity(self) -> str:
        """Return the answer to `*IDN?` (16-3)."""
        return f"KEITHLEY INSTRUMENTS INC.,MODEL {self.model},{self.box.serial},C33   Mar 31 2015 09:32:39/A02  /K/J"

    def reset(self) -> None:
        """Be as after `*RST` (18-11, 18-68)."""
        self.functions, self._storing = {"CURR"}, False
        self.elements: tuple[str, ...] = ELEMENTS
        self._measurement_events = 0
        super().reset()

    def event_bit(self, code: int) -> int:
        """Return the bit of an error; those from 800 are execution errors (B-6)."""
        return 16 if 800 <= code < 900 else super().event_bit(code)

    def summary(self) -> int:
        """Return the measurement summary bit (15-3)."""
        return 1 if self._measurement_events & self.values[1]["measurement mask"] else 0

    def level(self, channel: int) -> float:
        """Return the level; a sweep leaves its last one until the mode changes."""
        values = self.values[channel]
        swept: float | None = values.get("swept")
        return super().level(channel) if swept is None else swept

    @after(*names("q mode"), "function")
    def _end_of_sweep(self, _name: str, channel: int) -> None:
        self.values[channel]["swept"] = None
        self.apply(channel)

    @after(*names("q step"))
    def _count_points(self, name: str, channel: int) -> None:
        values, quantity = self.values[channel], name[:4]
        if values[name]:
            points = abs((values[f"{quantity} stop"] - values[f"{quantity} start"]) / values[name]) + 1
            values["points"] = min(round(points), MOST_READINGS)

    # What is refused

    @check(*names("q limit"))
    def _check_lowest_limit(self, name: str, channel: int, limit: float) -> float:
        """Keep the old limit if the new one is below 0.1 % of the measure range (18-68)."""
        if limit < 1e-3 * self.values[channel][f"sense {name[:4]} range"] * (1 - 1e-9):
            raise SCPIError(822)
        return limit

    @check(*names("sense q range"))
    def _check_highest_range(self, name: str, channel: int, full_scale: float) -> float:
        """Refuse a measure range above the one that holds the limit (18-11)."""
        quantity: Quantity = "VOLT" if "VOLT" in name else "CURR"
        highest = SHEET.measured[quantity].holding(self.values[channel][f"{quantity} limit"])
        if self.values[channel]["function"] != quantity and highest is not None and full_scale > highest:
            raise SCPIError(824)
        return full_scale

    def check_power(self, channel: int, **changed: float) -> None:
        """Refuse what exceeds 22 W."""
        values = {**self.values[channel], **changed}
        volts, amperes = ("range", "limit") if values["function"] == "VOLT" else ("limit", "range")
        if values[f"VOLT {volts}"] > HIGH_POWER_VOLTS and values[f"CURR {amperes}"] > LOW_POWER_AMPERES:
            raise SCPIError(826)

    @check("terminals")
    def _switch_terminals(self, _name: str, channel: int, terminals: str) -> str:
        if terminals != self.values[channel]["terminals"]:  # the output goes off first
            self.values[channel]["output"] = False
            self.apply(channel)
        return terminals

    # Levels and limits

    @command("[:SENSe#]:CURRent[:DC]:PROTection:TRIPped?", "[:SENSe#]:VOLTage[:DC]:PROTection:TRIPped?")
    def _tripped(self) -> str:
        return "1" if self.values[1]["output"] and self.units[1].limited() else "0"

    @command("[:SENSe#]:CURRent[:DC]:RANGe:AUTO:ULIMit?")
    def _highest_range(self) -> str:
        full_scale = SHEET.measured["CURR"].holding(self.values[1]["CURR limit"]) or AMPERES[-1]
        return self.number_style % (full_scale * SOURCE_REACH)

    @command(":SOURce#:CLEar[:IMMediate]")
    def _output_off(self) -> None:
        self.values[1]["output"] = False
        self.apply(1)

    @command(":SOURce#:LIST:VOLTage:APPend", ":SOURce#:LIST:CURRent:APPend")
    def _append(self, call: Call) -> None:
        quantity = self.values[1]["function"]
        kind = Numbers(-210.0, 210.0, MOST_IN_LIST)
        extended = self.values[1][f"{quantity} list"] + kind.read(call.arguments, ())
        if len(extended) > MOST_READINGS:
            raise SCPIError(-223)
        self.values[1][f"{quantity} list"] = extended

    @command(":SOURce#:LIST:VOLTage:POINts?")
    def _volts_in_list(self) -> str:
        return str(len(self.values[1]["VOLT list"]))

    @command(":SOURce#:LIST:CURRent:POINts?")
    def _amperes_in_list(self) -> str:
        return str(len(self.values[1]["CURR list"]))

    # What is measured and shown

    @command("[:SENSe#]:FUNCtion[:ON]")
    def _measure_also(self, call: Call) -> None:
        wanted = {self._function(argument) for argument in call.arguments or (one(call),)}
        self.functions = self.functions | wanted if self.values[1]["concurrent"] else {next(iter(wanted))}

    @command("[:SENSe#]:FUNCtion:OFF")
    def _measure_not(self, call: Call) -> None:
        self.functions = self.functions - {self._function(argument) for argument in call.arguments}

    @command("[:SENSe#]:FUNCtion[:ON]:ALL")
    def _measure_all(self) -> None:
        self.functions = {"VOLT", "CURR", "RES"}

    @command("[:SENSe#]:FUNCtion:OFF:ALL")
    def _measure_nothing(self) -> None:
        self.functions = set()

    @command("[:SENSe#]:FUNCtion[:ON]?")
    def _measured(self) -> str:
        spelled = {"VOLT": '"VOLT:DC"', "CURR": '"CURR:DC"', "RES": '"RES"'}
        return ",".join(spelled[each] for each in spelled if each in self.functions) or '""'

    def _function(self, argument: str) -> str:
        found = spelling("VOLTage|CURRent|RESistance", quoted(argument).upper().removesuffix(":DC"))
        if found is None:
            raise SCPIError(-224)
        return found

    @command(":FORMat:ELEMents[:SENSe#]")
    def _choose_elements(self, call: Call) -> None:
        chosen = {spelling(ELEMENT_CHOICES, argument) for argument in call.arguments or (one(call),)}
        if None in chosen:
            raise SCPIError(-224)
        self.elements = tuple(each for each in ELEMENTS if each in chosen)  # in this order, whatever the list's

    @command(":FORMat:ELEMents[:SENSe#]?")
    def _chosen_elements(self) -> str:
        return ",".join(self.elements)

    # Readings

    @command(":INITiate[:IMMediate]")
    def _initiate(self) -> None:
        values = self.values[1]
        if not (values["output"] or values["clear auto"]):
            raise SCPIError(803)
        levels = list(self._levels())
        self._readings = []
        for level in levels:
            if self.stopped.is_set():
                break
            self._readings.append(self._read_at(level))
        self._store()

    @command(":FETCh?")
    def _fetch(self) -> str | None:
        if not self._readings:
            raise SCPIError(-230)
        return self._show(self._readings)

    @command(":READ?")
    def _read(self) -> str | None:
        self._initiate()
        return None if self.stopped.is_set() else self._show(self._readings)

    @command(":MEASure:CURRent[:DC]?")
    def _measure_amperes(self) -> str | None:
        self._configure_amperes()
        return self._read()

    @command(":MEASure:VOLTage[:DC]?")
    def _measure_volts(self) -> str | None:
        self._configure_volts()
        return self._read()

    @command(":MEASure:RESistance?")
    def _measure_ohms(self) -> str | None:
        self._configure_ohms()
        return self._read()

    @command(":MEASure?")
    def _measure(self) -> str | None:
        return self._read()

    @command(":CONFigure:CURRent[:DC]")
    def _configure_amperes(self) -> None:
        self._configure("CURR")

    @command(":CONFigure:VOLTage[:DC]")
    def _configure_volts(self) -> None:
        self._configure("VOLT")

    @command(":CONFigure:RESistance")
    def _configure_ohms(self) -> None:
        self._configure("RES")

    @command(":CONFigure?")
    def _configured(self) -> str:
        return self._measured()

    def _configure(self, function: str) -> None:
        """One reading of one function, on an automatic range."""
        self.functions = {function}
        self.values[1].update({"trigger count": 1, "arm count": 1, "delay auto": True})
        if function != "RES":
            self.values[1][f"sense {function} autorange"] = True

    def _levels(self) -> Iterator[float | None]:
        values = self.values[1]
        count = values["trigger count"] * values["arm count"]
        if count > MOST_READINGS:
            raise SCPIError(-221)
        mode = values[f"{values['function']} mode"]
        points: list[float] = self._points() if mode == "SWE" else list(values[f"{values['function']} list"])
        for index in range(count):
            yield None if mode == "FIX" else points[index % len(points)]

    def _points(self) -> list[float]:
        values = self.values[1]
        start, stop = (values[f"{values['function']} {end}"] for end in ("start", "stop"))
        count = values["points"]
        if values["spacing"] == "LOG" and start * stop <= 0:
            raise SCPIError(-221)
        points = [_between(start, stop, index / max(count - 1, 1), values["spacing"]) for index in range(count)]
        return points if values["direction"] == "UP" else points[::-1]

    def _read_at(self, level: float | None) -> list[float]:
        values, function = self.values[1], self.values[1]["function"]
        if level is not None:
            self.check_level(f"{function} level", 1, level)
            values["swept"] = level
        if values["clear auto"]:
            values["output"] = True
        self.hold(1, values[f"{function} level"] if level is None else level)
        delay = AUTO_DELAY_SECONDS if values["delay auto"] else values["delay"]
        self.box.time.spend(delay + values["trigger delay"], "settle")
        started = self.box.time.now()
        shown = self.measure(1, values["filter count"] if values["filter"] else 1)
        if values["clear auto"]:
            values["output"] = False
            self.apply(1)
        return self._elements(shown, level, started)

    def _elements(self, shown: Measured, level: float | None, started: float) -> list[float]:
        values, function = self.values[1], self.values[1]["function"]
        sourced = values[f"{function} level"] if level is None else level
        found = {"VOLT": shown.volts, "CURR": shown.amperes}
        for quantity in QUANTITIES:
            if quantity not in self.functions:
                found[quantity] = sourced if quantity == function else NO_VALUE
        ohms = shown.volts / shown.amperes if "RES" in self.functions and shown.amperes else NO_VALUE
        return [found["VOLT"], found["CURR"], ohms, started, float(self._status_word(shown))]

    def _status_word(self, shown: Measured) -> int:
        values = self.values[1]
        limited = other(values["function"])
        by_range = shown.limited and self.limit(1) < values[f"{limited} limit"]
        bits = (
            (BIT_OVERFLOW, shown.overflow),
            (BIT_FILTER, values["filter"]),
            (BIT_FRONT, values["terminals"] == "FRON"),
            (BIT_COMPLIANCE, shown.limited and not by_range),
            (BIT_RANGE_COMPLIANCE, by_range),
            (BIT_VOLTS_READ, "VOLT" in self.functions),
            (BIT_AMPERES_READ, "CURR" in self.functions),
            (BIT_OHMS_READ, "RES" in self.functions),
            (BIT_VOLTS_SOURCED, values["function"] == "VOLT"),
            (BIT_AMPERES_SOURCED, values["function"] == "CURR"),
            (BIT_FOUR_WIRES, values["four wires"]),
        )
        return sum(bit for bit, present in bits if present)

    def _show(self, readings: list[list[float]]) -> str:
        places = [ELEMENTS.index(each) for each in self.elements]
        return ",".join(self.number_style % reading[place] for reading in readings for place in places)

    # The buffer

    def _store(self) -> None:
        if not self._storing:
            return
        room = self.values[1]["buffer size"] - len(self._buffer)
        self._buffer.extend(self._readings[:room])
        if len(self._readings) >= room:
            self._storing = False
            self._measurement_events |= BUFFER_FULL

    @command(":TRACe:FEED:CONTrol", ":DATA:FEED:CONTrol")
    def _control_feed(self, call: Call) -> None:
        word = Word("NEXT|NEVer").read(call.arguments, "NEV")
        self._storing = word == "NEXT"
        if self._storing:
            self._buffer = []

    @command(":TRACe:FEED:CONTrol?", ":DATA:FEED:CONTrol?")
    def _feed_control(self) -> str:
        return "NEXT" if self._storing else "NEV"

    @command(":TRACe:CLEar", ":DATA:CLEar")
    def _clear_buffer(self) -> None:
        self._buffer = []

    @command(":TRACe:DATA?", ":DATA:DATA?")
    def _buffered(self) -> str:
        if not self._buffer:
            raise SCPIError(-230)
        return self._show(self._buffer)

    @command(":TRACe:POINts:ACTual?", ":DATA:POINts:ACTual?")
    def _buffer_fill(self) -> str:
        return str(len(self._buffer))

    @command(":CALCulate3:DATA?")
    def _statistics(self) -> str:
        if not self._buffer:
            raise SCPIError(-230)
        work: dict[str, Callable[[Sequence[float]], float]] = {
            "MEAN": fmean,
            "SDEV": pstdev,
            "MAX": max,
            "MIN": min,
            "PKPK": lambda x: max(x) - min(x),
        }
        columns = [column for column, name in enumerate(("VOLT", "CURR", "RES")) if name in self.functions]
        values = [work[self.values[1]["statistic"]]([row[column] for row in self._buffer]) for column in columns]
        return ",".join(self.number_style % value for value in values)

    # The rest

    @command(":STATus:MEASurement[:EVENt]?")
    def _measurement_event_query(self) -> str:
        events, self._measurement_events = self._measurement_events, 0
        return str(events)

    @command(":STATus:MEASurement:CONDition?")
    def _measurement_condition(self) -> str:
        return str(self._measurement_events)

    @command(":SYSTem:LFRequency?")
    def _line_frequency(self) -> str:
        return f"{self.box.line_hertz:.0f}"

    @command(
        ":SYSTem:TIME:RESet", ":TRIGger[:SEQuence#]:CLEar", ":ABORt", ":SYSTem:BEEPer[:IMMediate]", ":SYSTem:LFRequency"
    )
    def _accepted(self, _call: Call) -> None:
        """Between two messages nothing runs that could be stopped, and there is nobody to hear the beep."""

    @command(":SYSTem:MEP[:STATe]?")
    def _other_protocol(self) -> str:
        return "0"


def _between(start: float, stop: float, fraction: float, spacing: str) -> float:
    if spacing == "LIN":
        return start + (stop - start) * fraction
    return float(start * (stop / start) ** fraction)
