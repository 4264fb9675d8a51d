"""Copies one group into a netCDF-4 file of its own, block by block: a log larger than memory goes through a small one.

The file is plain HDF5 with netCDF's dimension scales: xarray, netCDF4 and ncdump open it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from labmtj.errors import DataError
from labmtj.record import files, hdf5
from labmtj.record.portable import portable
from labmtj.record.reader import LARGEST_ROW, ArrayKind, AttributeValue, DataFile

_BLOCK_BYTES = 1 << 25
_SPARE_BYTES = 1 << 22


def extract(data: DataFile, arrays: Mapping[str, str], attributes: Mapping[str, AttributeValue], path: Path) -> None:
    """Write arrays, by their name in the new file and their path in the old one, to the new file `path`.

    Args:
        data: where they come from.
        arrays: those named as an axis of others become its coordinate.
        attributes: of the new file.
        path: replaced if it is there.

    Raises:
        DataError: if axes of one name differ in length, or a single row would fill the memory.
        OSError: if the file cannot be written.
    """
    kinds = {name: data.kind(source) for name, source in arrays.items()}
    lengths = _lengths(data, kinds)
    with h5py.File(path, "w", locking=False):
        pass
    # HDF5 crashes on a full disk; it never meets one where its room was claimed before.
    files.reserve(path, sum(kind.stored_bytes for kind in kinds.values()) * 5 // 4 + _SPARE_BYTES)
    with h5py.File(path, "r+", locking=False) as file:
        _set(file, portable(attributes))
        datasets = {name: _copied(file, name, data, arrays[name], kind) for name, kind in kinds.items()}
        for name in lengths:
            if name in datasets:
                datasets[name].make_scale(name)
            else:
                hdf5.pure_axis(file, name, lengths[name])
        for name, kind in kinds.items():
            if name not in lengths:
                hdf5.attach(datasets[name], [file[dim] for dim in kind.dims])


def _lengths(data: DataFile, kinds: Mapping[str, ArrayKind]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for name, kind in kinds.items():
        for dim, length in zip(kind.dims, kind.shape, strict=True):
            if lengths.setdefault(dim, length) != length:
                raise DataError(f"{data.path}: axis {dim!r} of {name!r} is {length} long, elsewhere {lengths[dim]}")
    return lengths


def _copied(file: h5py.File, name: str, data: DataFile, source: str, kind: ArrayKind) -> h5py.Dataset:
    if kind.row_bytes > LARGEST_ROW:
        raise DataError(f"{data.path}: a row of {source!r} takes more than {LARGEST_ROW >> 20} MB")
    dataset = file.create_dataset(name, kind.shape, **_storage(kind))
    if kind.shape and kind.dtype.kind != "O":
        step = max(1, _BLOCK_BYTES // max(1, kind.row_bytes))
        for start in range(0, kind.shape[0], step):
            rows = slice(start, min(start + step, kind.shape[0]))
            dataset[rows] = hdf5.storable(data.part(source, rows))
    else:
        dataset[...] = data.read(source).astype(object) if kind.dtype.kind == "O" else hdf5.storable(data.read(source))
    _set(dataset, portable(data.attributes(source), dataset.dtype))
    return dataset


def _storage(kind: ArrayKind) -> dict[str, Any]:
    if kind.dtype.kind == "O":
        return {"dtype": h5py.string_dtype()}
    dtype = np.dtype(np.int8) if kind.dtype.kind == "b" else kind.dtype
    if not kind.compressed or 0 in kind.shape:
        return {"dtype": dtype}
    return {"dtype": dtype, "chunks": hdf5.chunk_of(kind.shape, dtype.itemsize), **hdf5.COMPRESSION}


def _set(item: h5py.File | h5py.Dataset, attributes: Mapping[str, AttributeValue]) -> None:
    for name, value in attributes.items():
        item.attrs[name] = np.array(value, h5py.string_dtype()) if _is_words(value) else value


def _is_words(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(each, str) for each in value)
