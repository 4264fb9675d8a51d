"""Which samples are for training and which for the test: stratified draws, folds, lists of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import SettingError
from labmtj.network.datasets.settings import SplitSettings
from labmtj.streams import stream

Rows = NDArray[np.intp]
Folds = tuple[tuple[Rows, Rows], ...]
"""pairs of training rows and test rows, each rising"""
MOST_FOLD_ROWS = 20_000_000
"""samples times folds: they are kept as lists of rows"""
KEY = ("data", "split")


def folds_of(split: SplitSettings, classes: Rows, where: str) -> Folds:
    """Return the parts of a data set.

    Args:
        split: how to part it.
        classes: of every sample.
        where: the source, for messages.

    Raises:
        SettingError: for rows that there are not, more folds than samples, an empty part.
    """
    if split.folds is not None:
        tests = _k_folds(split.folds, classes, split.seed, where)
    elif split.test_rows is not None:
        tests = [_given(split.test_rows, len(classes), where)]
    else:
        tests = [stratified(classes, split.test_fraction or 0.0, split.seed)]
    every = np.arange(len(classes))
    pairs = tuple((np.setdiff1d(every, test, assume_unique=True), test) for test in tests)
    for train, test in pairs:
        if not (len(train) and len(test)):
            empty = "training" if len(test) else "test"
            raise SettingError(KEY, f"{where}: {split.text}: of {len(classes)} samples none is left for {empty}")
    return pairs


def stratified(classes: Rows, fraction: float, seed: int) -> Rows:
    """Return the rows of a draw that has the same fraction of every class, but for rounding; rising.

    The draw has round(fraction * samples) rows, and leaves at least one sample of every class.
    """
    counts = np.bincount(classes)
    taken = _in_proportion(fraction, counts)
    drawn = [_shuffled(classes, number, seed)[:count] for number, count in enumerate(taken)]
    return np.sort(np.concatenate(drawn))


def _in_proportion(fraction: float, counts: Rows) -> Rows:
    """Return how many of every class: the quotas rounded down, and one more where the remainder is largest."""
    quotas = fraction * counts
    taken = np.minimum(quotas.astype(np.intp), np.maximum(counts - 1, 0))
    missing = round(fraction * int(counts.sum())) - int(taken.sum())
    for number in np.argsort(taken - quotas, kind="stable"):
        if missing > 0 and taken[number] + 1 < counts[number]:
            taken[number] += 1
            missing -= 1
    return taken


def _k_folds(count: int, classes: Rows, seed: int, where: str) -> list[Rows]:
    """Return the test rows of every fold: the shuffled samples of one class after another are dealt out in turn."""
    samples = len(classes)
    if samples < count:
        raise SettingError((*KEY, "folds"), f"{where} holds {samples} samples, fewer than {count} folds; take fewer")
    if samples * count > MOST_FOLD_ROWS:
        raise SettingError(
            (*KEY, "folds"),
            f"{where}: {count} folds of {samples} samples are too many; {MOST_FOLD_ROWS // samples} fit",
        )
    order = np.concatenate([_shuffled(classes, number, seed) for number in range(classes.max() + 1)])
    return [np.sort(order[fold::count]) for fold in range(count)]


def _shuffled(classes: Rows, number: int, seed: int) -> Rows:
    """Return the rows of one class in an order that depends on seed, class and their number alone."""
    return stream(seed, "split", "class", number).permutation(np.flatnonzero(classes == number))


def _given(rows: list[int], samples: int, where: str) -> Rows:
    if (largest := max(rows)) >= samples:
        raise SettingError(
            (*KEY, "test_rows"), f"there is no row {largest}: {where} holds {samples} samples, rows 0 to {samples - 1}"
        )
    return np.sort(np.array(rows, np.intp))


def check_classes(folds: Folds, classes: Rows, names: tuple[str, ...], where: str) -> None:
    """Raise SettingError unless the training part of every fold has samples of every class."""
    for fold, (train, _) in enumerate(folds):
        counts = np.bincount(classes[train], minlength=len(names))
        if counts.all():
            continue
        missing = int(np.flatnonzero(counts == 0)[0])
        part = "the training part" if len(folds) == 1 else f"the training part of fold {fold}"
        total = np.count_nonzero(classes == missing)
        raise SettingError(
            KEY,
            f"{where}: {part} has no sample of class {names[missing]!r} ({total} of {len(classes)} samples are); hold "
            "back others, or leave the class out",
        )


def thinned(folds: Folds, classes: Rows, count: int) -> Rows:
    """Return `count` rows of a data set, drawn with parts and classes in proportion; rising."""
    held_back = np.zeros(len(classes), np.intp)
    for fold, (_, test) in enumerate(folds, 1):
        held_back[test] = fold
    shuffled = stream(0, "thinned").permutation(len(classes))
    order = np.lexsort([classes[shuffled], held_back[shuffled]])
    evenly = ((np.arange(count) + 0.5) * len(classes) / count).astype(np.intp)
    return np.sort(shuffled[order][evenly])
