"""Keithley 2400 as it answers on the wire: one channel, sweeps, a buffer, and the habits that drivers trip over.

Page numbers are those of the 2400 user's manual (2400S-900-01). What has none is from memory, unverified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, pstdev

from labmtj.simulated.meter import MeterModel, MeterRange, VoltageRange
from labmtj.virtual.scpi import Call, Setting, after, check, command, one
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_values import Number, Numbers, Switch, Whole, Word, quoted, spelling
from labmtj.virtual.sourcemeter import QUANTITIES, Range, Sheet, SourceMeter, names, other
from labmtj.virtual.terminals import Box
from labmtj.virtual.unit import NO_VALUE, Measured, Quantity

SOURCE_REACH, MEASURE_REACH = 1.05, 1.055
"""as fractions of full scale (3-4)"""

METER = MeterModel(
    (  # full scale in amperes, gain, offset in amperes (SPEC-2400 rev. H), rms noise: a sixth of the source's p-p
        MeterRange(1e-6, 0.00029, 300e-12, 5e-12 / 6),
        MeterRange(1e-5, 0.00027, 700e-12, 50e-12 / 6),
        MeterRange(1e-4, 0.00025, 6e-9, 500e-12 / 6),
        MeterRange(1e-3, 0.00027, 60e-9, 5e-9 / 6),
        MeterRange(1e-2, 0.00035, 600e-9, 50e-9 / 6),
        MeterRange(1e-1, 0.00055, 6e-6, 500e-9 / 6),
        MeterRange(1.0, 0.0022, 570e-6, 5e-6 / 6),
    ),
    over_range=MEASURE_REACH,
    resolution_fraction=1e-5,
    voltage_ranges=(  # full scale in volts, gain, offset (SPEC-2400), rms noise: a sixth of the source's p-p; source
        VoltageRange(0.2, 0.00012, 300e-6, 5e-6 / 6, 0.0002, 600e-6),
        VoltageRange(2.0, 0.00012, 300e-6, 50e-6 / 6, 0.0002, 600e-6),
        VoltageRange(20.0, 0.00015, 1.5e-3, 500e-6 / 6, 0.0002, 2.4e-3),
        VoltageRange(200.0, 0.00015, 10e-3, 5e-3 / 6, 0.0002, 24e-3),
    ),
)
AMPERES = tuple(each.full_scale_amperes for each in METER.ranges)
SHEET = Sheet.of(METER, SOURCE_REACH, MEASURE_REACH)
HIGH_POWER_VOLTS, LOW_POWER_AMPERES = 21.0, 0.105
"""22 W: above 21 V no more than 105 mA (SPEC-2400)"""
AUTO_DELAY_SECONDS = 1e-3
MOST_READINGS = 2500
MOST_IN_LIST = 100
ARM_SOURCES = "IMMediate|TLINk|TIMer|MANual|BUS|NSTest|PSTest|BSTest"
ELEMENTS = ("VOLT", "CURR", "RES", "TIME", "STAT")
ELEMENT_CHOICES = "VOLTage|CURRent|RESistance|TIME|STATus"

ERRORS = {
    800: "Illegal with storage active",
    802: "Output blocked by output enable",
    803: "Not permitted with OUTPUT off",
    810: "Over-temperature",
    822: "Too small for sense range",
    823: "Invalid with source read-back on",
    824: "Cannot exceed compliance range",
    826: "Exceeds power limit",
    830: "Invalid with INF ARM:COUNT",
    831: "Invalid in pulse mode",
    -350: "Queue Overflow",
}
"""B-6, B-7"""

BIT_OVERFLOW, BIT_FILTER, BIT_FRONT, BIT_COMPLIANCE = 1, 1 << 1, 1 << 2, 1 << 3
BIT_VOLTS_READ, BIT_AMPERES_READ, BIT_OHMS_READ = 1 << 11, 1 << 12, 1 << 13
BIT_VOLTS_SOURCED, BIT_AMPERES_SOURCED, BIT_RANGE_COMPLIANCE, BIT_FOUR_WIRES = 1 << 14, 1 << 15, 1 << 16, 1 << 22
"""of the status word with each reading (18-50, 18-51)"""
BUFFER_FULL = 1 << 9
"""of the measurement event register"""


def _source_settings(quantity: Quantity, node: str, top: float, scale: float) -> tuple[Setting, ...]:
    source = f":SOURce#:{node}"
    return (
        Setting(
            f"{quantity} level",
            f"{source}[:LEVel][:IMMediate][:AMPLitude] {source}[:LEVel]:TRIGgered[:AMPLitude]",
            Number(-top, top),
            0.0,
        ),
        Setting(f"{quantity} range", f"{source}:RANGe", Range(-top, top, shown=SOURCE_REACH), scale),
        Setting(f"{quantity} autorange", f"{source}:RANGe:AUTO", Switch(), default=True),
        Setting(f"{quantity} mode", f"{source}:MODE", Word("FIXed|SWEep|LIST"), "FIX"),
        Setting(f"{quantity} start", f"{source}:STARt", Number(-top, top), 0.0),
        Setting(f"{quantity} stop", f"{source}:STOP", Number(-top, top), 0.0),
        Setting(f"{quantity} step", f"{source}:STEP", Number(-2 * top, 2 * top), 0.0),
        Setting(f"{quantity} list", f":SOURce#:LIST:{node}", Numbers(-top, top, MOST_IN_LIST), (0.0,)),
        Setting(f"{quantity} protection", f"{source}:PROTection[:LEVel]", Number(0.0, 210.0), 210.0),
    )


def _sense_settings(quantity: Quantity, node: str, low: float, top: float, limit: float) -> tuple[Setting, ...]:
    sense = f"[:SENSe#]:{node}[:DC]"
    return (
        Setting(f"{quantity} limit", f"{sense}:PROTection[:LEVel]", Number(low, top), limit),
        Setting(
            f"sense {quantity} range",
            f"{sense}:RANGe[:UPPer]",
            Range(-top, top, shown=SOURCE_REACH),
            SHEET.measured[quantity].holding(limit),
        ),
        Setting(f"sense {quantity} autorange", f"{sense}:RANGe:AUTO", Switch(), default=True),
        Setting(f"sense {quantity} lowest", f"{sense}:RANGe:AUTO:LLIMit", Number(0.0, top), 0.0),
        Setting(f"sense {quantity} same range", f"{sense}:PROTection:RSYNchronize", Switch(), default=False),
    )


class Keithley2400(SourceMeter):
    """The box."""

    sheet = SHEET
    model = "2400"
    error_texts = ERRORS
    settings = (
        Setting("function", ":SOURce#:FUNCtion[:MODE]", Word("VOLTage|CURRent"), "VOLT"),
        Setting("shape", ":SOURce#:FUNCtion:SHAPe", Word("DC"), "DC"),
        *_source_settings("VOLT", "VOLTage", 210.0, 20.0),
        *_source_settings("CURR", "CURRent", 1.05, 1e-4),
        *_sense_settings("VOLT", "VOLTage", 200e-6, 210.0, 21.0),
        *_sense_settings("CURR", "CURRent", 1e-9, 1.05, 105e-6),
        Setting("delay", ":SOURce#:DELay", Number(0.0, 999.9999), 0.0),
        Setting("delay auto", ":SOURce#:DELay:AUTO", Switch(), default=True),
        Setting("clear auto", ":SOURce#:CLEar:AUTO", Switch(), default=False),
        Setting("points", ":SOURce#:SWEep:POINts", Whole(1, MOST_READINGS), 2500),
        Setting("spacing", ":SOURce#:SWEep:SPACing", Word("LINear|LOGarithmic"), "LIN"),
        Setting("sweep ranging", ":SOURce#:SWEep:RANGing", Word("BEST|AUTO|FIXed"), "BEST"),
        Setting("direction", ":SOURce#:SWEep:DIRection", Word("UP|DOWN"), "UP"),
        Setting("concurrent", "[:SENSe#]:FUNCtion:CONCurrent", Switch(), default=True),
        Setting(
            "nplc",
            "[:SENSe#]:CURRent[:DC]:NPLCycles [:SENSe#]:VOLTage[:DC]:NPLCycles [:SENSe#]:RESistance:NPLCycles",
            Number(0.01, 10.0),
            1.0,
        ),
        Setting("ohms mode", "[:SENSe#]:RESistance:MODE", Word("MANual|AUTO"), "MAN"),
        Setting("ohms range", "[:SENSe#]:RESistance:RANGe[:UPPer]", Number(0.0, 2.1e8), 2.1e5),
        Setting("ohms autorange", "[:SENSe#]:RESistance:RANGe:AUTO", Switch(), default=True),
        Setting("filter", "[:SENSe#]:AVERage[:STATe]", Switch(), default=False),
        Setting("filter kind", "[:SENSe#]:AVERage:TCONtrol", Word("REPeat|MOVing"), "REP"),
        Setting("filter count", "[:SENSe#]:AVERage:COUNt", Whole(1, 100), 10),
        Setting("four wires", ":SYSTem:RSENse", Switch(), default=False),
        Setting("autozero", ":SYSTem:AZERo[:STATe]", Switch(also="ONCE"), default=True),
        Setting("terminals", ":ROUTe:TERMinals", Word("FRONt|REAR"), "FRON"),
        Setting("output", ":OUTPut#[:STATe]", Switch(), default=False),
        Setting("off mode", ":OUTPut#:SMODe", Word("HIMPedance|NORMal|ZERO|GUARd"), "NORM"),
        Setting("trigger count", ":TRIGger[:SEQuence#]:COUNt", Whole(1, MOST_READINGS), 1),
        Setting("arm count", ":ARM[:SEQuence#][:LAYer#]:COUNt", Whole(1, MOST_READINGS), 1),
        Setting("trigger delay", ":TRIGger[:SEQuence#]:DELay", Number(0.0, 999.9999), 0.0),
        Setting("trigger source", ":TRIGger[:SEQuence#]:SOURce", Word("IMMediate|TLINk"), "IMM"),
        Setting("arm source", ":ARM[:SEQuence#][:LAYer#]:SOURce", Word(ARM_SOURCES), "IMM"),
        Setting("arm timer", ":ARM[:SEQuence#][:LAYer#]:TIMer", Number(0.001, 99999.99), 0.1),
        Setting("trigger output", ":TRIGger[:SEQuence#]:OUTPut", Word("SOURce|DELay|SENSe|NONE"), "NONE"),
        Setting("arm output", ":ARM[:SEQuence#][:LAYer#]:OUTPut", Word("TENTer|TEXit|NONE"), "NONE"),
        Setting("trigger input line", ":TRIGger[:SEQuence#]:ILINe", Whole(1, 4), 1),
        Setting("arm input line", ":ARM[:SEQuence#][:LAYer#]:ILINe", Whole(1, 4), 1),
        Setting("trigger output line", ":TRIGger[:SEQuence#]:OLINe", Whole(1, 4), 2),
        Setting("arm output line", ":ARM[:SEQuence#][:LAYer#]:OLINe", Whole(1, 4), 2),
        Setting("format", ":FORMat[:DATA]", Word("ASCii|REAL|SREal"), "ASC"),
        Setting("statistic", ":CALCulate3:FORMat", Word("MEAN|SDEViation|MAXimum|MINimum|PKPK"), "MEAN"),
        Setting("buffer size", ":TRACe:POINts :DATA:POINts", Whole(1, MOST_READINGS), 100),
        Setting("buffer feed", ":TRACe:FEED :DATA:FEED", Word("SENSe|SENSe1|CALCulate1|CALCulate2"), "SENS1"),
        Setting("measurement mask", ":STATus:MEASurement:ENABle", Whole(0, 65535), 0),
        Setting("display", ":DISPlay:ENABle", Switch(), default=True),
        Setting("beeper", ":SYSTem:BEEPer:STATe", Switch(), default=True),
        Setting("line auto", ":SYSTem:LFRequency:AUTO", Switch(), default=False),
    )  # fmt: skip

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
