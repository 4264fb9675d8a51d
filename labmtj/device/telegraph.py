"""Cells whose resistance jumps between two levels: random telegraph noise as a two-state Markov chain.

Machlup, J. Appl. Phys. 25, 341 (1954).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.quantities import BoolArray, FloatArray


@brief
@dataclass(frozen=True, eq=False)
class Telegraph:
    """The M cells with two resistance levels; every array is (M,). Level True is the high one."""

    cells: NDArray[np.intp]
    """flat cell numbers"""
    jump: FloatArray
    """relative increase of the resistance in the high level"""
    low_seconds: FloatArray
    """mean dwell in the low level"""
    high_seconds: FloatArray
    """mean dwell in the high level"""

    @classmethod
    def none(cls) -> Telegraph:
        """Return the telegraph of an array that has no such cell."""
        return cls(np.empty(0, np.intp), np.empty(0), np.empty(0), np.empty(0))

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def high_probability(self) -> FloatArray:
        """Stationary probability of the high level, (M,)."""
        return self.high_seconds / (self.low_seconds + self.high_seconds)

    def factors(self, level: BoolArray) -> FloatArray:
        """Return the resistance factors of the cells at their levels, (M,)."""
        return 1.0 + self.jump * level

    def next(self, level: BoolArray, seconds: float, uniform: FloatArray) -> BoolArray:
        """Return the levels `seconds` later, (M,), from the present levels and uniform numbers in [0, 1).

        Exact for any interval: the memory of the present level decays as exp(-t (1/low + 1/high)).
        """
        settled = self.high_probability
        memory = np.exp(-seconds * (1.0 / self.low_seconds + 1.0 / self.high_seconds))
        return uniform < settled + (level - settled) * memory
