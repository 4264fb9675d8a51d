"""Reading buffers: what a measurement leaves until a script prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from labmtj.virtual.tsp.complaints import INVALID_INDEX, INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.tree import Group, Reading, Setting, refusing, switch, whole, within

FILL_ONCE, FILL_WINDOW = 0, 1
"""a full buffer takes nothing more, or goes on at its beginning"""
NOT_EMPTY, TOO_FINE = 5032, 5047
FINEST_SECONDS = 1e-6
FUNCTIONS = ("Current", "Voltage", "Ohms", "Watts")
SOURCES = ("Current", "Voltage")
OUTPUTS = ("Off", "On")


class Entry(NamedTuple):
    """One reading with its circumstances."""

    reading: float
    source_value: float
    seconds: float
    status: int
    measure_range: float
    source_range: float
    source_function: int
    measure_function: int
    output: int = 1
    """whether the output was on"""


class Column(Group):
    """One quantity of a buffer, indexed from 1; `words` says what its numbers are called, where they are no numbers."""

    luatype = "synchronous_table"

    def __init__(
        self, name: str, place: int, entries: list[Entry], collected: Callable[[], bool], words: tuple[str, ...] = ()
    ) -> None:
        super().__init__(name, {"n": Reading(lambda: float(len(entries))), "getreading": self.element})
        self._place, self._entries, self._collected, self._words = place, entries, collected, words

    def element(self, key: object) -> object:
        """Return one value."""
        if isinstance(key, int | float) and self._collected() and 1 <= key <= len(self._entries):
            value = self._entries[int(key) - 1][self._place]
            return self._words[int(value)] if self._words else float(value)
        raise Complaint(INVALID_INDEX, f"Reading buffer index {key} is invalid")

    def values(self, first: int, last: int) -> Iterator[object]:
        """Return the values from first to last, both included; Complaint if there are fewer."""
        return (self.element(key) for key in range(first, last + 1))


class ReadingBuffer(Group):
    """A buffer as a script sees it: settings, columns, and the readings themselves by number.

    Args:
        name: as a script writes it.
        capacity: readings that it holds.
        utc_seconds: the clock of the box, for the time of the first reading.
    """

    luatype = "reading_buffer"

    def __init__(self, name: str, capacity: int, utc_seconds: Callable[[], float]) -> None:
        self.entries: list[Entry] = []
        self.first_seconds = self._base = 0.0
        self.capacity, self._utc_seconds, self._stored = capacity, utc_seconds, 0
        self._append = _kept(0.0)
        self._times, self._sources = (_kept(0.0, self._only_when_empty) for _ in range(2))
        self._fill_mode, self._fill_count = _kept(0.0), Setting(0.0, whole(0, capacity), kept=True)

        def column(
            title: str, place: int, words: tuple[str, ...] = (), collected: Callable[[], bool] = lambda: True
        ) -> Column:
            return Column(f"{name}.{title}", place, self.entries, collected, words)

        self.readings = column("readings", 0)
        finest = refusing(within(FINEST_SECONDS, 1e3), TOO_FINE)
        super().__init__(
            name,
            {
                "appendmode": self._append, "collecttimestamps": self._times, "collectsourcevalues": self._sources,
                "cachemode": _kept(1.0), "fillmode": self._fill_mode, "fillcount": self._fill_count,
                "timestampresolution": Setting(FINEST_SECONDS, finest, self._only_when_empty, kept=True),
                "basetimestamp": Reading(lambda: self._base),
                "capacity": Reading(lambda: float(self.capacity)), "n": Reading(lambda: float(len(self.entries))),
                "readings": self.readings,
                "sourcevalues": column("sourcevalues", 1, collected=lambda: bool(self._sources.value)),
                "timestamps": column("timestamps", 2, collected=lambda: bool(self._times.value)),
                "statuses": column("statuses", 3),
                "measureranges": column("measureranges", 4), "sourceranges": column("sourceranges", 5),
                "sourcefunctions": column("sourcefunctions", 6, SOURCES),
                "measurefunctions": column("measurefunctions", 7, FUNCTIONS),
                "sourceoutputstates": column("sourceoutputstates", 8, OUTPUTS),
                "clear": self.clear, "clearcache": lambda: None,
            },
        )  # fmt: skip

    def element(self, key: object) -> object:
        """Return a reading by its number."""
        return self.readings.element(key) if isinstance(key, int) else super().element(key)

    def clear(self) -> None:
        """Forget all readings."""
        self.entries.clear()
        self._base, self._stored = 0.0, 0

    def begin(self) -> None:
        """Prepare for a new measurement: unless it appends, what was there goes."""
        if not self._append.value:
            self.clear()

    def store(self, entry: Entry, now: float) -> None:
        """Keep a reading; its time counts from the first reading in the buffer."""
        if not self.entries:
            self.first_seconds, self._base = now, self._utc_seconds()
        entry = entry._replace(seconds=now - self.first_seconds)
        room = int(self._fill_count.value) or self.capacity
        if self._fill_mode.value == FILL_WINDOW and len(self.entries) >= room:
            self.entries[self._stored % room] = entry
        elif len(self.entries) < self.capacity:
            self.entries.append(entry)
        else:
            raise Complaint(INVALID_INDEX, f"reading buffer is full with {self.capacity} readings")
        self._stored += 1

    def reset(self, *, everything: bool = False) -> None:
        """Empty it, and forget its settings."""
        self.clear()
        super().reset(everything=everything)

    def _only_when_empty(self) -> None:
        if self.entries:
            raise Complaint(NOT_EMPTY, "Cannot change this setting unless buffer is cleared")


def _kept(default: float, then: Callable[[], None] | None = None) -> Setting:
    return Setting(default, switch, then, kept=True)


def columns(buffers: tuple[object, ...]) -> list[Column]:
    """Return the columns that `printbuffer` is given; a buffer stands for its readings."""
    found = [each.readings if isinstance(each, ReadingBuffer) else each for each in buffers]
    wrong = [place for place, each in enumerate(found, 3) if not isinstance(each, Column)]
    if wrong or not found:
        raise Complaint(INVALID_PARAMETER, f"parameter {wrong[0] if wrong else 3} is invalid: a buffer is expected")
    return [each for each in found if isinstance(each, Column)]


def as_table(buffer: ReadingBuffer) -> str:
    """Return all columns of a buffer as comma-separated lines."""
    names = [name for name, member in buffer.members.items() if isinstance(member, Column)]
    found = {name: list(_printable(buffer.members[name], len(buffer.entries))) for name in names}
    rows = [",".join(str(found[name][place]) for name in names) for place in range(len(buffer.entries))]
    return "\n".join([",".join(names), *rows, ""])


def _printable(column: Column, count: int) -> Iterator[object]:
    for place in range(1, count + 1):
        try:
            yield column.element(place)
        except Complaint:  # not collected
            yield ""
