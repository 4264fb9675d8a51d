"""Trained networks as they are written to arrays: bits of the device pairs, biases kept in software."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import DataError, UsageError
from labmtj.filing import open_plain, written_aside
from labmtj.network.pairs import difference
from labmtj.quantities import FloatArray

VERSION = 1
UNREADABLE = (OSError, ValueError, EOFError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)
"""what NumPy and zipfile raise on a damaged or foreign file"""
ARRAYS = ("w1", "w2", "b1", "b2")
WANTED = "w1, w2, b1 and b2"
LARGEST_FILE = 1 << 25
LARGEST_ARRAYS = 1 << 28
"""bytes of a file and of what it unpacks to: 100 000 networks for Wine take a tenth of it"""
LONGEST_TEXT = 1000
RANKS = {"w1": 3, "w2": 3, "b1": 2, "b2": 2}


@brief
@dataclass(frozen=True, eq=False)
class Solutions:
    """`n` networks of the same layer sizes; the arrays are copied, checked and read-only.

    Raises:
        UsageError: naming the array, for wrong shapes, bits other than 0 and 1, biases that are not finite.
    """

    w1: NDArray[np.uint8]
    """bits of layer 1, (n, inputs, 2 * hidden); even columns count +, odd columns -; 1 = P"""
    w2: NDArray[np.uint8]
    """bits of layer 2, (n, hidden, 2 * outputs)"""
    b1: FloatArray
    """biases of the hidden neurons, (n, hidden)"""
    b2: FloatArray
    """biases of the outputs, (n, outputs)"""
    name: str = "unnamed"
    origin: str = "unknown"
    """where they come from, in words"""

    def __post_init__(self) -> None:
        _check({key: np.asarray(getattr(self, key)) for key in ARRAYS})
        for key in ARRAYS:
            array = np.array(getattr(self, key), dtype=np.uint8 if key.startswith("w") else np.float64, order="C")
            array.flags.writeable = False
            object.__setattr__(self, key, array)

    def __len__(self) -> int:
        return len(self.w1)

    def __getitem__(self, chosen: int | slice | NDArray[Any]) -> Self:
        """Return the chosen solutions, always as a set: `solutions[3]` holds one."""
        index = np.atleast_1d(np.arange(len(self))[chosen])
        return replace(self, **{key: getattr(self, key)[index] for key in ARRAYS})

    @property
    def inputs(self) -> int:
        """Inputs of layer 1."""
        return int(self.w1.shape[1])

    @property
    def hidden(self) -> int:
        """Hidden neurons."""
        return int(self.w2.shape[1])

    @property
    def outputs(self) -> int:
        """Outputs, one per class."""
        return int(self.b2.shape[1])

    @cached_property
    def effective1(self) -> FloatArray:
        """W+ - W- of layer 1, (n, inputs, hidden), values -1, 0, 1."""
        return difference(self.w1)

    @cached_property
    def effective2(self) -> FloatArray:
        """W+ - W- of layer 2, (n, hidden, outputs)."""
        return difference(self.w2)

    @property
    def bits(self) -> NDArray[np.uint8]:
        """All bits of a solution in one row, (n, cells)."""
        return np.concatenate([self.w1.reshape(len(self), -1), self.w2.reshape(len(self), -1)], axis=1)

    @property
    def unique(self) -> bool:
        """True if no two solutions have the same bits."""
        return len(np.unique(self.bits, axis=0)) == len(self)

    def checksum(self) -> str:
        """Return the sha256 (hex) over shapes, bits and biases, the same on every platform; texts do not count."""
        digest = hashlib.sha256()
        for key in ARRAYS:
            array = getattr(self, key)
            digest.update(f"{key} {array.shape}".encode())
            # adding 0.0 turns -0.0 into 0.0: equal biases have equal checksums
            digest.update(array.tobytes() if key.startswith("w") else (array + 0.0).astype("<f8").tobytes())
        return digest.hexdigest()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a compressed .npz without pickle; the file appears complete or not at all."""
        target = Path(path)
        text = {"name": np.array(self.name), "origin": np.array(self.origin), "version": np.array(VERSION)}
        with written_aside(target) as aside, aside.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, w1=self.w1, w2=self.w2, b1=self.b1, b2=self.b2, **text)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read an .npz with the arrays w1, w2, b1, b2 and perhaps name and origin.

        Raises:
            DataError: naming the file, the array, what was found and wanted, and the remedy.
        """
        file = Path(path)
        arrays = _read(file)
        version = arrays.pop("version", np.array(VERSION))
        if version.ndim or not np.issubdtype(version.dtype, np.integer) or int(version) > VERSION:
            raise DataError(f"{file}: format version {version} is unknown, this labmtj reads {VERSION}; update labmtj")
        name, origin = (
            _text(file, arrays, key, default) for key, default in (("name", file.stem), ("origin", "unknown"))
        )
        try:
            return cls(**arrays, name=name, origin=origin)
        except UsageError as error:
            raise DataError(f"{file}: {error}; save the set again with labmtj or import it from its source") from None


def _text(file: Path, arrays: dict[str, NDArray[Any]], key: str, default: str) -> str:
    value = arrays.pop(key, np.array(default))
    text = str(value)
    if value.ndim or value.dtype.kind != "U" or len(text) > LONGEST_TEXT or not text.isprintable():
        raise DataError(f"{file}: {key} is not text of up to {LONGEST_TEXT} characters; save the set again")
    return text


def _read(file: Path) -> dict[str, NDArray[Any]]:
    try:
        # opened here, because NumPy leaves a file that it cannot read open
        with open_plain(file) as opened:
            if not zipfile.is_zipfile(opened):  # NumPy would take it for a pickle and advise to load it unsafely
                raise zipfile.BadZipFile("no zip archive")
            _check_size(opened)
            opened.seek(0)
            arrays = _arrays(np.load(opened, allow_pickle=False))
    except FileNotFoundError:
        raise DataError(f"{file}: no such file; give the path of an .npz of solutions") from None
    except UNREADABLE as error:
        raise DataError(
            f"{file}: not a readable .npz ({str(error)[:200]}): truncated or foreign, copy it again"
        ) from error
    missing = [key for key in ARRAYS if key not in arrays]
    if missing:
        raise DataError(f"{file}: holds no array {missing[0]!r}; a set needs {WANTED}: give another file")
    return arrays


def _check_size(opened: BinaryIO) -> None:
    """Raise ValueError for a file that would unpack to more than any set of solutions is."""
    if opened.seek(0, os.SEEK_END) > LARGEST_FILE:
        raise ValueError(f"larger than {LARGEST_FILE >> 20} MB")
    with zipfile.ZipFile(opened) as archive:
        if (size := sum(member.file_size for member in archive.infolist())) > LARGEST_ARRAYS:
            raise ValueError(f"unpacks to {size} bytes, more than {LARGEST_ARRAYS >> 20} MB")


def _arrays(loaded: object) -> dict[str, NDArray[Any]]:
    """Return the known arrays of an archive: none if the file was one bare array."""
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        return {}
    with loaded:
        return {key: loaded[key] for key in (*ARRAYS, "name", "origin", "version") if key in loaded}


def _check(arrays: dict[str, NDArray[Any]]) -> None:
    """Raise UsageError unless the four arrays are one set of networks."""
    for key, array in arrays.items():
        if array.ndim != RANKS[key] or 0 in array.shape:
            raise UsageError(f"array {key!r} has shape {array.shape}; wanted {RANKS[key]} axes, none empty")
        if not (np.issubdtype(array.dtype, np.number) or array.dtype == np.bool_) or np.iscomplexobj(array):
            raise UsageError(f"array {key!r} of shape {array.shape} holds {array.dtype}; wanted real numbers")
        if not np.isfinite(array).all():
            bad = np.count_nonzero(~np.isfinite(array))
            raise UsageError(f"array {key!r} of shape {array.shape} holds {bad} values that are not finite")
    n, inputs, hidden, outputs = len(arrays["w1"]), arrays["w1"].shape[1], arrays["b1"].shape[1], arrays["b2"].shape[1]
    wanted = {"w1": (n, inputs, 2 * hidden), "w2": (n, hidden, 2 * outputs), "b1": (n, hidden), "b2": (n, outputs)}
    for key, shape in wanted.items():
        if arrays[key].shape != shape:
            sizes = f"{n} solutions, {inputs} inputs, {hidden} hidden neurons, {outputs} outputs"
            raise UsageError(f"array {key!r} has shape {arrays[key].shape}; wanted {shape} for {sizes}")
        if key.startswith("w") and not np.isin(arrays[key], (0, 1)).all():
            raise UsageError(f"array {key!r} of shape {shape} holds other values than 0 and 1; wanted bits")
