"""Current noise of the junctions themselves: thermal and shot noise, and 1/f noise of the barrier."""

from __future__ import annotations

import numpy as np

from labmtj.junction.junctions import Junctions
from labmtj.quantities import BoolArray, FloatArray

BOLTZMANN = 1.380649e-23
"""J/K, exact in the SI"""
ELEMENTARY_CHARGE = 1.602176634e-19
"""C, exact in the SI"""
SMALLEST_VOLTS = 1e-9
"""below this the conductance at rest is used instead of I/V"""


def noise_rms_amperes(
    junctions: Junctions,
    state: BoolArray,
    volts: FloatArray,
    amperes: FloatArray,
    aperture_seconds: float,
    observation_seconds: float = 1000.0,
) -> FloatArray:
    """Return the rms current noise of every cell, (..., N), in a mean over one aperture.

    S_I(f) = 2 e I coth(e V / (2 k_B T)) + I^2 a / (A f): the first term is 4 k_B T G at rest and 2 e I at high voltage,
    the second is taken from 1 / observation time to 1 / (2 apertures).

    Args:
        junctions: the cells.
        state: (N,), True = P.
        volts: at the junctions, (..., N).
        amperes: through them, of the same sign, (..., N).
        aperture_seconds: over which the meter averages.
        observation_seconds: after which slower noise counts as drift, for a zero is taken again.
    """
    bandwidth = 0.5 / aperture_seconds
    decades = max(np.log(bandwidth * observation_seconds), 0.0)
    variance = _white_density(junctions, state, volts, amperes) * bandwidth
    pink = np.where(junctions.apparent_state(state), junctions.pink_noise[1], junctions.pink_noise[0])
    rms: FloatArray = np.sqrt(variance + amperes**2 * pink * decades)
    return rms


def _white_density(junctions: Junctions, state: BoolArray, volts: FloatArray, amperes: FloatArray) -> FloatArray:
    """Return 4 k_B T G x coth(x), x = e V / (2 k_B T), in A^2/Hz."""
    moving = np.abs(volts) > SMALLEST_VOLTS
    at_rest = 1.0 / junctions.conduction(state).zero_bias_ohms
    siemens = np.where(moving, amperes / np.where(moving, volts, 1.0), at_rest)
    thermal = BOLTZMANN * junctions.temperature_kelvin
    ratio = np.where(moving, ELEMENTARY_CHARGE * volts / (2.0 * thermal), 1.0)
    density: FloatArray = 4.0 * thermal * siemens * np.where(moving, ratio / np.tanh(ratio), 1.0)
    return density
