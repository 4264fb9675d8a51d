"""Closed answers of the switching law for one cell: probability of a pulse, median voltage, error voltage.

Derived here: the law of `labmtj.device.mtj.switching` solved for the voltage. It is wrong for short pulses:
`labmtj.device.mtj.widths` says by how much.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from labmtj.errors import UsageError
from labmtj.quantities import FloatArray


def switching_rate(
    volts: ArrayLike,
    *,
    critical_volts: ArrayLike,
    thermal_stability: ArrayLike,
    attempt_seconds: float = 1e-9,
    barrier_exponent: int = 2,
) -> FloatArray:
    """Return the rate in 1/s at voltages counted positive towards the other state; arguments broadcast."""
    below = np.maximum(1.0 - np.asarray(volts, float) / critical_volts, 0.0)
    rate: FloatArray = np.exp(-np.asarray(thermal_stability) * below**barrier_exponent) / attempt_seconds
    return rate


def switching_probability(
    volts: ArrayLike,
    seconds: ArrayLike,
    *,
    critical_volts: ArrayLike,
    thermal_stability: ArrayLike,
    attempt_seconds: float = 1e-9,
    barrier_exponent: int = 2,
) -> FloatArray:
    """Return 1 - exp(-rate * seconds) for square pulses on a single cell; arguments broadcast."""
    rate = switching_rate(
        volts,
        critical_volts=critical_volts,
        thermal_stability=thermal_stability,
        attempt_seconds=attempt_seconds,
        barrier_exponent=barrier_exponent,
    )
    probability: FloatArray = -np.expm1(-rate * np.asarray(seconds, float))
    return probability


def median_switching_volts(
    seconds: float,
    *,
    critical_volts: float,
    thermal_stability: float,
    attempt_seconds: float = 1e-9,
    barrier_exponent: int = 2,
) -> float:
    """Return V50, at which half of the pulses of this width switch; UsageError if the pulse is too short for that."""
    return write_error_volts(
        seconds,
        0.5,
        critical_volts=critical_volts,
        thermal_stability=thermal_stability,
        attempt_seconds=attempt_seconds,
        barrier_exponent=barrier_exponent,
    )


def write_error_volts(
    seconds: float,
    error_rate: float,
    *,
    critical_volts: float,
    thermal_stability: float,
    attempt_seconds: float = 1e-9,
    barrier_exponent: int = 2,
) -> float:
    """Return the voltage at which a fraction `error_rate` of the pulses of this width fails to switch.

    It is negative where the cell switches by itself even sooner.

    Raises:
        UsageError: for an error rate outside 0 to 1, and for a pulse too short to reach it at any voltage.
    """
    if not 0.0 < error_rate < 1.0:
        raise UsageError(f"error_rate = {error_rate} must lie between 0 and 1")
    shortest = attempt_seconds * math.log(1.0 / error_rate)
    if not seconds >= shortest:
        raise UsageError(
            f"a pulse of {seconds:g} s cannot reach error rate {error_rate:g}; take at least {shortest:.2g} s"
        )
    barrier = math.log(seconds / shortest) / thermal_stability
    return critical_volts * (1.0 - float(barrier ** (1.0 / barrier_exponent)))
