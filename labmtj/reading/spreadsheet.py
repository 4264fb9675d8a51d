"""Arrays as one sheet of CSV: a line of names, then the values, so that every program takes columns for numbers.

A table becomes one line per row, a column with further axes one field per entry, named by its labels: amperes[c3].
Maps become one line per cell: first the place along every axis, then the value of every map there. A name that does
not end in its unit, as start_seconds does, has it in brackets: parallel (S).
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import DataError
from labmtj.reading.rows import in_blocks
from labmtj.record import DataFile

_BLOCK_BYTES = 1 << 22  # as text and as Python's numbers, ten times as much
_UNITS = {
    "A": "amperes", "F": "farads", "Hz": "hertz", "J": "joules", "K": "kelvin", "ohm": "ohms", "S": "siemens",
    "s": "seconds", "V": "volts", "m": "metres",
}  # fmt: skip
_LARGEST_MAP = 1 << 24  # values of maps that become one line per cell


def write_csv(data: DataFile, arrays: Mapping[str, str], path: Path) -> None:
    """Write arrays, by name and path in the file, to the new file `path`.

    Raises:
        DataError: if they do not fit into one sheet.
        OSError: if the file cannot be written.
    """
    dims = {name: data.kind(source).dims for name, source in arrays.items()}
    growing = _row_axis(data, arrays)
    lines = _rows(data, arrays, dims, growing) if growing else _cells(data, arrays, dims)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def _row_axis(data: DataFile, arrays: Mapping[str, str]) -> str:
    """Return the axis along which a table grows, "" for maps."""
    groups = {source.rpartition("/")[0] for source in arrays.values()}
    return str(data.attributes(groups.pop()).get("labmtj_row", ""))


def _rows(
    data: DataFile, arrays: Mapping[str, str], dims: Mapping[str, Sequence[str]], growing: str
) -> Iterator[Iterable[object]]:
    """Yield the lines of a table, a block of rows at a time."""
    names = [name for name in arrays if dims[name][:1] == (growing,)]
    if not names:
        raise DataError(f"{data.path}: {', '.join(arrays)} has no rows; export its group")
    yield [f"{name}{label}{_unit(data, arrays, name)}" for name in names for label in _labels(data, arrays, name)]
    for block in in_blocks(data, {name: arrays[name] for name in names}, size=_BLOCK_BYTES):
        parts = [_plain(values) for values in block.values()]
        columns = itertools.chain.from_iterable(part.reshape(len(part), -1).T.tolist() for part in parts)
        yield from zip(*columns, strict=True)


def _labels(data: DataFile, arrays: Mapping[str, str], name: str) -> list[str]:
    """Return what distinguishes the entries of a row of a column: [c3], [0 5]; one empty text for a single entry."""
    kind = data.kind(arrays[name])
    if len(kind.dims) == 1:
        return [""]
    axes = [
        [str(each) for each in (data.read(arrays[dim]).tolist() if dim in arrays else range(length))]
        for dim, length in zip(kind.dims[1:], kind.shape[1:], strict=True)
    ]
    return [f"[{' '.join(place)}]" for place in itertools.product(*axes)]


def _cells(data: DataFile, arrays: Mapping[str, str], dims: Mapping[str, Sequence[str]]) -> Iterator[Iterable[object]]:
    """Yield the lines of maps, one per cell; what lacks an axis is repeated along it."""
    leading = max(dims, key=lambda name: len(dims[name]))
    axes, shape = dims[leading], data.kind(arrays[leading]).shape
    values = [name for name in arrays if name not in axes]
    if other := [name for name in values if not set(dims[name]) <= set(axes)]:
        raise DataError(
            f"{data.path}: {other[0]!r} lies along {', '.join(dims[other[0]])}, {leading!r} along {', '.join(axes)}: "
            f"no one sheet; export each by its path, or the group to .nc"
        )
    if math.prod(shape) * max(1, len(values)) > _LARGEST_MAP:
        raise DataError(f"{data.path}: {leading!r} is too large for a sheet; export it to .nc")
    yield [f"{name}{_unit(data, arrays, name)}" for name in (*axes, *values)]
    places = [_along(axis, axes, shape, data, arrays) for axis in axes]
    maps = [_spread(_plain(data.read(arrays[name])), dims[name], axes, shape) for name in values]
    yield from zip(*(each.ravel().tolist() for each in (*places, *maps)), strict=True)


def _along(
    axis: str, axes: Sequence[str], shape: Sequence[int], data: DataFile, arrays: Mapping[str, str]
) -> NDArray[Any]:
    """Return the coordinate of an axis, or the place on it, for every cell."""
    values = _plain(data.read(arrays[axis])) if axis in arrays else np.arange(shape[axes.index(axis)])
    return _spread(values, (axis,), axes, shape)


def _spread(values: NDArray[Any], own: Sequence[str], axes: Sequence[str], shape: Sequence[int]) -> NDArray[Any]:
    """Return the values repeated along the axes that they lack."""
    order = [own.index(axis) for axis in axes if axis in own]
    narrow = [length if axis in own else 1 for axis, length in zip(axes, shape, strict=True)]
    return np.broadcast_to(values.transpose(order).reshape(narrow), tuple(shape))


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.int8) if values.dtype.kind == "b" else values


def _unit(data: DataFile, arrays: Mapping[str, str], name: str) -> str:
    """Return the unit of a column as its name shows it: " (S)", or nothing where the name ends in it or has none."""
    unit = str(data.attributes(arrays[name]).get("units", "1")) if name in arrays else "1"
    return "" if unit == "1" or name.endswith(_UNITS.get(unit, "?")) else f" ({unit})"
