"""`buffer` and the buffers themselves: readings with their circumstances, shown column by column."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from instruments.virtual.series2450tsp.attributes import Attribute, Table
from instruments.virtual.series2450tsp.kinds import Between, OneOf, refused
from labmtj.virtual.tsp.complaints import INVALID_INDEX, INVALID_PARAMETER, UNAVAILABLE, Complaint
from labmtj.virtual.tsp.tree import Group, Members, Reading, number, text

FIRST_CAPACITY, LEAST_CAPACITY, MOST_READINGS = 100_000, 10, 6_875_000
FLAGS = OneOf({"OFF": False, "ON": True}, "buffer")
FILLS = OneOf({"FILL_ONCE": False, "FILL_CONTINUOUS": True}, "buffer")
STYLES = OneOf(
    {f"STYLE_{name}": name for name in ("STANDARD", "COMPACT", "FULL", "WRITABLE", "WRITABLE_FULL")}, "buffer"
)
PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


class Entry(NamedTuple):
    """One reading with its circumstances."""

    value: float
    unit: str
    source: float
    source_unit: str
    seconds: float
    """on the clock of the bench"""
    status: int = 0
    source_status: int = 0
    extra: float = 0.0
    extra_unit: str = ""


class Column(Group):
    """One thing about every reading, indexed from 1."""

    def __init__(self, name: str, buffer: Buffer, show: Callable[[Entry], float | str]) -> None:
        super().__init__(name, {"n": Reading(lambda: float(len(buffer.entries)))})
        self._buffer, self._show = buffer, show

    def element(self, key: object) -> object:
        """Return what is known of one reading."""
        if isinstance(key, int) and 1 <= key <= len(self._buffer.entries):
            return self._show(self._buffer.entries[key - 1])
        raise Complaint(INVALID_INDEX, f"reading buffer index {key} is invalid")

    def values(self, first: int, last: int) -> Iterator[object]:
        """Return what is known of the readings from first to last."""
        return (self.element(key) for key in range(first, last + 1))


class Buffer(Table):
    """A reading buffer.

    Args:
        name: as a script writes it.
        utc: returns the seconds since 1970 of a time on the clock of the bench.
        continuous: whether a new reading replaces the oldest once it is full.
    """

    def __init__(self, name: str, utc: Callable[[float], float], capacity: int, *, continuous: bool) -> None:
        super().__init__(name, {})
        self.utc, self.capacity, self.entries = utc, capacity, list[Entry]()
        self._first = self._normal = (capacity, continuous)
        self.continuous, self.logging, self.style = continuous, continuous, "buffer.STYLE_STANDARD"
        self.math: Callable[[Entry], float] | None = None
        self.statistics_from = 0
        """readings before it do not count for statistics"""
        self.members |= {name: Column(f"{self.name}.{name}", self, show) for name, show in self._columns().items()}
        self.members |= {
            "n": Reading(lambda: float(len(self.entries))),
            "startindex": Reading(lambda: float(bool(self.entries))),
            "endindex": Reading(lambda: float(len(self.entries))),
            "capacity": Attribute(lambda: float(self.capacity), self._resize),
            "fillmode": Attribute(lambda: FILLS.shown(self.continuous), self._set_fill),
            "logstate": Attribute(lambda: FLAGS.shown(self.logging), self._set_log),
            "clear": self.clear,
        }

    def _columns(self) -> dict[str, Callable[[Entry], float | str]]:
        def stamp(form: str) -> Callable[[Entry], str]:
            return lambda entry: f"{datetime.fromtimestamp(self.utc(entry.seconds), UTC):{form}}"

        return {
            "readings": lambda entry: entry.value,
            "formattedreadings": lambda entry: formatted(entry.value, entry.unit),
            "units": lambda entry: entry.unit,
            "sourcevalues": lambda entry: entry.source,
            "sourceformattedvalues": lambda entry: formatted(entry.source, entry.source_unit),
            "sourceunits": lambda entry: entry.source_unit,
            "sourcestatuses": lambda entry: float(entry.source_status),
            "statuses": lambda entry: float(entry.status),
            "extravalues": lambda entry: entry.extra,
            "extraformattedvalues": lambda entry: formatted(entry.extra, entry.extra_unit),
            "extravalueunits": lambda entry: entry.extra_unit,
            "relativetimestamps": lambda entry: entry.seconds - self.entries[0].seconds,
            "seconds": lambda entry: float(int(self.utc(entry.seconds))),
            "fractionalseconds": lambda entry: self.utc(entry.seconds) % 1.0,
            "dates": stamp("%m/%d/%Y"), "times": stamp("%H:%M:%S"), "timestamps": stamp("%m/%d/%Y %H:%M:%S.%f"),
        }  # fmt: skip

    def element(self, key: object) -> object:
        """Return a reading by its number."""
        found = self.members["readings"]
        return found.element(key) if isinstance(key, int) else super().element(key)

    def store(self, entry: Entry) -> None:
        """Append a reading; a full buffer loses its oldest, or takes no more."""
        if len(self.entries) >= self.capacity:
            if not self.continuous:
                return
            del self.entries[0]
        if self.math is not None:
            entry = entry._replace(extra=self.math(entry))
        self.entries.append(entry)

    def clear(self) -> None:
        """Forget all readings."""
        self.entries.clear()
        self.statistics_from = 0

    def restore(self) -> None:
        """Be as after power-on."""
        self.clear()
        self.capacity, self.continuous = self._normal
        self.logging, self.math = True, None

    def _resize(self, capacity: object) -> None:
        self.capacity = int(Between(LEAST_CAPACITY, MOST_READINGS).accept(capacity))
        self.clear()

    def _set_fill(self, mode: object) -> None:
        self.continuous = FILLS.accept(mode) == "buffer.FILL_CONTINUOUS"

    def _set_log(self, state: object) -> None:
        self.logging = FLAGS.accept(state) == "buffer.ON"


class Buffers:
    """The table `buffer`, and the two buffers that are always there."""

    def __init__(self, utc: Callable[[float], float], now: Callable[[], float]) -> None:
        self._utc, self._now = utc, now
        self.first, self.second = (
            Buffer(name, utc, FIRST_CAPACITY, continuous=True) for name in ("defbuffer1", "defbuffer2")
        )
        self.active = self.first
        self._made: list[Buffer] = []
        self._custom_units: dict[str, str] = {}
        self._formats: dict[int, tuple[str, str]] = {}

    def reset(self) -> None:
        """Empty the default buffers; others are gone."""
        self.first.restore()
        self.second.restore()
        self._made.clear()
        self._custom_units.clear()
        self.active = self.first

    def chosen(self, given: object) -> Buffer:
        """Return the buffer of an argument: itself, its name, or None for the first default one."""
        if given is None:
            return self.first
        for each in (self.first, self.second, *self._made):
            if given is each or given == each.name:
                return each
        raise Complaint(INVALID_PARAMETER, "parameter is invalid: a reading buffer is expected")

    def _make(self, capacity: object, style: object = "buffer.STYLE_STANDARD") -> Buffer:
        size = int(Between(LEAST_CAPACITY, MOST_READINGS).accept(capacity))
        made = Buffer(f"buffer{len(self._made) + 1}", self._utc, size, continuous=False)
        made.style = STYLES.accept(style)
        self._made.append(made)
        return made

    def _delete(self, given: object) -> None:
        buffer = self.chosen(given)
        if buffer in (self.first, self.second):
            raise Complaint(UNAVAILABLE, "a default buffer cannot be deleted")
        self._made.remove(buffer)

    def _statistics(self, given: object = None, *_: object) -> Group:
        buffer = self.chosen(given)
        entries = buffer.entries[buffer.statistics_from :]
        values = [entry.value for entry in entries]
        members: Members = {"n": float(len(values))}
        if values:
            members |= {
                "mean": statistics.fmean(values), "stddev": statistics.pstdev(values),
                "min": self._extreme(buffer, min(entries)), "max": self._extreme(buffer, max(entries)),
            }  # fmt: skip
        return Group("stats", members)

    def _extreme(self, buffer: Buffer, entry: Entry) -> Group:
        seconds = self._utc(entry.seconds)
        return Group(
            "stats.extreme",
            {
                "reading": entry.value, "timestamp": entry.seconds - buffer.entries[0].seconds,
                "seconds": float(int(seconds)), "fractionalseconds": seconds % 1.0,
            },
        )  # fmt: skip

    def _clear_statistics(self, given: object = None) -> None:
        buffer = self.chosen(given)
        buffer.statistics_from = len(buffer.entries)

    def _math(self, given: object, unit: object, expression: object, *_: object) -> None:
        buffer = self.chosen(given)
        text(unit)
        if expression not in EXPRESSIONS:
            raise refused(expression)
        buffer.math = EXPRESSIONS[str(expression)]

    def _unit(self, custom: object, name: object) -> None:
        if custom not in tuple(f"buffer.UNIT_CUSTOM{n}" for n in (1, 2, 3)):
            raise refused(custom)
        self._custom_units[str(custom)] = text(name)

    def _save(self, given: object, name: object, *_: object) -> None:
        self.chosen(given)
        text(name)
        raise Complaint(UNAVAILABLE, "no USB drive is inserted: nothing is saved")

    def _format(self, given: object, units: object, digits: object, extra: object = "", _digits: object = "") -> None:
        buffer = self._writable(given)
        text(digits)
        self._formats[id(buffer)] = (text(units), text(extra) if extra else "")

    def _write(self, given: object, value: object, extra: object = 0.0, *_: object) -> None:
        buffer = self._writable(given)
        unit, other = self._formats.get(id(buffer), ("", ""))
        buffer.store(Entry(number(value), unit, 0.0, "", self._now(), extra=number(extra), extra_unit=other))

    def _writable(self, given: object) -> Buffer:
        buffer = self.chosen(given)
        if "WRITABLE" not in buffer.style:
            raise Complaint(UNAVAILABLE, "the buffer is not writable: make it with buffer.STYLE_WRITABLE")
        return buffer

    def members(self) -> Members:
        """Return the globals."""
        write = Group("buffer.write", {"format": self._format, "reading": self._write})
        return {
            "defbuffer1": self.first, "defbuffer2": self.second,
            "buffer": Group(
                "buffer",
                {
                    "make": self._make, "delete": self._delete, "getstats": self._statistics,
                    "clearstats": self._clear_statistics, "math": self._math, "unit": self._unit, "save": self._save,
                    "saveappend": self._save, "write": write,
                },
            ),
        }  # fmt: skip


def _safe(work: Callable[[float], float]) -> Callable[[Entry], float]:
    def calculated(entry: Entry) -> float:
        try:
            return work(entry.value)
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.nan

    return calculated


EXPRESSIONS: dict[str, Callable[[Entry], float] | None] = {
    "buffer.EXPR_NONE": None,
    "buffer.EXPR_ADD": lambda entry: entry.value + entry.source,
    "buffer.EXPR_SUBTRACT": lambda entry: entry.value - entry.source,
    "buffer.EXPR_MULTIPLY": lambda entry: entry.value * entry.source,
    "buffer.EXPR_DIVIDE": lambda entry: entry.value / entry.source if entry.source else math.nan,
    "buffer.EXPR_AVERAGE": lambda entry: (entry.value + entry.source) / 2,
    "buffer.EXPR_EXPONENT": _safe(lambda value: 10**value), "buffer.EXPR_LOG10": _safe(math.log10),
    "buffer.EXPR_RECIPROCAL": _safe(lambda value: 1 / value), "buffer.EXPR_SQROOT": _safe(math.sqrt),
    "buffer.EXPR_POWER": _safe(lambda value: value**2), "buffer.EXPR_POLY": _safe(lambda value: value),
    "buffer.EXPR_RATE": _safe(lambda value: value),
}  # fmt: skip


def formatted(value: float, unit: str) -> str:
    """Return a value as the panel shows it, with a prefix."""
    if not unit or not math.isfinite(value) or abs(value) >= 1e12:
        return f"{value:.6g}"
    power = 0 if value == 0 else min(9, max(-15, 3 * math.floor(math.log10(abs(value)) / 3)))
    return f"{value / 10.0**power:+.6f} {PREFIXES[power]}{unit[0] if unit != 'Ohm' else 'Ohm'}"


def printed(columns: Iterable[object]) -> list[Column]:
    """Return the columns that `printbuffer` is given; a buffer stands for its readings."""
    found = [each.members["readings"] if isinstance(each, Buffer) else each for each in columns]
    if not found or not all(isinstance(each, Column) for each in found):
        raise Complaint(INVALID_PARAMETER, "parameter 3 is invalid: a reading buffer is expected")
    return [each for each in found if isinstance(each, Column)]
