"""What port admittances say of cells and wires: the data with their errors, and the model with its derivatives.

With Z the response of the wires, G the cells and H the incidence of the lines, cell volts W and currents X = G W per
line volt follow from (1 + Z G) W = H, and Y = H^T X; the derivatives need no further solve:

    dY/dg_k = W_k^T W_k,      dY/dr = -X^T (dZ/dr) X
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from labmtj.circuit import Wires, response_of
from labmtj.errors import DataError
from labmtj.quantities import FloatArray

WIRES = ("row_segment_ohms", "column_segment_ohms", "row_lead_ohms", "column_lead_ohms")
METER = "meter_lead_ohms"
"""what the two lines on meters have in series beyond those on ground relays"""
TYPICAL_OHMS, PRIOR_OHMS = 10.0, 50.0
"""where the fit begins, and how far from there wires are believed to lie where the data do not tell (assumed)"""
FREE = 1000
"""times the typical conductance: how far a cell whose current was read may be from it; others stay within once"""
CONTRADICTION, FAR = 1.5, 4.0
"""data of a larger mean square residual contradict each other; those beyond so many errors are outvoted"""
LEAST_PAIRS = 10
"""cells read from both sides, before their differences tell how cells fluctuate"""
MEDIAN_OF_SQUARE = 0.4549
"""of a standard normal number"""


class PortModel:
    """The data, and the model around any estimate: cells in siemens, row by row, then wires in ohms.

    Raises DataError for a wrong shape, no reads at all, or a sigma that is not positive.
    """

    def __init__(
        self, admittance: FloatArray, sigma: FloatArray, shape: tuple[int, int], *, separate_meter: bool
    ) -> None:
        lines = sum(shape)
        if admittance.shape != (lines, lines) or sigma.shape != (lines, lines):
            raise DataError(f"a {shape} array has {lines} x {lines} port admittances; got {admittance.shape}")
        used = np.isfinite(admittance) & ~np.eye(lines, dtype=bool)
        if not used.any():
            raise DataError("no port admittance was measured; all-port reads (experiment all-ports) provide them")
        if not (sigma[used] > 0).all():
            raise DataError("every port admittance needs a standard deviation above zero")
        self.shape = shape
        self.cells, self.names = shape[0] * shape[1], WIRES + ((METER,) if separate_meter else ())
        self._driven, self._read = np.nonzero(used)
        self._measured, self._stated = admittance[used], sigma[used]
        self._sigma = self._stated
        self._basis = [_response_to(name, shape) for name in WIRES]
        self._incidence = response_of(_wires(shape, {})).incidence
        block = -_either(admittance[: shape[0], shape[0] :], admittance[shape[0] :, : shape[0]].T)
        self.typical = float(np.nanmedian(block)) if np.isfinite(block).any() else 1e-4
        cells = np.where(np.isfinite(block), block, self.typical).ravel()
        self.start: FloatArray = np.concatenate([cells, np.full(4, TYPICAL_OHMS), np.zeros(len(self.names) - 4)])
        wide = np.where(np.isfinite(block), FREE, 1) * self.typical
        self.prior = 1 / np.concatenate([wide.ravel(), np.full(len(self.names), PRIOR_OHMS)]) ** 2
        """(parameters,) precision of what is believed before"""
        self.coarse_fraction = 0.0

    def predicted(self, residual: FloatArray) -> FloatArray:
        """Return the admittance (lines, lines) that belongs to residuals (data,), NaN where none was measured."""
        fitted = np.full((len(self._incidence.T),) * 2, np.nan)
        fitted[self._driven, self._read] = self._measured + residual * self._sigma
        return fitted

    @property
    def outvoted(self) -> int:
        """How many data count less than stated."""
        return int((self._sigma > self._stated).sum())

    def find_restless(self, estimate: FloatArray) -> bool:
        """Widen the errors by what cells fluctuate between two reads; tell if that is known.

        How much shows in the two reads of a cell, one from either side. The noise of a cell is in every path through
        it: it, and not the meter, limits what the currents of row into row and column into column tell of wires.
        """
        squares, stated, known = self._from_both_sides()
        if known.sum() < LEAST_PAIRS:
            return False
        siemens = np.maximum(np.abs(estimate[: self.cells]), 1e-3 * self.typical)
        relative, floor = squares / siemens**2, stated / siemens**2
        usual = float(np.median(relative[known]) / MEDIAN_OF_SQUARE - np.median(floor[known]))
        own = np.where(known, np.maximum(relative - floor, 0.0), max(usual, 0.0))
        variance = siemens**2 * (own + max(usual, 0.0)) / 2  # one difference is a poor guide to a cell's own
        _, jacobian = self.linearised(estimate)
        through = (jacobian[:, : self.cells] * self._sigma[:, np.newaxis]) ** 2 @ variance
        self._sigma = self._stated = np.sqrt(self._stated**2 + through)
        return True

    def _from_both_sides(self) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Return half the squared difference of each cell's two reads, what errors make of it, and where both are."""
        rows = self.shape[0]
        place = np.full((len(self._incidence.T),) * 2, -1)
        place[self._driven, self._read] = np.arange(len(self._driven))
        one, other = place[:rows, rows:].ravel(), place[rows:, :rows].T.ravel()
        squares = (self._measured[one] - self._measured[other]) ** 2 / 2
        stated = (self._stated[one] ** 2 + self._stated[other] ** 2) / 2
        return squares, stated, (one >= 0) & (other >= 0)

    def outvote(self, residual: FloatArray) -> bool:
        """Widen the errors of data far out by Huber's weights, if the data contradict each other; tell if they do."""
        usual = 1.4826 * float(np.median(np.abs(residual)))
        if float(residual @ residual) < CONTRADICTION * len(residual):
            return False
        far = np.abs(residual) * self._sigma / self._stated / (FAR * max(1.0, usual))
        self._sigma = self._stated * np.sqrt(np.maximum(1.0, far))
        return True

    def linearised(self, estimate: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals (data,) and Jacobian (data, parameters) of the model, in units of sigma."""
        siemens, ohms = estimate[: self.cells], estimate[self.cells :]
        impedance = sum((each * r for each, r in zip(self._basis, ohms, strict=False)), np.zeros((self.cells,) * 2))
        volts = np.linalg.solve(np.eye(self.cells) + impedance * siemens, self._incidence)
        through = siemens[:, np.newaxis] * volts
        whole = self._incidence.T @ through
        a, b = self._driven, self._read
        by_cell = (volts[:, a] * volts[:, b]).T
        by_wire = [-(through.T @ each @ through)[a, b] for each in self._basis]
        model, jacobian = whole[a, b], np.column_stack([by_cell, *by_wire])
        if len(ohms) > len(self._basis):
            model, jacobian = _behind_meters(whole, a, b, float(ohms[-1]), jacobian)
        sigma = np.hypot(self._sigma, self.coarse_fraction * self._measured)
        return (model - self._measured) / sigma, jacobian / sigma[:, np.newaxis]


def _behind_meters(
    whole: FloatArray, a: NDArray[np.intp], b: NDArray[np.intp], ohms: float, jacobian: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return what is measured through `ohms` in lines a and b, and its Jacobian: (Y^-1 + ohms)^-1 between the two.

    That the divisor moves with the cells is left out of the Jacobian: it changes steps, not where they end.
    """
    own, across = whole[a, a] * whole[b, b] - whole[a, b] ** 2, whole[a, a] + whole[b, b]
    divisor = 1 + ohms * across + ohms**2 * own
    slope = -whole[a, b] * (across + 2 * ohms * own) / divisor**2
    return whole[a, b] / divisor, np.column_stack([jacobian / divisor[:, np.newaxis], slope])


def _either(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the mean of two maps, or the one of the two that is there."""
    return np.where(np.isnan(first), second, np.where(np.isnan(second), first, (first + second) / 2))


def _wires(shape: tuple[int, int], ohms: Mapping[str, float]) -> Wires:
    each = [ohms.get(name, 0.0) for name in WIRES]
    return Wires.uniform(
        shape, row_segment_ohms=each[0], column_segment_ohms=each[1], row_lead_ohms=each[2], column_lead_ohms=each[3]
    )


def _response_to(name: str, shape: tuple[int, int]) -> FloatArray:
    """Return what one ohm of a kind of wire adds to the impedance, (cells, cells): the response is linear in each."""
    return response_of(_wires(shape, {name: 1.0})).impedance
