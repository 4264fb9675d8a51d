"""Finds the source of a data set, reads it, scales it and parts it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from labmtj.dottednames import did_you_mean
from labmtj.errors import ConfigError, DataError, SettingError, UsageError
from labmtj.escaped import escaped
from labmtj.library import MOST_NAMES
from labmtj.network.datasets import archives, csvtables
from labmtj.network.datasets.dataset import Dataset
from labmtj.network.datasets.places import file_of, is_file
from labmtj.network.datasets.samples import Samples
from labmtj.network.datasets.scaling import Scaling, fitted
from labmtj.network.datasets.settings import DataSettings
from labmtj.network.datasets.shipped import SHIPPED
from labmtj.network.datasets.splits import Folds, check_classes, folds_of
from labmtj.plugins import Plugin, plugins

GROUP = "labmtj.datasets"
_KEPT = 4
"""data sets of this process"""


def load(settings: DataSettings, beside: Path | None = None) -> Dataset:
    """Return a data set, the same object until its file or the settings change.

    Args:
        settings: the source, and how it is scaled and parted.
        beside: folder that a relative path may start from, besides the current one.

    Raises:
        SettingError: naming the key, under `data`, of what does not fit the source.
        DataError: naming the file, line and column, or the plug-in, of what is wrong with it.
    """
    source, key = settings.source, settings.model_dump_json()
    if not is_file(source) and settings.class_column != DataSettings.model_fields["class_column"].default:
        raise SettingError(
            ("data", "class_column"), f"is for a .csv file; the classes of {source!r} are known: leave out"
        )
    if source in SHIPPED:
        return _shipped(source, key)
    if is_file(source):
        file = _found(source, beside)
        return _of_file(file, _version(file), settings.model_copy(update={"source": str(file)}).model_dump_json())
    known = plugins(GROUP)
    if source not in known:
        names = sorted({*SHIPPED, *known})
        raise SettingError(
            ("data", "source"),
            f"there is no data set {source[:200]!r}{did_you_mean(source, names)}; choose {', '.join(names)}, or give "
            "the path of a .csv or .npz file",
        )
    return _of_plugin(known[source], key)


def _found(source: str, beside: Path | None) -> Path:
    if (file := file_of(source, beside)) is not None:
        return file
    folder = Path(source).parent
    near: list[str] = []
    for start in {Path(), beside or Path()}:
        try:
            files = islice((start / folder).iterdir(), MOST_NAMES)
            near += sorted(str(folder / file.name) for file in files if is_file(file.name))
        except (OSError, ValueError):
            continue
    raise SettingError(("data", "source"), f"{source[:200]}: no such file{did_you_mean(source, near)}; check the path")


def _version(file: Path) -> tuple[int, ...]:
    """Return what changes when a file does."""
    try:
        stat = file.stat()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}; check the path") from None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


@functools.lru_cache(_KEPT)
def _shipped(name: str, key: str) -> Dataset:
    return _dataset(SHIPPED[name](), DataSettings.model_validate_json(key), f"data set {name}")


@functools.lru_cache(_KEPT)
def _of_file(file: Path, version: tuple[int, ...], key: str) -> Dataset:  # noqa: ARG001 - names the version
    settings = DataSettings.model_validate_json(key)
    reader = {".csv": csvtables.read, ".npz": archives.read}.get(file.suffix.lower())
    if reader is None:
        raise SettingError(
            ("data", "source"), f"{file}: ends neither in .csv nor in .npz; rename it, or save it as one"
        )
    try:
        samples = reader(file, settings)
    except SettingError:
        raise
    except UsageError as error:
        raise DataError(str(error) if str(error).startswith(str(file)) else f"{file}: {error}") from None
    return _dataset(samples, settings, str(file))


@functools.lru_cache(_KEPT)
def _of_plugin(plugin: Plugin, key: str) -> Dataset:
    try:
        found: Callable[[], Any] = plugin.load()
    except ConfigError as error:
        raise SettingError(("data", "source"), str(error)) from error
    try:
        samples = found()
        if not isinstance(samples, Samples):
            raise TypeError(f"it returned {type(samples).__name__}, not Samples")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plug-in may raise anything
        why = str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {escaped(str(error))}"
        raise DataError(f"{plugin.called} cannot be read: {why}") from error
    return _dataset(samples, DataSettings.model_validate_json(key), f"data set {plugin.name}")


def _dataset(samples: Samples, settings: DataSettings, where: str) -> Dataset:
    """Return samples scaled and parted as the settings say, or else as the source recommends."""
    if settings.features is not None:
        unknown = [name for name in settings.features if name not in samples.feature_names]
        if unknown:
            raise SettingError(("data", "features"), _unknown(unknown[0], samples.feature_names, where))
        samples = samples.of_features(settings.features)
    split = settings.split or samples.split
    folds = folds_of(split, samples.classes, where)
    check_classes(folds, samples.classes, samples.class_names, where)
    scaling = _scaling(samples, settings, folds, where)
    features = scaling.apply(samples.features)
    if not np.isfinite(features).all():
        raise DataError(f"{where}: a test sample is so far from the training samples that it cannot be scaled")
    return Dataset(
        samples.name, features, samples.classes, samples.class_names, samples.feature_names, folds, scaling,
        samples.origin, _sha256(samples, scaling, folds), _description(samples, scaling, folds, split.text),
    )  # fmt: skip


def _unknown(name: str, known: tuple[str, ...], where: str) -> str:
    listed = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    return f"{where} has no feature {name[:200]!r}{did_you_mean(name, known)}; it has {listed}"


def _scaling(samples: Samples, settings: DataSettings, folds: Folds, where: str) -> Scaling:
    """Return the scaling; with folds it is of all samples, because one scaling serves every fold."""
    over = settings.scaled_over or ("all" if len(folds) > 1 else samples.scaled_over)
    if over == "train" and len(folds) > 1:
        raise SettingError(
            ("data", "scaled_over"), "with folds every sample trains in some fold, and one scaling serves all: take all"
        )
    rows = samples.features if over == "all" else samples.features[folds[0][0]]
    return fitted(settings.scaling or samples.scaling, over, rows, samples.feature_names, where)


def _sha256(samples: Samples, scaling: Scaling, folds: Folds) -> str:
    digest = hashlib.sha256(f"{samples.features.shape} {scaling.name} {scaling.over}".encode())
    # adding 0.0 turns -0.0 into 0.0: equal features have equal checksums
    digest.update((samples.features + 0.0).astype("<f8").tobytes())
    for rows in (samples.classes, *(rows for pair in folds for rows in pair)):
        digest.update(f"{len(rows)}".encode() + rows.astype("<i8").tobytes())
    return digest.hexdigest()


def _description(samples: Samples, scaling: Scaling, folds: Folds, split: str) -> str:
    """Return a few lines."""
    counts = np.bincount(samples.classes, minlength=len(samples.class_names))
    named = [f"{name} {count}" for name, count in zip(samples.class_names, counts, strict=True)]
    shown = ", ".join(named[:12]) + (f" and {len(named) - 12} more" if len(named) > 12 else "")
    lines = [
        f"{len(samples.classes)} samples of {samples.features.shape[1]} features in {len(counts)} classes: {shown}",
        f"features: {scaling.text}",
    ]
    if constant := [name for name, span in zip(samples.feature_names, scaling.spans, strict=True) if span == 0]:
        listed = ", ".join(constant[:12]) + (f" and {len(constant) - 12} more" if len(constant) > 12 else "")
        lines.append(f"constant, and therefore 0 in every sample: {listed}")
    sizes = sorted({(len(train), len(test)) for train, test in folds})
    parts = " or ".join(f"{train} to train on and {test} to test" for train, test in sizes)
    return "\n".join([*lines, f"parts: {split}: {parts}", f"from {samples.origin}"])
