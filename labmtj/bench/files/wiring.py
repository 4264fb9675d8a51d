"""What is connected to what: lines of the array, columns and rows of the matrix, channels and ground. Pure values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from labmtj.bench.files.laboratory import DirectFile, LaboratoryFile, LineFile
from labmtj.errors import SettingError
from labmtj.safety import line_name

Key = tuple[str, ...]
LONGEST_RUN = 1000
"""lines in one run such as matrix.1.1-15; more is a slip of the pen"""


class Channel(NamedTuple):
    """A source-measure channel: the unit's name on the bench, and the channel's name on its front."""

    unit: str
    name: str

    def __str__(self) -> str:
        return f"{self.unit}.{self.name}"


class Column(NamedTuple):
    """A column of a matrix, slot and column counted from 1 as on the box."""

    matrix: str
    slot: int
    number: int

    def __str__(self) -> str:
        return f"{self.matrix}.{self.slot}.{self.number}"


class Crosspoint(NamedTuple):
    """A relay: a column of a matrix on one of its rows."""

    column: Column
    row: int


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line of the array ends: on a column of a matrix, on a channel, or (neither) on ground."""

    end: Column | Channel | None
    key: Key
    """where it stands in the bench file"""


@dataclass(frozen=True, slots=True)
class Bus:
    """A row of the matrix, fed by a channel, by ground or (neither) by nothing."""

    name: str
    row: int
    channel: Channel | None
    ground: bool


