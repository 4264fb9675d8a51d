"""Reading buffers: what a measurement leaves behind until a script prints it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from labmtj.virtual.tsp.complaints import INVALID_INDEX, INVALID_PARAMETER, UNAVAILABLE, Complaint
from labmtj.virtual.tsp.tree import Group, Reading, Setting, number, switch


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


class Column(Group):
    """One quantity of a buffer, indexed from 1."""

    def __init__(self, name: str, number: int, entries: list[Entry], collected: Callable[[], bool]) -> None:
        super().__init__(name, {"n": Reading(lambda: float(len(entries)))})
        self._number, self._entries, self._collected = number, entries, collected

    def element(self, key: object) -> object:
        """Return one value."""
        if isinstance(key, int) and self._collected() and 1 <= key <= len(self._entries):
            return float(self._entries[key - 1][self._number])
        raise Complaint(INVALID_INDEX, f"reading buffer index {key} is invalid")

    def values(self, first: int, last: int) -> Iterator[float]:
        """Return the values from first to last, both included; Complaint if there are not so many."""
        return (float(self.element(key)) for key in range(first, last + 1))  # type: ignore[arg-type]


class ReadingBuffer(Group):
    """A buffer as a script sees it: settings, columns, and the readings themselves by number."""

    def __init__(self, name: str, capacity: int) -> None:
        self.entries: list[Entry] = []
        self.first_seconds = 0.0
        self.capacity = capacity
        self._append = Setting(0.0, switch)
        self._times = Setting(0.0, switch, self._only_when_empty)
        self._sources = Setting(0.0, switch, self._only_when_empty)

        def column(title: str, number: int, collected: Callable[[], bool] = lambda: True) -> Column:
            return Column(f"{name}.{title}", number, self.entries, collected)

        self.readings = column("readings", 0)
        super().__init__(
            name,
            {
                "appendmode": self._append,
                "collecttimestamps": self._times,
                "collectsourcevalues": self._sources,
                "timestampresolution": Setting(1e-6, number),
                "basetimestamp": Reading(lambda: self.first_seconds),
                "capacity": Reading(lambda: float(self.capacity)),
                "n": Reading(lambda: float(len(self.entries))),
                "readings": self.readings,
                "sourcevalues": column("sourcevalues", 1, lambda: bool(self._sources.value)),
                "timestamps": column("timestamps", 2, lambda: bool(self._times.value)),
                "statuses": column("statuses", 3),
                "measureranges": column("measureranges", 4),
                "sourceranges": column("sourceranges", 5),
                "sourcefunctions": column("sourcefunctions", 6),
                "measurefunctions": column("measurefunctions", 7),
                "clear": self.clear,
                "clearcache": lambda: None,
            },
        )

    def element(self, key: object) -> object:
        """Return a reading by its number."""
        return self.readings.element(key) if isinstance(key, int) else super().element(key)

    def clear(self) -> None:
        """Forget all readings."""
        self.entries.clear()

    def begin(self) -> None:
        """Prepare for a new measurement: unless it appends, what was there goes."""
        if not self._append.value:
            self.clear()

    def store(self, entry: Entry, now: float) -> None:
        """Append a reading; its time counts from the first reading in the buffer."""
        if len(self.entries) >= self.capacity:
            raise Complaint(INVALID_INDEX, f"reading buffer is full with {self.capacity} readings")
        if not self.entries:
            self.first_seconds = now
        self.entries.append(entry._replace(seconds=now - self.first_seconds))

    def reset(self, *, everything: bool = False) -> None:
        """Empty it, and forget its settings."""
        self.clear()
        super().reset(everything=everything)

    def _only_when_empty(self) -> None:
        if self.entries:
            raise Complaint(UNAVAILABLE, "command unavailable: the reading buffer is not empty")


def columns(buffers: tuple[object, ...]) -> list[Column]:
    """Return the columns that `printbuffer` is given; a buffer stands for its readings."""
    found = [each.readings if isinstance(each, ReadingBuffer) else each for each in buffers]
    wrong = [number for number, each in enumerate(found, 3) if not isinstance(each, Column)]
    if wrong or not found:
        raise Complaint(INVALID_PARAMETER, f"parameter {wrong[0] if wrong else 3} is invalid: a buffer is expected")
    return [each for each in found if isinstance(each, Column)]
