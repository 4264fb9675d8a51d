"""How tables and arrays lie in an HDF5 file, so that xarray, h5web and HDFView open every group without labmtj.

Every axis is a dimension scale (a netCDF dimension) attached to the arrays that have it; every array carries `units`
and `long_name`; enumerations carry the CF attributes `flag_values` or `flag_masks` with `flag_meanings`; groups carry
`NX_class`, and `signal` and `axes` where a viewer has something to plot. Truth values are int8 with `dtype` = "bool",
as xarray writes them. Arrays are chunked and, but for raw readings,
compressed with shuffle and gzip 1, which every reader of HDF5 knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from labmtj.record.portable import portable
from labmtj.schema import KIND, Attribute, Column, Table, Variable

PURE_AXIS = "This is a netCDF dimension but not a netCDF variable."
"""How the name of a dimension scale begins that stands for an axis without coordinate, a convention of netCDF."""

CHUNK_BYTES = 1 << 18
COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
_WORTH_COMPRESSING = 1 << 12  # bytes; below, chunks cost more than they save


def begin(file: h5py.File) -> None:
    """Mark a new file as the root of NeXus data."""
    file.attrs["NX_class"] = "NXroot"


def group(file: h5py.File, path: str, signal: str = "") -> h5py.Group:
    """Return the group at `path` ("" = the root), made with its parents if it is not there."""
    here = file
    for depth, part in enumerate(path.split("/") if path else ()):
        if part not in here:
            made = here.create_group(part)
            made.attrs["NX_class"], made.attrs[KIND] = "NXcollection" if depth else "NXentry", "group"
        here = here[part]
    if signal:
        here.attrs["NX_class"], here.attrs["signal"] = "NXdata", signal
    return here


def declare_table(file: h5py.File, table: Table) -> None:
    """Make the group of a table, with no rows yet; nothing if it is there."""
    if table.path in file and table.row in file[table.path]:
        return
    here = group(file, table.path, table.signal)
    here.attrs["labmtj_row"], here.attrs[KIND] = table.row, "table"
    here.attrs["labmtj_columns"] = np.array(list(table.columns), h5py.string_dtype())  # HDF5 sorts them by name
    scales = {name: _coordinate(here, name, coordinate) for name, coordinate in table.coordinates.items()}
    scales |= {name: pure_axis(here, name, length) for name, length in table.sizes.items()}
    scales[table.row] = pure_axis(here, table.row, 0, growing=True)
    for name, column in table.columns.items():
        shape = table.shape(name)
        attach(_column(here, name, column, shape), [scales[dim] for dim in (table.row, *column.dims)])
    if table.signal:
        _set_axes(here, (table.row, *table.columns[table.signal].dims), table.coordinates)


def append_rows(here: h5py.Group, blocks: Sequence[Mapping[str, NDArray[Any]]]) -> None:
    """Append blocks of rows, each a mapping of all columns, to the table in the group.

    Raises:
        ValueError: if a column does not have the rows of its table.
    """
    scale = here[here.attrs["labmtj_row"]]
    count = scale.shape[0]
    total = count + sum(len(next(iter(block.values()))) for block in blocks)
    for name in blocks[0]:
        values = blocks[0][name] if len(blocks) == 1 else np.concatenate([block[name] for block in blocks])
        dataset = here[name]
        if (dataset.shape[0], len(values)) != (count, total - count):
            raise ValueError(f"column {name!r} of {here.name} does not have the rows of its table")
        dataset.resize(total, 0)
        dataset[count:] = storable(values)
    scale.resize(total, 0)


def put(file: h5py.File, path: str, variables: Mapping[str, Variable], signal: str) -> None:
    """Write named arrays whole, instead of the arrays that the group had; its groups and attributes stay."""
    here = group(file, path, signal)
    if here.attrs.get(KIND) == "group":
        here.attrs[KIND] = "arrays"
    for name in [name for name, item in here.items() if isinstance(item, h5py.Dataset)]:
        del here[name]
    lengths = {dim: length for v in variables.values() for dim, length in zip(v.dims, v.array.shape, strict=True)}
    coordinates = {name: variable for name, variable in variables.items() if name in lengths}
    scales = {name: _coordinate(here, name, variable) for name, variable in coordinates.items()}
    scales |= {name: pure_axis(here, name, length) for name, length in lengths.items() if name not in scales}
    for name, variable in variables.items():
        if name not in coordinates:
            attach(_dataset(here, name, variable), [scales[dim] for dim in variable.dims])
    if signal:
        _set_axes(here, variables[signal].dims, coordinates)


def set_attributes(file: h5py.File, path: str, values: Mapping[str, Attribute]) -> None:
    """Set attributes of a group: truth values as int8, an empty list as an empty array."""
    here = group(file, path)
    for name, value in portable(values).items():
        here.attrs[name] = np.array(value, h5py.string_dtype()) if _is_words(value) else value


def _is_words(value: Attribute) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], str)


def _column(here: h5py.Group, name: str, column: Column, shape: tuple[int, ...]) -> h5py.Dataset:
    dtype = _stored_type(np.dtype(column.dtype))
    rows = max(1, CHUNK_BYTES // (math.prod(shape) * dtype.itemsize))
    dataset = here.create_dataset(
        name, (0, *shape), dtype, maxshape=(None, *shape), chunks=(rows, *chunk_of(shape, dtype.itemsize)),
        **({} if column.noisy else COMPRESSION),
    )  # fmt: skip
    _describe(dataset, np.dtype(column.dtype), column)
    return dataset


def _dataset(here: h5py.Group, name: str, variable: Variable) -> h5py.Dataset:
    values = variable.array
    if values.dtype.kind == "U":
        dataset = here.create_dataset(name, values.shape, h5py.string_dtype())
        dataset[...] = values.astype(object)
    elif values.nbytes < _WORTH_COMPRESSING:
        dataset = here.create_dataset(name, data=storable(values))
    else:
        chunks = chunk_of(values.shape, values.dtype.itemsize)
        dataset = here.create_dataset(name, data=storable(values), chunks=chunks, **COMPRESSION)
    _describe(dataset, values.dtype, variable)
    return dataset


def _coordinate(here: h5py.Group, name: str, variable: Variable) -> h5py.Dataset:
    dataset = _dataset(here, name, variable)
    dataset.make_scale(name)
    return dataset


def pure_axis(here: h5py.Group, name: str, length: int, *, growing: bool = False) -> h5py.Dataset:
    """Make the scale of an axis that has no coordinate."""
    # One byte per entry, chunked and never written: an axis takes no room in the file however long it grows.
    maximum, chunk = (None, 1 << 16) if growing else (length, max(1, min(length, 1 << 16)))
    chunks = (chunk,) if growing or length else None
    scale = here.create_dataset(name, (length,), np.int8, maxshape=(maximum,) if chunks else None, chunks=chunks)
    scale.make_scale(f"{PURE_AXIS} {length:10d}")
    return scale


def attach(dataset: h5py.Dataset, scales: Sequence[h5py.Dataset]) -> None:
    """Tie the scales to the axes of an array."""
    for axis, scale in zip(dataset.dims, scales, strict=True):
        axis.attach_scale(scale)


def _set_axes(here: h5py.Group, dims: Sequence[str], coordinates: Mapping[str, Variable]) -> None:
    if dims:
        here.attrs["axes"] = np.array([dim if dim in coordinates else "." for dim in dims], h5py.string_dtype())


def _describe(dataset: h5py.Dataset, dtype: np.dtype[Any], item: Column | Variable) -> None:
    dataset.attrs["units"], dataset.attrs["long_name"] = item.units, item.long_name
    if dtype.kind == "b":
        dataset.attrs["dtype"] = "bool"
    for attribute, flags in (("flag_values", item.flag_values), ("flag_masks", item.flag_masks)):
        if flags:
            dataset.attrs[attribute] = np.array(list(flags.values()), dataset.dtype)
            dataset.attrs["flag_meanings"] = " ".join(flags)


def _stored_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.int8) if dtype.kind == "b" else dtype.newbyteorder("<")


def storable(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values as they are stored."""
    return values.astype(np.int8) if values.dtype.kind == "b" else values


def chunk_of(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the shape with its first axes cut until a chunk has at most CHUNK_BYTES."""
    chunk = list(shape)
    for axis in range(len(chunk)):
        rest = math.prod(chunk[axis + 1 :]) * itemsize
        chunk[axis] = max(1, min(chunk[axis], CHUNK_BYTES // max(1, rest)))
    return tuple(chunk)
