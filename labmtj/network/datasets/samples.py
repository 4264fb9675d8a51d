"""Samples as a source gives them, before they are scaled and parted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.network.datasets.settings import ScaledOver, ScalingName, SplitSettings
from labmtj.quantities import FloatArray

MOST_CLASSES = 1000
LONGEST_NAME = 200
"""characters"""


@brief
@dataclass(frozen=True, eq=False)
class Samples:
    """What a data set's source holds, and how it recommends to scale and part it; arrays are copied and read-only.

    A plug-in of the group `labmtj.datasets` is a function without arguments that returns this.

    Raises:
        UsageError: for shapes that do not fit, values that are not finite, names that are missing, doubled or no text.
    """

    name: str
    features: FloatArray
    """(samples, features), not scaled"""
    classes: NDArray[np.intp]
    """(samples,), numbers from 0 on"""
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    origin: str = "unknown"
    """where they come from, in words"""
    scaling: ScalingName = "minmax"
    scaled_over: ScaledOver = "train"
    split: SplitSettings = field(default_factory=lambda: SplitSettings(test_fraction=0.25))

    def __post_init__(self) -> None:
        for key in ("class_names", "feature_names"):
            object.__setattr__(self, key, tuple(getattr(self, key)))
        features, classes = np.asarray(self.features), np.asarray(self.classes)
        _check_arrays(features, classes, len(self.feature_names))
        with np.errstate(over="ignore"):  # longer numbers than doubles may be infinite as such
            features = features.astype(np.float64)
        if not (finite := np.isfinite(features)).all():
            row, column = np.argwhere(~finite)[0]
            raise UsageError(f"sample {row}, feature {column} is {features[row, column]}; wanted finite numbers")
        for key, array in (("features", features), ("classes", classes.astype(np.intp))):
            array.flags.writeable = False
            object.__setattr__(self, key, array)
        check_names("class", self.class_names)
        check_names("feature", self.feature_names)
        self._check_classes()

    def _check_classes(self) -> None:
        known = len(self.class_names)
        if known > MOST_CLASSES:
            raise UsageError(f"{known} classes are more than {MOST_CLASSES}; are they classes?")
        wrong = np.flatnonzero((self.classes < 0) | (self.classes >= known))
        if wrong.size:
            raise UsageError(
                f"sample {wrong[0]} is of class {self.classes[wrong[0]]}; {known} classes have names, 0 to {known - 1}"
            )
        if len(np.unique(self.classes)) == 1:
            only = self.class_names[self.classes[0]]
            raise UsageError(
                f"every sample is of class {only!r} (samples: {len(self.classes)}); wanted two classes or more"
            )

    def of_features(self, names: Sequence[str]) -> Samples:
        """Return the same samples with the named features alone; ValueError for a name that there is not."""
        chosen = [self.feature_names.index(name) for name in names]
        return replace(self, features=self.features[:, chosen], feature_names=tuple(names))


def _check_arrays(features: NDArray[np.generic], classes: NDArray[np.generic], names: int) -> None:
    if features.ndim != 2 or 0 in features.shape or classes.shape != features.shape[:1]:
        raise UsageError(
            f"features have shape {features.shape} and classes {classes.shape}; wanted (samples, features) and "
            "(samples,), none empty"
        )
    if names != features.shape[1]:
        raise UsageError(f"{features.shape[1]} features have {names} names; wanted one for each")
    if features.dtype.kind not in "buif":
        raise UsageError(f"features are of type {features.dtype}; wanted real numbers")
    if classes.dtype.kind not in "iu":
        raise UsageError(f"classes are of type {classes.dtype}; wanted integers, and their names in class_names")


def check_names(kind: str, names: Sequence[object]) -> None:
    """Raise UsageError unless every class, or feature, has a name of its own that can be shown."""
    for at, name in enumerate(names):
        if not isinstance(name, str) or not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise UsageError(
                f"the name of {kind} {at} is {str(name)[:60]!r}; wanted text of 1 to {LONGEST_NAME} characters"
            )
    if len(set(names)) < len(names):
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise UsageError(f"two {kind} names are {twice!r}; rename one")
