"""Reads HDF5 files from untrusted sources: nothing outside the file is touched, nothing it cannot hold is read.

HDF5 is no safe container: a link or a dataset can name any other file of the machine, and 8 TB fit in 2 kB. Such files
are refused as a whole, when they are opened. An honest array may be larger than memory nevertheless: it is read piece
by piece, and refused where the whole of it is asked for.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from labmtj.errors import DataError
from labmtj.record.hdf5 import PURE_AXIS

_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}  # others would load plug-ins
_LARGEST_CHUNK = 1 << 26
_LARGEST_ATTRIBUTE = 1 << 20
_LARGEST_TEXT = 1 << 26
_LONGEST_LIST = 64  # texts of an attribute that are read whatever the size of the file
LARGEST_ROW = 1 << 28
"""bytes; an array with a larger one is not read block by block"""
_MOST_OBJECTS = 100_000
_DEEPEST = 32
_DEFLATE_RATIO = 1100  # deflate cannot do better than 1032 to 1
_SMALL_BYTES = 1 << 24
_HIDDEN = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"}

AttributeValue = str | bool | int | float | list[Any]


@dataclass(frozen=True)
class ArrayKind:
    """What an array is: its shape, its type as it is read (object for text), the names of its axes."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    dims: tuple[str, ...]
    stored_bytes: int
    """what it takes in the file"""
    compressed: bool

    @property
    def row_bytes(self) -> int:
        """Bytes of one entry along the first axis; of the whole, where there is none."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def open_data(path: Path, *, largest_bytes: int = 1 << 32) -> DataFile:
    """Open an HDF5 file for reading, checked in whole.

    Args:
        path: the file.
        largest_bytes: refuse to read more than this of an array at once.

    Raises:
        DataError: if it is no HDF5 file, refers to other files, or claims an array larger than its bytes can be.
    """
    if not path.is_file():
        raise DataError(f"{path} is not there; give the path of a data file")
    with _naming(path, ""):
        # HDF5 shares a file that one process opens twice with one driver, and refuses where their locks differ. With a
        # driver that no other library uses, h5py and xarray can open the same file, too, in either order.
        file = h5py.File(path, "r", locking=False, driver="stdio")
    try:
        return DataFile(path, file, largest_bytes)
    except BaseException:
        file.close()
        raise


def _reopened(path: Path, largest_bytes: int) -> DataFile:
    return open_data(path, largest_bytes=largest_bytes)


class DataFile:
    """A checked HDF5 file, open for reading; a context manager."""

    def __init__(self, path: Path, file: h5py.File, largest_bytes: int) -> None:
        self.path = path
        self._file = file
        self._largest_bytes = largest_bytes
        self._datasets: dict[str, bool] = {}  # by path: True for an axis that holds no values
        self._groups: list[str] = [""]
        with _naming(path, ""):
            self._walk(file, "", set())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[..., DataFile], tuple[Path, int]]:
        return _reopened, (self.path.resolve(), self._largest_bytes)  # for another process: it opens the file again

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def tree(self) -> dict[str, list[str]]:
        """Return the names of the arrays of every group, by the path of the group ("" = the root)."""
        return {group: [name for name, _ in self._members(group)] for group in self._groups}

    def read(self, path: str) -> NDArray[Any]:
        """Return an array: numbers, truth values or text (numpy str); DataError if there is none at the path."""
        return self.part(path, ())

    def part(self, path: str, key: Any) -> NDArray[Any]:
        """Return what `key` selects of an array, as h5py understands it: slices, numbers, one list that rises.

        Raises:
            DataError: if there is no such array, or the part is too large.
        """
        with self._dataset(path) as dataset:
            if _is_text(dataset):
                return np.asarray(self._text(dataset)[key])
            if isinstance(key, tuple) and not key and dataset.size * dataset.dtype.itemsize > self._largest_bytes:
                raise ValueError(f"it takes {dataset.nbytes} bytes, more than is read at once; read a part of it")
            values: NDArray[Any] = np.asarray(dataset[key])
            return values.astype(np.bool_) if _is_bool(dataset) else values

    def kind(self, path: str) -> ArrayKind:
        """Return what an array is without reading it; DataError if there is none at the path."""
        with self._dataset(path) as dataset:
            dtype = np.dtype(np.bool_ if _is_bool(dataset) else object if _is_text(dataset) else dataset.dtype)
            stored, compressed = dataset.id.get_storage_size(), dataset.compression is not None
            return ArrayKind(dataset.shape, dtype, self._dims(dataset, path), stored, compressed)

    def _dims(self, dataset: h5py.Dataset, path: str) -> tuple[str, ...]:
        """Return the names of the axes: those of the scales tied to them, else made up."""
        own = path.rpartition("/")[2]
        if dataset.is_scale and dataset.ndim == 1:
            return (own,)
        tied = [str(axis[0].name).rpartition("/")[2] if len(axis) else "" for axis in dataset.dims]
        names = tuple(name or f"{own}_axis{axis}" for axis, name in enumerate(tied))
        if len(set(names)) < len(names):
            raise ValueError(f"two of its axes are named alike: {', '.join(names)}")
        return names

    @contextmanager
    def _dataset(self, path: str) -> Iterator[h5py.Dataset]:
        if self._datasets.get(path, True):  # not there, or an axis that holds no values
            raise DataError(f"{self.path} has no array {path!r}{_nearest(path, self._datasets)}")
        with _naming(self.path, path):
            yield self._file[path]

    def _text(self, dataset: h5py.Dataset) -> NDArray[Any]:
        """Return text. All of its elements may name the same bytes of the file: a bomb is met one by one."""
        words = dataset.asstr()
        if dataset.size * self.path.stat().st_size <= _LARGEST_TEXT:
            return np.asarray(words[()], dtype=np.str_)
        found, total = [], 0
        for index in np.ndindex(dataset.shape):
            found.append(words[index])
            total = max(total, len(found[-1]))
            if total * dataset.size > _LARGEST_TEXT:
                raise ValueError(f"its text takes more than {_LARGEST_TEXT >> 20} MB")
        return np.asarray(found, dtype=np.str_).reshape(dataset.shape)

    def group(self, path: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of a group, by name."""
        self._check_group(path)
        return {name: self.read(full) for name, full in self._members(path)}

    def attributes(self, path: str = "") -> dict[str, AttributeValue]:
        """Return the attributes of a group or an array, without those by which HDF5 ties axes to arrays."""
        if path not in self._datasets:
            self._check_group(path)
        with _naming(self.path, path):
            item = self._file[path or "/"]
            return {name: self._attribute(item, name) for name in item.attrs if name not in _HIDDEN}

    def _attribute(self, item: h5py.Group | h5py.Dataset, name: str) -> AttributeValue:
        identifier = item.attrs.get_id(name)
        count = math.prod(identifier.shape or (0,))
        if count * identifier.dtype.itemsize > _LARGEST_ATTRIBUTE or (
            identifier.dtype.kind == "O" and count > _LONGEST_LIST and count * self.path.stat().st_size > 1 << 32
        ):
            raise ValueError(f"attribute {name!r} is too large")
        value = item.attrs[name]
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if isinstance(value, np.ndarray):
            return [entry.decode("utf-8", "replace") if isinstance(entry, bytes) else entry for entry in value.tolist()]
        return value.item() if isinstance(value, np.generic) else value  # type: ignore[no-any-return]

    def _check_group(self, path: str) -> None:
        if path not in self._groups:
            raise DataError(f"{self.path} has no group {path!r}{_nearest(path, self._groups)}")

    def _members(self, group: str) -> Iterator[tuple[str, str]]:
        for path, is_axis in self._datasets.items():
            parent, _, name = path.rpartition("/")
            if parent == group and not is_axis:
                yield name, path

    def _walk(self, group: h5py.Group, path: str, above: set[int]) -> None:
        """Check every link and object below the group; a link back to a group above is refused."""
        address = h5py.h5o.get_info(group.id).addr
        if address in above or len(above) > _DEEPEST:
            raise ValueError(f"group {path!r} lies in itself or too deep")
        for name in group:
            full = f"{path}/{name}".lstrip("/")
            if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
                raise ValueError(f"{full!r} is a link that may lead out of the file; copy the data in instead")
            if len(self._datasets) + len(self._groups) > _MOST_OBJECTS:
                raise ValueError(f"it has more than {_MOST_OBJECTS} objects")
            item = group[name]
            if isinstance(item, h5py.Group):
                self._groups.append(full)
                self._walk(item, full, above | {address})
            elif isinstance(item, h5py.Dataset):
                self._datasets[full] = _checked(item, full)
            else:
                raise TypeError(f"{full!r} is neither an array nor a group")


