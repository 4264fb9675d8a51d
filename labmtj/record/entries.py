"""Entries of a log in the form they have in a journal, and what an entry must be for HDF5 to take it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import UsageError
from labmtj.record.frames import Record, collapse
from labmtj.schema import Attribute, Column, Table, Variable, check_text

LONGEST_LIST = 4000
"""entries of an attribute; HDF5 keeps it within 64 kB"""


class _Described(Protocol):
    @property
    def units(self) -> str: ...
    @property
    def long_name(self) -> str: ...
    @property
    def dims(self) -> tuple[str, ...]: ...
    @property
    def flag_values(self) -> Mapping[str, int]: ...
    @property
    def flag_masks(self) -> Mapping[str, int]: ...


def _described(item: _Described) -> Record:
    return {"units": item.units, "long_name": item.long_name, "dims": list(item.dims)}


def _flags(item: _Described) -> Record:
    return {"flag_values": dict(item.flag_values), "flag_masks": dict(item.flag_masks)}


def variable_record(variable: Variable) -> Record:
    """Return a named array as a record."""
    meanings = {name: flags for name, flags in _flags(variable).items() if flags}  # most arrays have none
    return {**_described(variable), **meanings, "values": variable.array}


def table_record(table: Table) -> Record:
    """Return the schema as a record; the same schema gives the same bytes, whatever order its axes were given in."""
    columns = {
        name: {
            **_described(column),
            "dtype": column.dtype,
            **_flags(column),
            "noisy": column.noisy,
        }
        for name, column in table.columns.items()
    }
    coordinates = {name: variable_record(coordinate) for name, coordinate in sorted(table.coordinates.items())}
    sizes = dict(sorted(table.sizes.items()))
    schema = {"columns": columns, "sizes": sizes, "coordinates": coordinates, "signal": table.signal}
    return {"kind": "table", "path": table.path, "row": table.row, **schema}


def table_from(record: Record) -> Table:
    """Return the schema that a record describes."""
    columns = {name: Column(**{**column, "dims": tuple(column["dims"])}) for name, column in record["columns"].items()}
    coordinates = {name: variable_from(variable) for name, variable in record["coordinates"].items()}
    return Table(record["path"], record["row"], columns, record["sizes"], coordinates, record["signal"])


def variable_from(record: Record) -> Variable:
    """Return the variable that a record describes."""
    flags = {name: record.get(name, {}) for name in ("flag_values", "flag_masks")}  # older journals have none
    return Variable(record["values"], record["units"], record["long_name"], tuple(record["dims"]), **flags)


def fitting(given: NDArray[Any], dtype: np.dtype[Any], shape: tuple[int, ...], column: str) -> NDArray[Any]:
    """Return the values in that type, broadcast axes kept as they are; UsageError if they do not fit."""
    if given.ndim == 0:
        given = given.reshape(shape) if math.prod(shape) == 1 else np.broadcast_to(given, shape)
    if given.shape != shape:
        raise UsageError(f"column {column} has shape {given.shape}; {shape} is needed")
    if given.dtype == dtype:
        return given
    stored = collapse(given)
    allowed = {"b": "b", "i": "biu", "u": "biu", "f": "biuf"}[dtype.kind]
    fitted = stored.astype(dtype) if given.dtype.kind in allowed else None
    if fitted is None or not _same(fitted, stored):
        raise UsageError(f"column {column} is {dtype}; {given.dtype} values do not fit it")
    return fitted if stored is given else np.broadcast_to(fitted, shape)


def _same(fitted: NDArray[Any], stored: NDArray[Any]) -> bool:
    """Return whether nothing was lost; floats may be rounded to a shorter type, because the column was chosen so."""
    if fitted.dtype.kind == "f" and stored.dtype.kind != "f":
        largest = 2 ** (np.finfo(fitted.dtype).nmant + 1)
        return stored.size == 0 or (int(stored.min()) >= -largest and int(stored.max()) <= largest)
    return fitted.dtype.kind == "f" or np.array_equal(fitted, stored)


def check_variable(path: str, name: str, variable: Variable) -> None:
    """Raise UsageError unless HDF5 can hold the array `name` of the group `path`."""
    array = variable.array
    if array.dtype.kind not in "biufSU":
        raise UsageError(f"{name!r} of group {path!r} is {array.dtype}: numbers, truth values or text can be recorded")
    if array.dtype.kind == "U":
        for text in array.flat:
            check_text(str(text), f"{name!r} of group {path!r}")


def check_attribute(where: str, value: Attribute) -> None:
    """Raise UsageError unless HDF5 can hold the attribute; `where` names it."""
    entries = value if isinstance(value, list) else [value]
    if len(entries) > LONGEST_LIST or len({type(entry) for entry in entries}) > 1:
        raise UsageError(f"{where} must be one value or up to {LONGEST_LIST} of one type; put an array instead")
    for entry in entries:
        if isinstance(entry, str):
            check_text(entry, where)
        elif not isinstance(entry, bool | int | float):
            raise UsageError(f"{where} is a {type(entry).__name__}: text, numbers and truth values can be recorded")
        elif type(entry) is int and not -(2**63) <= entry < 2**63:
            raise UsageError(f"{where} is {entry}, beyond 64 bits; record it as text")
