"""Rates at which cells leave their states: thermally activated reversal over a barrier that the voltage lowers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from labmtj.device.model import CellNumbers, StateArray, States
from labmtj.quantities import FloatArray

if TYPE_CHECKING:
    from labmtj.device.mtj.junctions import Junctions


@dataclass(frozen=True, slots=True)
class BackHopping:
    """Return of a cell driven far beyond its critical voltage: at high bias a write fails again (assumed law)."""

    volts_ratio: float = 1.6
    """drive, in critical voltages, at which the return is as fast as the attempt rate"""
    stability: float = 20.0
    """barrier of the return, in k_B T, extrapolated to zero drive"""


class SwitchingLaw:
    """Rates of N cells in given states; `set_cell` changes the states in place.

    With v = V / Vc0 counted positive towards the other state (polarity * V > 0 drives AP to P):

        rate(V) = exp(-Delta * (1 - v)^xi) / tau0 for v < 1,    1 / tau0 beyond,

    xi = 2 for a uniaxial perpendicular macrospin (Taniguchi and Imamura, Phys. Rev. B 83, 054432 (2011)), 1 for
    nucleation and the older in-plane form (Koch, Katine and Sun, Phys. Rev. Lett. 92, 088302 (2004)). It holds for long
    pulses. Against the Fokker-Planck equation of a macrospin (alpha 0.01, mu0 Hk 0.3 T, Delta 50, tau0 1 ns) its V50 is
    0.15 of the truth at 1 ns, 0.65 at 10 ns, 0.91 at 100 ns, 0.96 at 1 us and 0.99 from 1 ms on; at v = 1 and 10 ns it
    fails in 4.5e-5 of the pulses instead of 0.85: see `labmtj.device.mtj.widths`. A stray field h > 0, in units of the
    anisotropy field, favours AP: Delta * (1 - h)^2 and Vc0 * (1 - h) for leaving P, Delta * (1 + h)^2 and Vc0 * (1 + h)
    for leaving AP (the barrier of Stoner and Wohlfarth; Vc0: J. Z. Sun, Phys. Rev. B 62, 570 (2000)). A v < 0 raises
    the barrier by the same formula. Defective cells never switch: their rate is exactly 0. Build it with
    `Junctions.switching`.
    """

    __slots__ = (
        "_back",
        "_barrier",
        "_barriers",
        "_log_attempts",
        "_pull",
        "_pulls",
        "_squared",
        "_support",
        "_supports",
    )

    def __init__(self, junctions: Junctions, state: StateArray) -> None:
        self._squared = junctions.barrier_exponent == 2
        self._back = junctions.back_hopping
        self._log_attempts = np.where(junctions.is_free, -math.log(junctions.attempt_seconds), -np.inf)
        # (sqrt(Delta) (1 - v))^2 saves the multiplication by Delta at every call.
        stability, critical = junctions.stability_by_state, junctions.critical_volts_by_state
        away = junctions.polarity * np.array([[1.0], [-1.0]])
        self._barriers = np.sqrt(stability) if self._squared else stability
        self._pulls = away * self._barriers / critical
        self._supports = -away / critical[::-1]
        self._barrier, self._pull, self._support = np.empty((3, junctions.cells))
        self.set_cell(np.arange(junctions.cells), state)

    def set_cell(self, cell: CellNumbers, state: States) -> None:
        """Put a cell (or several) into a state."""
        leaving = state + 0  # a truth value would be a mask
        self._barrier[cell] = self._barriers[leaving, cell]
        self._pull[cell] = self._pulls[leaving, cell]
        self._support[cell] = self._supports[leaving, cell]

    def transitions(self, cell: int, volts: float) -> FloatArray:
        """Return the rates from AP to P and back of one cell at a voltage, off the diagonal, (2, 2)."""
        work = np.maximum(self._barriers[:, cell] - volts * self._pulls[:, cell], 0.0)
        leaving = np.exp(self._log_attempts[cell] - (work * work if self._squared else work))
        if self._back is not None:
            leaving = leaving + self._back_hopping_rates(
                volts, self._back, self._supports[:, cell], self._log_attempts[cell]
            )
        return np.array([[0.0, leaving[0]], [leaving[1], 0.0]])

    def rates(self, volts: FloatArray) -> FloatArray:
        """Return the rate of leaving the present state in 1/s, (..., N), at junction voltages (..., N)."""
        work = np.multiply(volts, self._pull)
        np.subtract(self._barrier, work, out=work)
        np.maximum(work, 0.0, out=work)
        if self._squared:
            work *= work
        np.subtract(self._log_attempts, work, out=work)
        np.exp(work, out=work)
        if self._back is None:
            return work
        return work + self._back_hopping_rates(volts, self._back, self._support, self._log_attempts)

    @staticmethod
    def _back_hopping_rates(
        volts: FloatArray | float, back: BackHopping, support: FloatArray, log_attempts: FloatArray
    ) -> FloatArray:
        """Return the rates of hopping out of the state that the voltage drives into.

        Only beyond the critical voltage: extrapolated to rest the law would erase a cell within a second.
        """
        drive = volts * support
        barrier = back.stability * np.maximum(1.0 - drive / back.volts_ratio, 0.0)
        return np.where(drive > 1.0, np.exp(log_attempts - barrier), 0.0)
