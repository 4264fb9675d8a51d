"""Reads a table of samples from a CSV file; says file, line and column of what is wrong in it."""

from __future__ import annotations

import csv
import io
import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from labmtj.dottednames import did_you_mean
from labmtj.errors import DataError, SettingError
from labmtj.filing import open_plain
from labmtj.network.datasets.samples import MOST_CLASSES, Samples, check_names
from labmtj.network.datasets.settings import DataSettings

LARGEST_FILE = 256_000_000
"""bytes"""
MOST_VALUES = 32_000_000
"""features times samples: 256 MB in memory"""
DELIMITERS = ",;\t"
MISSING = ("", "na", "n/a", "nan", "null", "none", "?")
_LISTED = 20


def read(file: Path, settings: DataSettings) -> Samples:
    """Return the samples of a CSV file: UTF-8, a header of names, one sample a line; commas, semicolons or tabs.

    Raises:
        SettingError: for a column that the settings name and the file does not have.
        DataError: naming file, line and column of a value that is missing, no number or not finite; of a line with too
            few or many values; for a file that is too large, cannot be read or has no header.
    """
    try:
        with open_plain(file) as opened:
            check_size(file, opened, LARGEST_FILE)
            with io.TextIOWrapper(opened, "utf-8-sig", newline="") as text:
                return _samples(file, text, settings)
    except UnicodeDecodeError:
        raise DataError(
            f"{_place_of_foreign_byte(file)}: is not text in UTF-8; save the file in that encoding"
        ) from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}; check the path") from None


def check_size(file: Path, opened: BinaryIO, largest: int) -> None:
    """Raise DataError for a file that is larger than `largest`, before any of it is read."""
    size = os.fstat(opened.fileno()).st_size
    if size > largest:
        raise DataError(
            f"{file}: is {size / 1e6:.0f} MB large, more than the {largest / 1e6:.0f} MB that are read; keep 1 in "
            f"{-(-size // largest)} of its samples, or fewer features"
        )


def _place_of_foreign_byte(file: Path) -> str:
    with open_plain(file) as opened:
        content = opened.read(LARGEST_FILE)
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return f"{file}:{line}"
    return str(file)


@dataclass
class _Columns:
    """What is read of a line, and what has been."""

    file: Path
    names: list[str]
    features: list[int]
    classes: int
    values: array[float] = field(default_factory=lambda: array("d"))
    labels: list[str] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("q"))
    """where the line of every sample starts in the file"""

    def add(self, line: int, row: list[str]) -> None:
        """Keep the values of a line."""
        if len(row) != len(self.names):
            raise DataError(
                f"{self.file}:{line}: has {len(row)} values, the header {len(self.names)} names; correct the line"
            )
        cells = [row[column] for column in self.features]
        try:
            self.values.extend(map(float, cells))
        except ValueError:
            self._complain(line, row)
        if any("_" in cell for cell in cells):  # Python takes 1_000 for a number
            self._complain(line, row)
        self.labels.append(row[self.classes].strip())
        self.lines.append(line)
        if len(self.values) > MOST_VALUES:
            raise DataError(
                f"{self.file}:{line}: more than {MOST_VALUES} values; keep {MOST_VALUES // len(self.features)} samples"
            )

    def _complain(self, line: int, row: list[str]) -> NoReturn:
        """Raise DataError about the first value of a line that is no number."""
        for column in self.features:
            cell = row[column].strip()
            try:
                wrong = "_" in cell or not np.isfinite(float(cell))
            except ValueError:
                wrong = True
            if wrong:
                raise DataError(f"{self.file}:{line}: column {self.names[column]!r}: {_problem(cell)}")
        raise DataError(f"{self.file}:{line}: holds a value that is no number")

    def check(self) -> None:
        """Raise DataError for the first value that is not finite, and the first class that is missing."""
        matrix = np.frombuffer(self.values, np.float64).reshape(-1, len(self.features))
        if not (finite := np.isfinite(matrix)).all():
            sample, at = np.argwhere(~finite)[0]
            cell = "nan" if np.isnan(matrix[sample, at]) else str(matrix[sample, at])
            name = self.names[self.features[at]]
            raise DataError(f"{self.file}:{self.lines[sample]}: column {name!r}: {_problem(cell)}")
        for line, label in zip(self.lines, self.labels, strict=True):
            if label.lower() in ("", "nan"):
                raise DataError(f"{self.file}:{line}: column {self.names[self.classes]!r}: {_problem('')}")


