"""Where the next pulse is most informative: a belief about V50 and steepness of every curve, and the next voltage.

The belief steers the pulses and nothing else: what is reported is fitted to the outcomes alone (`switching_curve`). It
is a grid over both parameters, updated by Bayes' rule after every pulse, as QUEST (Watson and Pelli, Percept.
Psychophys. 33, 113 (1983)) does for thresholds of perception.
"""

from __future__ import annotations

import numpy as np

from labmtj.errors import UsageError
from labmtj.fitting.switching_curve import ETA_AT_MEDIAN
from labmtj.quantities import BoolArray, FloatArray

TELLING_ETAS = (-1.338, ETA_AT_MEDIAN, 0.980)
"""P = 0.23 and 0.93, the two points of the D-optimal design for P = 1 - exp(-exp(eta)) (Ford, Torsney and Wu, J. R.
Stat. Soc. B 54, 569 (1992)), and V50 between them, which lowers the variance of V50 by a fifth more"""
STEEPNESSES = np.geomspace(6.0, 120.0, 6).astype(np.float32)
"""s V50, before the first pulse all alike (assumed): Delta = 25 to 80 at 10 us to 0.1 s gives 8 to 80"""
MEDIANS = 160
LARGEST_ETA = np.float32(4.0)
"""where a failure is as good as impossible; nothing is learned beyond"""


class Steering:
    """Chooses the voltages of n curves, one pulse of each at a time.

    Args:
        curves: n.
        lowest_volts: of the search; V50 is looked for between the two.
        highest_volts: of the search and of the pulses.

    Raises:
        UsageError: if the range is empty, or reaches 0 V.
    """

    def __init__(self, curves: int, lowest_volts: float, highest_volts: float) -> None:
        if not 0 < lowest_volts < highest_volts:
            raise UsageError(f"a search from {lowest_volts:g} to {highest_volts:g} V has no room; raise the upper end")
        self._range = lowest_volts, highest_volts
        self._medians = np.geomspace(lowest_volts, highest_volts, MEDIANS)
        self._log_belief = np.zeros((curves, MEDIANS, len(STEEPNESSES)), np.float32)
        self._pulses = np.zeros(curves, np.intp)

    def next_volts(self) -> FloatArray:
        """Return the voltage of each curve's next pulse, (n,): V50 until known, then the TELLING_ETAS in turn."""
        belief = np.exp(self._log_belief - self._log_belief.max(axis=(1, 2), keepdims=True))
        belief /= belief.sum(axis=(1, 2), keepdims=True)
        by_median, by_steepness = belief.sum(axis=2), belief.sum(axis=1)
        logs = np.log(self._medians)
        median = by_median @ logs
        spread = np.sqrt(np.maximum(by_median @ logs**2 - median**2, 0.0))
        steepness = np.exp(by_steepness @ np.log(STEEPNESSES))
        eta = np.asarray(TELLING_ETAS)[self._pulses % len(TELLING_ETAS)]
        away = np.where(spread * steepness < 1.0, (eta - ETA_AT_MEDIAN) / steepness, 0.0)
        return np.asarray(np.clip(np.exp(median) * (1 + away), *self._range), float)

    def tell(self, volts: FloatArray, switched: BoolArray, counted: BoolArray) -> None:
        """Take in the outcome of one pulse per curve, (n,); where not `counted` there was none."""
        for outcome in (True, False):
            chosen = np.flatnonzero(counted & (switched == outcome))
            ratio = (volts[chosen, np.newaxis] / self._medians - 1).astype(np.float32)
            hazard = np.exp(np.minimum(np.float32(ETA_AT_MEDIAN) + ratio[..., np.newaxis] * STEEPNESSES, LARGEST_ETA))
            self._log_belief[chosen] += np.log(-np.expm1(-np.maximum(hazard, 1e-30))) if outcome else -hazard
        self._pulses += counted
