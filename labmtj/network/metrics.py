"""How well an array holds and multiplies: write fidelity, errors of currents, weights and products.

Pure functions on arrays. Products are in units of dG * V_read, weights in units of dG = G_P - G_AP. Leading axes (...)
are solutions, arrays, gains: whatever the caller compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.network.pairs import difference
from labmtj.quantities import BoolArray, FloatArray


@brief
@dataclass(frozen=True, eq=False)
class Fidelity:
    """Shares of addressed cells that were read as wanted; NaN where no such cell was addressed."""

    total: FloatArray
    """(...)"""
    p: FloatArray
    """of the cells wanted P, (...)"""
    ap: FloatArray
    """of the cells wanted AP, (...)"""


def write_fidelity(target: BoolArray, read: BoolArray, addressed: BoolArray | None = None) -> Fidelity:
    """Return (# addressed cells whose verify read equals the target) / (# addressed cells).

    This is labmtj's definition; published ones differ or are not given.

    Args:
        target: wanted states, (..., cells).
        read: states by the verify read, (..., cells).
        addressed: which cells count, (..., cells); all if None.
    """
    wanted, counted = np.asarray(target, bool), np.ones(1, bool) if addressed is None else np.asarray(addressed, bool)
    right = wanted == np.asarray(read, bool)
    return Fidelity(_share(right, counted), _share(right, counted & wanted), _share(right, counted & ~wanted))


def write_error_rates(attempts: NDArray[np.integer], verified: BoolArray, most: int) -> FloatArray:
    """Return the share of cells still wrong after 0, 1, ... `most` attempts, (..., most + 1).

    Args:
        attempts: pulses that a cell got until it verified or was given up, (..., cells).
        verified: whether it verified in the end, (..., cells).
        most: the last number of attempts to report.
    """
    needed = np.where(verified, attempts, most + 1)
    rates: FloatArray = (needed[..., np.newaxis, :] > np.arange(most + 1)[:, np.newaxis]).mean(axis=-1)
    return rates


@brief
@dataclass(frozen=True, eq=False)
class ColumnErrors:
    """Errors of column currents in units of dG * V_read."""

    errors: FloatArray
    """(..., samples, columns)"""
    mean: FloatArray
    """over samples, (..., columns)"""
    rms: FloatArray
    """over samples, (..., columns)"""
    total_rms: FloatArray
    """over samples and columns, (...)"""


def column_errors(
    measured_amperes: FloatArray, ideal_amperes: FloatArray, dg_siemens: float, read_volts: float
) -> ColumnErrors:
    """Return (I_measured - I_ideal) / (dG * V_read) of currents (..., samples, columns); ideal from the nominal dG."""
    errors = (np.asarray(measured_amperes) - ideal_amperes) / (dg_siemens * read_volts)
    return ColumnErrors(errors, errors.mean(axis=-2), _rms(errors, -2), _rms(errors, (-2, -1)))


@brief
@dataclass(frozen=True, eq=False)
class WeightErrors:
    """Effective weights against the ternary target, in units of dG."""

    errors: FloatArray
    """(..., inputs, neurons)"""
    bias: FloatArray
    """mean error, (...)"""
    rms: FloatArray
    """(...)"""


def weight_errors(transfer_siemens: FloatArray, bits: NDArray[Any], dg_siemens: float) -> WeightErrors:
    """Return (T+ - T-) / dG minus the target of the bits.

    Args:
        transfer_siemens: column currents per volt on a row, (..., inputs, 2 * neurons).
        bits: of the same shape, 1 = P.
        dg_siemens: nominal G_P - G_AP.
    """
    errors = difference(transfer_siemens) / dg_siemens - difference(bits)
    return WeightErrors(errors, errors.mean(axis=(-2, -1)), _rms(errors, (-2, -1)))


@brief
@dataclass(frozen=True, eq=False)
class ProductErrors:
    """Measured against ideal pre-activations, per layer (...) or per neuron (..., neurons)."""

    rmse: FloatArray
    """raw: most of it is gain, which tuning recovers"""
    beta: FloatArray
    """slope through the origin of measured over ideal"""
    residual: FloatArray
    """rms of measured - beta * ideal, which no gain recovers"""

    @property
    def corrected(self) -> FloatArray:
        """Residual after division by the gain, rms of measured / beta - ideal: what the next layer feels."""
        corrected: FloatArray = self.residual / np.abs(self.beta)
        return corrected


def product_errors(measured: FloatArray, ideal: FloatArray, *, per_neuron: bool = False) -> ProductErrors:
    """Return errors of the vector-matrix products (..., samples, neurons), in units of dG * V_read.

    Raises:
        UsageError: if the ideal products are all zero, so that there is no slope.
    """
    axis: Any = -2 if per_neuron else (-2, -1)
    ideal, measured = np.broadcast_arrays(np.asarray(ideal, float), np.asarray(measured, float))
    power = np.sum(ideal * ideal, axis=axis, keepdims=True)
    if not np.all(power > 0):
        raise UsageError("ideal products are zero for every sample of a layer or neuron; their gain is not defined")
    beta = np.sum(measured * ideal, axis=axis, keepdims=True) / power
    return ProductErrors(_rms(measured - ideal, axis), np.squeeze(beta, axis=axis), _rms(measured - beta * ideal, axis))


def _share(right: BoolArray, counted: BoolArray) -> FloatArray:
    counts = np.count_nonzero(np.broadcast_to(counted, right.shape), axis=-1)
    hits = np.count_nonzero(right & counted, axis=-1)
    none = np.full(np.shape(counts), np.nan)
    share: FloatArray = np.divide(hits, counts, out=none, where=np.asarray(counts > 0))
    return share


def _rms(values: FloatArray, axis: Any) -> FloatArray:
    return np.asarray(np.sqrt(np.mean(np.square(values), axis=axis)), float)
