"""Current noise of the junctions themselves: thermal and shot noise, and 1/f noise of the barrier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labmtj.device.model import StateArray
from labmtj.quantities import FloatArray

if TYPE_CHECKING:
    from labmtj.device.mtj.junctions import Junctions

BOLTZMANN = 1.380649e-23
"""J/K, exact in the SI"""
ELEMENTARY_CHARGE = 1.602176634e-19
"""C, exact in the SI"""
SMALLEST_VOLTS = 1e-9
"""below this the current at rest is used, because 0 / 0 has no value"""


def noise_rms_amperes(
    junctions: Junctions,
    state: StateArray,
    volts: FloatArray,
    amperes: FloatArray,
    aperture_seconds: float,
    observation_seconds: float = 1000.0,
) -> FloatArray:
    """Return the rms current noise of every cell, (..., N), in a mean over one aperture.

    S_I(f) = 2 e I coth(e V / (2 k_B T)) + I^2 a / (A f): the first term is 4 k_B T G at rest and 2 e I at high voltage,
    the second is taken from 1 / observation time to 1 / (2 apertures). White term: Blanter and Buettiker, Phys. Rep.
    336, 1 (2000). 1/f term: Nowak, Weissman and Parkin, Appl. Phys. Lett. 74, 600 (1999).

    Args:
        junctions: the cells.
        state: (N,).
        volts: at the junctions, (..., N).
        amperes: through them, of the same sign, (..., N).
        aperture_seconds: over which the meter averages.
        observation_seconds: after which slower noise counts as drift, because a zero is taken again.
    """
    bandwidth = 0.5 / aperture_seconds
    decades = max(np.log(bandwidth * observation_seconds), 0.0)
    pink = np.where(state, *junctions.pink_noise_by_state[::-1])
    size = np.abs(amperes)
    variance = size * size
    variance *= pink * decades
    variance += _white_density(junctions, state, volts, size) * bandwidth
    rms: FloatArray = np.sqrt(variance, out=variance)
    return rms


def _white_density(junctions: Junctions, state: StateArray, volts: FloatArray, amperes: FloatArray) -> FloatArray:
    """Return 2 e |I| coth(e |V| / (2 k_B T)) in A^2/Hz; below SMALLEST_VOLTS its limit, 4 k_B T G."""
    per_volt = ELEMENTARY_CHARGE / (2.0 * BOLTZMANN * junctions.temperature_kelvin)
    at_rest = np.where(state, *(SMALLEST_VOLTS / junctions.zero_bias_ohms_by_state[::-1]))
    density = np.maximum(np.abs(volts), SMALLEST_VOLTS)
    density *= per_volt
    np.tanh(density, out=density)
    np.divide(np.maximum(amperes, at_rest), density, out=density)
    density *= 2.0 * ELEMENTARY_CHARGE
    return density
