"""What procedures and layers write to: one check and one form of every entry, on its way to disk or kept in memory.

Entries are checked here, before they are encoded, so that a journal never holds rows that HDF5 could not take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.errors import DataError, UsageError
from labmtj.record import frames
from labmtj.record.entries import (
    check_attribute,
    check_variable,
    fitting,
    table_from,
    table_record,
    variable_record,
)
from labmtj.record.frames import Record
from labmtj.record.joining import RowJoiner
from labmtj.record.journal import JournalWriter
from labmtj.record.replay import JournalReader, split_frames
from labmtj.schema import KIND, Attribute, Purpose, Table, Tags, Variable, check_name, check_path
from labmtj.strictmodel import plain

_RESERVED = ("NX_class", "signal", "axes")  # written by the HDF5 layout itself


class Logbook:
    """Checks entries and hands them on as records to `write`; the base of every log."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self._layouts: dict[str, dict[str, tuple[np.dtype[Any], tuple[int, ...]]]] = {}  # type and row shape of columns
        self._members: dict[str, frozenset[str]] = {}  # names of the arrays and axes in every group
        self.tags = Tags(purpose=Purpose.OTHER, solution=-1)

    @contextmanager
    def tagged(self, purpose: Purpose, solution: int = -1) -> Iterator[None]:
        """Tag the reads and pulses that are written within."""
        before, self.tags = self.tags, Tags(purpose=purpose, solution=solution)
        try:
            yield
        finally:
            self.tags = before

    def write(self, record: Record) -> None:
        """Take one checked record."""
        raise NotImplementedError

    def commit(self) -> None:
        """Return when everything so far is kept as well as this log keeps it."""

    def table(self, table: Table) -> None:
        """Declare a table; again with the same schema does nothing, with another is a UsageError."""
        if self._claim_table(table):
            self.write(table_record(table))

    def append(self, path: str, columns: Mapping[str, ArrayLike]) -> None:
        """Append rows to the table at `path`; UsageError for missing, unknown, uneven or unfitting columns."""
        layout = self._layouts.get(path)
        if layout is None:
            raise UsageError(f"there is no table {path!r}; declare it before appending")
        if different := columns.keys() ^ layout.keys():
            raise UsageError(
                f"rows of table {path!r} need exactly its columns; {min(different)!r} is missing or unknown"
            )
        given = {name: np.asarray(columns[name]) for name in layout}
        rows = next((len(array) for array in given.values() if array.ndim), 1)
        arrays = {}
        for name, (dtype, shape) in layout.items():
            array = given[name]
            fits = array.dtype == dtype and array.shape == (rows, *shape)
            arrays[name] = array if fits else fitting(array, dtype, (rows, *shape), f"{name!r} of table {path!r}")
        self.write({"kind": "rows", "path": path, "rows": rows, "columns": arrays})

    def put(self, path: str, variables: Mapping[str, Variable], *, signal: str = "", kind: str = "") -> None:
        """Write a group of named arrays whole; UsageError for text or axes that do not fit together."""
        check_path(path)
        if not variables or (signal and signal not in variables):
            raise UsageError(f"group {path!r} has no variable {signal or 'at all'}")
        lengths: dict[str, int] = {}
        for name, variable in variables.items():
            check_name(name, path)
            check_variable(path, name, variable)
            for dim, length in zip(variable.dims, variable.array.shape, strict=True):
                check_name(dim, path)
                if lengths.setdefault(dim, length) != length:
                    raise UsageError(f"axis {dim!r} of group {path!r} is both {lengths[dim]} and {length} long")
        if twice := [name for name, variable in variables.items() if name in lengths and variable.dims != (name,)]:
            raise UsageError(f"{twice[0]!r} of group {path!r} is an axis, so the variable must have that one axis")
        self._claim_put(path, frozenset({*variables, *lengths}))
        entries = {name: variable_record(variable) for name, variable in sorted(variables.items())}
        self.write({"kind": "put", "path": path, "signal": signal, "variables": entries})
        if kind:
            self.attributes(path, {}, kind=kind)

    def attributes(self, path: str, values: Mapping[str, Attribute], *, kind: str = "") -> None:
        """Set attributes of the group at `path`, "" for the file itself.

        Raises:
            UsageError: for a reserved name, or a value that HDF5 cannot hold.
        """
        if path:
            self._claim(path, self._members.get(path, frozenset()))
        values = plain(dict(values))
        for name, value in values.items():
            check_name(name, path)
            if name in _RESERVED or name.startswith("labmtj_"):
                raise UsageError(f"attribute {name!r} of {path!r} is written by the record itself; choose another name")
            check_attribute(f"attribute {name!r} of {path!r}", value)
        if kind:
            check_name(kind, path)
            values = {**values, KIND: kind}
        self.write({"kind": "attributes", "path": path, "values": dict(sorted(values.items()))})

    def state(self, name: str, values: Mapping[str, object]) -> None:
        """Keep a snapshot to resume from; not part of the HDF5 file."""
        self.write({"kind": "state", "name": name, "values": dict(values)})

    def mark(self, name: str, values: Mapping[str, object]) -> None:
        """Keep a note about the course of the run; not part of the HDF5 file."""
        self.write({"kind": "mark", "name": name, "values": dict(values)})

    def learn(self, payload: bytes) -> None:
        """Take over what a frame says about tables and groups, without writing it again."""
        if frames.has_kind(payload, "table"):
            self._claim_table(table_from(frames.decode(payload)))
        elif frames.has_kind(payload, "put"):
            record = frames.decode(payload)
            dims = (dim for variable in record["variables"].values() for dim in variable["dims"])
            self._claim_put(record["path"], frozenset({*record["variables"], *dims}))
        elif frames.has_kind(payload, "attributes") and (path := frames.decode(payload)["path"]):
            self._claim(path, self._members.get(path, frozenset()))

    def _claim_table(self, table: Table) -> bool:
        known = self.tables.get(table.path)
        if known is None:
            if self._members.get(table.path):
                raise UsageError(f"{table.path!r} was put as a group before; give the table another path")
            self._claim(table.path, frozenset({table.row, *table.columns, *table.lengths}))
            self.tables[table.path] = table
            layout = {name: (np.dtype(column.dtype), table.shape(name)) for name, column in table.columns.items()}
            self._layouts[table.path] = layout
        elif frames.encode(_schema(known)) != frames.encode(_schema(table)):
            raise UsageError(f"table {table.path!r} was declared before with another schema; give it another path")
        return known is None

    def _claim_put(self, path: str, members: frozenset[str]) -> None:
        if path in self.tables:
            raise UsageError(f"{path!r} is a table; put the arrays in another group")
        self._claim(path, members)

    def _claim(self, path: str, members: frozenset[str]) -> None:
        """Refuse a group that has the name of an array, and an array that has the name of a group."""
        if self._members.get(path) == members:
            return
        check_path(path)
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if parts[depth] in self._members.get("/".join(parts[:depth]), ()):
                raise UsageError(
                    f"{'/'.join(parts[: depth + 1])!r} is an array, so {path!r} cannot be a group below it"
                )
        below = {other[len(path) + 1 :].split("/")[0] for other in self._members if other.startswith(f"{path}/")}
        if clash := below & members:
            raise UsageError(f"{min(clash)!r} is a group below {path!r}, so no array there can have its name")
        self._members[path] = members


