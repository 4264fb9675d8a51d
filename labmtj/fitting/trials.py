"""Trials that succeed with probability 1 - exp(-exp(eta)), as outcomes of a likelihood.

Thermally activated switching is of this kind: exp(eta) is the hazard of one pulse, its width times the rate. It is the
complementary log-log model of McCullagh and Nelder, Generalized Linear Models; score and information follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.quantities import FloatArray

SMALLEST_ETA, LARGEST_ETA = -30.0, 6.0
"""beyond these a trial is as good as certain; keeps exponentials finite"""


@brief
@dataclass(frozen=True, eq=False)
class Trials:
    """Outcomes, (sets, trials) each; a weight of 0 stands for a trial that was not made, of n for n equal ones."""

    success: FloatArray
    """1 or 0, or the fraction of the equal trials that succeeded"""
    weight: FloatArray

    def log_likelihood(self, eta: FloatArray) -> FloatArray:
        """Return the log likelihood of every set, (sets,)."""
        hazard = np.exp(np.minimum(eta, 30.0))
        yes = np.log(-np.expm1(-np.maximum(hazard, 1e-300)))
        return np.asarray(np.sum(self.weight * (self.success * yes - (1 - self.success) * hazard), axis=1), float)

    def score(self, eta: FloatArray) -> FloatArray:
        """Return the derivative by eta, (sets, trials)."""
        hazard = np.exp(np.clip(eta, SMALLEST_ETA, LARGEST_ETA))
        return self.weight * (self.success * hazard / np.expm1(hazard) - (1 - self.success) * hazard)

    def information(self, eta: FloatArray) -> FloatArray:
        """Return the expected information on eta, h^2 / (exp(h) - 1) with h = exp(eta); (sets, trials)."""
        hazard = np.exp(np.clip(eta, SMALLEST_ETA, LARGEST_ETA))
        return self.weight * hazard * hazard / np.expm1(hazard)
