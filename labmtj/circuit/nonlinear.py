"""The operating point of an array whose cells change resistance with bias, driven by sources of any kind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labmtj.circuit.boundary import Boundary, beyond, limit
from labmtj.circuit.fixed_point import CellLaw, Problem, settle_cells, settle_one
from labmtj.circuit.ports import PortState
from labmtj.circuit.products import matvec
from labmtj.errors import UsageError
from labmtj.quantities import BoolArray, FloatArray


class OperatingPoint(NamedTuple):
    """A solved array; with a leading batch axis where the source voltages have one."""

    line_volts: FloatArray
    line_amperes: FloatArray
    """into the array"""
    cell_volts: FloatArray
    """across the junctions, row minus column"""
    cell_amperes: FloatArray
    limited: BoolArray
    """(lines,): True where the source holds its current limit instead of its voltage"""


CHUNK = 32
"""vectors solved at a time: their cells fit the cache, which makes a pass a third faster"""


class _Cells(NamedTuple):
    law: CellLaw
    slope: CellLaw | None
    tolerance_volts: float


def operating_point(
    state: PortState,
    source_volts: FloatArray,
    cell_amperes: CellLaw,
    *,
    cell_siemens: CellLaw | None = None,
    start_volts: FloatArray | None = None,
    source_siemens: ArrayLike | None = None,
    line_amperes: ArrayLike | None = None,
    tolerance_volts: float = 1e-10,
) -> OperatingPoint:
    """Return voltages and currents that obey the network and the law of every cell.

    The answer to a vector has the same bits in any batch.

    Args:
        state: the network, with the resistances of the cells near zero bias (the closer, the fewer passes).
        source_volts: (lines,) or (batch, lines) volts, NaN = floating.
        cell_amperes: the current law of the cells, rising with voltage.
        cell_siemens: its derivative, used only where the fixed point fails; None = by differences.
        start_volts: cell volts to start from, (cells,) or (batch, cells); None = the linear answer.
        source_siemens: conductance of the sources, one or (lines,); None = stiff.
        line_amperes: current limit of the sources, one or (lines,); None = unlimited.
        tolerance_volts: a vector has settled when another pass would move no cell voltage as far as this.

    Raises:
        ProcedureFailed: if the cell voltages do not settle; names the vector and what is left.
        UsageError: for a wrong number of line voltages.
    """
    single = source_volts.ndim == 1
    if single and source_siemens is None and len(source_volts) == len(state.admittance):
        point = _one_driven(state, _Cells(cell_amperes, cell_siemens, tolerance_volts), source_volts, start_volts)
        if point is not None and (line_amperes is None or (np.abs(point.line_amperes) <= line_amperes).all()):
            return point
    sources = source_volts[np.newaxis] if single else source_volts
    if sources.shape[-1] != len(state.admittance):
        raise UsageError(f"the array has {len(state.admittance)} lines; got voltages of shape {source_volts.shape}")
    starts = None if start_volts is None else np.broadcast_to(start_volts, (len(sources), len(state.cell_ohms)))
    cells = _Cells(cell_amperes, cell_siemens, tolerance_volts)
    if source_siemens is None and not np.isnan(sources).any():
        answer = _driven(state, cells, sources, starts)
    else:
        answer = _by_pattern(state, cells, sources, starts, np.inf if source_siemens is None else source_siemens)
    if line_amperes is not None:
        offenders = np.flatnonzero(beyond(answer.line_amperes, line_amperes).any(axis=-1))
        if len(offenders):
            stiffness = np.inf if source_siemens is None else source_siemens
            answer = _with_limits(state, cells, sources, stiffness, line_amperes, answer, offenders.tolist())
    return _first(answer) if single else answer


def _first(batch: OperatingPoint) -> OperatingPoint:
    return OperatingPoint(
        batch.line_volts[0], batch.line_amperes[0], batch.cell_volts[0], batch.cell_amperes[0], batch.limited[0]
    )


def _one_driven(
    state: PortState, cells: _Cells, line_volts: FloatArray, start: FloatArray | None
) -> OperatingPoint | None:
    """Do what `_driven` does for one vector, without the bookkeeping of a batch; None if a line floats."""
    if np.isnan(line_volts).any():
        return None
    linear = state.transfer @ line_volts
    problem = Problem(state.cell_ohms, state.inverse, *cells)
    volts, amperes = settle_one(problem, linear, state.cell_ohms * linear if start is None else start)
    into = state.wires.incidence.T @ amperes
    return OperatingPoint(line_volts, into, volts, amperes, np.zeros(len(line_volts), dtype=bool))


def _driven(state: PortState, cells: _Cells, line_volts: FloatArray, starts: FloatArray | None) -> OperatingPoint:
    """Return the answer with every line at a known voltage."""
    if len(line_volts) > CHUNK:
        parts = [slice(first, first + CHUNK) for first in range(0, len(line_volts), CHUNK)]
        answers = [_driven(state, cells, line_volts[p], None if starts is None else starts[p]) for p in parts]
        return OperatingPoint(*map(np.concatenate, zip(*answers, strict=True)))
    problem = Problem(state.cell_ohms, state.inverse, *cells)
    volts, amperes = settle_cells(problem, matvec(state.transfer, line_volts), starts)
    into = matvec(state.wires.incidence.T, amperes)
    return OperatingPoint(line_volts, into, volts, amperes, np.zeros(line_volts.shape, dtype=bool))


def _terminated(
    state: PortState,
    cells: _Cells,
    boundary: Boundary,
    sources: FloatArray,
    starts: FloatArray | None = None,
    forced_amperes: FloatArray | float = 0.0,
) -> OperatingPoint:
    """Return the answer with one boundary for all vectors: lines that are not stiff follow what the cells carry."""
    # Derived here: what cells carry beyond their linear current, e, forces X^T e into the lines and lowers their volts
    # by Zb X^T e. To the cells that looks like a network of another inverse.
    soft = np.flatnonzero(~boundary.stiff)
    coupling = state.transfer[:, soft]
    inverse = state.inverse - coupling @ (boundary.impedance[np.ix_(soft, soft)] @ coupling.T)
    linear = matvec(state.transfer, boundary.line_volts(sources, forced_amperes))
    volts, amperes = settle_cells(Problem(state.cell_ohms, inverse, *cells), linear, starts)
    excess = state.cell_ohms * amperes - volts
    line_volts = boundary.line_volts(sources, forced_amperes - matvec(state.transfer.T, excess))
    into = matvec(state.wires.incidence.T, amperes)
    return OperatingPoint(line_volts, into, volts, amperes, np.zeros(line_volts.shape, dtype=bool))


def _by_pattern(
    state: PortState, cells: _Cells, sources: FloatArray, starts: FloatArray | None, source_siemens: ArrayLike
) -> OperatingPoint:
    """Return the answer for soft or floating lines, one boundary for each pattern of floating lines."""
    if len(sources) == 1:  # a pulse with floating lines: nothing to sort
        boundary = Boundary(state.admittance, np.where(np.isnan(sources[0]), 0.0, source_siemens))
        return _terminated(state, cells, boundary, sources, starts)
    lines, count = sources.shape[1], len(state.cell_ohms)
    volts, into, across, through = (np.empty((len(sources), size)) for size in (lines, lines, count, count))
    answer = OperatingPoint(volts, into, across, through, np.zeros(sources.shape, dtype=bool))
    patterns, members = np.unique(np.isnan(sources), axis=0, return_inverse=True)
    for number, floating in enumerate(patterns):
        chosen = members.ravel() == number
        boundary = Boundary(state.admittance, np.where(floating, 0.0, source_siemens))
        part = _terminated(state, cells, boundary, sources[chosen], None if starts is None else starts[chosen])
        for whole, piece in zip(answer, part, strict=True):
            whole[chosen] = piece
    return answer


def _with_limits(
    state: PortState,
    cells: _Cells,
    sources: FloatArray,
    source_siemens: ArrayLike,
    line_amperes: ArrayLike,
    answer: OperatingPoint,
    offenders: list[int],
) -> OperatingPoint:
    """Return the answer in which no source of the `offenders` (numbers of vectors) goes beyond its limit."""
    answer = answer._replace(line_volts=answer.line_volts.copy())
    for number in offenders:
        chosen = sources[number]

        def solve(siemens: FloatArray, forced: FloatArray, chosen: FloatArray = chosen) -> OperatingPoint:
            boundary = Boundary(state.admittance, siemens)
            return _first(_terminated(state, cells, boundary, chosen[np.newaxis], None, forced))

        signs, point = limit(solve, chosen, np.where(np.isnan(chosen), 0.0, source_siemens), line_amperes)
        for whole, piece in zip(answer, point._replace(limited=signs != 0), strict=True):
            whole[number] = piece
    return answer
