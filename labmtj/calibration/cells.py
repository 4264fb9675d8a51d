"""The resistance of every cell in both states, given the wires, from reads of one row at a time.

Newton's method cell by cell: a cell's own current depends on its own resistance most (R_k K_kk of one), so what is
measured over what the network predicts corrects the resistance, and a few rounds settle all cells together. It needs no
more than reads of columns; what those cannot tell, the wires, is taken as given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.calibration.observed import Observed, driven_alone
from labmtj.calibration.predict import Model
from labmtj.calibration.repeatability import from_read_to_read, from_write_to_write, repeatability
from labmtj.calibration.states import LEAST_CONTRAST, Decoded, single_reads
from labmtj.errors import DataError
from labmtj.junction import ArrayDescription, CellMap, DefectiveCell
from labmtj.junction.cells import Kind
from labmtj.quantities import BoolArray, FloatArray

ROUNDS = 12
SETTLED = 1e-7
"""largest relative change of a resistance in the last round"""
MOST_NETWORKS = 40
"""segments that are fitted, of a 15 x 15 array; fewer of a larger one"""
MOSTLY_KNOWN = 0.98
"""part of the cells whose state must be known in a segment"""
SHORT_FACTOR, OPEN_FACTOR = 3.0, 0.3
"""times the usual P, and AP, conductance: beyond, a cell is no junction (as the reference maps judge it)"""


@dataclass(frozen=True, eq=False)
class FittedCells:
    """Every cell of a chip, flat; standard errors are relative, without the gain of the meter."""

    parallel_ohms: FloatArray
    parallel_error: FloatArray
    antiparallel_ohms: FloatArray
    """at vanishing voltage, by the half voltage of the array file"""
    antiparallel_error: FloatArray
    cycle_to_cycle: float
    """relative spread of a resistance from one write to the next"""
    cycle_measured: bool
    """whether the log told it; else it is what was assumed"""
    repeatability: FloatArray
    """(cells,) relative standard deviation of a resistance from one write or read to the next"""
    defects: tuple[DefectiveCell, ...]
    reads: int
    """values of cells that were fitted"""
    networks: int
    residual: float
    """median size of the relative residual"""

    def tmr(self) -> FloatArray:
        """Return the relative excess of AP over P at vanishing voltage, (cells,)."""
        return np.asarray(self.antiparallel_ohms / self.parallel_ohms - 1.0, float)

    def maps(self, shape: tuple[int, int]) -> dict[str, CellMap]:
        """Return the maps of an array file."""
        ratio = self.antiparallel_ohms / self.parallel_ohms
        values = {
            "parallel_ohms": (self.parallel_ohms, self.parallel_error * self.parallel_ohms),
            "tmr": (ratio - 1.0, ratio * np.hypot(self.parallel_error, self.antiparallel_error)),
        }
        maps = {name: CellMap.of(v.reshape(shape), e.reshape(shape)) for name, (v, e) in values.items()}
        return maps | {"repeatability": CellMap.of(self.repeatability.reshape(shape), digits=3)}


def fit_cells(observed: Observed, decoded: Decoded, wired: ArrayDescription) -> tuple[FittedCells, Decoded]:
    """Return the cells of a chip whose wires are those of `wired`, and the states with what the fit told of them.

    The reads of a stuck cell differ, too, with the states of the cells around it. Only its resistance shows that it did
    not follow: such cells are fitted again, with one resistance.

    Raises:
        DataError: if there is nothing to fit.
    """
    reads = _reads(observed, decoded)
    parallel, antiparallel, residual = _settled(reads, decoded, wired)
    contrast = antiparallel / parallel - 1.0
    loose = decoded.follows & ~(contrast > LEAST_CONTRAST * np.median(contrast[decoded.follows]))
    if loose.any():
        decoded = decoded.stuck(loose)
        parallel, antiparallel, residual = _settled(reads, decoded, wired)
    return _judged(observed, decoded, reads, parallel, antiparallel, residual), decoded


def _settled(reads: _Reads, decoded: Decoded, wired: ArrayDescription) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the resistances of all cells in P and AP, and the relative residual of every read."""
    open_cells, always_low = _open(decoded), np.zeros(decoded.follows.shape, bool)
    parallel, antiparallel = _first_guess(decoded)
    model = Model(wired)
    for _ in range(ROUNDS):
        model = model.rewired(parallel, antiparallel)
        ratio, share = _ratios(model, reads, always_low)
        step = np.log(np.clip(ratio, 0.2, 5.0)) / np.maximum(share, 0.2)
        high, low = _mean_steps(step, reads, decoded.follows, parallel.size)
        high, low = np.where(open_cells, 0.0, high), np.where(open_cells, 0.0, low)
        parallel, antiparallel = parallel * np.exp(-high), antiparallel * np.exp(-low)
        parallel, always_low = _with_stuck_antiparallel(parallel, antiparallel, decoded.follows)
        if max(np.abs(high).max(), np.abs(low).max()) < SETTLED:
            break
    ratio, _ = _ratios(model.rewired(parallel, antiparallel), reads, always_low)
    return parallel, antiparallel, np.log(np.clip(ratio, 1e-3, 1e3))