def _schema(table: Table) -> Record:
    """Return what has to be the same when a table is declared again; not the names of flags, because new ones come."""
    plain = {name: replace(column, flag_values={}, flag_masks={}) for name, column in table.columns.items()}
    return table_record(replace(table, columns=plain))


class JournalLog(Logbook):
    """The log of a run: every entry goes to the journal, and is durable after `commit`."""

    def __init__(self, journal: JournalWriter) -> None:
        super().__init__()
        self.journal = journal

    @classmethod
    def reopen(cls, path: Path, truncate_to: int | None = None) -> Self:
        """Go on with the journal of a run, see `JournalWriter.reopen`; its tables are known again.

        Raises:
            DataError: as `JournalWriter.reopen`, and for frames that are not records.
        """
        self = cls(JournalWriter.reopen(path, truncate_to))
        for offset, payload in JournalReader(path).payloads():
            try:
                self.learn(payload)
            except frames.FOREIGN as error:
                self.journal.close()
                raise DataError(f"{path} does not hold a record at byte {offset}: {error}") from error
        return self

    def write(self, record: Record) -> None:
        """Take one checked record into the next commit."""
        self.journal.append(record)

    def append_frames(self, encoded: Iterable[bytes]) -> None:
        """Take the frames of a `FrameLog` into the next commit, in their order."""
        for frame in encoded:
            for payload in split_frames(frame):
                self.learn(payload)
            self.journal.append_encoded(frame)

    def commit(self) -> None:
        """Return when everything so far would survive a power cut; RecordError if the disk refuses."""
        self.journal.commit()


class FrameLog(Logbook):
    """Collects entries as encoded frames: a worker process fills it, the main process appends them in a fixed order."""

    def __init__(self) -> None:
        super().__init__()
        self._encoded: list[bytes] = []
        self._joiner = RowJoiner()

    def write(self, record: Record) -> None:
        """Encode one checked record."""
        self._encoded.extend(map(frames.encode, self._joiner.take(record)))

    @property
    def frames(self) -> list[bytes]:
        """Everything so far, encoded."""
        self._encoded.extend(map(frames.encode, self._joiner.rest()))
        return list(self._encoded)

    def take(self) -> bytes:
        """Return everything since the last `take`, encoded, and forget it; tables stay known."""
        encoded = b"".join(self.frames)
        self._encoded.clear()
        return encoded


class MemoryLog(Logbook):
    """Keeps everything in memory, for notebooks and tests; entries pass through the form they have in a journal."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Record] = []

    def write(self, record: Record) -> None:
        """Keep one checked record, as a journal would give it back."""
        self.records.append(frames.decode(frames.encode(record)[frames.HEAD.size :]))

    def read(self, path: str) -> dict[str, NDArray[Any]]:
        """Return the rows of the table at `path`, or the arrays last put there; UsageError if there is neither."""
        if path in self.tables:
            rows = [record["columns"] for record in self._of_kind("rows", path)]
            empty = {
                name: np.empty((0, *self.tables[path].shape(name)), c.dtype)
                for name, c in self.tables[path].columns.items()
            }
            return {name: np.concatenate([array, *(row[name] for row in rows)]) for name, array in empty.items()}
        for record in reversed(list(self._of_kind("put", path))):
            return {name: variable["values"] for name, variable in record["variables"].items()}
        raise UsageError(f"nothing was written to {path!r}")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays that were put, by path."""
        return {
            f"{record['path']}/{name}": variable["values"]
            for record in self.records
            if record["kind"] == "put"
            for name, variable in record["variables"].items()
        }

    def read_attributes(self, path: str) -> dict[str, Attribute]:
        """Return the attributes set at `path`."""
        return {name: value for record in self._of_kind("attributes", path) for name, value in record["values"].items()}

    def last_state(self, name: str) -> Mapping[str, Any] | None:
        """Return the values of the last state of that name."""
        states = [record["values"] for record in self.records if record["kind"] == "state" and record["name"] == name]
        return states[-1] if states else None

    def _of_kind(self, kind: str, path: str) -> Iterator[Record]:
        return (record for record in self.records if record["kind"] == kind and record["path"] == path)
