"""The resistance of every cell in both states, given the wires, from reads of one row at a time.

Newton's method cell by cell: a cell's current depends mostly on its own resistance (by the fraction R_k K_kk). So the
ratio of measured to predicted current corrects the resistance, and a few rounds settle all cells together. Reads of
columns suffice; the wires, which those do not determine, are taken as given. Derived here: Newton's method
with a diagonal Jacobian; labmtj.circuit.ports has the equation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from labmtj.arrays import ArrayDescription
from labmtj.brief import brief
from labmtj.calibration.cell_reads import Reads, reads_of
from labmtj.calibration.law import LEAST_CHANGE, with_measured_law
from labmtj.calibration.observed import Observed
from labmtj.calibration.predict import Model
from labmtj.calibration.repeatability import from_read_to_read, from_write_to_write, repeatability
from labmtj.calibration.states import LEAST_CONTRAST, Decoded
from labmtj.device.cellmap import CellMap
from labmtj.device.mtj import DefectiveCell, Family
from labmtj.device.mtj.cells import Kind
from labmtj.quantities import BoolArray, FloatArray

ROUNDS = 12
LAW_ROUNDS = 6
"""in which the half voltage is found, where the assumed one does not describe the reads"""
SETTLED = 1e-7
"""largest relative change of a resistance in the last round"""
SHORT_FACTOR, OPEN_FACTOR = 3.0, 0.3
"""times the usual P, and AP, conductance: beyond, a cell is no junction (as the reference maps judge it)"""


@brief
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
    """whether it follows from the log; else it is assumed"""
    repeatability: FloatArray
    """(cells,) relative standard deviation of a resistance from one write or read to the next"""
    defects: tuple[DefectiveCell, ...]
    reads: int
    """values of cells that were fitted"""
    networks: int
    residual: float
    """median size of the relative residual"""
    law: str = ""
    """what the reads say of how TMR falls with voltage, if it is not what was assumed"""

    def tmr(self) -> FloatArray:
        """Return the relative excess of AP over P at vanishing voltage, (cells,)."""
        return np.asarray(self.antiparallel_ohms / self.parallel_ohms - 1.0, float)

    def widened(self, parallel: FloatArray, antiparallel: FloatArray) -> FittedCells:
        """Return the same with further relative errors (cells,), such as those that the wires leave."""
        return replace(
            self, parallel_error=np.hypot(self.parallel_error, parallel),
            antiparallel_error=np.hypot(self.antiparallel_error, antiparallel),
        )  # fmt: skip

    def maps(self, shape: tuple[int, int]) -> dict[str, CellMap]:
        """Return the maps of an array file."""
        ratio = self.antiparallel_ohms / self.parallel_ohms
        values = {
            "parallel_ohms": (self.parallel_ohms, self.parallel_error * self.parallel_ohms),
            "tmr": (ratio - 1.0, ratio * np.hypot(self.parallel_error, self.antiparallel_error)),
        }
        maps = {name: CellMap.of(v.reshape(shape), e.reshape(shape)) for name, (v, e) in values.items()}
        return maps | {"repeatability": CellMap.of(self.repeatability.reshape(shape), digits=3)}


def fit_cells(
    observed: Observed, decoded: Decoded, wired: ArrayDescription
) -> tuple[FittedCells, Decoded, ArrayDescription]:
    """Return the cells of a chip whose wires are those of `wired`, and the states with what the fit determined.

    The array comes back with the half voltage that the reads show, if they contradict the assumed one.

    The reads of a stuck cell differ, too, with the states of the cells around it. Only its resistance shows that it did
    not follow: such cells are fitted again, with one resistance.

    Raises:
        DataError: if there is nothing to fit.
    """
    reads = reads_of(observed, decoded)
    parallel, antiparallel, residual = _settled(reads, decoded, wired)
    contrast = antiparallel / parallel - 1.0
    loose = decoded.follows & ~(contrast > LEAST_CONTRAST * np.median(contrast[decoded.follows]))
    if loose.any():
        decoded = decoded.stuck(loose)
        parallel, antiparallel, residual = _settled(reads, decoded, wired)
    law, least, before = "", LEAST_CHANGE, Family.of(wired.family).half_volts.value
    for _ in range(LAW_ROUNDS):
        source = f"labmtj calibrate {observed.run}: reads at several voltages"
        bent, law = with_measured_law(reads, residual, decoded.follows, wired, source, least)
        if bent is wired:
            break
        wired, least = bent, LEAST_CHANGE / 20
        parallel, antiparallel, residual = _settled(reads, decoded, wired)
    if (after := Family.of(wired.family).half_volts.value) != before:
        law = f"half voltage {after:.3g} V: fitted to reads at several voltages; {before:.3g} V was assumed. {law}"
    found = replace(_judged(observed, decoded, reads, parallel, antiparallel, residual), law=law)
    if law:  # a smaller change with voltage would have been no reason to leave the assumed law
        found = found.widened(np.zeros(parallel.shape), np.full(parallel.shape, LEAST_CHANGE))
    return found, decoded, wired


def _settled(reads: Reads, decoded: Decoded, wired: ArrayDescription) -> tuple[FloatArray, FloatArray, FloatArray]:
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


def _ratios(model: Model, reads: Reads, always_low: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return measured over predicted current of every read, and the share of its cell's own resistance in it."""
    ratio, share = np.full(reads.siemens.shape, np.nan), np.ones(reads.siemens.shape)
    for state, biases in zip(reads.states & ~always_low, reads.answers, strict=True):
        ports = model.ports(state)
        point = model.solve(state, reads.volts[biases], ports)
        predicted = -point.line_amperes[:, reads.lines] / reads.driven_volts[biases, np.newaxis]
        ratio[biases] = reads.siemens[biases] / predicted
        share[biases] = (ports.cell_ohms * np.diag(ports.inverse))[reads.cell[biases]]
    return ratio, share


