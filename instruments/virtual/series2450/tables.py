"""Numbers and settings of the Keithley 2450: its data sheet, its limits, its headers in SCPI mode.

Page numbers are those of the 2450 reference manual (2450-901-01 rev. B). What has none is from memory, unverified.
"""

from __future__ import annotations

from datetime import UTC, datetime

from labmtj.simulated.meter import MeterModel, MeterRange, VoltageRange
from labmtj.virtual.network.unit import Quantity
from labmtj.virtual.scpi.sourcemeter import Range
from labmtj.virtual.scpi.table import Setting
from labmtj.virtual.scpi.values import Number, Numbers, Switch, Whole, Word

REACH = 1.05
METER = MeterModel(
    (  # full scale in amperes, gain, offset (SPEC-2450 rev. A, 1 year), rms noise of the source
        MeterRange(1e-8, 0.0010, 50e-12, 500e-15),
        MeterRange(1e-7, 0.0006, 100e-12, 500e-15),
        MeterRange(1e-6, 0.00025, 300e-12, 5e-12),
        MeterRange(1e-5, 0.00025, 700e-12, 40e-12),
        MeterRange(1e-4, 0.0002, 6e-9, 400e-12),
        MeterRange(1e-3, 0.0002, 60e-9, 5e-9),
        MeterRange(1e-2, 0.0002, 600e-9, 40e-9),
        MeterRange(1e-1, 0.00025, 6e-6, 100e-9),
        MeterRange(1.0, 0.0003, 500e-6, 3e-6),
    ),
    over_range=1.055,
    resolution_fraction=1e-6,
    voltage_ranges=(  # full scale in volts, gain, offset, rms noise of the source (SPEC-2450); source like the meter
        VoltageRange(0.02, 0.0010, 150e-6, 1e-6, 0.0010, 200e-6),
        VoltageRange(0.2, 0.00012, 200e-6, 1e-6, 0.00015, 200e-6),
        VoltageRange(2.0, 0.00012, 300e-6, 10e-6, 0.0002, 300e-6),
        VoltageRange(20.0, 0.00015, 1e-3, 100e-6, 0.00015, 2.4e-3),
        VoltageRange(200.0, 0.00015, 10e-3, 1e-3, 0.00015, 24e-3),
    ),
)
HIGH_POWER_VOLTS, LOW_POWER_AMPERES = 21.0, 0.105
"""20 W: above 21 V no more than 105 mA"""
AUTO_DELAY_SECONDS = 1e-3
MOST_POINTS, MOST_IN_BUFFER = 100_000, 6_875_000
MOST_IN_LIST = 100
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""what the clock of the box shows when the clock of the bench starts"""
ELEMENTS = "|".join(
    [
        *("DATE", "FORMatted", "FRACtional", "READing", "RELative", "SEConds", "SOURce", "SOURFORMatted"),
        *("SOURSTATus", "SOURUNIT", "STATus", "TIME", "TSTamp", "UNIT"),
    ]
)
PROTECTIONS = "|".join(["NONE", *(f"PROT{volts}" for volts in (2, 5, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180))])
OWN_UNITS = {"VOLT": "VOLT", "CURR": "AMP"}
AUTO_OHMS = (  # full scale in ohms, test current in amperes (from memory, unverified)
    (20.0, 0.1), (200.0, 0.01), (2e3, 1e-3), (2e4, 1e-4), (2e5, 1e-5), (2e6, 1e-6), (2e7, 1e-6), (2e8, 1e-7),
)  # fmt: skip
OHMS_LIMIT_VOLTS = 21.0
LIMIT_TESTS = (1, 2)
DIGITAL_LINES = 6
PROTECTED, READ_BACK, LIMITED, FOUR_WIRES, OUTPUT_ON = 4, 8, 32, 64, 128
"""source status of a reading (8-29)"""
FUNCTIONS = {"VOLT": '"VOLT:DC"', "CURR": '"CURR:DC"', "RES": '"RES"'}
PER_FUNCTION = ("nplc", "autozero", "four wires")
UNITS = {"VOLT": "Volt DC", "AMP": "Amp DC", "CURR": "Amp DC", "RES": "Ohm", "OHM": "Ohm", "WATT": "Watt", "": ""}


def _quantity_settings(quantity: Quantity, node: str, top: float, limit: Setting) -> tuple[Setting, ...]:
    source, sense = f"[:SOURce#]:{node}", f"[:SENSe#]:{node}[:DC]"
    lowest = {"VOLT": 0.02, "CURR": 1e-8}[quantity]
    return (
        limit,
        Setting(f"{quantity} level", f"{source}[:LEVel][:IMMediate][:AMPLitude]", Number(-top, top), 0.0),
        Setting(f"{quantity} range", f"{source}:RANGe", Range(-top, top), lowest),
        Setting(f"{quantity} autorange", f"{source}:RANGe:AUTO", Switch(), default=True),
        Setting(f"{quantity} delay", f"{source}:DELay", Number(0.0, 1e4), 0.0),
        Setting(f"{quantity} delay auto", f"{source}:DELay:AUTO", Switch(), default=True),
        Setting(f"{quantity} read back", f"{source}:READ:BACK", Switch(), default=True),
        Setting(f"{quantity} high capacitance", f"{source}:HIGH:CAPacitance", Switch(), default=False),
        Setting(f"{quantity} list", f"[:SOURce#]:LIST:{node}", Numbers(-top, top, MOST_IN_LIST), (0.0,)),
        Setting(f"{quantity} off mode", f":OUTPut#:{node}:SMODe", Word("NORMal|HIMPedance|ZERO|GUARd"), "NORM"),
        Setting(f"sense {quantity} range", f"{sense}:RANGe[:UPPer]", Range(-top, top), lowest),
        Setting(f"sense {quantity} autorange", f"{sense}:RANGe:AUTO", Switch(), default=True),
        Setting(f"sense {quantity} lowest", f"{sense}:RANGe:AUTO:LLIMit", Range(-top, top), lowest),
        Setting(f"{quantity} unit", f"{sense}:UNIT", Word(f"{OWN_UNITS[quantity]}|OHM|WATT"), OWN_UNITS[quantity]),
        Setting(f"{quantity} protection", f"{source}:PROTection[:LEVel]", Word(PROTECTIONS), "NONE"),
        *_meter_settings(quantity, sense),
    )


def _limit_tests(function: str, node: str) -> tuple[Setting, ...]:
    level, found = Number(-9.99999e11, 9.99999e11), []
    for test in LIMIT_TESTS:
        pattern = f":CALCulate2:{node}:LIMit{test}"
        found += [
            Setting(f"{function} limit {test}", f"{pattern}:STATe", Switch(), default=False),
            Setting(f"{function} limit {test} lower", f"{pattern}:LOWer[:DATA]", level, -1.0),
            Setting(f"{function} limit {test} upper", f"{pattern}:UPPer[:DATA]", level, 1.0),
        ]
    return tuple(found)


def _meter_settings(function: str, sense: str) -> tuple[Setting, ...]:
    node = sense.partition("]:")[2]
    math, wide = f":CALCulate[1]:{node}:MATH", Number(-1e12, 1e12)
    return (
        Setting(f"{function} relative", f"{sense}:RELative", wide, 0.0),
        Setting(f"{function} relative on", f"{sense}:RELative:STATe", Switch(), default=False),
        Setting(f"{function} math", f"{math}:STATe", Switch(), default=False),
        Setting(f"{function} math kind", f"{math}:FORMat", Word("MXB|PERCent|RECiprocal"), "PERC"),
        Setting(f"{function} math m", f"{math}:MMFactor", wide, 1.0),
        Setting(f"{function} math b", f"{math}:MBFactor", wide, 0.0),
        Setting(f"{function} math reference", f"{math}:PERCent", wide, 1.0),
        *_limit_tests(function, node),
        Setting(f"{function} nplc", f"{sense}:NPLCycles", Number(0.01, 10.0), 1.0),
        Setting(f"{function} autozero", f"{sense}:AZERo[:STATe]", Switch(), default=True),
        Setting(f"{function} four wires", f"{sense}:RSENse", Switch(), default=False),
        Setting(f"{function} filter", f"{sense}:AVERage[:STATe]", Switch(), default=False),
        Setting(f"{function} filter kind", f"{sense}:AVERage:TCONtrol", Word("REPeat|MOVing"), "REP"),
        Setting(f"{function} filter count", f"{sense}:AVERage:COUNt", Whole(1, 100), 10),
        *(
            Setting(f"{function} user delay {n}", f"{sense}:DELay:USER{n}", Number(0.0, 1e4), 0.0)
            for n in range(1, 6)
        ),
    )  # fmt: skip


SETTINGS: tuple[Setting, ...] = (
    Setting("function", "[:SOURce#]:FUNCtion[:MODE]", Word("VOLTage|CURRent"), "VOLT"),
    *_quantity_settings(
        "VOLT",
        "VOLTage",
        210.0,
        Setting("CURR limit", "[:SOURce#]:VOLTage:ILIMit[:LEVel]", Number(1e-9, 1.05), 105e-6),
    ),
    *_quantity_settings(
        "CURR", "CURRent", 1.05, Setting("VOLT limit", "[:SOURce#]:CURRent:VLIMit[:LEVel]", Number(0.02, 210.0), 21.0)
    ),
    *_meter_settings("RES", "[:SENSe#]:RESistance"),
    Setting("RES range", "[:SENSe#]:RESistance:RANGe[:UPPer]", Number(0.0, 2.1e8), 2e5),
    Setting("RES autorange", "[:SENSe#]:RESistance:RANGe:AUTO", Switch(), default=True),
    Setting("count", "[:SENSe#]:COUNt", Whole(1, 300_000), 1),
    Setting("output", ":OUTPut#[:STATe]", Switch(), default=False),
    Setting("terminals", ":ROUTe:TERMinals", Word("FRONt|REAR"), "FRON"),
    Setting("digits", ":FORMat:ASCii:PRECision", Whole(0, 16), 0),
    Setting("format", ":FORMat[:DATA]", Word("ASCii|REAL|SREal"), "ASC"),
    Setting("border", ":FORMat:BORDer", Word("NORMal|SWAPped"), "SWAP"),
    Setting("nplc", "", Number(0.01, 10.0), 1.0),
    Setting("autozero", "", Switch(), default=True),
    Setting("four wires", "", Switch(), default=False),
    Setting("off mode", "", Word("NORMal"), "NORM"),
)