@dataclass(frozen=True)
class Wiring:
    """The whole of it. Lines are numbered rows first, buses in the order of the file."""

    shape: tuple[int, int]
    lines: tuple[Line, ...]
    buses: tuple[Bus, ...]

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """All channels in use: those of the buses, then those wired to a line."""
        on_buses = [bus.channel for bus in self.buses if bus.channel is not None]
        return (*on_buses, *(line.end for line in self.lines if isinstance(line.end, Channel)))

    def crosspoint(self, line: int, bus: int) -> Crosspoint:
        """Return the relay that puts a line on a bus."""
        column = self.lines[line].end
        assert isinstance(column, Column), "only a column of a matrix has relays"
        return Crosspoint(column, self.buses[bus].row)

    def name(self, line: int) -> str:
        """Return the name of a line with its place, such as "row 3 (matrix.1.4)"."""
        end = self.lines[line].end
        return f"{line_name(line, self.shape)} ({'ground' if end is None else end})"

    @cached_property
    def canonical(self) -> str:
        """The wiring as text: the same wiring gives the same text, however the file is written."""
        buses = {
            bus.name: {"row": bus.row, "fed_by": str(bus.channel or ("ground" if bus.ground else "nothing"))}
            for bus in self.buses
        }
        lines = {line_name(number, self.shape): str(line.end or "ground") for number, line in enumerate(self.lines)}
        return json.dumps({"buses": buses, "lines": lines}, sort_keys=True)

    @property
    def sha256(self) -> str:
        """Checksum of the canonical text."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


def wiring_of(file: LaboratoryFile) -> Wiring:
    """Return the wiring of a bench file.

    Raises:
        SettingError: a line, bus or channel that is wired twice or to something that is not there, with its key.
    """
    buses = tuple(_buses(file))
    lines = tuple(_lines(file))
    shape = len(file.lines.rows), len(file.lines.columns)
    rows = sum(1 for line in lines if line.key[1] == "rows")
    wiring = Wiring((rows, len(lines) - rows), lines, buses)
    _check_shape(file, wiring.shape)
    assert shape[0] <= rows, "an entry is one line or more"
    _check_once(file, wiring)
    return wiring


def _buses(file: LaboratoryFile) -> Iterator[Bus]:
    for name, bus in file.buses.items():
        key = ("buses", name)
        if bus.channel and bus.ground:
            raise SettingError(key, "is fed by a channel and by ground; keep one of them")
        yield Bus(name, bus.row, _channel(file, bus.channel, (*key, "channel")) if bus.channel else None, bus.ground)


def _lines(file: LaboratoryFile) -> Iterator[Line]:
    sides: Mapping[str, list[LineFile]] = {"rows": file.lines.rows, "columns": file.lines.columns}
    for side, entries in sides.items():
        for index, entry in enumerate(entries):
            key = ("lines", side, str(index))
            yield from ([_direct(file, entry, key)] if isinstance(entry, DirectFile) else _run(file, entry, key))


def _direct(file: LaboratoryFile, entry: DirectFile, key: Key) -> Line:
    if bool(entry.channel) == entry.ground:
        raise SettingError(key, "needs either `channel: smu.a` or `ground: true`")
    return Line(_channel(file, entry.channel, key) if entry.channel else None, key)


def _run(file: LaboratoryFile, text: str, key: Key) -> Iterator[Line]:
    """Iterate the lines of "matrix.1.4" or "matrix.1.1-15"."""
    found = re.fullmatch(r"([^.\s]+)\.(\d+)\.(\d+)(?:-(\d+))?", text)
    if found is None:
        raise SettingError(key, f"{text!r} is not a line; write matrix.SLOT.COLUMN or a run such as matrix.1.1-15")
    matrix, slot, first, last = found.group(1), int(found.group(2)), int(found.group(3)), int(found.group(4) or 0)
    last = last or first
    if not first <= last < first + LONGEST_RUN:
        raise SettingError(key, f"{text!r} does not count upwards, or too far; write matrix.1.1-15")
    _check_matrix(file, matrix, slot, key)
    for number in range(first, last + 1):
        yield Line(Column(matrix, slot, number), key)


def _check_matrix(file: LaboratoryFile, matrix: str, slot: int, key: Key) -> None:
    if matrix not in file.instruments:
        raise SettingError(key, f"no instrument is called {matrix!r}; there are {', '.join(file.instruments)}")
    cards = file.instruments[matrix].cards
    if slot not in cards:
        known = ", ".join(f"{number}: {model}" for number, model in cards.items()) or "none"
        raise SettingError(key, f"slot {slot} of {matrix} holds no card; its `cards` are {known}")


def _channel(file: LaboratoryFile, text: str, key: Key) -> Channel:
    unit, _, name = text.rpartition(".")
    if unit not in file.instruments:
        raise SettingError(
            key, f"{text!r} is not a channel; write UNIT.CHANNEL with one of {', '.join(file.instruments)}, as smu.a"
        )
    return Channel(unit, name)


def _check_shape(file: LaboratoryFile, shape: tuple[int, int]) -> None:
    wanted = file.chip.array.shape
    for axis, side in enumerate(("rows", "columns")):
        if shape[axis] != wanted[axis]:
            raise SettingError(
                ("lines", side), f"are {shape[axis]}; array {file.chip.array.name} has {wanted[axis]}. Wire every line"
            )


def _check_once(file: LaboratoryFile, wiring: Wiring) -> None:
    """Raise SettingError for whatever is wired twice, and for buses that cannot do their work."""
    ends: dict[object, str] = {}
    for bus in wiring.buses:
        _claim(ends, ("row", bus.row), f"bus {bus.name}", ("buses", bus.name, "row"), f"row {bus.row} of the matrix")
        if bus.channel is not None:
            _claim(ends, bus.channel, f"bus {bus.name}", ("buses", bus.name, "channel"), f"channel {bus.channel}")
    for number, line in enumerate(wiring.lines):
        if line.end is not None:
            what = "channel" if isinstance(line.end, Channel) else "matrix column"
            _claim(ends, line.end, line_name(number, wiring.shape), line.key, f"{what} {line.end}")
    if sum(bus.ground for bus in wiring.buses) > 1:
        raise SettingError(("buses",), "two of them are ground; one is enough")
    if not wiring.channels:
        raise SettingError(("buses",), "no channel feeds a bus or a line; give a bus `channel: smu.a`")
    if not file.buses and any(isinstance(line.end, Column) for line in wiring.lines):
        raise SettingError(("lines",), "some are wired to a matrix, but there is no bus; add `buses`")


def _claim(ends: dict[object, str], end: object, owner: str, key: Key, name: str) -> None:
    if end in ends:
        raise SettingError(key, f"{name} is wired twice, to {ends[end]} and to {owner}; keep one of them")
    ends[end] = owner
