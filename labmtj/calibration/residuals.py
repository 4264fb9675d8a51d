"""Every answer of a log against what an array file predicts for the states that the cells were in.

Nothing is drawn: the recorded biases are solved in the decoded states. The uncertainty of a
prediction is stated with it: how well each cell repeats and was fitted, the noise and the gain of the meter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.arrays import ArrayDescription
from labmtj.brief import brief
from labmtj.calibration.calibrate import GAIN_FRACTION
from labmtj.calibration.noise import shot_noise
from labmtj.calibration.observed import Answers, Observed, driven_alone
from labmtj.calibration.offsets import NOISE_FRACTION, FittedOffsets
from labmtj.calibration.predict import Model
from labmtj.calibration.states import Decoded
from labmtj.calibration.wire_sigma import wire_variance
from labmtj.device.mtj import CellsDescription, Family
from labmtj.errors import DataError
from labmtj.quantities import BoolArray, FloatArray

MOST_NETWORKS = 1000
"""stretches between pulses that are predicted, of reads of columns and of rows each: some seconds"""
TOO_FAR = 3.0
"""sigma"""


@brief
@dataclass(frozen=True, eq=False)
class Residuals:
    """Measured and predicted, one entry per value of a line; flat."""

    line: NDArray[np.intp]
    cell: NDArray[np.intp]
    """the one cell whose current it is, -1 for more than one"""
    measured_amperes: FloatArray
    predicted_amperes: FloatArray
    sigma_amperes: FloatArray
    """stated uncertainty of the difference, one sigma"""
    purpose: NDArray[np.intp]
    left_out: dict[str, int]
    """answers that were not predicted, by the reason"""

    @property
    def z(self) -> FloatArray:
        """Residuals in units of the stated uncertainty."""
        return np.asarray((self.measured_amperes - self.predicted_amperes) / self.sigma_amperes, float)

    @property
    def beyond(self) -> BoolArray:
        """Where a residual lies beyond 3 sigma."""
        return np.asarray(np.abs(self.z) > TOO_FAR, bool)


def residuals(
    observed: Observed, decoded: Decoded, description: ArrayDescription, offsets: FittedOffsets | None
) -> Residuals:
    """Return the residuals of every answer of a chip.

    Args:
        observed: the log.
        decoded: its states.
        description: the twin.
        offsets: of sources and meters, for reads in one polarity; None = those reads are left out.

    Raises:
        DataError: if nothing can be predicted.
    """
    work = _Work(observed, description, offsets)
    parts = [
        work.of(answers, segment, decoded)
        for answers, segment in zip(observed.answers, decoded.segment_of, strict=True)
        if len(answers)
    ]
    found = [
        np.concatenate([part[name] for part in parts])
        for name in ("line", "cell", "measured", "predicted", "sigma", "purpose")
    ]
    if not len(found[0]):
        raise DataError(f"{observed.path}: no read of chip {observed.chip} can be predicted: {work.reasons()}")
    line, cell, measured, predicted, sigma, purpose = found
    return Residuals(line, cell, measured, predicted, sigma, purpose, dict(work.left_out))


class _Work:
    def __init__(self, observed: Observed, description: ArrayDescription, offsets: FittedOffsets | None) -> None:
        self.observed, self.model, self.offsets = observed, Model(description), offsets
        self.shots = shot_noise(observed)
        self.rows, self.columns = description.shape
        self.gentle = observed.assumed.limits.disturb_volts * (1 + 1e-9)
        cells = CellsDescription.of(description.cells)
        assumed = Family.of(description.family).cycle_to_cycle.value
        self.spread = np.full((2, self.rows * self.columns), float(assumed))
        if cells is not None:
            if cells.repeatability is not None:
                self.spread[:] = cells.repeatability.array.ravel()
            self.spread = np.hypot(self.spread, _fit_errors(description))
        self.left_out: dict[str, int] = {}

    def reasons(self) -> str:
        return ", ".join(f"{count} {reason}" for reason, count in self.left_out.items()) or "there is none"

    def _drop(self, reason: str, which: NDArray[np.bool_]) -> BoolArray:
        if which.any():
            self.left_out[reason] = self.left_out.get(reason, 0) + int(which.sum())
        return np.asarray(~which, bool)

    def of(self, answers: Answers, segment: NDArray[np.intp], decoded: Decoded) -> dict[str, NDArray[Any]]:
        """Return flat arrays of one table."""
        volts = np.nan_to_num(answers.volts)
        known = decoded.certain_lines((self.rows, self.columns))[segment][:, answers.lines]
        keep = self._drop("in unknown states", np.asarray(~known.any(axis=1)))
        keep &= self._drop("at voltages that may disturb", keep & (np.ptp(volts, axis=1) > self.gentle))
        if self.offsets is None:
            keep &= self._drop("in one polarity, with offsets unknown", keep & ~answers.both)
        keep &= self._drop("not needed: enough others are spread over the log", keep & ~_spread_over(segment, keep))
        chosen = np.flatnonzero(keep)
        states, network = np.unique(decoded.states[segment[chosen]], axis=0, return_inverse=True)
        shape = (len(chosen), len(answers.lines))
        predicted, variance = np.empty(shape), np.empty(shape)
        order = np.argsort(network.ravel(), kind="stable")
        cuts = np.searchsorted(network.ravel()[order], np.arange(len(states) + 1))
        for number, state in enumerate(states):
            here = order[cuts[number] : cuts[number + 1]]
            predicted[here], variance[here] = self._solved(answers.part(chosen[here]), state)
        return self._flat(answers.part(chosen), known[chosen], predicted, np.sqrt(variance))

    def _solved(self, answers: Answers, state: BoolArray) -> tuple[FloatArray, FloatArray]:
        volts = answers.volts
        if self.offsets is not None:
            own = self.offsets.source_volts + np.where(volts != 0.0, self.offsets.driven_volts, 0.0)
            volts = np.where(answers.both[:, np.newaxis], volts, volts + own)
        ports = self.model.ports(state)
        point = self.model.solve(state, volts, ports)
        amperes = -point.line_amperes[:, answers.lines]
        # the thermal noise of a short can be larger than what is usual on the range
        usual = np.maximum(NOISE_FRACTION * answers.range_amperes, self.shots.of(answers.range_amperes))
        noise = np.fmax(usual, answers.scatter_amperes)
        if self.offsets is not None:
            shift, scatter = self.offsets.of(answers.range_amperes, answers.lines)
            one = ~answers.both[:, np.newaxis]
            amperes = amperes + np.where(one, shift, 0.0)
            noise = np.where(one, scatter, noise)
        loose = (point.cell_amperes * self.spread[np.where(state, 0, 1), np.arange(state.size)]) ** 2
        loose = loose.reshape(-1, self.rows, self.columns)
        by_line = np.concatenate([loose.sum(axis=2), loose.sum(axis=1)], axis=1)[:, answers.lines]
        if self.offsets is not None:  # an offset that is not known does not average
            unknown = ~self.offsets.knows(answers.range_amperes, answers.lines)
            noise = np.where(one & unknown, noise * np.sqrt(answers.shots)[:, np.newaxis], noise)
        wires = wire_variance(self.model.description, ports.transfer, volts)[:, answers.lines]
        return amperes, noise**2 / answers.shots[:, np.newaxis] + by_line + wires + (GAIN_FRACTION * amperes) ** 2

    def _flat(
        self, answers: Answers, known: BoolArray, predicted: FloatArray, sigma: FloatArray
    ) -> dict[str, NDArray[Any]]:
        predicted_too = np.isfinite(answers.amperes) & known
        row, alone = driven_alone(answers)
        single = (alone & (row < self.rows))[:, np.newaxis] & (answers.lines >= self.rows)
        cell = np.where(single, row[:, np.newaxis] * self.columns + answers.lines - self.rows, -1)
        wide = {
            "line": np.broadcast_to(answers.lines, predicted_too.shape), "cell": cell, "measured": answers.amperes,
            "predicted": predicted, "sigma": sigma,
            "purpose": np.broadcast_to(answers.purpose[:, np.newaxis], predicted_too.shape),
        }  # fmt: skip
        return {name: values[predicted_too] for name, values in wide.items()}


def _spread_over(segment: NDArray[np.intp], keep: BoolArray) -> BoolArray:
    """Return the answers of at most `MOST_NETWORKS` stretches, spread over the log."""
    every = np.unique(segment[keep])
    chosen = (
        every[np.unique(np.linspace(0, max(0, len(every) - 1), MOST_NETWORKS).round().astype(int))]
        if len(every)
        else every
    )
    return np.asarray(np.isin(segment, chosen), bool)


def _fit_errors(description: ArrayDescription) -> FloatArray:
    """Return the relative standard errors of the cells in P and in AP, (2, cells)."""
    cells = CellsDescription.of(description.cells)
    errors = np.zeros((2, description.shape[0] * description.shape[1]))
    if cells is not None and cells.parallel_ohms is not None:
        errors[:] = (cells.parallel_ohms.errors / cells.parallel_ohms.array).ravel()
        if cells.tmr is not None:
            ratio = (cells.tmr.errors / (1.0 + cells.tmr.array)).ravel()
            errors[1] = np.sqrt(np.maximum(ratio**2 - errors[0] ** 2, 0.0))
    return errors
