"""An independent answer for every network: plain nodal analysis, one stamp per resistor, in 50 decimal digits.

In double precision the leak of 1e-12 S of a piece that is cut off drowns in the conductance of its wires.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from labmtj.circuit import Wires

settings.register_profile("circuit", deadline=None, derandomize=True)
settings.load_profile("circuit")

DIGITS = decimal.Context(prec=50)
LEAK_SIEMENS = Decimal("1e-12")

exactly = np.vectorize(Decimal, otypes=[object])


@dataclass
class Solution:
    line_volts: np.ndarray
    line_amperes: np.ndarray
    cell_volts: np.ndarray
    cell_amperes: np.ndarray


class Nodes:
    """A conductance matrix under construction: stamps of resistors, then voltages given at some nodes."""

    def __init__(self, count):
        self.matrix = exactly(np.zeros((count, count)))

    def stamp(self, a, b, siemens):
        self.matrix[[a, b], [a, b]] += siemens
        self.matrix[[a, b], [b, a]] -= siemens

    def stamp_line(self, taps, pad, segment_ohms, lead_ohms):
        for tap, ohms in enumerate(segment_ohms):
            if np.isfinite(ohms):
                self.stamp(taps[tap], taps[tap + 1], 1 / Decimal(ohms))
        for end, tap in ((0, 0), (1, -1)):
            if np.isfinite(lead_ohms[end]):
                self.stamp(taps[tap], pad, 1 / Decimal(lead_ohms[end]))
        pieces = np.concatenate([[0], np.cumsum(np.isinf(segment_ohms))])
        padded = {int(pieces[end]) for end in (0, -1) if np.isfinite(lead_ohms[end])}
        for piece in set(pieces.tolist()) - padded:
            self.stamp(taps[int(np.argmax(pieces == piece))], pad, LEAK_SIEMENS)

    def solve(self, known):
        """Return the voltages of all nodes; those that are NaN in `known` by elimination, which needs no pivots here."""
        free = np.isnan(known)
        volts = exactly(known)
        matrix = self.matrix[np.ix_(free, free)]
        drive = -self.matrix[np.ix_(free, ~free)] @ volts[~free]
        count = len(drive)
        for node in range(count):
            later = node + 1 + np.flatnonzero(matrix[node + 1 :, node])
            part = matrix[later, node] / matrix[node, node]
            matrix[np.ix_(later, later)] -= np.multiply.outer(part, matrix[node, later])
            drive[later] -= part * drive[node]
        answer = drive.copy()
        for node in reversed(range(count)):
            later = node + 1 + np.flatnonzero(matrix[node, node + 1 :])
            answer[node] = (drive[node] - (matrix[node, later] * answer[later]).sum()) / matrix[node, node]
        volts[free] = answer
        return volts


def solve_nodes(wires, cell_ohms, source_volts, source_siemens=None):
    """Stamp two nodes per cell, one per line, one per source and ground; solve for the voltages that are not given."""
    rows, columns = wires.shape
    cells, lines = rows * columns, rows + columns
    siemens = np.full(lines, np.inf) if source_siemens is None else source_siemens
    upper, lower = np.arange(2 * cells).reshape(2, rows, columns)
    pads, sources = 2 * cells + np.arange(2 * lines).reshape(2, lines)
    ground = 2 * cells + 2 * lines
    with decimal.localcontext(DIGITS):
        nodes = Nodes(ground + 1)
        for row in range(rows):
            nodes.stamp_line(upper[row], pads[row], wires.row_segment_ohms[row], wires.row_lead_ohms[row])
        for column, pad in enumerate(pads[rows:]):
            nodes.stamp_line(lower[:, column], pad, wires.column_segment_ohms[column], wires.column_lead_ohms[column])
        ohms = exactly(np.ravel(cell_ohms))
        branch = 1 / (ohms + exactly(wires.contact_ohms.ravel()))
        for cell in range(cells):
            nodes.stamp(cell, cells + cell, branch[cell])
        known = np.full(ground + 1, np.nan)
        known[ground], known[sources] = 0.0, np.nan_to_num(source_volts)
        for line in range(lines):
            if np.isnan(source_volts[line]):
                nodes.stamp(pads[line], ground, LEAK_SIEMENS)
            elif np.isinf(siemens[line]):
                known[pads[line]] = source_volts[line]
            else:
                nodes.stamp(pads[line], sources[line], Decimal(siemens[line]))
        volts = nodes.solve(known)
        amperes = branch * (volts[upper] - volts[lower]).ravel()
        grid = amperes.reshape(rows, columns)
        into = np.concatenate([grid.sum(axis=1), -grid.sum(axis=0)])
        answers = (volts[pads], into, amperes * ohms, amperes)
    return Solution(*(answer.astype(float) for answer in answers))


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