def _problem(cell: str) -> str:
    if cell.lower() in MISSING:
        shown = f" ({cell!r})" if cell else ""
        return f"the value is missing{shown}; fill it in, or remove the line"
    if cell.lower().lstrip("+-") in ("inf", "infinity"):
        return f"{cell} is not finite; correct it, or remove the line"
    if cell.count(",") == 1 and cell.replace(",", "", 1).lstrip("+-").isdigit():
        return f"{cell[:60]!r} has a decimal comma; write {cell[:60].replace(',', '.')}"
    return f"{cell[:60]!r} is not a number; correct it, or choose columns of numbers by `features`"


def _samples(file: Path, text: io.TextIOWrapper, settings: DataSettings) -> Samples:
    first = text.readline()
    reader = csv.reader(chain([first], text), delimiter=max(DELIMITERS, key=first.count), strict=True)
    names = _header(file, reader)
    columns = _chosen(file, names, settings)
    try:
        start = reader.line_num + 1
        for row in reader:
            line, start = start, reader.line_num + 1
            if len(row) > 1 or (row and row[0].strip()):  # lines that are empty do no harm
                columns.add(line, row)
    except csv.Error as error:
        raise DataError(f"{file}:{reader.line_num}: cannot be read as CSV: {error}; correct its quotes") from None
    if not columns.labels:
        raise DataError(f"{file}: holds no samples, only a header; add a line for each sample")
    columns.check()
    class_names, classes = _classes(file, columns.names[columns.classes], columns.labels)
    features = np.array(columns.values).reshape(len(classes), -1)
    feature_names = tuple(names[column] for column in columns.features)
    return Samples(file.stem, features, classes, class_names, feature_names, f"file {file.name}")


def _header(file: Path, lines: Iterator[list[str]]) -> list[str]:
    """Return the names of the columns, after which the lines of samples follow."""
    try:
        names = [name.strip() for name in next(lines, [])]
    except csv.Error as error:
        raise DataError(f"{file}:1: cannot be read as CSV: {error}; correct its quotes") from None
    if not any(names):
        raise DataError(f"{file}:1: is empty; the first line names the columns")
    if all(map(_is_number, names)):
        raise DataError(f"{file}:1: holds numbers alone; put a line with the names of the columns before it")
    twice = [name for at, name in enumerate(names) if name and name in names[:at]]
    if twice:
        raise DataError(f"{file}:1: two columns are called {twice[0][:60]!r}; rename one")
    return names


def _chosen(file: Path, names: list[str], settings: DataSettings) -> _Columns:
    """Return which columns are features and which the classes."""
    name = settings.class_column
    if name not in names:
        values = "; its first line looks like values: names of columns belong there" * any(map(_is_number, names))
        raise SettingError(("data", "class_column"), f"{file} has no column {name!r}{_others(name, names)}{values}")
    wanted = settings.features if settings.features is not None else [each for each in names if each != name]
    if name in wanted:
        raise SettingError(("data", "features"), f"{name!r} is the column of classes of {file}; it cannot be a feature")
    if unknown := [each for each in wanted if each not in names]:
        raise SettingError(
            ("data", "features"), f"{file} has no column {unknown[0][:60]!r}{_others(unknown[0], names)}"
        )
    if not wanted:
        raise DataError(f"{file}:1: has no column but {name!r}; add columns of features")
    if "" in wanted:
        raise DataError(
            f"{file}:1: column {names.index('') + 1} has no name; give it one, or choose others by `features`"
        )
    check_names("feature", wanted)
    return _Columns(file, names, [names.index(each) for each in wanted], names.index(name))


def _others(name: str, names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{did_you_mean(name, names)}; it has {', '.join(each[:60] for each in names[:_LISTED])}{more}"


def _classes(file: Path, column: str, labels: list[str]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the names of the classes and the number of every sample's: integers by size, words by alphabet."""
    known = set(labels)
    if len(known) > MOST_CLASSES:
        raise DataError(
            f"{file}: column {column!r} holds {len(known)} different labels, more than {MOST_CLASSES} classes; name "
            "the column of classes by class_column"
        )
    words = sorted(known)
    if all(map(_is_integer, words)):
        words.sort(key=int)
    number = {label: at for at, label in enumerate(words)}
    return tuple(words), np.array([number[label] for label in labels], np.intp)


def _is_integer(label: str) -> bool:
    digits = label.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 20


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
