"""Numbers and settings of the Keysight B2900 family: data sheets, limits, headers.

Page numbers are those of the B2900 SCPI command reference (edition 2); UG = user's guide. What has none is from memory,
unverified.
"""

from __future__ import annotations

from labmtj.simulated.meter import MeterModel, MeterRange, VoltageRange
from labmtj.virtual.network.unit import Quantity
from labmtj.virtual.scpi.sourcemeter import Range
from labmtj.virtual.scpi.table import Setting
from labmtj.virtual.scpi.values import Number, Numbers, Switch, Whole, Word

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


def meter(first: int) -> MeterModel:
    """Return the data sheet from a range on: the 10 nA range is that of the B2911A and B2912A alone."""
    return MeterModel(_RANGES[first:], MEASURE_REACH, resolution_fraction=1e-6, voltage_ranges=_VOLTAGE_RANGES)


POWER = ((21.0, 1.515), (210.0, 0.105))
"""volts up to which this current may flow"""
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
        Setting(f"{quantity} step", f"{source}:STEP", Number(-2 * top, 2 * top), 0.0),
        Setting(f"{quantity} points", f"{source}:POINts", Whole(1, MOST_IN_LIST), 1),
        Setting(f"{quantity} list start", f"[:SOURce#]:LIST:{node}:STARt", Whole(1, MOST_IN_LIST), 1),
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


def _layer(name: str, layer: str, shortest_timer: float) -> tuple[Setting, ...]:
    lines = "|".join(f"EXTernal{line}" for line in range(1, 15))
    sources = Word(f"AINTernal|BUS|TIMer|INTernal1|INTernal2|LAN|{lines}")
    return (
        Setting(f"{name} source", f"{layer}:SOURce[:SIGNal]", sources, "AINT"),
        Setting(f"{name} count", f"{layer}:COUNt", Whole(1, MOST_READINGS), 1),
        Setting(f"{name} timer", f"{layer}:TIMer", Number(shortest_timer, 1e5), max(1e-3, shortest_timer)),
        Setting(f"{name} delay", f"{layer}:DELay", Number(0.0, 1e5), 0.0),
    )


def _trigger_settings(shortest_timer: float) -> tuple[Setting, ...]:
    found: list[Setting] = []
    for name, node in (("all", "[:ALL]"), ("transient", ":TRANsient"), ("acquire", ":ACQuire")):
        found += _layer(name, f":TRIGger#{node}", shortest_timer)
        found += _layer(f"arm {name}", f":ARM#{node}[:LAYer]", shortest_timer)
    return tuple(found)


def _wait_settings(name: str, node: str) -> tuple[Setting, ...]:
    return (
        Setting(f"{name} wait", f"{node}:WAIT[:STATe]", Switch(), default=True),
        Setting(f"{name} wait auto", f"{node}:WAIT:AUTO", Switch(), default=True),
        Setting(f"{name} wait gain", f"{node}:WAIT:GAIN", Number(0.0, 100.0), 1.0),
        Setting(f"{name} wait offset", f"{node}:WAIT:OFFSet", Number(0.0, 1.0), 0.0),
    )


TRIGGERS = ("transient", "acquire")
TRIGGER_PARTS = ("source", "count", "timer", "delay")
AUTO_OHMS = (  # full scale in ohms, test current in amperes (from memory, unverified)
    (2.0, 1.0), (20.0, 0.1), (200.0, 0.01), (2e3, 1e-3), (2e4, 1e-4), (2e5, 1e-5), (2e6, 1e-6),
    (2e7, 1e-6), (2e8, 1e-7),
)  # fmt: skip
OHMS_LIMIT_VOLTS = 20.0
IDLE = {1: 1 << 1 | 1 << 4, 2: 1 << 7 | 1 << 10}
"""of the operation condition register: both triggers of a channel (1-23, from memory, unverified)"""


_SETTINGS: tuple[Setting, ...] = (
    Setting("function", "[:SOURce#]:FUNCtion:MODE", Word("VOLTage|CURRent"), "VOLT"),
    Setting("shape", "[:SOURce#]:FUNCtion[:SHAPe]", Word("DC|PULSe"), "DC"),
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
        " :SENSe#:CURRent[:DC]:NPLCycles:AUTO :SENSe#:VOLTage[:DC]:NPLCycles:AUTO"
        " :SENSe#:RESistance:APERture:AUTO :SENSe#:RESistance:NPLCycles:AUTO",
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
    *_wait_settings("source", "[:SOURce#]"),
    *_wait_settings("sense", ":SENSe#"),
    Setting("continuous", "[:SOURce#]:FUNCtion:TRIGgered:CONTinuous", Switch(), default=False),
    Setting("sweep points", "[:SOURce#]:SWEep:POINts", Whole(1, MOST_IN_LIST), 1),
    Setting("ohms mode", ":SENSe#:RESistance:MODE", Word("MANual|AUTO"), "MAN"),
    Setting("ohms range", ":SENSe#:RESistance:RANGe[:UPPer]", Number(2.0, 200e6), 200e6),
    Setting("ohms autorange", ":SENSe#:RESistance:RANGe:AUTO", Switch(), default=True),
    Setting("border", ":FORMat:BORDer", Word("NORMal|SWAPped"), "NORM"),
    Setting("register format", ":FORMat:SREGister", Word("ASCii|BINary|OCTal|HEXadecimal"), "ASC"),
    Setting("statistic", ":TRACe#:STATistic:FORMat", Word("MEAN|SDEViation|PKPK|MINimum|MAXimum"), "MEAN"),
    Setting("stamps", ":TRACe#:TSTamp:FORMat", Word("ABSolute|DELTa"), "ABS"),
    Setting("calculated elements", ":FORMat:ELEMents:CALCulate", Word("CALC|TIME|STATus"), "CALC"),
    Setting("calculated feed", ":CALCulate#:FEED", Word("VOLTage|CURRent|RESistance|MATH"), "VOLT"),
    Setting("offset", ":CALCulate#:OFFSet", Number(-9.999999e20, 9.999999e20), 0.0),
    Setting("offset on", ":CALCulate#:OFFSet:STATe", Switch(), default=False),
    Setting("buffer size", ":TRACe#:POINts", Whole(1, MOST_READINGS), MOST_READINGS),
    Setting("buffer feed", ":TRACe#:FEED", Word("SENSe|MATH|LIMit"), "SENS"),
    Setting("feed", ":TRACe#:FEED:CONTrol", Word("NEXT|NEVer"), "NEV"),
    Setting("beeper", ":SYSTem:BEEPer:STATe", Switch(), default=True),
    Setting("display", ":DISPlay:ENABle", Switch(), default=True),
    Setting("autozero", ":SENSe#:AZERo", Switch(), default=False),
)


def settings(shortest_timer: float) -> tuple[Setting, ...]:
    """Return the settings of a model, whose timers have a shortest time in seconds."""
    return (*_SETTINGS, *_trigger_settings(shortest_timer))
