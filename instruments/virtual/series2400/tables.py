"""Numbers and settings of the Keithley 2400: its data sheet, its limits, its headers.

Page numbers are those of the 2400 user's manual (2400S-900-01). What has none is from memory, unverified.
"""

from __future__ import annotations

from labmtj.simulated.meter import MeterModel, MeterRange, VoltageRange
from labmtj.virtual.network.unit import Quantity
from labmtj.virtual.scpi.sourcemeter import Range, Sheet
from labmtj.virtual.scpi.table import Setting
from labmtj.virtual.scpi.values import Number, Numbers, Switch, Whole, Word

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
MEMORY_PLACES = 100
LIMIT_TESTS = (2, 3, 5, 6, 7, 8, 9, 10, 11, 12)
"""of values; 1 is that of compliance, 4 that of the contacts"""
AUTO_OHMS = (  # full scale in ohms, test current in amperes, voltage limit
    (20.0, 0.1, 2.1), (200.0, 0.01, 2.1), (2e3, 1e-3, 2.1), (2e4, 1e-4, 2.1), (2e5, 1e-5, 2.1), (2e6, 1e-6, 2.1),
    (2e7, 1e-6, 21.0), (2e8, 1e-7, 21.0),
)  # fmt: skip
""" (SPEC-2400)"""
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
BIT_PROTECTED, BIT_AUTO_OHMS = 1 << 4, 1 << 10
BUFFER_FULL, BUFFER_AVAILABLE, READING_AVAILABLE, READING_OVERFLOW = 1 << 9, 1 << 8, 1 << 6, 1 << 7
PROTECTED, IN_COMPLIANCE = 1 << 13, 1 << 14
"""of the measurement event register"""
IDLE, WAITS_FOR_ARM, WAITS_FOR_TRIGGER = 1 << 10, 1 << 6, 1 << 5
"""of the operation condition register"""


def _source_settings(quantity: Quantity, node: str, top: float, scale: float) -> tuple[Setting, ...]:
    source = f"[:SOURce#]:{node}"
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
        Setting(f"{quantity} list", f"[:SOURce#]:LIST:{node}", Numbers(-top, top, MOST_IN_LIST), (0.0,)),
        Setting(f"{quantity} list start", f"[:SOURce#]:LIST:{node}:STARt", Whole(1, MOST_IN_LIST), 1),
    )


def _sense_settings(quantity: Quantity, node: str, low: float, top: float, limit: float) -> tuple[Setting, ...]:
    sense, lowest = f"[:SENSe#]:{node}[:DC]", SHEET.measured[quantity].full[0]
    return (
        Setting(f"{quantity} limit", f"{sense}:PROTection[:LEVel]", Number(low, top), limit),
        Setting(
            f"sense {quantity} range",
            f"{sense}:RANGe[:UPPer]",
            Range(-top, top, shown=SOURCE_REACH),
            SHEET.measured[quantity].holding(limit),
        ),
        Setting(f"sense {quantity} autorange", f"{sense}:RANGe:AUTO", Switch(), default=True),
        Setting(f"sense {quantity} lowest", f"{sense}:RANGe:AUTO:LLIMit", Range(-top, top, shown=SOURCE_REACH), lowest),
        Setting(f"sense {quantity} same range", f"{sense}:PROTection:RSYNchronize", Switch(), default=False),
    )


def _limit_tests() -> tuple[Setting, ...]:
    level, found = Number(-9.999999e20, 9.999999e20), []
    for number in LIMIT_TESTS:
        node = f":CALCulate2:LIMit{number}"
        found += [
            Setting(f"limit {number}", f"{node}:STATe", Switch(), default=False),
            Setting(f"limit {number} lower", f"{node}:LOWer[:DATA]", level, -1.0),
            Setting(f"limit {number} upper", f"{node}:UPPer[:DATA]", level, 1.0),
        ]
    first = ":CALCulate2:LIMit[1]"
    return (
        *found,
        Setting("limit 1", f"{first}:STATe", Switch(), default=False),
        Setting("limit 1 fails", f"{first}:COMPliance:FAIL", Word("IN|OUT"), "IN"),
    )


_ARM, _TRIGGER = (
    f"{layer}[:TCONfigure][:ASYNchronous]" for layer in (":ARM[:SEQuence#][:LAYer#]", ":TRIGger[:SEQuence#]")
)

