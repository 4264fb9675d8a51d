"""Reads samples from an .npz file of NumPy arrays."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import DataError, SettingError, UsageError
from labmtj.filing import open_plain
from labmtj.network.datasets.csvtables import LARGEST_FILE, check_size
from labmtj.network.datasets.samples import MOST_CLASSES, Samples
from labmtj.network.datasets.settings import DataSettings
from labmtj.network.solution import UNREADABLE

WANTED = "X (samples, features), y (samples,), and perhaps feature_names and class_names"
KNOWN = ("X", "y", "feature_names", "class_names")


def read(file: Path, settings: DataSettings) -> Samples:
    """Return the samples of an .npz file: X (samples, features), y (samples,), integers or words.

    It may hold feature_names (features,) and, where y counts classes from 0, class_names (classes,).

    Raises:
        SettingError: if the settings name a column of classes.
        DataError: naming file, array and shape.
    """
    default = DataSettings.model_fields["class_column"].default
    if settings.class_column != default:
        raise SettingError(("data", "class_column"), f"is for .csv files; {file} has its classes in y: leave it out")
    arrays = _arrays(file)
    for key in ("X", "y"):
        if key not in arrays:
            raise DataError(f"{file}: holds no array {key!r}; wanted {WANTED}")
    features, labels = arrays["X"], arrays["y"]
    if features.ndim != 2 or 0 in features.shape or labels.shape != features.shape[:1]:
        raise DataError(f"{file}: X has shape {features.shape} and y {labels.shape}; wanted {WANTED}, none empty")
    feature_names = _names(file, arrays, "feature_names", features.shape[1])
    if feature_names is None:
        feature_names = tuple(f"x{number}" for number in range(features.shape[1]))
    class_names, classes = _classes(file, labels, arrays)
    try:
        return Samples(file.stem, features, classes, class_names, feature_names, f"file {file.name}")
    except UsageError as error:
        raise DataError(f"{file}: {error}") from None


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    try:
        with open_plain(file) as opened:
            check_size(file, opened, LARGEST_FILE)
            if not zipfile.is_zipfile(opened):  # NumPy would take it for a pickle and advise to load it unsafely
                raise zipfile.BadZipFile("no zip archive")
            with zipfile.ZipFile(opened) as archive:
                size = sum(member.file_size for member in archive.infolist() if member.filename[:-4] in KNOWN)
            if size > LARGEST_FILE:
                raise ValueError(f"unpacks to {size / 1e6:.0f} MB, more than {LARGEST_FILE / 1e6:.0f} MB")
            opened.seek(os.SEEK_SET)
            with np.load(opened, allow_pickle=False) as loaded:
                return {key: loaded[key] for key in KNOWN if key in loaded}
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}; check the path") from None
    except UNREADABLE as error:
        problem = str(error)
        if "allow_pickle" in problem:
            problem = "an array holds Python objects; save numbers or text"
        raise DataError(f"{file}: not a readable .npz ({problem[:200]}); save it again with numpy.savez") from None


def _names(file: Path, arrays: dict[str, NDArray[Any]], key: str, count: int) -> tuple[str, ...] | None:
    if key not in arrays:
        return None
    names = arrays[key]
    if names.dtype.kind != "U" or names.shape != (count,):
        raise DataError(f"{file}: {key} has shape {names.shape}, type {names.dtype}; wanted text of shape ({count},)")
    return tuple(map(str, names))


def _classes(
    file: Path, labels: NDArray[Any], arrays: dict[str, NDArray[Any]]
) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the names of the classes, and the number of every sample's class."""
    if labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)  # of a table in which all is a number
    if labels.dtype.kind not in "biuU":
        raise DataError(f"{file}: y is of type {labels.dtype}; wanted integers, without missing ones, or words")
    if "class_names" in arrays:
        if labels.dtype.kind == "U":
            raise DataError(f"{file}: y holds words and there are class_names, too; wanted integers in y")
        names = _names(file, arrays, "class_names", arrays["class_names"].size) or ()
        return names, labels.astype(np.intp)
    known, classes = np.unique(labels, return_inverse=True)
    if len(known) > MOST_CLASSES:
        raise DataError(f"{file}: y holds {len(known)} different values, more than {MOST_CLASSES} classes")
    return tuple(str(label) for label in known), classes.astype(np.intp)
