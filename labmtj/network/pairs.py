"""Pairs of binary devices as ternary weights: even column minus odd column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.quantities import FloatArray


def difference(cells: NDArray[Any]) -> FloatArray:
    """Return column 0 minus column 1, column 2 minus column 3, ...: (..., 2 n) becomes (..., n)."""
    values = np.asarray(cells, float)
    pairs: FloatArray = values[..., 0::2] - values[..., 1::2]
    return pairs


def conductances(bits: NDArray[Any], deviates: FloatArray, variation: float, tmr: float) -> FloatArray:
    """Return cell conductances in units of dG = G_P - G_AP, spread lognormally.

    Args:
        bits: states, any shape, 1 = P; nominally G_AP / dG = 1 / TMR and G_P / dG = 1 + 1 / TMR.
        deviates: standard normal numbers, broadcast against `bits`.
        variation: standard deviation of ln G.
        tmr: (R_AP - R_P) / R_P.
    """
    return (np.asarray(bits, float) + 1.0 / tmr) * np.exp(variation * deviates)
