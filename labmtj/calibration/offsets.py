"""Offsets of sources and meters, from what the lines carry at 0 V and from what does not change sign with the bias.

A line at rest shows I = a - Y (u + d): the offset a of its meter on the range, and what the offset voltages u of all
sources drive through the cells in their present state. Where few sources serve many lines, a line gets another one
while it is driven: that one's offset less its own is d, zero at rest. All is linear, so reads in several states
separate them; a voltage that all sources share drives nothing and stays undetermined. Derived here: superposition in
the linear network, Y as in labmtj.circuit.ports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.arrays import LineOffsets, RangeOffsets
from labmtj.brief import brief
from labmtj.calibration.observed import Answers, Observed
from labmtj.calibration.predict import Model
from labmtj.calibration.states import Decoded
from labmtj.quantities import BoolArray, FloatArray

PRIOR_VOLTS = 1e-3
"""size that an offset voltage has before anything is known (assumed: data sheets say 0.3 to 1.5 mV)"""
PRIOR_FRACTION = 1e-3
"""the same of an offset current, as a fraction of full scale (assumed: above what data sheets say)"""
UNKNOWN_FRACTION = 1e-4
"""size of the offset of a meter on a range that was not read at rest, as a fraction of full scale (assumed: a third to
a half of what data sheets allow after a year)"""
FEWEST = 10
"""values on a range beyond its offsets, before these count as known"""
MOST_NETWORKS = 40
NOISE_FRACTION = 1e-6
"""least noise of a reading, as a fraction of full scale: the resolution of a meter"""


@brief
@dataclass(frozen=True, eq=False)
class FittedOffsets:
    """Offsets by line; a line that was never read keeps zero, with the prior as its error."""

    source_volts: FloatArray
    source_errors: FloatArray
    driven_volts: FloatArray
    """further offset of a line while it is driven"""
    ranges: FloatArray
    """(ranges,) full scales"""
    amperes: FloatArray
    """(ranges, lines) NaN for a line that was never read on the range"""
    ampere_errors: FloatArray
    noise_amperes: FloatArray
    """(ranges,) rms of one shot about the fit"""
    reads: int

    def described(self, source: str) -> LineOffsets:
        """Return the section of an array file."""
        ranges = [
            RangeOffsets(
                full_scale_amperes=float(f"{scale:.6g}"),
                amperes=_known(amperes),
                scatter_amperes=float(f"{scatter:.3g}"),
            )
            for scale, amperes, scatter in zip(
                self.ranges.tolist(), self.amperes, self.noise_amperes.tolist(), strict=True
            )
        ]
        return LineOffsets(source=source, source_volts=_rounded(self.source_volts), ranges=ranges)

    def of(self, range_amperes: FloatArray, lines: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Return meter offset and scatter of a shot on these ranges, (answers, read) each.

        Of a range on which the line was never read the offset is not known: zero, with what it may be as its scatter.
        """
        known, number = self._known(range_amperes, lines)
        if not len(self.ranges):
            return np.zeros(range_amperes.shape), UNKNOWN_FRACTION * range_amperes
        return (
            np.where(known, self.amperes[number, lines], 0.0),
            np.where(known, self.noise_amperes[number], UNKNOWN_FRACTION * range_amperes),
        )

    def knows(self, range_amperes: FloatArray, lines: NDArray[np.intp]) -> BoolArray:
        """Return for which readings (answers, read) the offset is known."""
        return self._known(range_amperes, lines)[0]

    def _known(self, range_amperes: FloatArray, lines: NDArray[np.intp]) -> tuple[BoolArray, NDArray[np.intp]]:
        number = np.zeros(range_amperes.shape, np.intp)
        if not len(self.ranges):
            return np.zeros(range_amperes.shape, bool), number
        number = nearest(self.ranges, range_amperes)
        near = np.isclose(self.ranges[number], range_amperes, rtol=1e-3)
        return np.asarray(near & np.isfinite(self.amperes[number, lines]), bool), number


def nearest(ranges: FloatArray, amperes: FloatArray) -> NDArray[np.intp]:
    """Return the number of the range nearest to each full scale; NaN counts as the first."""
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(np.log(ranges / np.asarray(amperes)[..., np.newaxis]))
    return np.asarray(np.argmin(np.nan_to_num(distance, nan=np.inf), axis=-1), np.intp)