SETTINGS: tuple[Setting, ...] = (
    Setting("function", "", Word("VOLTage|CURRent"), "VOLT"),
    Setting("VOLT protection", "[:SOURce#]:VOLTage:PROTection[:LEVel]", Number(-210.0, 210.0), 210.0),
    Setting("memory points", "[:SOURce#]:MEMory:POINts", Whole(1, MEMORY_PLACES), 1),
    Setting("memory start", "[:SOURce#]:MEMory:STARt", Whole(1, MEMORY_PLACES), 1),
    Setting("shape", "[:SOURce#]:FUNCtion:SHAPe", Word("DC"), "DC"),
    *_source_settings("VOLT", "VOLTage", 210.0, 20.0),
    *_source_settings("CURR", "CURRent", 1.05, 1e-4),
    *_sense_settings("VOLT", "VOLTage", 200e-6, 210.0, 21.0),
    *_sense_settings("CURR", "CURRent", 1e-9, 1.05, 105e-6),
    Setting("delay", "[:SOURce#]:DELay", Number(0.0, 999.9999), 0.0),
    Setting("delay auto", "[:SOURce#]:DELay:AUTO", Switch(), default=True),
    Setting("clear auto", "[:SOURce#]:CLEar:AUTO", Switch(), default=False),
    Setting("points", "[:SOURce#]:SWEep:POINts", Whole(1, MOST_READINGS), 2500),
    Setting("spacing", "[:SOURce#]:SWEep:SPACing", Word("LINear|LOGarithmic"), "LIN"),
    Setting("sweep ranging", "[:SOURce#]:SWEep:RANGing", Word("BEST|AUTO|FIXed"), "BEST"),
    Setting("direction", "[:SOURce#]:SWEep:DIRection", Word("UP|DOWN"), "UP"),
    Setting("concurrent", "[:SENSe#]:FUNCtion:CONCurrent", Switch(), default=True),
    Setting(
        "nplc",
        "[:SENSe#]:CURRent[:DC]:NPLCycles [:SENSe#]:VOLTage[:DC]:NPLCycles [:SENSe#]:RESistance:NPLCycles",
        Number(0.01, 10.0),
        1.0,
    ),
    Setting("ohms mode", "[:SENSe#]:RESistance:MODE", Word("MANual|AUTO"), "AUTO"),
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
    Setting("trigger output", f"{_TRIGGER}:OUTPut", Word("SOURce|DELay|SENSe|NONE"), "NONE"),
    Setting("arm output", f"{_ARM}:OUTPut", Word("TENTer|TEXit|NONE"), "NONE"),
    Setting("trigger input line", f"{_TRIGGER}:ILINe", Whole(1, 4), 1),
    Setting("arm input line", f"{_ARM}:ILINe", Whole(1, 4), 1),
    Setting("trigger output line", f"{_TRIGGER}:OLINe", Whole(1, 4), 2),
    Setting("arm output line", f"{_ARM}:OLINe", Whole(1, 4), 2),
    Setting("border", ":FORMat:BORDer", Word("NORMal|SWAPped"), "SWAP"),
    Setting("register format", ":FORMat:SREGister", Word("ASCii|HEXadecimal|OCTal|BINary"), "ASC"),
    Setting("output format", ":FORMat:SOURce2", Word("ASCii|HEXadecimal|OCTal|BINary"), "ASC"),
    Setting("digital output", ":SOURce2:TTL[:LEVel][:DEFault]", Whole(0, 15), 15),
    Setting("calculated elements", ":FORMat:ELEMents:CALCulate", Word("CALC|TIME|STATus"), "CALC"),
    Setting("calculated feed", ":CALCulate2:FEED", Word("CALCulate1|VOLTage|CURRent|RESistance"), "VOLT"),
    Setting("null", ":CALCulate2:NULL:STATe", Switch(), default=False),
    Setting("null offset", ":CALCulate2:NULL:OFFSet", Number(-9.999999e20, 9.999999e20), 0.0),
    *_limit_tests(),
    Setting("statistic", ":CALCulate3:FORMat", Word("MEAN|SDEViation|MAXimum|MINimum|PKPK"), "MEAN"),
    Setting("buffer size", ":TRACe:POINts :DATA:POINts", Whole(1, MOST_READINGS), 100),
    Setting("buffer feed", ":TRACe:FEED :DATA:FEED", Word("SENSe|SENSe1|CALCulate1|CALCulate2"), "SENS1"),
    Setting("stamps", ":TRACe:TSTamp:FORMat :DATA:TSTamp:FORMat", Word("ABSolute|DELTa"), "ABS"),
    Setting("display", ":DISPlay:ENABle", Switch(), default=True),
    Setting("beeper", ":SYSTem:BEEPer:STATe", Switch(), default=True),
    Setting("line auto", ":SYSTem:LFRequency:AUTO", Switch(), default=False),
)  # fmt: skip
