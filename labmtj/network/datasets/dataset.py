"""A data set that networks are trained, tuned and tested on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.network.datasets.scaling import Scaling
from labmtj.network.datasets.splits import Folds, thinned
from labmtj.quantities import FloatArray


@brief
@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples with their classes, scaled, in parts for training and test; the arrays are read-only."""

    name: str
    features: FloatArray
    """(samples, features), scaled"""
    classes: NDArray[np.intp]
    """(samples,), values 0 to k - 1"""
    class_names: tuple[str, ...]
    """k, by number"""
    feature_names: tuple[str, ...]
    folds: Folds
    """pairs of rows: (to train, tune and rank on; to report only); one pair, or one for each of k folds"""
    scaling: Scaling
    origin: str
    """where the samples come from, in words"""
    sha256: str
    """hex, over features as they came, classes, kind of scaling and folds; the same on every platform"""
    description: str
    """a few lines: sizes, classes, scaling, parts"""

    def __post_init__(self) -> None:
        for array in (self.features, self.classes, *(rows for pair in self.folds for rows in pair)):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def train(self) -> NDArray[np.intp]:
        """Rows of the training part, of the first fold."""
        return self.folds[0][0]

    @property
    def test(self) -> NDArray[np.intp]:
        """Rows that are held back, in the first fold."""
        return self.folds[0][1]

    def sampled(self, count: int) -> Dataset:
        """Return `count` of the samples, parts and classes in proportion, scaled as they are here.

        Raises:
            UsageError: if there are not so many, or so few are asked for that a part would be empty.
        """
        if not 0 < count <= len(self):
            raise UsageError(f"{count} samples are asked for; {self.name} holds {len(self)}")
        rows = thinned(self.folds, self.classes, count)
        place = np.full(len(self), -1, np.intp)
        place[rows] = np.arange(count)
        folds = tuple((_there(place[train]), _there(place[test])) for train, test in self.folds)
        for fold, pair in enumerate(folds):
            if empty := [part for part, its in zip(("training", "test"), pair, strict=True) if not len(its)]:
                raise UsageError(f"{count} samples of {self.name} are too few: fold {fold} has none for {empty[0]}")
        return replace(
            self,
            features=self.features[rows],
            classes=self.classes[rows],
            folds=folds,
            sha256=hashlib.sha256(f"{self.sha256} {rows.tolist()}".encode()).hexdigest(),
            description=f"{self.description}\n{count} of the samples, parts and classes in proportion",
        )


def _there(places: NDArray[np.intp]) -> NDArray[np.intp]:
    return places[places >= 0]
