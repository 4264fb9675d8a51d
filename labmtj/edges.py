"""Whether the optimum of a scan lies at its edge: then the true one may lie beyond."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

EDGES = {-1: "lowest", 0: "", 1: "highest"}


def edges_of(chosen: ArrayLike, scanned: ArrayLike) -> NDArray[np.int8]:
    """Return -1, 0 or 1 for each value chosen (...): at the lowest, at neither, at the highest of those scanned (n,).

    NaN is at neither. Of a scan of one value, everything is at the lowest.
    """
    values, ends = np.asarray(chosen, float), np.asarray(scanned, float)
    room = 1e-9 * (np.abs(ends).max(initial=0.0) + 1e-300)
    low, high = values <= ends.min() + room, values >= ends.max() - room
    return np.where(low, -1, np.where(high, 1, 0)).astype(np.int8)


def edge_name(chosen: float, scanned: ArrayLike) -> str:
    """Return "lowest", "highest" or "" for one value."""
    return EDGES[int(edges_of(chosen, scanned))]
