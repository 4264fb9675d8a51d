"""Wire, line and contact resistance from reads of all ports; what reads of columns do not determine is assumed.

With one row driven and the columns read, no number of reads separates wires from cells: many wires explain the data
equally well, each with other cells. Only the currents from row to row and from column to column do, which are about
thirty times smaller. The fit itself is `labmtj.fitting.network`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from labmtj.arrays import WireDescription
from labmtj.brief import brief
from labmtj.calibration.noise import ShotNoise, shot_noise
from labmtj.calibration.observed import Answers, Observed, driven_alone
from labmtj.calibration.states import Decoded
from labmtj.calibration.wire_description import described
from labmtj.errors import DataError, ProcedureFailed
from labmtj.fitting.network import METER, WIRES, NetworkFit, fit_network
from labmtj.fitting.port_model import cells_given_wires
from labmtj.fitting.scatter import pooled_variance
from labmtj.fitting.wire_model import WireModel, pieces_of
from labmtj.quantities import BoolArray, FloatArray

MOST_FITS = 3
"""states that are fitted; each is all that is needed"""
GAIN_SPREAD = 5e-5
"""relative difference between the gains of two meters, or two ranges (assumed, as the procedure of all ports does: a
quarter of what data sheets allow)"""
EXTRAPOLATED = float(np.hypot(4, 1)) / 3
"""how much more gains of two ranges matter in (4 Y(V / 2) - Y(V)) / 3, the admittance at vanishing voltage"""
LEAST_ACROSS = 0.5
"""part of the admittances between two rows, or between two columns, that must have been read"""


@brief
@dataclass(frozen=True, eq=False)
class FittedWires:
    """The wires of an array file, and why they are what they are."""

    description: WireDescription
    summary: tuple[str, ...]
    """lines of text: rank and posterior; for what was not fitted, why, and which reads would determine it"""
    names: tuple[str, ...] = ()
    """of those that were fitted"""
    pieces: FloatArray = field(default_factory=lambda: np.empty(0))
    """ohms of every piece of wire, as `labmtj.fitting.wire_model` lists them; empty: assumed as they are"""
    root: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    """(pieces, n): its product with n standard normal numbers is what the data leave open of `pieces`"""
    rank: int = 0
    parameters: int = 0
    misfit: str = ""
    """why nothing counts as fitted"""
    chi_squared: tuple[float, ...] = ()
    """per degree of freedom, of every state that was fitted"""
    shape: tuple[int, int] = (0, 0)

    def errors(self) -> dict[str, float]:
        """Return the standard errors in ohms of what was fitted: of the mean, where lines differ."""
        return {name: float(getattr(self.description, name).standard_error or 0.0) for name in self.names}

    def drawn(self, generator: np.random.Generator) -> WireDescription:
        """Return wires sampled from the posterior; what was not fitted stays as assumed."""
        if not len(self.pieces):
            return self.description
        shift = self.root @ generator.standard_normal(self.root.shape[1])
        return described(np.maximum(self.pieces + shift, 0.0), self.root, self.description, self.shape)

    def cell_errors(self, cell_ohms: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """Return the relative errors (cells,) that what is not known of the wires leaves in cells fitted to columns."""
        if not len(self.pieces):
            return np.zeros(cell_ohms.size)
        return cells_given_wires(cell_ohms, self.pieces, self.root, shape)


def fit_wires(observed: Observed, decoded: Decoded) -> FittedWires:
    """Return the wires that the reads of all ports determine; the others are those of the array file, and say so."""
    shape = observed.assumed.shape
    ports = _ports(observed, decoded)
    ports = [each for each in ports if _across(each[0], shape) >= LEAST_ACROSS][:MOST_FITS]
    if not ports:
        return FittedWires(
            observed.assumed.wires,
            (f"wires as in array file {observed.assumed.name}: reads of columns with rows driven cannot separate them "
             "from cells; `labmtj run calibrate` reads all ports. Cells and errors hold for these wires only",),
        )  # fmt: skip
    fits = []
    for admittance, sigma in ports:
        try:
            fits.append(fit_network(admittance, sigma, shape, gain_fraction=EXTRAPOLATED * GAIN_SPREAD))
        except (DataError, ProcedureFailed) as error:
            return FittedWires(observed.assumed.wires, (f"wires as in array file {observed.assumed.name}: {error}",))
    return _widened(_combined(observed, fits))


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
    # the currents from row to row, and from column to column, go with the square of the cells' conductance
    found.sort(key=lambda each: (-int(np.isfinite(each[1]).sum()), -decoded.states[each[0]].mean()))
    return [(admittance, sigma) for _, admittance, sigma, _ in found]


def _sums(observed: Observed, decoded: Decoded) -> dict[int, dict[float, tuple[FloatArray, FloatArray]]]:
    """Return weighted sums of the admittances and the weights, by stretch and size of the voltage.

    Stretches in which no row was read and no column driven alone are maps, which do not determine wires: skipped.
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

    Currents between columns say nothing about row wires, and vice versa: the fit refuses what is not determined.
    """
    read = np.isfinite(admittance)
    blocks = (read[: shape[0], : shape[0]], read[shape[0] :, shape[0] :])
    return max(float((block.sum() - np.trace(block)) / max(1, block.size - len(block))) for block in blocks)


def _combined(observed: Observed, fits: list[NetworkFit]) -> FittedWires:
    """Return the mean of the fits, weighted by how well each determines them; a wire counts that every fit quotes.

    Where wires differ, the fit of most cells in P stands alone: it determines most, and what its reads leave open is in
    its errors. Two states that agree on that would count as knowledge what is but the gains that they share.
    """
    if any(fit.model.names != WIRES for fit in fits):
        fits = [next((fit for fit in fits if fit.misfit), fits[0])]
    best = fits[0]
    names = tuple(name for name in WIRES if all(fit.wires[name].ohms is not None for fit in fits))
    reduced = tuple(fit.chi_squared_per_freedom for fit in fits)
    misfit = next((fit.misfit for fit in fits if fit.misfit), "")
    summary = [
        f"all ports read in {len(fits)} states: rank {best.rank} of {best.parameters}, chi-squared per degree of "
        f"freedom {', '.join(f'{each:.2g}' for each in reduced)}; {best.model.summary()}"
    ]
    summary += [misfit] * bool(misfit)
    summary += [f"a leakage path, {each}; no array file holds one, so the twin misses it" for each in best.path_words()]
    if METER in best.wires and (meter := best.wires[METER]).ohms is not None:
        summary.append(
            f"lines on meters have {meter.ohms:.4g} +- {meter.standard_error_ohms:.2g} ohm in series that grounded "
            "lines do not have; no array file holds that, so the twin misses it"
        )
    if not misfit:
        summary += [
            f"{name} not identified: {next(fit.wires[name].reason for fit in fits if fit.wires[name].ohms is None)}"
            for name in WIRES
            if name not in names
        ]
    if not names and not misfit:
        return FittedWires(
            observed.assumed.wires, tuple(summary), rank=best.rank, parameters=best.parameters, chi_squared=reduced
        )
    values, covariance = _mean([_wire_part(fit) for fit in fits])
    spread, vectors = np.linalg.eigh(covariance)
    root = best.model.basis @ (vectors * np.sqrt(np.maximum(spread, 0.0)))
    pieces = best.model.basis @ values
    source = (
        f"labmtj calibrate {observed.run}, chip {observed.chip}: all ports in {len(fits)} states, rank {best.rank}, "
        f"chi-squared per degree of freedom {', '.join(f'{each:.2g}' for each in reduced)}"
    )
    before = observed.assumed.wires
    labels = {name: "fitted" if name in names else "misfit" if misfit else "not identified" for name in WIRES}
    if misfit.startswith("not identified"):
        labels = dict.fromkeys(WIRES, "not identified")
    changed = {
        name: getattr(before, name).model_copy(update={"provenance": labels[name], "source": source}) for name in WIRES
    }
    if not misfit and len(names) < len(WIRES):
        pieces, root = _with_assumed(pieces, root, before, names, best.model.shape)
        changed |= {name: getattr(before, name) for name in WIRES if name not in names}
    description = described(pieces, root, before.model_copy(update=changed), best.model.shape)
    return FittedWires(
        description,
        tuple(summary),
        names,
        np.maximum(pieces, 0.0),
        root,
        best.rank,
        best.parameters,
        misfit,
        reduced,
        best.model.shape,
    )


def _with_assumed(
    pieces: FloatArray, root: FloatArray, before: WireDescription, names: tuple[str, ...], shape: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Return the pieces with those of kinds that the data do not determine as they were assumed, and as if known."""
    kept = np.array([kind in names for kind, _, _ in pieces_of(shape)])
    assumed = np.concatenate([each.ravel() for each in before.pieces(shape).values()])
    return np.where(kept, pieces, assumed), np.where(kept[:, np.newaxis], root, 0.0)


def _widened(found: FittedWires) -> FittedWires:
    """Return wires of a model that does not fit with errors as large as each line's wires: only their size is known.

    Chi-squared alone would not do: cells imitate most of what wires are off by, and the rest says little of how much.
    """
    if not found.misfit.startswith("misfit"):
        return found
    lines = np.hstack([WireModel.uniform(found.shape).lines_of(kind) for kind in WIRES])
    return replace(found, root=np.hstack([found.root, found.pieces[:, np.newaxis] * lines]))


def _wire_part(fit: NetworkFit) -> tuple[FloatArray, FloatArray]:
    first = fit.parameters - len(fit.names)
    at = slice(first, first + len(fit.model.names))
    return fit.estimate[at], fit.covariance[at, at]


def _mean(parts: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    if len(parts) == 1:
        return parts[0]
    precisions = [np.linalg.inv(covariance) for _, covariance in parts]
    covariance = np.linalg.inv(sum(precisions, np.zeros_like(precisions[0])))
    weighted = sum(
        (each @ value for each, (value, _) in zip(precisions, parts, strict=True)), np.zeros(len(covariance))
    )
    return np.asarray(covariance @ weighted), covariance