def _checked(dataset: h5py.Dataset, path: str) -> bool:
    """Raise ValueError for a dataset that must not be read; return whether it is an axis without values."""
    settings = dataset.id.get_create_plist()
    if settings.get_external_count() or settings.get_layout() == h5py.h5d.VIRTUAL:
        raise ValueError(f"{path!r} keeps its values in another file; copy the data in instead")
    text = h5py.check_string_dtype(dataset.dtype) is not None
    if dataset.dtype.kind not in "biufS" and not text:
        raise TypeError(f"{path!r} is of type {dataset.dtype}, neither numbers nor text")
    if any(settings.get_filter(i)[0] not in _FILTERS for i in range(settings.get_nfilters())):
        raise ValueError(f"{path!r} is compressed by something else than gzip")
    if math.prod(dataset.chunks or (0,)) * dataset.dtype.itemsize > _LARGEST_CHUNK:
        raise ValueError(f"{path!r} has chunks over {_LARGEST_CHUNK >> 20} MB")
    size = math.prod(dataset.shape or (0,)) * dataset.dtype.itemsize
    if _is_pure_axis(dataset):
        return True
    if size > _SMALL_BYTES + _DEFLATE_RATIO * dataset.id.get_storage_size():
        raise ValueError(f"{path!r} claims {size} bytes, more than it holds")
    return False


def _is_text(dataset: h5py.Dataset) -> bool:
    return bool(dataset.dtype.kind == "O")  # of what is let in, text of any length alone


def _is_bool(dataset: h5py.Dataset) -> bool:
    return bool(dataset.attrs.get("dtype") == "bool")


def _is_pure_axis(dataset: h5py.Dataset) -> bool:
    name = dataset.attrs.get("NAME", b"")
    return isinstance(name, bytes) and name.startswith(PURE_AXIS.encode())


@contextmanager
def _naming(file: Path, path: str) -> Iterator[None]:
    """Turn what h5py raises about a bad file into a DataError that names file and path."""
    try:
        yield
    except DataError:
        raise
    except (
        OSError,
        KeyError,
        ValueError,
        TypeError,
        RuntimeError,
        AttributeError,
        OverflowError,
        MemoryError,
    ) as error:
        where = f"{file}, {path!r}" if path else f"{file}"
        raise DataError(f"{where} cannot be read: {error}"[:600]) from error


def _nearest(path: str, known: Iterable[str]) -> str:
    """Return what a person may have meant, for the end of a message."""
    close = difflib.get_close_matches(path, [name for name in known if name], 3, 0.5)
    return f"; did you mean {', '.join(close)}?" if close else ""
