"""How features are scaled before they become voltages: fitted once, kept with the data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.errors import DataError
from labmtj.network.datasets.settings import ScaledOver, ScalingName
from labmtj.quantities import FloatArray


@brief
@dataclass(frozen=True, eq=False)
class Scaling:
    """A scaled feature is (feature - offset) / span; a feature without a span, constant where it was fitted, is 0."""

    name: ScalingName
    over: ScaledOver
    """the samples that it was fitted on"""
    offsets: FloatArray
    """(features,): minimum, mean, or 0"""
    spans: FloatArray
    """(features,): maximum less minimum, standard deviation (divisor: number of samples), or 1; 0 for a constant one"""

    def __post_init__(self) -> None:
        for array in (self.offsets, self.spans):
            array.flags.writeable = False

    def apply(self, features: FloatArray) -> FloatArray:
        """Return features, (samples, features), scaled; one far from those that were fitted may become infinite."""
        scaled = np.zeros_like(features)
        with np.errstate(over="ignore"):
            np.divide(features - self.offsets, self.spans, out=scaled, where=self.spans > 0)
        return scaled

    @property
    def text(self) -> str:
        """In words."""
        over = {"all": "all samples", "train": "the training samples"}[self.over]
        return {
            "minmax": f"minimum 0 and maximum 1 over {over}",
            "standard": f"mean 0 and standard deviation 1 over {over}",
            "none": "not scaled",
        }[self.name]


def fitted(name: ScalingName, over: ScaledOver, features: FloatArray, names: tuple[str, ...], where: str) -> Scaling:
    """Return a scaling fitted on features, (samples, features).

    Args:
        name: of the scaling.
        over: what the samples are called.
        features: of these samples.
        names: of the features, for messages.
        where: the source, for messages.

    Raises:
        DataError: if every feature is constant, or one has a span that is no number.
    """
    lowest, highest = features.min(axis=0), features.max(axis=0)
    constant = lowest == highest
    if constant.all():
        among = "" if over == "all" else "training "
        raise DataError(
            f"{where}: every feature is the same in all {len(features)} {among}samples, such as {names[0]!r} = "
            f"{lowest[0]:g}; nothing tells the classes apart"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        if name == "minmax":
            offsets, spans = lowest, highest - lowest
        elif name == "standard":
            offsets, spans = features.mean(axis=0), np.where(constant, 0.0, features.std(axis=0))
        else:
            offsets, spans = np.zeros_like(lowest), np.ones_like(lowest)
    _check(~(np.isfinite(spans) & np.isfinite(offsets)), names, lowest, highest, where)
    _check((spans < np.finfo(float).tiny) & ~constant, names, lowest, highest, where)
    return Scaling(name, over, offsets, spans)


def _check(wrong: np.ndarray, names: tuple[str, ...], lowest: FloatArray, highest: FloatArray, where: str) -> None:
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{where}: feature {names[at]!r} goes from {lowest[at]:g} to {highest[at]:g}, which cannot be scaled in "
            "numbers of 64 bits; give it in another unit"
        )
