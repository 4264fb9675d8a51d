"""Wire, line and contact resistance from reads of all ports; what reads of columns alone cannot tell stays assumed.

With one row driven and the columns read, wires and cells cannot be told apart at any number of reads: many wires
explain the data as well, each with other cells. Only the currents of the lines that are not driven tell, row to row and
column to column, which are some thirty times smaller. The fit itself is `labmtj.fitting.network`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from labmtj.calibration.noise import ShotNoise, shot_noise
from labmtj.calibration.observed import Answers, Observed, driven_alone
from labmtj.calibration.states import Decoded
from labmtj.errors import DataError, ProcedureFailed
from labmtj.fitting.network import WIRES, NetworkFit, fit_network
from labmtj.fitting.scatter import pooled_variance
from labmtj.junction import WireDescription
from labmtj.quantities import BoolArray, FloatArray

MOST_FITS = 3
"""states that are fitted; each is all that is needed"""
GAIN_SPREAD = 5e-5
"""relative difference between the gains of two meters, or two ranges (assumed, as the procedure of all ports does: a
quarter of what data sheets allow)"""
LEAST_ACROSS = 0.5
"""part of the admittances between two rows, or between two columns, that must have been read"""


@dataclass(frozen=True, eq=False)
class FittedWires:
    """The wires of an array file, and why they are what they are."""

    description: WireDescription
    told: tuple[str, ...]
    """lines of text: rank and posterior; of what was not fitted, why, and what would tell it"""
    names: tuple[str, ...] = ()
    """of those that were fitted"""
    covariance: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """of those, in their order"""
    rank: int = 0
    parameters: int = 0

    def errors(self) -> dict[str, float]:
        """Return the standard errors in ohms of what was fitted."""
        return dict(zip(self.names, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    def drawn(self, generator: np.random.Generator) -> WireDescription:
        """Return wires drawn from what the data leave open; what was not fitted stays as assumed."""
        if not self.names:
            return self.description
        ohms = np.array([getattr(self.description, name).value for name in self.names])
        drawn = np.maximum(generator.multivariate_normal(ohms, self.covariance), 0.0)
        changed = {
            name: getattr(self.description, name).model_copy(update={"value": float(value)})
            for name, value in zip(self.names, drawn, strict=True)
        }
        return self.description.model_copy(update=changed)


def fit_wires(observed: Observed, decoded: Decoded) -> FittedWires:
    """Return the wires that the reads of all ports tell; the others are those of the array file, and say so."""
    shape = observed.assumed.shape
    ports = _ports(observed, decoded)
    ports = [each for each in ports if _across(each[0], shape) >= LEAST_ACROSS][:MOST_FITS]
    if not ports:
        return FittedWires(
            observed.assumed.wires,
            (f"wires as in array file {observed.assumed.name}: reads of columns with rows driven cannot tell them from "
             "cells; `labmtj run calibrate` reads all ports. Cells and their errors hold together with these wires",),
        )  # fmt: skip
    fits = []
    for admittance, sigma in ports:
        try:
            fits.append(fit_network(admittance, sigma, shape))
        except (DataError, ProcedureFailed) as error:
            return FittedWires(observed.assumed.wires, (f"wires as in array file {observed.assumed.name}: {error}",))
    return _combined(observed, fits)


def _ports(observed: Observed, decoded: Decoded) -> list[tuple[FloatArray, FloatArray]]:
    """Return the port admittances of every stretch without a pulse and their sigma, the most complete first."""
    sums = _sums(observed, decoded)
    segments = sorted(sums)
    if known := [each for each in segments if decoded.certain[each].all()]:
        segments = known
    found = [(segment, *_at_zero_bias(sums[segment])) for segment in segments]
    # P cells hardly change with voltage: where one voltage is all there is, the reads of most P cells are taken
    bent = all(single for *_, single in found)
    if bent:
        mostly = [each for each in found if decoded.states[each[0]].mean() > 0.5]
        found = mostly if any(_across(each[1], observed.assumed.shape) >= LEAST_ACROSS for each in mostly) else found
    else:
        found = [each for each in found if not each[3]]
    found.sort(key=lambda each: -int(np.isfinite(each[1]).sum()))
    return [(admittance, sigma) for _, admittance, sigma, _ in found]


def _sums(observed: Observed, decoded: Decoded) -> dict[int, dict[float, tuple[FloatArray, FloatArray]]]:
    """Return weighted sums of the admittances and the weights, by stretch and size of the voltage.

    Stretches in which no row was read and no column driven alone are maps, which tell nothing of wires: passed over.
    """
    rows, lines = observed.assumed.shape[0], sum(observed.assumed.shape)
    gentle, noise = observed.assumed.limits.disturb_volts * (1 + 1e-9), shot_noise(observed)
    both = list(zip(observed.answers, decoded.segment_of, strict=True))
    columns_driven = [segment[driven_alone(answers)[0] >= rows] for answers, segment in both]
    telling = np.unique(np.concatenate([*columns_driven, decoded.segment_of[1]]))
    sums: dict[int, dict[float, tuple[FloatArray, FloatArray]]] = {int(each): {} for each in telling}
    for answers, segment in both:
        line, alone = driven_alone(answers)
        volts = np.abs(answers.volts[np.arange(len(answers)), np.maximum(line, 0)])
        usable = alone & answers.both & (volts <= gentle) & np.isin(segment, telling)
        sigma = _sigma(answers, usable, noise)
        for answer in np.flatnonzero(usable):
            empty = np.zeros((lines, lines)), np.zeros((lines, lines))
            total, weight = sums[int(segment[answer])].setdefault(round(float(volts[answer]), 6), empty)
            read = np.flatnonzero(np.isfinite(answers.amperes[answer]))
            at, precision = answers.lines[read], (volts[answer] / sigma[answer, read]) ** 2
            total[line[answer], at] -= precision * answers.amperes[answer, read] / answers.volts[answer, line[answer]]
            weight[line[answer], at] += precision
    return {segment: parts for segment, parts in sums.items() if parts}


def _sigma(answers: Answers, usable: BoolArray, noise: ShotNoise) -> FloatArray:
    """Return the error of every value, (answers, read): a cell that jumps shows in the scatter of its own lines."""
    variance = noise.of(answers.range_amperes) ** 2
    freedom = np.maximum(answers.shots[usable, np.newaxis] - 2.0, 1.0)
    own = pooled_variance(answers.scatter_amperes[usable] ** 2, answers.amperes[usable], freedom)
    variance[usable] = np.where(np.isfinite(own), own, variance[usable])
    return np.asarray(np.sqrt(variance / answers.shots[:, np.newaxis]), float)


def _at_zero_bias(parts: dict[float, tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray, bool]:
    """Return admittance and sigma, and whether they are of one voltage alone.

    Of two voltages the line through the squares is taken to zero: AP cells conduct the more, the higher the voltage.
    """
    most = sorted(parts, key=lambda volts: -int((parts[volts][1] > 0).sum()))[:2]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = {volts: np.where(weight > 0, total / weight, np.nan) for volts, (total, weight) in parts.items()}
        if len(most) < 2 or not (parts[most[1]][1] > 0).sum() / (parts[most[0]][1] > 0).sum() > 0.9:
            admittance, weight = means[most[0]], parts[most[0]][1]
            return admittance, np.sqrt(1 / weight + (GAIN_SPREAD * admittance) ** 2), True
        low, high = sorted(most)
        near, far = high**2 / (high**2 - low**2), low**2 / (high**2 - low**2)
        admittance = near * means[low] - far * means[high]
        variance = near**2 / parts[low][1] + far**2 / parts[high][1]
        return admittance, np.sqrt(variance + (GAIN_SPREAD * admittance) ** 2), False


def _across(admittance: FloatArray, shape: tuple[int, int]) -> float:
    """Return which part of the currents from row to row, or from column to column, was read; the larger of both.

    Of rows among each other those of columns tell nothing, and the other way round: the fit refuses what is not told.
    """
    read = np.isfinite(admittance)
    blocks = (read[: shape[0], : shape[0]], read[shape[0] :, shape[0] :])
    return max(float((block.sum() - np.trace(block)) / max(1, block.size - len(block))) for block in blocks)


def _combined(observed: Observed, fits: list[NetworkFit]) -> FittedWires:
    """Return the mean of the fits, weighted by what each tells; a wire counts that every fit quotes."""
    names = tuple(name for name in WIRES if all(fit.wires[name].ohms is not None for fit in fits))
    told = [
        f"all ports read in {len(fits)} states: rank {fits[0].rank} of {fits[0].parameters}, "
        f"chi-squared per degree of freedom {', '.join(f'{fit.chi_squared / max(1, fit.freedom):.2g}' for fit in fits)}"
    ]
    told += [
        f"{name} assumed: {next(fit.wires[name].reason for fit in fits if fit.wires[name].ohms is None)}"
        for name in WIRES
        if name not in names
    ]
    if not names:
        return FittedWires(observed.assumed.wires, tuple(told), rank=fits[0].rank, parameters=fits[0].parameters)
    ohms, covariance = _mean([_wire_part(fit, names) for fit in fits])
    source = (
        f"labmtj calibrate {observed.run}, chip {observed.chip}: all ports in {len(fits)} states, rank {fits[0].rank}"
    )
    changed = {}
    for name, value, error in zip(names, ohms.tolist(), np.sqrt(np.diag(covariance)).tolist(), strict=True):
        given = {"value": float(f"{max(value, 0.0):.5g}"), "provenance": "fitted",
                 "source": f"{source}; standard error {error:.2g} ohm"}  # fmt: skip
        changed[name] = getattr(observed.assumed.wires, name).model_copy(update=given)
    return FittedWires(
        observed.assumed.wires.model_copy(update=changed), tuple(told), names, covariance, fits[0].rank,
        fits[0].parameters,
    )  # fmt: skip


def _wire_part(fit: NetworkFit, names: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
    first = fit.parameters - len(fit.names)
    at = np.array([first + fit.names.index(name) for name in names], np.intp)
    return fit.estimate[at], fit.covariance[np.ix_(at, at)]


def _mean(parts: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    precisions = [np.linalg.inv(covariance) for _, covariance in parts]
    covariance = np.linalg.inv(sum(precisions, np.zeros_like(precisions[0])))
    weighted = sum(
        (each @ value for each, (value, _) in zip(precisions, parts, strict=True)), np.zeros(len(covariance))
    )
    return np.asarray(covariance @ weighted), covariance
