"""The single reads that cells are fitted to, and the networks that they were made in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.calibration.observed import Observed, driven_alone
from labmtj.calibration.states import Decoded, single_reads
from labmtj.errors import DataError
from labmtj.quantities import BoolArray, FloatArray

MOST_NETWORKS = 40
"""segments that are fitted, of a 15 x 15 array; fewer of a larger one"""
MOSTLY_KNOWN = 0.98
"""part of the cells whose state must be known in a segment"""


@brief
@dataclass(frozen=True, eq=False)
class Reads:
    """Single reads, and the networks that they were made in."""

    states: BoolArray
    """(networks, cells)"""
    answers: tuple[NDArray[np.intp], ...]
    """by network: which biases of `volts`"""
    volts: FloatArray
    """(biases, lines)"""
    siemens: FloatArray
    """(biases, read) NaN where there is none"""
    cell: NDArray[np.intp]
    """(biases, read) whose current it is"""
    driven_volts: FloatArray
    """(biases,)"""
    network: NDArray[np.intp]
    """(biases,)"""
    lines: NDArray[np.intp]

    @property
    def usable(self) -> BoolArray:
        """Where there is a value, (biases, read)."""
        return np.asarray(np.isfinite(self.siemens), bool)

    def state(self) -> BoolArray:
        """Return the state of the cell of every read, (biases, read)."""
        return np.asarray(self.states[self.network[:, np.newaxis], self.cell], bool)

    def weights(self) -> FloatArray:
        """Return the weight of every read, (biases, read): each write of a cell counts once, however often it was read.

        A resistance repeats from write to write less well than from read to read.
        """
        write = writes_of(self.states)[self.network[:, np.newaxis], self.cell]
        key = write * self.states.shape[1] + self.cell
        count = np.bincount(key[self.usable], minlength=int(key.max()) + 1)
        return np.where(self.usable, 1 / np.maximum(count[key], 1), 0.0)


def writes_of(states: BoolArray) -> NDArray[np.intp]:
    """Return the number of the write that last switched each cell, (networks, cells), from states of the same shape."""
    return np.cumsum(np.diff(states, axis=0, prepend=states[:1]), axis=0).astype(np.intp)


def reads_of(observed: Observed, decoded: Decoded) -> Reads:
    """Choose the segments in which most cells were read, spread over the log.

    Raises:
        DataError: if no cell was read in both polarities.
    """
    shape, answers = observed.assumed.shape, observed.columns
    chosen, siemens = single_reads(answers, shape, observed.assumed.limits.disturb_volts)
    folded = np.isfinite(answers.rest_amperes[chosen]).any(axis=1)
    if not folded.any():
        raise DataError(
            f"{observed.path}: no cell of chip {observed.chip} was read in both polarities, so offsets of sources and "
            "meters cannot be separated from cells; `labmtj run reference` reads in both"
        )
    chosen, siemens = chosen[folded], siemens[folded]
    segment = decoded.segment_of[0][chosen]
    size = np.where(
        np.bincount(segment, minlength=len(decoded.states)) > 0, np.isfinite(decoded.decoded).sum(axis=1), 0
    )
    full = np.flatnonzero((size >= 0.8 * size.max()) & (decoded.certain.mean(axis=1) >= MOSTLY_KNOWN))
    if not len(full):
        raise DataError(
            f"{observed.path}: no part of the log shows the states of chip {observed.chip}; `labmtj run reference` "
            "reads every cell in uniform states"
        )
    most = max(4, int(MOST_NETWORKS * min(1.0, (225 / (shape[0] * shape[1])) ** 2)))
    full = full[np.unique(np.linspace(0, len(full) - 1, most).round().astype(int))]
    full = _with_both_states(full, decoded, segment)
    inside = np.isin(segment, full)
    chosen, siemens, segment = chosen[inside], siemens[inside], segment[inside]
    network = np.searchsorted(full, segment)
    volts = answers.volts[chosen]
    row = driven_alone(answers)[0][chosen]
    cell = row[:, np.newaxis] * shape[1] + (answers.lines - shape[0])
    siemens = np.where(decoded.certain[segment[:, np.newaxis], cell], siemens, np.nan)
    return Reads(
        decoded.states[full], tuple(np.flatnonzero(network == each) for each in range(len(full))), volts, siemens,
        cell, volts[np.arange(len(volts)), row], network,
        answers.lines,
    )  # fmt: skip


def _with_both_states(full: NDArray[np.intp], decoded: Decoded, segment: NDArray[np.intp]) -> NDArray[np.intp]:
    """Add, for cells that would be fitted in one state only, the segment that determines the other one best."""
    for state in (1.0, 0.0):
        missing = decoded.follows & ~(decoded.decoded[full] == state).any(axis=0)
        if missing.any():
            cells_read = (decoded.decoded[:, missing] == state).sum(axis=1)
            cells_read[np.setdiff1d(np.arange(len(cells_read)), segment)] = 0
            best = np.argsort(cells_read)[::-1][:4]
            full = np.union1d(full, best[cells_read[best] > 0])
    return full