def _with_stuck_antiparallel(
    parallel: FloatArray, antiparallel: FloatArray, fit: BoolArray
) -> tuple[FloatArray, BoolArray]:
    """Return the P resistances with the usual contrast for cells stuck in AP, and which these are.

    Their TMR falls with voltage as that of others: they are no resistors.
    """
    high, low = np.median(parallel[fit]), np.median(antiparallel[fit])
    stuck = ~fit & (antiparallel > np.sqrt(high * low)) & (antiparallel < low / OPEN_FACTOR)
    return np.where(stuck, antiparallel / np.median(antiparallel[fit] / parallel[fit]), parallel), stuck


@dataclass(frozen=True, eq=False)
class _Reads:
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
    def told(self) -> BoolArray:
        return np.asarray(np.isfinite(self.siemens), bool)

    def state(self) -> BoolArray:
        """Return the state of the cell of every read, (biases, read)."""
        return np.asarray(self.states[self.network[:, np.newaxis], self.cell], bool)


def _reads(observed: Observed, decoded: Decoded) -> _Reads:
    """Choose the segments in which most cells were read, spread over the log."""
    shape, answers = observed.assumed.shape, observed.columns
    chosen, siemens = single_reads(answers, shape, observed.assumed.limits.disturb_volts)
    folded = np.isfinite(answers.rest_amperes[chosen]).any(axis=1)
    if not folded.any():
        raise DataError(
            f"{observed.path}: no cell of chip {observed.chip} was read in both polarities, so offsets of sources and "
            "meters cannot be told from cells; `labmtj run reference` reads in both"
        )
    chosen, siemens = chosen[folded], siemens[folded]
    segment = decoded.segment_of[0][chosen]
    size = np.where(
        np.bincount(segment, minlength=len(decoded.states)) > 0, np.isfinite(decoded.decoded).sum(axis=1), 0
    )
    full = np.flatnonzero((size >= 0.8 * size.max()) & (decoded.certain.mean(axis=1) >= MOSTLY_KNOWN))
    if not len(full):
        raise DataError(
            f"{observed.path}: no stretch of the log knows the states of chip {observed.chip}; `labmtj run reference` "
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
    return _Reads(
        decoded.states[full], tuple(np.flatnonzero(network == each) for each in range(len(full))), volts, siemens,
        cell, volts[np.arange(len(volts)), row], network,
        answers.lines,
    )  # fmt: skip


def _with_both_states(full: NDArray[np.intp], decoded: Decoded, segment: NDArray[np.intp]) -> NDArray[np.intp]:
    """Add, for cells that would be fitted in one state only, the segment that tells most of the other one."""
    for state in (1.0, 0.0):
        missing = decoded.follows & ~(decoded.decoded[full] == state).any(axis=0)
        if missing.any():
            told = (decoded.decoded[:, missing] == state).sum(axis=1)
            told[np.setdiff1d(np.arange(len(told)), segment)] = 0
            best = np.argsort(told)[::-1][:4]
            full = np.union1d(full, best[told[best] > 0])
    return full


def _open(decoded: Decoded) -> BoolArray:
    """Return the cells that hardly conduct: their current is a matter of offsets, and no resistance follows from it."""
    usual = float(np.median(decoded.low_siemens[decoded.follows]))
    with np.errstate(invalid="ignore"):
        return np.asarray(~decoded.follows & (decoded.high_siemens < OPEN_FACTOR * usual), bool)


def _first_guess(decoded: Decoded) -> tuple[FloatArray, FloatArray]:
    usual = np.nanmedian(decoded.high_siemens), np.nanmedian(decoded.low_siemens)
    high = np.where(np.isnan(decoded.high_siemens), usual[0], decoded.high_siemens)
    low = np.where(np.isnan(decoded.low_siemens), usual[1], decoded.low_siemens)
    stuck = ~decoded.follows
    high, low = np.where(stuck, (high + low) / 2, high), np.where(stuck, (high + low) / 2, low)
    least = 1e-9
    return 1 / np.maximum(high, least), 1 / np.maximum(low, least)


def _ratios(model: Model, reads: _Reads, always_low: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return measured over predicted current of every read, and the share of its cell's own resistance in it."""
    ratio, share = np.full(reads.siemens.shape, np.nan), np.ones(reads.siemens.shape)
    for state, biases in zip(reads.states & ~always_low, reads.answers, strict=True):
        ports = model.ports(state)
        point = model.solve(state, reads.volts[biases], ports)
        predicted = -point.line_amperes[:, reads.lines] / reads.driven_volts[biases, np.newaxis]
        ratio[biases] = reads.siemens[biases] / predicted
        share[biases] = (ports.cell_ohms * np.diag(ports.inverse))[reads.cell[biases]]
    return ratio, share


def _mean_steps(step: FloatArray, reads: _Reads, follows: BoolArray, cells: int) -> tuple[FloatArray, FloatArray]:
    """Return the mean step of every cell in P and in AP; of a cell with one state the same for both."""
    told, state = reads.told, reads.state()
    sums, counts = np.zeros((2, cells)), np.zeros((2, cells))
    for number, wanted in enumerate((True, False)):
        here = told & (state == wanted)
        sums[number] = np.bincount(reads.cell[here], step[here], cells)
        counts[number] = np.bincount(reads.cell[here], minlength=cells)
    together = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    each = sums / np.maximum(counts, 1)
    return np.where(follows, each[0], together), np.where(follows, each[1], together)


def _judged(
    observed: Observed, decoded: Decoded, reads: _Reads, parallel: FloatArray, antiparallel: FloatArray,
    residual: FloatArray,
) -> FittedCells:  # fmt: skip
    """Return the fit with its errors: how well the cells repeat from write to write, and from read to read."""
    fit = decoded.follows
    by_network = _by_network(residual, reads, parallel.size)
    written, writes, cycle, measured = from_write_to_write(
        by_network, reads.states, fit, float(observed.assumed.family.cycle_to_cycle.value)
    )
    within = from_read_to_read(by_network, written, fit)
    counts = np.stack([((reads.states == wanted) & np.isfinite(by_network)).sum(axis=0) for wanted in (True, False)])
    errors = np.sqrt(cycle**2 / np.maximum(writes, 1) + within**2 / np.maximum(counts, 1))
    defects = _defects(parallel, antiparallel, decoded, observed.assumed.shape)
    parallel, antiparallel = _filled(parallel, antiparallel, fit, defects, observed.assumed.shape)
    return FittedCells(
        parallel, errors[0], antiparallel, errors[1], cycle, measured,
        repeatability(by_network, fit, cycle, within), defects, int(reads.told.sum()), len(reads.states),
        float(np.nanmedian(np.abs(by_network))),
    )  # fmt: skip


def _defects(
    parallel: FloatArray, ohms: FloatArray, decoded: Decoded, shape: tuple[int, int]
) -> tuple[DefectiveCell, ...]:
    """Judge the cells with one state by their resistance, against the medians of the others."""
    fit = decoded.follows
    high, low = float(np.median(parallel[fit])), float(np.median(ohms[fit]))
    opened, found = _open(decoded), []
    for cell in np.flatnonzero(~fit).tolist():
        kind: Kind = "stuck_parallel" if ohms[cell] < np.sqrt(high * low) else "stuck_antiparallel"
        if ohms[cell] < high / SHORT_FACTOR:
            kind = "short"
        elif opened[cell] or ohms[cell] > low / OPEN_FACTOR:
            kind = "open"
        size = float(f"{ohms[cell]:.5g}") if kind in ("short", "open") else None
        found.append(DefectiveCell(row=cell // shape[1], column=cell % shape[1], kind=kind, ohms=size))
    return tuple(found)


def _filled(
    parallel: FloatArray, antiparallel: FloatArray, fit: BoolArray, defects: tuple[DefectiveCell, ...],
    shape: tuple[int, int],
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Return the resistances with what a defective cell never shows filled in: the medians of the others."""
    usual = float(np.median(antiparallel[fit] / parallel[fit]))
    parallel, antiparallel = parallel.copy(), antiparallel.copy()
    for each in defects:
        cell = each.row * shape[1] + each.column
        if each.ohms is not None:
            parallel[cell] = np.median(parallel[fit])
        antiparallel[cell] = parallel[cell] * usual
    return parallel, antiparallel


def _by_network(residual: FloatArray, reads: _Reads, cells: int) -> FloatArray:
    """Return the mean residual of every cell in every network, (networks, cells); NaN where it was not read."""
    flat = np.broadcast_to(reads.network[:, np.newaxis], reads.cell.shape) * cells + reads.cell
    told, size = reads.told, len(reads.states) * cells
    count = np.bincount(flat[told], minlength=size)
    total = np.bincount(flat[told], residual[told], size)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan).reshape(-1, cells)
