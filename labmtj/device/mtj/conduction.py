"""Current of every cell at given voltages and states: the hot loop of every network solve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labmtj.device.model import CellNumbers, StateArray, States
from labmtj.quantities import FloatArray

if TYPE_CHECKING:
    from labmtj.device.mtj.junctions import Junctions


class Conduction:
    """Conductance coefficients of N cells in given states; `set_cell` changes them in place.

    With R the P resistance of the cell (times its present factor), V the voltage on the junction alone:

        I(V) = V / R * (1 + (V / V_q)^2) / (1 + TMR(V)),    TMR(V) = TMR0 / (1 + (V / V_h)^2),    TMR0 = 0 in P

    In this form P is almost ohmic and AP carries the bias dependence. TMR(V): the compact model of Zhang et al., IEEE
    Trans. Electron Devices 59, 819 (2012); the parabola in V: Simmons, J. Appl. Phys. 34, 238 (1963). `contact_ohms`
    is in series with that. Shorts and opens are linear. Build it with `Junctions.conduction`.
    """

    __slots__ = (
        "_asymmetric",
        "_contact",
        "_falls",
        "_has_contact",
        "_inverse_half",
        "_inverse_quadratic",
        "_junctions",
        "_one_plus_tmr",
        "_quadratic",
        "_siemens",
    )

    def __init__(self, junctions: Junctions, state: StateArray, factor: float | FloatArray = 1.0) -> None:
        self._junctions = junctions
        self._siemens = np.empty(junctions.cells)
        self._one_plus_tmr = np.empty(junctions.cells)
        self._falls = np.empty(junctions.cells)
        self.set_cell(np.arange(junctions.cells), state, factor)
        # Coefficients 1/V_h^2 and 1/V_q^2: zero switches a term off, where V_h = inf would give inf/inf.
        self._inverse_half = junctions.half_volts_positive**-2.0
        self._inverse_quadratic = np.where(junctions.is_linear, 0.0, junctions.quadratic_volts**-2.0)
        self._contact = junctions.contact_ohms
        self._asymmetric = not np.array_equal(junctions.half_volts_positive, junctions.half_volts_negative)
        self._quadratic = bool(self._inverse_quadratic.any())
        self._has_contact = bool(self._contact.any())

    def set_cell(self, cell: CellNumbers, state: States, factor: float | FloatArray = 1.0) -> None:
        """Put a cell (or several) into a state with a resistance factor; stuck cells stay stuck."""
        tmr = self._junctions.tmr_by_state[state + 0, cell]  # a truth value alone would be a mask
        siemens = 1.0 / (self._junctions.linear_or_parallel_ohms[cell] * factor)
        self._siemens[cell] = siemens
        self._one_plus_tmr[cell] = 1.0 + tmr
        self._falls[cell] = siemens * tmr

    @property
    def zero_bias_ohms(self) -> FloatArray:
        """Resistance at vanishing voltage, contact included, (N,)."""
        return self._one_plus_tmr / self._siemens + self._contact

    def amperes(self, volts: FloatArray) -> FloatArray:
        """Return the current of every cell, (..., N), at the voltages between its two lines, (..., N)."""
        return self._junction_amperes(self.junction_volts(volts) if self._has_contact else volts)

    def differential_siemens(self, volts: FloatArray) -> FloatArray:
        """Return dI/dV of every cell, (..., N), at the voltages between its two lines, (..., N)."""
        siemens = self._junction_siemens(self.junction_volts(volts))
        return siemens / (1.0 + self._contact * siemens)

    def junction_volts(self, volts: FloatArray) -> FloatArray:
        """Return the voltage across the junctions without contacts, which switches and wears them, (..., N)."""
        if not self._has_contact:
            return volts
        inner = volts * (1.0 - self._contact / self.zero_bias_ohms)
        for _ in range(4):  # Newton: four rounds leave below 1e-9 V, even at 1.5 V with 5 kohm in series
            excess = inner + self._contact * self._junction_amperes(inner) - volts
            inner = inner - excess / (1.0 + self._contact * self._junction_siemens(inner))
        return inner

    def _bend(self, volts: FloatArray) -> FloatArray:
        """Return 1/V_h^2 as it counts at these voltages; TMR may fall faster for one sign."""
        if not self._asymmetric:
            return self._inverse_half
        positive = volts * self._junctions.polarity >= 0.0
        return np.where(positive, self._inverse_half, self._junctions.half_volts_negative**-2.0)

    def _junction_amperes(self, volts: FloatArray) -> FloatArray:
        """Return V * (G_P - G_P * TMR0 / (1 + TMR0 + (V / V_h)^2)), in one buffer: called millions of times."""
        squared = np.multiply(volts, volts)
        work = np.multiply(squared, self._bend(volts))
        work += self._one_plus_tmr
        np.divide(self._falls, work, out=work)
        np.subtract(self._siemens, work, out=work)
        work *= volts
        if self._quadratic:
            squared *= self._inverse_quadratic
            squared += 1.0
            work *= squared
        return work

    def _junction_siemens(self, volts: FloatArray) -> FloatArray:
        bend, squared = self._bend(volts), volts * volts
        below = self._one_plus_tmr + squared * bend
        chord = self._siemens - self._falls / below
        chord_slope = 2.0 * volts * bend * self._falls / below**2
        grown = 1.0 + squared * self._inverse_quadratic
        return chord * (grown + 2.0 * squared * self._inverse_quadratic) + volts * grown * chord_slope
