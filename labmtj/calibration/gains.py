"""Gains of meters by line and by range, from Kirchhoff's current law for the array as a whole.

With one line driven and every line read, the currents sum to zero, less what leaks to ground at the driven line: that
compares the meters of all lines, and the ranges that they use, without any knowledge of cells or wires. Gains of
sources follow from reciprocity: line a driven and b read is line b driven and a read. A factor that all meters, or all
sources, share cannot be seen: it scales every resistance.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, null_space

from labmtj.arrays import LineOffsets
from labmtj.brief import brief
from labmtj.calibration.observed import Answers, Observed, driven_alone
from labmtj.calibration.states import Decoded
from labmtj.quantities import FloatArray

CHANNEL_SPREAD = 5e-5
"""relative difference between the gains of two channels or ranges that is no fault (assumed: as in the fit of wires)"""
SEEN = 0.1
"""part of the largest currents that must flow on a range, before its gain is fitted"""
LEAST_SPREAD = 1e-3
"""of the gains of sources, before it counts: data sheets allow as much"""
FEWEST_RANGES = 3
"""of which one that differs is known to be the one"""
LEAST = 6
"""biases with every line read"""


@brief
@dataclass(frozen=True, eq=False)
class Gains:
    """Relative deviations; zero where nothing calls for one."""

    meters: FloatArray
    """(lines,) what a meter shows is larger by"""
    sources: FloatArray
    """(lines,) what a source puts out is larger by"""
    full_scales: FloatArray = field(default_factory=lambda: np.empty(0))
    ranges: FloatArray = field(default_factory=lambda: np.empty(0))
    common_error: float = 0.0
    """relative standard error of every resistance that gains leave that differ, because their mean is not known"""
    summary: str = ""
    """what differs, in words"""

    @property
    def differ(self) -> bool:
        """Whether any gain is not one."""
        return bool(self.meters.any() or self.sources.any() or self.ranges.any())

    def described(self, offsets: LineOffsets) -> LineOffsets:
        """Return the section of an array file with these gains in it."""
        ranges = []
        for each in offsets.ranges:
            near = np.isclose(self.full_scales, each.full_scale_amperes, rtol=1e-3)
            gain = 1.0 + float(self.ranges[near].sum())
            ranges.append(each.model_copy(update={"gain": float(f"{gain:.7g}")}))
        meters, sources = (
            [float(f"{1.0 + gain:.7g}") for gain in gains.tolist()] if gains.any() else None
            for gains in (self.meters, self.sources)
        )
        return offsets.model_copy(update={"meter_gains": meters, "source_gains": sources, "ranges": ranges})

    def corrected(self, seen: Observed) -> Observed:
        """Return a log as meters and sources without these deviations would have made it.

        Sources are corrected where one line is driven alone: all that is fitted is of that kind.
        """
        if not self.differ:
            return seen
        return replace(seen, columns=self._corrected(seen.columns), rows=self._corrected(seen.rows))

    def _corrected(self, answers: Answers) -> Answers:
        if not len(answers):
            return answers
        factor = 1.0 + self.meters[answers.lines] + np.zeros(answers.range_amperes.shape)
        for scale, gain in zip(self.full_scales.tolist(), self.ranges.tolist(), strict=True):
            factor += np.where(np.isclose(answers.range_amperes, scale, rtol=1e-3), gain, 0.0)
        line, alone = driven_alone(answers)
        source = 1.0 + np.where(alone, self.sources[np.maximum(line, 0)], 0.0)
        whole = factor * source[:, np.newaxis]
        return replace(
            answers, amperes=answers.amperes / whole, scatter_amperes=answers.scatter_amperes / factor,
            rest_amperes=answers.rest_amperes / factor,
        )  # fmt: skip


def no_gains(lines: int, summary: str = "") -> Gains:
    """Return equal gains."""
    return Gains(np.zeros(lines), np.zeros(lines), summary=summary)


def from_file(described: LineOffsets | None, lines: int) -> Gains:
    """Return the gains that an array file holds."""
    if described is None:
        return no_gains(lines)
    one = [1.0] * lines
    return Gains(
        np.array(described.meter_gains or one) - 1.0, np.array(described.source_gains or one) - 1.0,
        np.array([each.full_scale_amperes for each in described.ranges]),
        np.array([each.gain for each in described.ranges]) - 1.0,
    )  # fmt: skip


def fit_gains(seen: Observed, decoded: Decoded) -> Gains:
    """Return the gains that the reads call for (Bayesian information criterion), or why they cannot be fitted."""
    lines = sum(seen.assumed.shape)
    biases = _whole_biases(seen, decoded)
    amperes = biases.amperes
    if len(amperes) < LEAST:
        why = "not separable, because no line was driven alone with the current of every line read"
        return no_gains(lines, f"gains of lines and ranges: {why}")
    ranges = np.unique(biases.scales)
    by_range = np.einsum("gl,glr->gr", amperes, (biases.scales[:, :, np.newaxis] == ranges).astype(float))
    size = np.linalg.norm(by_range, axis=0)
    ranges, by_range = ranges[size > SEEN * size.max()], by_range[:, size > SEEN * size.max()]
    blocks = {
        "ranges": by_range,
        "lines": amperes,
        "leaks": np.where(biases.driven[:, np.newaxis] == np.arange(lines), biases.volts[:, np.newaxis], 0.0),
    }
    sigma = np.hypot(CHANNEL_SPREAD * np.linalg.norm(amperes, axis=1), biases.noise)
    names, found, reduced = _best(blocks, amperes.sum(axis=1) / sigma, sigma)
    meters, deviations, common, texts = np.zeros(lines), np.zeros(len(ranges)), 0.0, []
    if "ranges" in names:
        deviations = found["ranges"] - np.median(found["ranges"])
        each = ", ".join(f"{scale:g} A {gain:+.2%}" for scale, gain in zip(ranges, deviations, strict=True))
        texts.append(f"gains of the ranges differ: {each}, against their median")
        if len(ranges) < FEWEST_RANGES:
            common = float(np.ptp(deviations))
            texts[-1] += f"; which of {len(ranges)} is right is not separable, so errors are widened by the difference"
    if "lines" in names:
        meters = found["lines"] - np.mean(found["lines"])
        spread = float(np.std(meters))
        common = float(np.hypot(common, spread / np.sqrt(lines)))
        texts.append(f"gains of the meters differ by {spread:.2%} from line to line; their mean is taken for right")
    if "leaks" in names:
        texts.append(f"lines leak to ground, the most {1e6 * np.max(np.abs(found['leaks'])):.2g} uS")
    gains = Gains(meters, np.zeros(lines), ranges, deviations, common)
    sources = _sources(_whole_biases(gains.corrected(seen), decoded), seen.assumed.shape)
    if sources.any():
        spread = float(np.std(sources))
        common = float(np.hypot(common, spread / np.sqrt(lines)))
        texts.append(f"gains of the sources differ by {spread:.2%} from line to line; their mean is taken for right")
    if reduced > 4.0:
        texts.append(f"the currents of all lines do not sum to zero: chi-squared per degree of freedom {reduced:.2g}")
    return Gains(meters, sources, ranges, deviations, common, "; ".join(texts))


def _best(
    blocks: dict[str, FloatArray], imbalance: FloatArray, sigma: FloatArray
) -> tuple[tuple[str, ...], dict[str, FloatArray], float]:
    """Return which parameters explain the imbalance best, their values, and chi-squared per degree of freedom."""
    # gains that are all the same explain any imbalance: only their differences are asked for
    bases = {
        name: _differences(block.shape[1]) if name != "leaks" else np.eye(block.shape[1])
        for name, block in blocks.items()
    }
    choices = [names for count in range(4) for names in itertools.combinations(blocks, count)]
    fits = {}
    for names in choices:
        basis = block_diag(*(bases[name] for name in names)) if names else np.empty((0, 0))
        design = (
            np.hstack([np.empty((len(sigma), 0)), *(blocks[name] / sigma[:, np.newaxis] for name in names)]) @ basis
        )
        left, singular, right = np.linalg.svd(design, full_matrices=False)
        keep = singular > 1e-6 * singular.max(initial=0.0)
        values = right[keep].T @ ((left[:, keep].T @ imbalance) / singular[keep])
        rest = float(((imbalance - design @ values) ** 2).sum())
        fits[names] = basis @ values, rest, int(keep.sum())
    data = len(imbalance)
    scale = max(1.0, min(rest / max(1, data - rank) for _, rest, rank in fits.values()))
    best = min(choices, key=lambda names: fits[names][1] / scale + fits[names][2] * np.log(data))
    values, rest, rank = fits[best]
    cuts = np.cumsum([blocks[name].shape[1] for name in best])[:-1].astype(int)
    return best, dict(zip(best, np.split(values, cuts), strict=False)), rest / max(1, data - rank)


def _differences(count: int) -> FloatArray:
    """Return an orthonormal basis of numbers (count,) whose sum is zero, (count, count - 1)."""
    return np.asarray(null_space(np.ones((1, count))), float)


def _sources(biases: _Biases, shape: tuple[int, int]) -> FloatArray:
    """Return the gains of the sources (lines,) by reciprocity, zeros if they do not differ for certain."""
    lines, rows = sum(shape), shape[0]
    ratios = []
    for segment, volts in {*zip(biases.segment.tolist(), biases.volts.tolist(), strict=True)}:
        here = (biases.segment == segment) & (biases.volts == volts)
        admittance = np.full((lines, lines), np.nan)
        admittance[biases.driven[here]] = biases.amperes[here]
        with np.errstate(invalid="ignore", divide="ignore"):
            ratios.append(np.log(admittance[:rows, rows:] / admittance[rows:, :rows].T))
    known = np.isfinite(ratios).all(axis=0) if ratios else np.zeros(shape, bool)
    row, column = np.nonzero(known)
    if len(row) <= 2 * lines:
        return np.zeros(lines)
    between = np.median(ratios, axis=0)[known]  # the median: a cell that jumps between two reads counts little
    design = np.zeros((len(row), lines))
    design[np.arange(len(row)), row], design[np.arange(len(row)), rows + column] = 1.0, -1.0
    gains = np.linalg.lstsq(design, between)[0]
    left, freedom = float(((between - design @ gains) ** 2).sum()), len(row) - lines + 1
    scale = max(left / freedom, 2 * CHANNEL_SPREAD**2)
    gain = (float(between @ between) - left) / scale
    differ = gain > (lines - 1) * np.log(len(row)) and np.std(gains) > LEAST_SPREAD
    return np.asarray(gains - gains.mean(), float) if differ else np.zeros(lines)


@dataclass(frozen=True, eq=False)
class _Biases:
    """Biases with one line driven and every line read."""

    amperes: FloatArray
    """(biases, lines) into the array"""
    scales: FloatArray
    """(biases, lines) full scale of the range"""
    noise: FloatArray
    """(biases,) of the sum of the currents"""
    segment: NDArray[np.intp]
    driven: NDArray[np.intp]
    volts: FloatArray


def _whole_biases(seen: Observed, decoded: Decoded) -> _Biases:
    lines, gentle = sum(seen.assumed.shape), seen.assumed.limits.disturb_volts * (1 + 1e-9)
    sums: dict[tuple[int, int, float], FloatArray] = {}
    for answers, segment in zip(seen.answers, decoded.segment_of, strict=True):
        line, alone = driven_alone(answers)
        for answer in np.flatnonzero(alone & answers.both):
            volts = float(answers.volts[answer, line[answer]])
            if abs(volts) > gentle:
                continue
            read = np.flatnonzero(np.isfinite(answers.amperes[answer]))
            at, key = answers.lines[read], (int(segment[answer]), int(line[answer]), round(abs(volts), 6))
            total, count, square, scale = sums.setdefault(key, np.zeros((4, lines)))
            scale[at] = np.where(scale[at] == 0, answers.range_amperes[answer, read], scale[at])
            same = np.isclose(scale[at], answers.range_amperes[answer, read], rtol=1e-3)
            at, read = at[same], read[same]
            total[at] -= np.sign(volts) * answers.amperes[answer, read]
            square[at] += np.nan_to_num(answers.scatter_amperes[answer, read]) ** 2 / answers.shots[answer]
            count[at] += 1
    whole = {key: parts for key, parts in sums.items() if (parts[1] > 0).all()}
    parts = np.array([*whole.values()]).reshape(-1, 4, lines)
    count = np.maximum(parts[:, 1], 1)
    return _Biases(
        parts[:, 0] / count, np.vectorize(_rounded, otypes=[float])(parts[:, 3]),
        np.sqrt((parts[:, 2] / count**2).sum(axis=1)),
        np.array([key[0] for key in whole], np.intp), np.array([key[1] for key in whole], np.intp),
        np.array([key[2] for key in whole], float),
    )  # fmt: skip


def _rounded(scale: float) -> float:
    return float(f"{scale:.4g}")