def _mean_steps(step: FloatArray, reads: Reads, follows: BoolArray, cells: int) -> tuple[FloatArray, FloatArray]:
    """Return the mean step of every cell in P and in AP; of a cell with one state the same for both."""
    weights, state = reads.weights(), reads.state()
    sums, counts = np.zeros((2, cells)), np.zeros((2, cells))
    for number, wanted in enumerate((True, False)):
        here = reads.usable & (state == wanted)
        sums[number] = np.bincount(reads.cell[here], (weights * step)[here], cells)
        counts[number] = np.bincount(reads.cell[here], weights[here], cells)
    together = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1e-9)
    each = sums / np.maximum(counts, 1e-9)
    return np.where(follows, each[0], together), np.where(follows, each[1], together)


def _judged(
    observed: Observed, decoded: Decoded, reads: Reads, parallel: FloatArray, antiparallel: FloatArray,
    residual: FloatArray,
) -> FittedCells:  # fmt: skip
    """Return the fit with its errors: how well the cells repeat from write to write, and from read to read."""
    fit = decoded.follows
    by_network = _by_network(residual, reads, parallel.size)
    assumed = float(Family.of(observed.assumed.family).cycle_to_cycle.value)
    written = from_write_to_write(by_network, reads.states, fit, assumed)
    within = from_read_to_read(by_network, written.mean, fit)
    counts = np.stack([((reads.states == wanted) & np.isfinite(by_network)).sum(axis=0) for wanted in (True, False)])
    spread = np.array(written.spread)[:, np.newaxis]
    errors = np.sqrt(spread**2 / np.maximum(written.writes, 1) + within**2 / np.maximum(counts, 1))
    cycle = min(written.spread)  # noise of the reads is in both: more of it where less current flows
    defects = _defects(parallel, antiparallel, decoded, observed.assumed.shape)
    parallel, antiparallel = _filled(parallel, antiparallel, decoded, defects, observed.assumed.shape)
    errors[:, ~decoded.read] = np.std(np.log([parallel[fit], antiparallel[fit]]), axis=1, keepdims=True)
    return FittedCells(
        parallel, errors[0], antiparallel, errors[1], cycle, written.measured,
        repeatability(by_network, fit, max(written.spread), within), defects, int(reads.usable.sum()),
        len(reads.states), float(np.nanmedian(np.abs(by_network))),
    )  # fmt: skip


def _defects(
    parallel: FloatArray, ohms: FloatArray, decoded: Decoded, shape: tuple[int, int]
) -> tuple[DefectiveCell, ...]:
    """Judge the cells with one state by their resistance, against the medians of the others; not those never read."""
    fit = decoded.follows
    high, low = float(np.median(parallel[fit])), float(np.median(ohms[fit]))
    opened, found = _open(decoded), []
    for cell in np.flatnonzero(~fit & decoded.read).tolist():
        kind: Kind = "stuck_parallel" if ohms[cell] < np.sqrt(high * low) else "stuck_antiparallel"
        if ohms[cell] < high / SHORT_FACTOR:
            kind = "short"
        elif opened[cell] or ohms[cell] > low / OPEN_FACTOR:
            kind = "open"
        size = float(f"{ohms[cell]:.5g}") if kind in ("short", "open") else None
        found.append(DefectiveCell(row=cell // shape[1], column=cell % shape[1], kind=kind, ohms=size))
    return tuple(found)


def _filled(
    parallel: FloatArray, antiparallel: FloatArray, decoded: Decoded, defects: tuple[DefectiveCell, ...],
    shape: tuple[int, int],
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Return the resistances with what a defective or unread cell never shows filled in: the medians of the others."""
    fit, unread = decoded.follows, ~decoded.read
    usual = float(np.median(antiparallel[fit] / parallel[fit]))
    middle = float(np.median(parallel[fit]))
    parallel, antiparallel = np.where(unread, middle, parallel), np.where(unread, middle * usual, antiparallel)
    for each in defects:
        cell = each.row * shape[1] + each.column
        if each.ohms is not None:
            parallel[cell] = middle
        antiparallel[cell] = parallel[cell] * usual
    return parallel, antiparallel


def _by_network(residual: FloatArray, reads: Reads, cells: int) -> FloatArray:
    """Return the mean residual of every cell in every network, (networks, cells); NaN where it was not read."""
    flat = np.broadcast_to(reads.network[:, np.newaxis], reads.cell.shape) * cells + reads.cell
    usable, size = reads.usable, len(reads.states) * cells
    count = np.bincount(flat[usable], minlength=size)
    total = np.bincount(flat[usable], residual[usable], size)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan).reshape(-1, cells)
