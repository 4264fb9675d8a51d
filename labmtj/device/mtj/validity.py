"""Limits of the models of a junction: what does not change with temperature."""

from __future__ import annotations

LOWEST_KELVIN, HIGHEST_KELVIN = 250.0, 400.0
"""between them the linear coefficients of TMR and resistance, and a barrier energy that is constant, are fair"""
TEMPERATURE_TEXT = (
    "temperature changes thermal_stability by 300 K / T (a constant barrier energy), TMR and P resistance by their "
    "linear coefficients per kelvin. Barrier energy and critical voltages do not change with it, and heating by the "
    "current is not modelled"
)


def temperature_remark(kelvin: float) -> str | None:
    """Return what is wrong with simulating at a temperature, or None within 250 to 400 K.

    Barrier energy and critical voltage follow the magnetisation and the anisotropy, which fall with temperature
    (a macrospin study finds 56 % of the critical current density between 273 and 373 K); here they are constants.
    """
    if LOWEST_KELVIN <= kelvin <= HIGHEST_KELVIN:
        return None
    return f"{kelvin:g} K is outside {LOWEST_KELVIN:g} to {HIGHEST_KELVIN:g} K: {TEMPERATURE_TEXT}"
