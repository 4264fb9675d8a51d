"""Builds `data.h5` from the journal, by write-aside only: a reader always finds a complete, closed, plain file.

A checkpoint clones the file, appends what was journalled since, closes, syncs and renames. The file says up to which
byte of which journal it goes, so any process can go on with it, and anything else is rebuilt from the journal alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from labmtj.errors import DataError, RecordError
from labmtj.record import files, hdf5
from labmtj.record.claims import Claims
from labmtj.record.entries import table_from, variable_from
from labmtj.record.frames import FOREIGN, Record
from labmtj.record.replay import START, JournalReader, fingerprint
from labmtj.schema import Attribute

_BYTES, _CHECK, _VERSION = "labmtj_journal_bytes", "labmtj_journal_check", "labmtj_record_version"
_FLUSH_BYTES = 1 << 23  # rows of one table held back to be written in one slab
_SPARE_BYTES = 1 << 23  # for the metadata of HDF5 and chunks that are rewritten
_COST_SHARE = 20  # a checkpoint may start after this many times the cost of the one before: under 5 % of the time
_SHORTEST_SECONDS = 1.0

_Rows = dict[str, NDArray[Any]]


class Checkpointer:
    """Keeps `data` up to date with `journal`.

    Raises:
        DataError: if `data` exists and was not written by labmtj.
    """

    def __init__(self, journal: Path, data: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.journal = journal
        self.data = data
        self.cost_seconds = 0.0
        """what the last checkpoint took"""
        self._clock = clock
        self._last_seconds = clock()
        self._reached = _reached(journal, data)

    @property
    def journal_bytes(self) -> int:
        """Up to which byte of the journal the file goes."""
        return self._reached[0]

    def due(self, now: float | None = None) -> bool:
        """Return whether the next checkpoint may start without taking more than 5 % of the time."""
        waited = (self._clock() if now is None else now) - self._last_seconds
        return waited >= max(_SHORTEST_SECONDS, _COST_SHARE * self.cost_seconds)

    def checkpoint(self) -> bool:
        """Bring the file up to the last good frame of the journal; False if it was there already.

        Raises:
            RecordError: if it cannot be written. The file that was there is whole and stays.
            DataError: if the journal holds what HDF5 cannot.
        """
        began = self._clock()
        if not self.data.exists():
            self._reached = (START, 0)
        offset, check = self._reached
        reader = JournalReader(self.journal, start=offset, check=check)
        if reader.size == offset and self.data.exists():
            return False
        try:
            self._reached = _write_aside(reader, self.data, afresh=offset == START)
        except DataError:  # perhaps of the file, not of the journal: the file may be damaged after its header
            self._reached = _write_aside(JournalReader(self.journal), self.data, afresh=True)
        self._last_seconds = self._clock()
        self.cost_seconds = self._last_seconds - began
        return True


def recover(journal: Path, data: Path, *, skip_damage: bool = False) -> JournalReader:
    """Build `data` from the journal alone, replacing what is there; return the reader, which knows what was lost.

    Raises:
        DataError: if acknowledged data are damaged, unless `skip_damage`, or `data` was made from a longer journal;
            nothing was changed.
        RecordError: if `data` cannot be written.
    """
    reader = JournalReader(journal, skip_damage=skip_damage)
    if (made_from := _made_from(data)) > journal.stat().st_size:
        raise DataError(
            f"{data} was made from {made_from} bytes of journal, of which {journal} has {journal.stat().st_size}: it "
            "was cut short. Nothing was changed; put the whole journal back, or move data.h5 away to rebuild it from "
            "what is left"
        )
    if not skip_damage:
        for _ in reader.payloads():
            pass
        if (resumed := reader.damage()) is not None:
            raise DataError(
                f"{journal} is damaged between bytes {reader.valid_bytes} and {resumed}; nothing was changed: "
                "restore it from a copy, or recover with damaged stretches skipped"
            )
        reader = JournalReader(journal)
    _write_aside(reader, data, afresh=True)
    return reader


def _made_from(data: Path) -> int:
    """Return how many bytes of its journal a data file has, 0 if there is none that can be read."""
    try:
        with h5py.File(data, "r", locking=False) as file:
            offset = file.attrs.get(_BYTES, 0)
    except (OSError, LookupError, RuntimeError):
        return 0
    return int(offset) if isinstance(offset, int | np.integer) else 0


def _reached(journal: Path, data: Path) -> tuple[int, int]:
    """Return how far the file goes, (START, 0) if it has to be built from the beginning."""
    try:
        with h5py.File(data, "r", locking=False) as file:
            version, offset, check = (file.attrs.get(name) for name in (_VERSION, _BYTES, _CHECK))
    except (OSError, LookupError, RuntimeError):  # missing, or damaged: the journal has everything
        return START, 0
    if version is None or offset is None or check is None:
        raise DataError(f"{data} was not written by labmtj; move it away or choose another name")
    if not all(isinstance(number, int | np.integer) for number in (offset, check)):
        return START, 0
    good = int(offset) <= journal.stat().st_size and fingerprint(journal, int(offset)) == int(check)
    return (int(offset), int(check)) if good else (START, 0)


def _write_aside(reader: JournalReader, data: Path, *, afresh: bool) -> tuple[int, int]:
    temporary = data.with_name(f".{data.name}.part")
    try:
        if afresh:
            files.remove(temporary)  # that of a run that died, or what another user has planted there
            files.close(files.create(temporary))
            with h5py.File(temporary, "w", locking=False) as file:
                hdf5.begin(file)
        else:
            files.clone(data, temporary)
        # HDF5 crashes on a full disk; it never meets one where its room was claimed before.
        files.reserve(temporary, temporary.stat().st_size + (reader.size - reader.valid_bytes) * 5 // 4 + _SPARE_BYTES)
        with h5py.File(temporary, "r+", locking=False) as file:
            _Update(file).apply(reader)
            file.attrs[_VERSION] = 1
            file.attrs[_BYTES], file.attrs[_CHECK] = reader.valid_bytes, reader.check
            if reader.skipped:
                file.attrs["labmtj_skipped_bytes"] = sum(end - start for start, end in reader.skipped)
        files.replace_whole(temporary, data)
    except OSError as error:
        if error.errno is None:  # HDF5 about the file that was there, and not the system about the disk
            raise DataError(f"{data} is damaged: {error}"[:600]) from error
        raise RecordError(
            f"{data} could not be brought up to date: {error.strerror or error} ({_free(data)}); make room and go on: "
            "the journal has every row, and the file that was there is whole"
        ) from error
    except DataError:
        raise
    except FOREIGN as error:
        raise DataError(f"{reader.path} holds what HDF5 cannot, before byte {reader.valid_bytes}: {error}") from error
    finally:
        files.remove(temporary)
    return reader.valid_bytes, reader.check


def _free(path: Path) -> str:
    try:
        return f"{files.free_bytes(path) / 1e6:.1f} MB free"
    except OSError:
        return "free space unknown"


class _Update:
    """Collects the records of one checkpoint and writes them in large pieces; of what was put, only the last."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._rows: dict[str, list[_Rows]] = {}
        self._row_bytes: dict[str, int] = {}
        self._puts: dict[str, Record] = {}
        self._attributes: dict[str, dict[str, Attribute]] = {}

    def apply(self, reader: JournalReader) -> None:
        """Write every record of the reader to the file.

        Raises:
            DataError: for a record of an unknown kind.
        """
        claims = Claims(reader.path, reader.size)
        for offset, record in reader:
            claims.take(offset, record)
            match record["kind"]:
                case "rows":
                    self._take_rows(record["path"], record["columns"])
                case "table":
                    hdf5.declare_table(self._file, table_from(record))
                case "put":
                    self._puts[record["path"]] = record
                case "attributes":
                    self._attributes.setdefault(record["path"], {}).update(record["values"])
                case "state" | "mark":
                    pass
                case kind:
                    raise DataError(f"{reader.path} holds a record {kind!r} at byte {offset}; install a newer labmtj")
        for path in list(self._rows):
            self._flush(path)
        for path, record in self._puts.items():
            variables = {name: variable_from(variable) for name, variable in record["variables"].items()}
            hdf5.put(self._file, path, variables, record["signal"])
        for path, values in self._attributes.items():
            hdf5.set_attributes(self._file, path, values)

    def _take_rows(self, path: str, columns: _Rows) -> None:
        self._rows.setdefault(path, []).append(columns)
        self._row_bytes[path] = self._row_bytes.get(path, 0) + sum(array.nbytes for array in columns.values())
        if self._row_bytes[path] > _FLUSH_BYTES:
            self._flush(path)

    def _flush(self, path: str) -> None:
        hdf5.append_rows(self._file[path], self._rows.pop(path))
        self._row_bytes.pop(path)
