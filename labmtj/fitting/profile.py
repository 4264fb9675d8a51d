"""Likelihood intervals: the values at which the best likelihood has fallen by what chance alone explains.

Wilks, Ann. Math. Stat. 9, 60 (1938): twice the fall follows chi-squared.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from labmtj.quantities import FloatArray

HALF_CHI_SQUARE_95 = 1.9207294103
"""half of the 95 % point of chi square with one degree of freedom"""


def likelihood_interval(
    fall: Callable[[FloatArray], FloatArray],
    best: FloatArray,
    step: ArrayLike,
    lowest: ArrayLike = -np.inf,
    highest: ArrayLike = np.inf,
    drop: float = HALF_CHI_SQUARE_95,
) -> tuple[FloatArray, FloatArray]:
    """Return the lower and the upper end of the intervals in which the log likelihood has fallen by less than `drop`.

    Args:
        fall: from values (n,) to how far the log likelihood, best in all other parameters, lies below its maximum.
        best: the maxima, (n,).
        step: (n,) a first guess of the half widths.
        lowest: bound of the values; it is returned where the likelihood gives none.
        highest: the other.
        drop: default for 95 %.
    """

    def end(sign: float) -> FloatArray:
        def at(distance: FloatArray) -> FloatArray:
            return np.clip(best + sign * distance, lowest, highest)

        inner, outer = np.zeros(len(best)), np.broadcast_to(np.asarray(step, float), best.shape).copy()
        for _ in range(40):
            inside = fall(at(outer)) < drop
            if not inside.any():
                break
            inner, outer = np.where(inside, outer, inner), np.where(inside, 2 * outer, outer)
        for _ in range(10):
            middle = (inner + outer) / 2
            inside = fall(at(middle)) < drop
            inner, outer = np.where(inside, middle, inner), np.where(inside, outer, middle)
        return at(outer)

    return end(-1.0), end(1.0)
