"""How much a value scatters, from a few readings of it: drawn towards what is usual for values of its size.

The weights are those of a scaled inverse chi-squared prior (Gelman et al., Bayesian Data Analysis, section 2.6).
"""

from __future__ import annotations

import numpy as np

from labmtj.quantities import FloatArray

USUAL_FREEDOM = 4
"""degrees of freedom of the usual scatter, in addition to a value's own"""
ALIKE = 40
"""values next to each other in size that show what is usual"""


def pooled_variance(own: FloatArray, amount: FloatArray, freedom: FloatArray) -> FloatArray:
    """Return the variance of one reading of each value; the scatter of a few readings is a poor guide.

    Args:
        own: variance among the readings of each value, NaN where there were too few.
        amount: the values: both the range of a meter and the noise of cells go with the size of a current.
        freedom: degrees of freedom of `own`, 1 or more where that is known.
    """
    known = np.isfinite(own)
    freedom = np.broadcast_to(freedom, own.shape)
    usual = np.full(own.shape, np.nan)
    order = np.flatnonzero(known)[np.argsort(np.abs(amount[known]), kind="stable")]
    for alike in np.array_split(order, max(1, len(order) // ALIKE)) if len(order) else ():
        square = own.flat[alike] / median_of_mean_square(freedom.flat[alike])
        usual.flat[alike] = np.median(square)  # the median: a cell that jumps is no measure of the others
    weight = np.where(known, freedom, 0.0)
    return np.asarray((USUAL_FREEDOM * usual + weight * own) / (USUAL_FREEDOM + weight), float)


def median_of_mean_square(freedom: FloatArray) -> FloatArray:
    """Return the median of chi-square over its degrees of freedom (Wilson and Hilferty 1931)."""
    return np.asarray((1 - 2 / (9 * freedom)) ** 3, float)
