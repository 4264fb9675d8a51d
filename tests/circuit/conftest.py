"""An independent answer for every network: plain nodal analysis, one stamp per resistor, dense."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from labmtj.circuit import Wires

settings.register_profile("circuit", deadline=None, derandomize=True)
settings.load_profile("circuit")

LEAK_SIEMENS = 1e-12


@dataclass
class Solution:
    line_volts: np.ndarray
    line_amperes: np.ndarray
    cell_volts: np.ndarray
    cell_amperes: np.ndarray


def solve_nodes(wires, cell_ohms, source_volts, source_siemens=None):
    """Stamp two nodes per cell, one per line and one per source; solve for the nodes whose voltage is not given."""
    rows, columns = wires.shape
    cells, lines = rows * columns, rows + columns
    total = 2 * cells + 2 * lines + 1
    ground = total - 1
    matrix = np.zeros((total, total))

    def stamp(a, b, siemens):
        matrix[a, a] += siemens
        matrix[b, b] += siemens
        matrix[a, b] -= siemens
        matrix[b, a] -= siemens

    def stamp_line(taps, pad, segments, leads):
        reached = np.zeros(len(taps), bool)
        for end, tap in ((0, 0), (1, len(taps) - 1)):
            if np.isfinite(leads[end]):
                stamp(taps[tap], pad, 1 / leads[end])
        pieces = np.concatenate([[0], np.cumsum(np.isinf(segments))])
        reached = np.isfinite(leads[0]) & (pieces == 0) | np.isfinite(leads[1]) & (pieces == pieces[-1])
        for tap, ohms in enumerate(segments):
            if np.isfinite(ohms):
                stamp(taps[tap], taps[tap + 1], 1 / ohms)
        for piece in set(pieces[~reached].tolist()):
            stamp(taps[int(np.argmax(pieces == piece))], pad, LEAK_SIEMENS)

    upper = np.arange(cells).reshape(rows, columns)
    lower = upper + cells
    for row in range(rows):
        stamp_line(upper[row], 2 * cells + row, wires.row_segment_ohms[row], wires.row_lead_ohms[row])
    for column in range(columns):
        stamp_line(
            lower[:, column],
            2 * cells + rows + column,
            wires.column_segment_ohms[column],
            wires.column_lead_ohms[column],
        )
    branch = 1 / (np.ravel(cell_ohms) + wires.contact_ohms.ravel())
    for cell in range(cells):
        stamp(cell, cells + cell, branch[cell])
    known = np.full(total, np.nan)
    known[ground] = 0.0
    for line in range(lines):
        pad, source = 2 * cells + line, 2 * cells + lines + line
        siemens = np.inf if source_siemens is None else source_siemens[line]
        known[source] = 0.0 if np.isnan(source_volts[line]) else source_volts[line]
        if np.isnan(source_volts[line]) or siemens == 0:
            stamp(pad, ground, LEAK_SIEMENS)
        elif np.isinf(siemens):
            known[pad] = source_volts[line]
        else:
            stamp(pad, source, siemens)
    free = np.isnan(known)
    volts = known.copy()
    volts[free] = np.linalg.solve(matrix[np.ix_(free, free)], -matrix[np.ix_(free, ~free)] @ known[~free])
    amperes = branch * (volts[:cells] - volts[cells : 2 * cells])
    grid = amperes.reshape(rows, columns)
    return Solution(
        volts[2 * cells : 2 * cells + lines],
        np.concatenate([grid.sum(axis=1), -grid.sum(axis=0)]),
        amperes * np.ravel(cell_ohms),
        amperes,
    )


@pytest.fixture(scope="session")
def nodes():
    return solve_nodes


@st.composite
def random_networks(draw, smallest_ohms=0.1, cuts=True):
    """Wires and cells of a random topology: any ends, cuts, a short, an open, contacts."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def leads(lines):
        values = rng.uniform(smallest_ohms, 50, (lines, 2))
        ends = rng.integers(0, 3, lines)
        values[ends == 0, 1] = np.inf
        values[ends == 1, 0] = np.inf
        return values

    def segments(shape):
        values = rng.uniform(smallest_ohms, 10, shape)
        if cuts and draw(st.booleans()):
            values[rng.random(shape) < 0.15] = np.inf
        return values

    wires = Wires(
        segments((rows, columns - 1)),
        segments((columns, rows - 1)),
        leads(rows),
        leads(columns),
        rng.uniform(0, 100, (rows, columns)),
    )
    cells = rng.uniform(1e3, 2e4, (rows, columns))
    if draw(st.booleans()):
        cells[rng.integers(rows), rng.integers(columns)] = 50.0
    if draw(st.booleans()):
        cells[rng.integers(rows), rng.integers(columns)] = 1e12
    return wires, cells, rng


@pytest.fixture(scope="session")
def networks():
    return random_networks
