"""Noise of one shot on every range of the meters, from shots that were repeated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.calibration.observed import Observed
from labmtj.quantities import FloatArray

RESOLUTION = 1e-6
"""least noise of a shot, as a fraction of full scale"""
UNTOLD = 1e-5
"""noise of a shot where nothing was repeated, as a fraction of full scale (assumed)"""
FEWEST = 20
"""repeated values on a range, before their scatter counts"""


@brief
@dataclass(frozen=True, eq=False)
class ShotNoise:
    """Relative to full scale, by range."""

    ranges: FloatArray
    fractions: FloatArray

    def of(self, range_amperes: FloatArray) -> FloatArray:
        """Return the rms of a shot in amperes, shape of the full scales given."""
        fraction = np.full(np.shape(range_amperes), UNTOLD)
        for scale, told in zip(self.ranges.tolist(), self.fractions.tolist(), strict=True):
            fraction = np.where(np.isclose(range_amperes, scale, rtol=1e-3), told, fraction)
        return np.asarray(fraction * range_amperes, float)


def shot_noise(observed: Observed) -> ShotNoise:
    """Return the noise that the scatter of repeated shots shows; the rms, because cells that jump are part of it."""
    scale = np.concatenate([each.range_amperes.ravel() for each in observed.answers])
    scatter = np.concatenate([each.scatter_amperes.ravel() for each in observed.answers])
    told = np.isfinite(scatter) & np.isfinite(scale)
    ranges, member = np.unique(scale[told], return_inverse=True)
    count = np.bincount(member, minlength=len(ranges))
    square = np.bincount(member, (scatter[told] / scale[told]) ** 2, len(ranges))
    known = count >= FEWEST
    return ShotNoise(ranges[known], np.maximum(np.sqrt(square[known] / count[known]), RESOLUTION))
