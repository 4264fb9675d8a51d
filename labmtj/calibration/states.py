"""In which states the cells were at every read: decoded from the reads themselves, carried between them.

A read with one row driven shows the state of each of its cells: it lies near the cell's highest read, or its lowest.
A cell is known wherever it was read since the last pulse. Elsewhere the read before and the read after decide; if they
differ, the cell changed by itself and its state there is unknown. After its last read a cell is taken to keep its
state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.calibration.observed import Answers, Observed, driven_alone
from labmtj.errors import DataError
from labmtj.quantities import BoolArray, FloatArray

LEAST_CONTRAST = 0.25
"""of the usual one: a cell whose reads differ by less has shown one state only"""


@brief
@dataclass(frozen=True, eq=False)
class Decoded:
    """States of all cells at every answer."""

    states: BoolArray
    """(segments, cells), True = P"""
    certain: BoolArray
    """(segments, cells)"""
    segment_of: tuple[NDArray[np.intp], NDArray[np.intp]]
    """for reads of columns and of rows: the row of `states` that holds at the answer"""
    low_siemens: FloatArray
    """(cells,) lowest current per volt that a cell has shown; NaN if it was never read alone"""
    high_siemens: FloatArray
    threshold_siemens: FloatArray
    follows: BoolArray
    """(cells,) whether the cell has shown two states"""
    decoded: FloatArray
    """(segments, cells) what was read in the segment itself: 1 = P, 0 = AP, NaN = not read"""

    @property
    def read(self) -> BoolArray:
        """(cells,) whether the cell was ever read alone."""
        return np.asarray(np.isfinite(self.low_siemens), bool)

    def stuck(self, cells: BoolArray) -> Decoded:
        """Return the same with further cells (cells,) that have one state only, whatever it seemed."""
        return replace(self, follows=self.follows & ~cells, certain=self.certain | cells)

    def certain_lines(self, shape: tuple[int, int]) -> BoolArray:
        """Return the lines all of whose cells are known, (segments, lines).

        Another line hardly notices: one cell changes a current that it is no part of by some 1e-4.
        """
        maps = self.certain.reshape(-1, *shape)
        return np.concatenate([maps.all(axis=2), maps.all(axis=1)], axis=1)


def single_reads(answers: Answers, shape: tuple[int, int], most_volts: float) -> tuple[NDArray[np.intp], FloatArray]:
    """Return which answers have one row driven by a voltage that disturbs nothing, and the siemens of its cells.

    (chosen,) numbers of answers, and (chosen, read) current per volt.
    """
    if not len(answers):
        return np.empty(0, np.intp), np.empty((0, len(answers.lines)))
    line, alone = driven_alone(answers)
    volts = np.take_along_axis(answers.volts, np.maximum(line, 0)[:, np.newaxis], axis=1)
    usable = alone & (line < shape[0]) & (np.abs(volts[:, 0]) <= most_volts * (1 + 1e-9))
    chosen = np.flatnonzero(usable)
    return chosen, answers.amperes[chosen] / volts[chosen]


def decode(observed: Observed) -> Decoded:
    """Return the states at every answer of a chip.

    Raises:
        DataError: if most cells were never read alone, or show one state only.
    """
    shape, answers = observed.assumed.shape, observed.columns
    cells = shape[0] * shape[1]
    chosen, siemens = single_reads(answers, shape, observed.assumed.limits.disturb_volts)
    row = driven_alone(answers)[0][chosen] if len(chosen) else np.empty(0, np.intp)
    cell = row[:, np.newaxis] * shape[1] + (answers.lines - shape[0])
    low, high = np.full(cells, np.inf), np.full(cells, -np.inf)
    told = np.isfinite(siemens)
    np.minimum.at(low, cell[told], siemens[told])
    np.maximum.at(high, cell[told], siemens[told])
    read = np.isfinite(low)
    if read.mean() < 0.5:
        raise DataError(
            f"{observed.path}: only {read.sum()} of {cells} cells of chip {observed.chip} were read one row at a time; "
            "`labmtj run reference` reads them all"
        )
    contrast = np.where(read, high - low, np.nan)
    follows = _following(contrast, high, observed)
    threshold = _thresholds(low, high, follows)
    segments, members = _segments(observed)
    at = np.broadcast_to(members[0][chosen][:, np.newaxis], cell.shape)
    decoded, torn = _shown(at[told] * cells + cell[told], (siemens > threshold[cell])[told], (len(segments), cells))
    states, certain = _carried(decoded)
    certain = (certain & ~torn) | ~follows
    return Decoded(states, certain, members, np.where(read, low, np.nan), np.where(read, high, np.nan), threshold,
                   follows, decoded)  # fmt: skip


def _following(contrast: FloatArray, high: FloatArray, observed: Observed) -> BoolArray:
    """Return which cells have shown two states; DataError if few have."""
    known = np.isfinite(contrast)
    # by the upper half: where few cells were switched the median contrast is noise
    usual = np.median(contrast[known][contrast[known] >= np.median(contrast[known])])
    level = float(np.median(high[known]))
    follows = np.where(known, contrast, 0.0) > max(LEAST_CONTRAST * usual, 0.1 * level)
    if follows.mean() < 0.5:
        raise DataError(
            f"{observed.path}: {follows.sum()} of {len(contrast)} cells of chip {observed.chip} were read in both "
            "states; `labmtj run calibrate` reads all of them in both"
        )
    return np.asarray(follows, bool)


def _thresholds(low: FloatArray, high: FloatArray, follows: BoolArray) -> FloatArray:
    """Return the siemens above which a cell is in P: the middle of its own reads, or that of the others."""
    middle = np.where(np.isfinite(low), low, 0.0) / 2 + np.where(np.isfinite(high), high, 0.0) / 2
    usual = float(np.median(middle[follows]))
    return np.where(follows, middle, usual)


def _shown(place: NDArray[np.intp], parallel: BoolArray, shape: tuple[int, int]) -> tuple[FloatArray, BoolArray]:
    """Return what cells showed in each stretch, NaN where they were not read, and where they changed within it."""
    size = shape[0] * shape[1]
    count = np.bincount(place, minlength=size)
    ones = np.bincount(place, parallel, size)
    with np.errstate(invalid="ignore"):
        part = np.where(count > 0, ones / count, np.nan).reshape(shape)
    return np.where(np.isnan(part), np.nan, part > 0.5), np.asarray((part > 0) & (part < 1), bool)


def _segments(observed: Observed) -> tuple[NDArray[np.intp], tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return the stretches between two pulses in which something was read, and which of them each answer lies in."""
    after = [np.searchsorted(observed.disturbed_seconds, each.start_seconds, side="right") for each in observed.answers]
    segments, members = np.unique(np.concatenate(after), return_inverse=True)
    cut = len(after[0])
    return segments, (members[:cut].astype(np.intp), members[cut:].astype(np.intp))


def _carried(decoded: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Return states with gaps filled from before, else from after, and where both agree."""
    known = ~np.isnan(decoded)
    number = np.arange(len(decoded))[:, np.newaxis]
    before = np.maximum.accumulate(np.where(known, number, -1), axis=0)
    behind = np.minimum.accumulate(np.where(known, number, len(decoded))[::-1], axis=0)[::-1]
    has_before, has_behind = before >= 0, behind < len(decoded)
    values = np.nan_to_num(decoded)
    past = np.take_along_axis(values, np.maximum(before, 0), axis=0)
    future = np.take_along_axis(values, np.minimum(behind, len(decoded) - 1), axis=0)
    states = np.where(has_before, past, future) > 0.5
    certain = known | ~has_before | ~has_behind | (past == future)
    return np.asarray(states, bool), np.asarray(certain, bool)
