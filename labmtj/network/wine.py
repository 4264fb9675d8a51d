"""The Wine data set as the reference campaign uses it: scaled features, classes and the public split."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.quantities import FloatArray

TEST_ROWS = (
    0, 4, 9, 12, 17, 25, 27, 32, 37, 41, 61, 67, 68, 71, 84,
    88, 101, 102, 107, 109, 120, 123, 128, 133, 138, 150, 154, 156, 163, 170,
)  # fmt: skip
"""Rows of the 30 test samples of the public split (repository usnistgov/daffodil-lib, examples/wine)."""


FEATURE_NAMES = (
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
    "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
)  # fmt: skip


@brief
@dataclass(frozen=True, eq=False)
class Wine:
    """178 wines of three cultivars, 13 features each; the arrays are read-only."""

    features: FloatArray
    """(178, 13), each feature scaled to [0, 1] by its minimum and maximum over all 178 samples"""
    classes: NDArray[np.intp]
    """(178,), values 0, 1, 2"""
    train: NDArray[np.intp]
    """(148,) rows to train, tune and rank on"""
    test: NDArray[np.intp]
    """(30,) rows to report only"""
    feature_names: tuple[str, ...]

    def __post_init__(self) -> None:
        for array in (self.features, self.classes, self.train, self.test):
            array.flags.writeable = False


@cache
def load() -> Wine:
    """Return the Wine data (UCI; the copy that scikit-learn carries, so no download)."""
    data, target, names = _read()
    low, high = data.min(axis=0), data.max(axis=0)
    test = np.array(TEST_ROWS, dtype=np.intp)
    return Wine(
        features=(data - low) / (high - low),
        classes=target,
        train=np.setdiff1d(np.arange(len(target)), test),
        test=test,
        feature_names=names,
    )


def _read() -> tuple[FloatArray, NDArray[np.intp], tuple[str, ...]]:
    """Return features, classes and names from scikit-learn's file, because its import takes 1 s in every process."""
    spec = find_spec("sklearn")
    if spec is not None and spec.submodule_search_locations:
        file = Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "wine_data.csv"
        if file.is_file():
            table = np.loadtxt(file, delimiter=",", skiprows=1)
            return table[:, :-1], table[:, -1].astype(np.intp), FEATURE_NAMES
    from sklearn.datasets import load_wine

    bunch = load_wine()
    return bunch.data, bunch.target.astype(np.intp), tuple(bunch.feature_names)