def fit_offsets(observed: Observed, decoded: Decoded, model: Model) -> FittedOffsets | None:
    """Return the offsets of the lines that were read; None if no read separates them from the bias."""
    lines = sum(observed.assumed.shape)
    tables = list(zip(observed.answers, decoded.segment_of, strict=True))
    separated = [_separated(answers, segment, decoded) for answers, segment in tables]
    if not sum(map(len, separated)):
        return None
    scales = np.unique(np.concatenate([_scales(each.range_amperes) for each, _ in tables]))
    networks = _networks([segment[chosen] for (_, segment), chosen in zip(tables, separated, strict=True)])
    admittance = {int(each): model.ports(decoded.states[each]).admittance for each in networks}
    rows: list[FloatArray] = []
    values: list[FloatArray] = []
    weights: list[FloatArray] = []
    number: list[NDArray[np.intp]] = []
    for (answers, segment), chosen in zip(tables, separated, strict=True):
        for answer in chosen[np.isin(segment[chosen], networks)]:
            read = np.flatnonzero(np.isfinite(answers.rest_amperes[answer]))
            at, which = answers.lines[read], nearest(scales, answers.range_amperes[answer, read])
            design = np.zeros((len(read), (2 + scales.size) * lines))
            design[:, :lines] = -admittance[int(segment[answer])][at]
            design[:, lines : 2 * lines] = design[:, :lines] * (answers.volts[answer] != 0.0)
            design[np.arange(len(read)), (2 + which) * lines + at] = 1.0
            rows.append(design)
            values.append(answers.rest_amperes[answer, read])
            weights.append(np.sqrt(float(answers.shots[answer])) * np.ones(len(read)))
            number.append(which)
    return _solved(
        np.concatenate(rows), np.concatenate(values), np.concatenate(weights), np.concatenate(number), scales, lines
    )


def _separated(answers: Answers, segment: NDArray[np.intp], decoded: Decoded) -> NDArray[np.intp]:
    if not len(answers):
        return np.empty(0, np.intp)
    known = np.isfinite(answers.rest_amperes).any(axis=1) & ~np.isnan(answers.volts).any(axis=1)
    return np.flatnonzero(known & decoded.certain[segment].all(axis=1))


def _scales(range_amperes: FloatArray) -> FloatArray:
    found = range_amperes[np.isfinite(range_amperes)]
    return np.unique([float(f"{value:.4g}") for value in np.unique(found)])


def _networks(segments: list[NDArray[np.intp]]) -> NDArray[np.intp]:
    """Return segments spread over the log."""
    every = np.unique(np.concatenate(segments))
    places = np.unique(np.linspace(0, len(every) - 1, MOST_NETWORKS).round().astype(int))
    return np.asarray(every[places], np.intp)


def _solved(
    design: FloatArray,
    values: FloatArray,
    root_shots: FloatArray,
    number: NDArray[np.intp],
    scales: FloatArray,
    lines: int,
) -> FittedOffsets:
    """Solve twice: with noise as a resolution would give it, then with what the residuals show, range by range."""
    prior = np.concatenate([np.full(2 * lines, PRIOR_VOLTS), np.repeat(PRIOR_FRACTION * scales, lines)])
    noise = NOISE_FRACTION * scales * 10
    for _ in range(3):
        weight = root_shots / noise[number]
        scaled = design * weight[:, np.newaxis] * prior
        precision = scaled.T @ scaled + np.eye(len(prior))
        found = prior * np.linalg.solve(precision, scaled.T @ (values * weight))
        left = (values - design @ found) * root_shots
        spread = [
            np.sqrt(np.mean(left[number == each] ** 2)) if (number == each).any() else 0.0
            for each in range(len(scales))
        ]
        noise = np.maximum(spread, NOISE_FRACTION * scales)
    powers, vectors = np.linalg.eigh(precision)  # 1 or more each, up to rounding of the largest
    errors = prior * np.sqrt((vectors**2 / np.maximum(powers, 1.0)).sum(axis=1))
    volts, driven, amperes = found[:lines], found[lines : 2 * lines], found[2 * lines :].reshape(-1, lines)
    read = (design[:, 2 * lines :] != 0).any(axis=0).reshape(amperes.shape)
    # a few values are met by the offsets themselves, and say nothing of how far to trust them
    spare = np.bincount(number, minlength=len(scales)) - read.sum(axis=1)
    read &= (spare >= FEWEST)[:, np.newaxis]
    amperes = np.where(read, amperes, np.nan)
    return FittedOffsets(
        volts, errors[:lines], driven, scales, amperes, errors[2 * lines :].reshape(-1, lines), noise, len(values)
    )


def _rounded(values: FloatArray) -> list[float]:
    return [float(f"{value:.5g}") for value in values.tolist()]


def _known(values: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else float(f"{value:.5g}") for value in values.tolist()]


def from_file(described: LineOffsets | None) -> FittedOffsets | None:
    """Return the offsets that an array file holds."""
    if described is None:
        return None
    volts = np.array(described.source_volts)
    scales = np.array([each.full_scale_amperes for each in described.ranges])
    amperes = np.array([each.amperes for each in described.ranges], float).reshape(len(scales), len(volts))
    nothing = np.zeros_like(volts)
    scatter = np.array([each.scatter_amperes for each in described.ranges])
    return FittedOffsets(volts, nothing, nothing, scales, amperes, np.zeros_like(amperes), scatter, 0)
