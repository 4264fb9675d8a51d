"""Breakdown of the barrier: stress adds up over every pulse until a cell becomes a permanent short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.quantities import FloatArray

NEGLIGIBLE_RATE = 1e-12
"""stress per second below which no power law is computed: no campaign reaches 1e6 s"""


@brief
@dataclass(frozen=True, eq=False)
class Wear:
    """Power-law time to breakdown with Weibull spread (assumed constants; the laws are those used for MgO barriers).

    The stress of a cell is S = integral dt / eta(V) with eta(V) = seconds * (|V| / volts)^-exponent; it fails when S
    passes its limit, the Weibull number (-ln(1 - u))^(1 / shape) drawn for the cell. Adding stress up over levels is
    the cumulative exposure of Nelson, IEEE Trans. Reliab. R-29, 103 (1980).
    """

    volts: float
    exponent: float
    seconds: float
    stress_limit: FloatArray
    """stress at which each cell fails, (N,)"""
    broken_ohms: FloatArray
    """resistance of each cell after that, (N,)"""

    def stress_rates(self, volts: FloatArray) -> FloatArray:
        """Return dS/dt in 1/s, (..., N), at junction voltages (..., N); zero where they are harmless.

        Harmless is decided for each cell, not for a batch: the stress that a bias adds must not depend on its
        neighbours.
        """
        size = np.abs(volts)
        rates = np.zeros_like(size)
        wearing = size >= self.harmless_volts
        rates[wearing] = (size[wearing] / self.volts) ** self.exponent / self.seconds
        return rates

    @property
    def harmless_volts(self) -> float:
        """Voltage below which stress is not counted."""
        return float(self.volts * (NEGLIGIBLE_RATE * self.seconds) ** (1.0 / self.exponent))
