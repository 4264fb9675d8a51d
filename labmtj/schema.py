"""What a record holds, described by itself: tables that grow by rows, groups of named arrays, and their names.

A path such as "arrays/50nm-a/reads" names a group; every part of it, and every name, matches [A-Za-z0-9._-]{1,64}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.brief import brief
from labmtj.errors import UsageError

Attribute = str | bool | int | float | list[str] | list[bool] | list[int] | list[float]

OUTCOME = "outcome"
"""group whose attributes are the result of a run, for a list of runs: "accuracy", the highest median among its arrays,
as a fraction"""

KIND = "labmtj_kind"
"""attribute of a group that says what it is"""
CORE_KINDS = frozenset({"group", "table", "run"})
"""of groups that hold others, of tables that grow, and of what the run itself records about bench and chips"""

NAME_PATTERN = r"^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$"
"""the same for models of files, which also limit the length: more than dots alone"""
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}")
_DTYPES = {"bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"}


class Purpose(IntEnum):
    """What a read or a pulse was for."""

    OTHER = 0
    SELF_TEST = 1
    CHARACTERISE = 2
    CALIBRATE = 3
    WRITE = 4
    VERIFY = 5
    BASELINE = 6
    INFER = 7
    TRANSFER = 8
    RECOVERY = 9
    """an extra read after a death, to learn what happened before it"""


class Tags(TypedDict):
    """What rows written from now on belong to."""

    purpose: Purpose
    solution: int
    """number of the solution, -1 for none"""


@dataclass(frozen=True)
class Column:
    """One column of a table: its type ("bool", "i1" to "u8", "f4", "f8"), unit ("1" if it has none) and meaning.

    Raises:
        UsageError: for an unknown type, a missing unit or meaning.
    """

    dtype: str
    units: str
    long_name: str
    dims: tuple[str, ...] = ()
    """names of the axes after the row axis"""
    flag_values: Mapping[str, int] = field(default_factory=dict)
    """meaning of each value, where exactly one applies"""
    flag_masks: Mapping[str, int] = field(default_factory=dict)
    """meaning of each bit, where several may apply"""
    noisy: bool = False
    """True for raw readings, whose digits are noise: compressing them costs much time and saves little space"""

    def __post_init__(self) -> None:
        if self.dtype not in _DTYPES:
            raise UsageError(f"columns of {self.dtype!r} cannot be recorded, only {', '.join(sorted(_DTYPES))}")
        _check_meanings(self.flag_values, self.flag_masks, self.long_name)
        _check_words(self.units, self.long_name)


@brief
@dataclass(frozen=True)
class Variable:
    """A named array that is written whole: values of numbers, truth values or text, with unit and meaning."""

    values: ArrayLike
    units: str
    long_name: str
    dims: tuple[str, ...] = ()
    flag_values: Mapping[str, int] = field(default_factory=dict)
    """meaning of each value, where exactly one applies"""
    flag_masks: Mapping[str, int] = field(default_factory=dict)
    """meaning of each bit, where several may apply"""

    def __post_init__(self) -> None:
        _check_words(self.units, self.long_name)
        _check_meanings(self.flag_values, self.flag_masks, self.long_name)
        if np.ndim(self.array) != len(self.dims):
            raise UsageError(f"{self.long_name!r} has {np.ndim(self.array)} axes and {len(self.dims)} names for them")

    @property
    def array(self) -> NDArray[Any]:
        """The values as an array."""
        return np.asarray(self.values)


@brief
@dataclass(frozen=True)
class Table:
    """A table that grows by rows: one row per read, per pulse, per solution.

    Args:
        path: its group; no other table and no `put` uses the same.
        row: name of the row axis.
        columns: by name.
        sizes: of every axis after the row axis that has no coordinate.
        coordinates: labels of axes, by the name of the axis; 1-d.
        signal: the column that a viewer plots first, if any.

    Raises:
        UsageError: for names or axes that do not fit each other.
    """

    path: str
    row: str
    columns: Mapping[str, Column]
    sizes: Mapping[str, int] = field(default_factory=dict)
    coordinates: Mapping[str, Variable] = field(default_factory=dict)
    signal: str = ""

    def __post_init__(self) -> None:
        check_path(self.path)
        for name in (self.row, *self.columns, *self.sizes, *self.coordinates):
            check_name(name, self.path)
        for name, coordinate in self.coordinates.items():
            if coordinate.dims != (name,):
                raise UsageError(f"coordinate {name!r} of table {self.path!r} must have the one axis {name!r}")
        lengths = self.lengths
        if empty := [name for name, length in lengths.items() if length < 1]:
            raise UsageError(f"axis {empty[0]!r} of table {self.path!r} must be at least 1 long")
        for name, column in self.columns.items():
            if missing := [dim for dim in column.dims if dim not in lengths]:
                raise UsageError(
                    f"column {name!r} of table {self.path!r} has an axis {missing[0]!r} without size or coordinate"
                )
            if len(set(column.dims)) < len(column.dims) or self.row in column.dims:
                raise UsageError(
                    f"column {name!r} of table {self.path!r} names an axis twice: {self.row}, {column.dims}"
                )
        if twice := set(self.columns) & {self.row, *lengths}:
            raise UsageError(f"{min(twice)!r} of table {self.path!r} is both a column and an axis")
        if not self.columns or (self.signal and self.signal not in self.columns):
            raise UsageError(f"table {self.path!r} has no column {self.signal or 'at all'}")

    @property
    def lengths(self) -> dict[str, int]:
        """Length of every axis but the row axis."""
        return {**self.sizes, **{name: coordinate.array.size for name, coordinate in self.coordinates.items()}}

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of one row of a column."""
        return tuple(self.lengths[dim] for dim in self.columns[name].dims)


def meanings_of(codes: type[IntEnum] | type[IntFlag]) -> dict[str, int]:
    """Return the members of an enumeration, or the bits of an IntFlag, as `flag_values` or `flag_masks` of an array."""
    return {name.lower(): int(code) for name, code in codes.__members__.items()}


def check_name(name: str, path: str) -> None:
    """Raise UsageError if the name cannot be a variable or an axis in the group `path`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} in {path!r} is not a name: use 1 to 64 letters, digits, dots, dashes, underscores")


def check_path(path: str) -> None:
    """Raise UsageError if the path cannot name a group."""
    for part in path.split("/"):
        check_name(part, path)


def check_text(text: str, where: str) -> None:
    """Raise UsageError for text that a file cannot hold: a zero character or half of a surrogate pair."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"text of {where} holds a character that cannot be stored: {text[:40]!r}")


def _check_meanings(values: Mapping[str, int], masks: Mapping[str, int], where: str) -> None:
    for meaning in (*values, *masks):
        check_name(meaning, where)


def _check_words(units: str, long_name: str) -> None:
    if not units or not long_name:
        raise UsageError(f"a column needs units ('1' if it has none) and a long name; got {units!r}, {long_name!r}")
    check_text(units + long_name, long_name)
