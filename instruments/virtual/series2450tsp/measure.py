"""`smu.measure`: what is measured, and what is made of a reading: relative offset, mathematics, limits, units."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from instruments.virtual.series2450tsp.attributes import FUNCTIONS, Attribute, Attributes, Spec, Table, read_only
from instruments.virtual.series2450tsp.buffers import Buffer, Entry
from instruments.virtual.series2450tsp.core import CURR, RES, VOLT, Core, Taken
from instruments.virtual.series2450tsp.kinds import FLAG, Between, OneOf
from instruments.virtual.series2450tsp.source import LONGEST_DELAY_SECONDS, USER_DELAYS, Source

OVERFLOW = 9.9e37
LIMITED, OUTPUT_ON = 32, 128
"""source status of a reading (manual 8-29)"""
ANY = Between(-1e37, 1e37)
DIGITS = OneOf({f"DIGITS_{digits}_5": digits for digits in (3, 4, 5, 6)})
FILTERS = OneOf({"FILTER_REPEAT_AVG": "REP", "FILTER_MOVING_AVG": "MOV"})
FORMATS = OneOf({f"MATH_{name}": name for name in ("PERCENT", "MXB", "RECIPROCAL")})
AUDIBLE = OneOf({f"AUDIBLE_{name}": name for name in ("NONE", "FAIL", "PASS")})
UNITS = OneOf({f"UNIT_{name}": name for name in ("VOLT", "AMP", "OHM", "WATT")})
OWN_UNIT = {VOLT: "smu.UNIT_VOLT", CURR: "smu.UNIT_AMP", RES: "smu.UNIT_OHM"}
SENSED = OneOf({"SENSE_2WIRE": False, "SENSE_4WIRE": True})
MEASURED = OneOf({name.removeprefix("smu."): function for function, name in FUNCTIONS.items()})
SHOWN_UNITS = {
    "smu.UNIT_VOLT": "Volt DC", "smu.UNIT_AMP": "Amp DC", "smu.UNIT_OHM": "Ohm", "smu.UNIT_WATT": "Watt DC",
}  # fmt: skip
LOWEST_OHMS, HIGHEST_OHMS = 20.0, 200e6
AMPERES = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
VOLTS = (0.02, 0.2, 2.0, 20.0, 200.0)


class Value(NamedTuple):
    """A reading as it is shown."""

    value: float
    unit: str


def every(pattern: str) -> dict[str, str]:
    """Return the settings of the meter for all functions; `q` stands for the function."""
    return {function: pattern.replace("q", function) for function in (VOLT, CURR, RES)}


def sensed(name: str) -> dict[str, str]:
    """Return the settings of the meter that are called otherwise for resistance."""
    return {VOLT: f"sense VOLT {name}", CURR: f"sense CURR {name}", RES: f"RES {name}"}


class Meter:
    """The meter of the box.

    Args:
        core: source and meter.
        source: of the box.
        buffer: returns the buffer of an argument; the first default one for None.
    """

    def __init__(self, core: Core, source: Source, buffer: Callable[[object], Buffer]) -> None:
        self._core, self._source, self.buffer = core, source, buffer
        self._failed = {1: "smu.FAIL_NONE", 2: "smu.FAIL_NONE"}
        self.last = float("nan")
        """reading"""
        limits = [spec for y in (1, 2) for spec in self._limit_specs(y)]
        self.attributes = Attributes(core, "smu.measure", [*self._specs(), *limits], core.measured)
        self.table = self._table()

    def reset(self) -> None:
        """Forget readings and what is kept here."""
        self.attributes.reset()
        self._failed = {1: "smu.FAIL_NONE", 2: "smu.FAIL_NONE"}
        self.last = float("nan")

    # Readings

    def read(self, into: object = None) -> float:
        """Take as many readings as are set into a buffer, and return the last."""
        self.measure(self.buffer(into), int(self.attributes.get("count")))
        return self.last

    def measure(self, buffer: Buffer, count: int) -> None:
        """Take readings into a buffer."""
        for _ in range(count):
            taken = self._core.take()
            found = self._made_of(taken)
            self.last = found.value
            sourced = self._source.present()
            buffer.store(
                Entry(
                    found.value, found.unit, taken.source, "Volt DC" if sourced == VOLT else "Amp DC", taken.seconds,
                    0, self._status(taken),
                )
            )  # fmt: skip

    def _status(self, taken: Taken) -> int:
        return (LIMITED if taken.limited else 0) | (OUTPUT_ON if self._source.is_on() else 0)

    def _read_with_time(self, into: object = None) -> tuple[float, float, float]:
        value, buffer = self.read(into), self.buffer(into)
        seconds = buffer.utc(buffer.entries[-1].seconds)
        return value, float(int(seconds)), seconds - int(seconds)

    def _made_of(self, taken: Taken) -> Value:
        """Return what is shown of a reading: in its unit, less the offset, after the mathematics, tested."""
        get, function = self.attributes.get, self.attributes.present()
        unit = str(get("unit"))
        value = taken.value
        if abs(value) < OVERFLOW:
            value = _in_unit(value, taken.source, function, self._source.present(), unit)
            if get("rel.enable") == "smu.ON":
                value -= get("rel.level")
            if get("math.enable") == "smu.ON":
                value = self._calculated(value)
        for y in (1, 2):
            self._test(y, value)
        return Value(value, SHOWN_UNITS[unit])

    def _calculated(self, value: float) -> float:
        get = self.attributes.get
        match get("math.format"):
            case "smu.MATH_MXB":
                return float(get("math.mxb.mfactor") * value + get("math.mxb.bfactor"))
            case "smu.MATH_RECIPROCAL":
                return 1 / value if value else OVERFLOW
            case _:
                reference = get("math.percent")
                return float((value - reference) / reference * 100)

    def _test(self, y: int, value: float) -> None:
        get = self.attributes.get
        if get(f"limit[{y}].enable") != "smu.ON":
            return
        high, low = value > get(f"limit[{y}].high.value"), value < get(f"limit[{y}].low.value")
        result = "BOTH" if high and low else "HIGH" if high else "LOW" if low else "NONE"
        if result != "NONE" or get(f"limit[{y}].autoclear") == "smu.ON":
            self._failed[y] = f"smu.FAIL_{result}"

    def limit(self, y: int) -> tuple[float, float]:
        """Return the low and the high value of a limit."""
        return self.attributes.get(f"limit[{y}].low.value"), self.attributes.get(f"limit[{y}].high.value")

    def _acquire(self) -> float:
        """Take the present reading for the offset."""
        self.attributes.set("rel.enable", "smu.OFF")
        level = self.read()
        self.attributes.set("rel.level", level)
        return level

    # Attributes

    def _specs(self) -> list[Spec]:
        return [
            Spec("autorange", "MEAS_RANGE_AUTO", FLAG, sensed("autorange")),
            Spec("autorangerebound", "MEAS_RANGE_REBOUND", FLAG, default={"": "smu.OFF"}),
            Spec("autozero.enable", "MEAS_AUTO_ZERO", FLAG, every("q autozero")),
            Spec("count", "MEAS_COUNT", Between(1, 300_000, whole=True), default={"": 1.0}, shared=True),
            Spec("displaydigits", "MEAS_DIGITS", DIGITS, default={"": "smu.DIGITS_5_5"}),
            Spec("filter.count", "MEAS_FILTER_COUNT", Between(1, 100, whole=True), every("q filter count")),
            Spec("filter.enable", "MEAS_FILTER_ENABLE", FLAG, every("q filter")),
            Spec("filter.type", "MEAS_FILTER_TYPE", FILTERS, every("q filter kind")),
            Spec("math.enable", "MEAS_MATH_ENABLE", FLAG, default={"": "smu.OFF"}),
            Spec("math.format", "MEAS_MATH_FORMAT", FORMATS, default={"": "smu.MATH_PERCENT"}),
            Spec("math.mxb.bfactor", "MEAS_MATH_MXB_BF", ANY, default={"": 0.0}),
            Spec("math.mxb.mfactor", "MEAS_MATH_MXB_MF", ANY, default={"": 1.0}),
            Spec("math.percent", "MEAS_MATH_PERCENT", ANY, default={"": 1.0}),
            Spec("nplc", "MEAS_NPLC", Between(0.01, 10.0), every("q nplc")),
            Spec("offsetcompensation", "MEAS_OFFSET_COMP", FLAG, default={"": "smu.OFF"}),
            Spec("range", "MEAS_RANGE", Between(-210e6, 210e6), sensed("range")),
            Spec("rel.enable", "MEAS_REL_ENABLE", FLAG, default={"": "smu.OFF"}),
            Spec("rel.level", "MEAS_REL_LEVEL", ANY, default={"": 0.0}),
            Spec("sense", "MEAS_SENSE", SENSED, every("q four wires")),
            Spec("unit", "MEAS_UNIT", UNITS, default=OWN_UNIT),
            *(
                Spec(
                    f"userdelay[{n}]", f"MEAS_USER_DELAY_{n}", Between(0.0, LONGEST_DELAY_SECONDS),
                    default={"": 0.0}, shared=True,
                )
                for n in range(1, USER_DELAYS + 1)
            ),
        ]  # fmt: skip

    def _limit_specs(self, y: int) -> list[Spec]:
        return [
            Spec(f"limit[{y}].audible", f"MEAS_LIMIT_AUDIBLE_{y}", AUDIBLE, default={"": "smu.AUDIBLE_NONE"}),
            Spec(f"limit[{y}].autoclear", f"MEAS_LIMIT_AUTO_CLEAR_{y}", FLAG, default={"": "smu.ON"}),
            Spec(f"limit[{y}].enable", f"MEAS_LIMIT_ENABLE_{y}", FLAG, default={"": "smu.OFF"}),
            Spec(f"limit[{y}].high.value", f"MEAS_LIMIT_HIGH_{y}", ANY, default={"": 1.0}),
            Spec(f"limit[{y}].low.value", f"MEAS_LIMIT_LOW_{y}", ANY, default={"": -1.0}),
        ]

    def _lowest(self) -> float:
        function = self.attributes.present()
        if function == RES:
            return self._lowest_ohms
        first = VOLTS[0] if function == VOLT else AMPERES[0]
        return max(first, float(self._core.get(f"sense {function} lowest")))

    def _set_lowest(self, value: object) -> None:
        function, wanted = self.attributes.present(), Between(0.0, HIGHEST_OHMS).accept(value)
        if function == RES:
            self._lowest_ohms = wanted
        else:
            self._core.set(f"sense {function} lowest", repr(wanted))

    def _highest(self) -> float:
        """Return the highest range of autorange: for volts and amperes the one that holds the limit."""
        function = self.attributes.present()
        if function == RES:
            return self._highest_ohms
        most = float(self._core.get(f"{function} limit"))
        return next((scale for scale in (VOLTS if function == VOLT else AMPERES) if scale * 1.05 >= most), most)

    def _set_highest(self, value: object) -> None:
        read = read_only(lambda: None, "smu.measure.autorangehigh")
        if self.attributes.present() != RES:
            read.write(value)
        self._highest_ohms = Between(self._lowest_ohms, HIGHEST_OHMS).accept(value)

    _lowest_ohms, _highest_ohms = LOWEST_OHMS, HIGHEST_OHMS

    def _table(self) -> Table:
        attributes = self.attributes
        tree = attributes.tree()
        attributes.readings = {
            "MEAS_RANGE_LOW": self._lowest, "MEAS_RANGE_HIGH": self._highest,
            **{f"MEAS_LIMIT_FAIL_{y}": _reader(self._failed, y) for y in (1, 2)},
        }  # fmt: skip
        for y in (1, 2):
            limit = tree.members["limit"].members[y]
            limit.members["fail"] = read_only(lambda y=y: self._failed[y], f"{limit.name}.fail")  # type: ignore[misc]
            limit.members["clear"] = lambda y=y: self._failed.update({y: "smu.FAIL_NONE"})
        tree.members["autozero"].members["once"] = self._core.zero
        tree.members["rel"].members["acquire"] = self._acquire
        tree.members |= {
            "func": Attribute(
                lambda: MEASURED.shown(self._core.measured()),
                lambda value: self._core.measure(MEASURED.word(MEASURED.accept(value))),
            ),
            "autorangelow": Attribute(self._lowest, self._set_lowest),
            "autorangehigh": Attribute(self._highest, self._set_highest),
            "read": self.read, "readwithtime": self._read_with_time,
            "getattribute": attributes.get_attribute, "setattribute": attributes.set_attribute,
        }  # fmt: skip
        return tree


def _reader(failed: dict[int, str], y: int) -> Callable[[], object]:
    return lambda: failed[y]


def _in_unit(value: float, source: float, measured: str, sourced: str, unit: str) -> float:
    """Return a reading in another unit, with what is sourced for the other quantity."""
    if unit == OWN_UNIT[measured] or measured in (RES, sourced):
        return value
    volts, amperes = (value, source) if measured == VOLT else (source, value)
    if unit == "smu.UNIT_WATT":
        return volts * amperes
    if unit == "smu.UNIT_OHM":
        return volts / amperes if amperes else OVERFLOW
    return volts if unit == "smu.UNIT_VOLT" else amperes
