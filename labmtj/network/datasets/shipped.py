"""Four data sets that come with scikit-learn, so that nothing is downloaded.

Their files are read as they are, because the import of scikit-learn takes 1 s in every process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from labmtj.network.datasets.samples import Samples
from labmtj.network.datasets.settings import SplitSettings
from labmtj.network.wine import FEATURE_NAMES, TEST_ROWS
from labmtj.quantities import FloatArray

_IRIS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
_CELLS = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points", "symmetry",
    "fractal dimension",
)  # fmt: skip
_BREAST_CANCER = (
    *(f"mean {name}" for name in _CELLS),
    *(f"{name} error" for name in _CELLS),
    *(f"worst {name}" for name in _CELLS),
)
_DIGITS = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))


@cache
def wine() -> Samples:
    """Return 178 wines of three cultivars, 13 features, scaled and parted as the public repository has them.

    That is usnistgov/daffodil-lib, examples/wine: scaled over all samples, 30 of them held back.
    """
    table = _table("wine_data.csv", "load_wine")
    return Samples(
        "wine", table[:, :-1], table[:, -1].astype(np.intp), ("class_0", "class_1", "class_2"), FEATURE_NAMES,
        "Wine recognition, UCI; copy of scikit-learn", scaled_over="all",
        split=SplitSettings(test_rows=list(TEST_ROWS)),
    )  # fmt: skip


@cache
def iris() -> Samples:
    """Return 150 irises of three species, 4 features."""
    return _samples("iris", "iris.csv", ("setosa", "versicolor", "virginica"), _IRIS, "Iris plants, Fisher 1936")


@cache
def breast_cancer() -> Samples:
    """Return 569 tumours, malignant or benign, 30 features of cell nuclei."""
    names = ("malignant", "benign")
    return _samples(
        "breast_cancer", "breast_cancer.csv", names, _BREAST_CANCER, "Breast Cancer Wisconsin (Diagnostic), UCI"
    )


@cache
def digits() -> Samples:
    """Return 1797 handwritten digits of 8 x 8 pixels, values 0 to 16; three pixels are 0 in all of them."""
    names = tuple(map(str, range(10)))
    return _samples("digits", "digits.csv.gz", names, _DIGITS, "Optical Recognition of Handwritten Digits, UCI")


SHIPPED: Mapping[str, Callable[[], Samples]] = {
    "breast_cancer": breast_cancer, "digits": digits, "iris": iris, "wine": wine
}  # fmt: skip


def _samples(
    name: str, file: str, class_names: tuple[str, ...], feature_names: tuple[str, ...], origin: str
) -> Samples:
    table = _table(file, f"load_{name}")
    origin = f"{origin}; copy of scikit-learn"
    return Samples(name, table[:, :-1], table[:, -1].astype(np.intp), class_names, feature_names, origin)


def _table(name: str, loader: str) -> FloatArray:
    """Return a data set, (samples, features + 1), with the number of the class in the last column."""
    spec = find_spec("sklearn")
    if spec is not None and spec.submodule_search_locations:
        file = Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name
        if file.is_file():
            return np.loadtxt(file, delimiter=",", skiprows=0 if name.endswith(".gz") else 1)
    from sklearn import datasets

    bunch = getattr(datasets, loader)()
    return np.column_stack([bunch.data, bunch.target])
