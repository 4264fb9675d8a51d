"""How fast a 15 x 15 array is solved, beside badcrossbar on the same work in the same process.

Cells of 10 and 20 kOhm, 1 ohm per segment and per lead: the one boundary badcrossbar knows. It keeps no state, so each
of its works is a solve from the resistances; where ours starts from a known state, the work says so. Medians of one
thread.
"""

import sys
import time
import warnings
from typing import NamedTuple
from unittest.mock import MagicMock

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from labmtj.circuit import LineSolver, PortState, Wires, matvec, operating_point, response_of, solve_cold

SIZE = 15
OHMS = dict.fromkeys(("row_segment_ohms", "column_segment_ohms", "row_lead_ohms", "column_lead_ohms"), 1.0)


class Work(NamedTuple):
    name: str
    ours: object
    peer: object
    expected_us: float | None
    """of a prototype on one thread of a 2-core server; to be met within a factor of 2"""
    aim: float | None
    """times faster than the peer"""


@pytest.fixture(scope="module")
def compute():
    """Return badcrossbar's function, or None where it is not installed."""
    # It imports pycairo, which needs a compiler, for its plots alone: plotting is not used here.
    sys.modules.setdefault("cairo", MagicMock())
    try:
        import badcrossbar
    except ImportError:
        return None
    return badcrossbar.compute


def median_us(action, seconds=0.6):
    action()
    started = time.perf_counter()
    action()
    number = max(1, int(0.01 / (time.perf_counter() - started + 1e-9)))
    laps, end = [], time.perf_counter() + seconds
    while len(laps) < 7 or time.perf_counter() < end:
        started = time.perf_counter()
        for _ in range(number):
            action()
        laps.append((time.perf_counter() - started) / number)
    return 1e6 * float(np.median(laps))


class Array:
    """One array, solved by both."""

    def __init__(self, compute):
        rng = np.random.default_rng(0)
        parallel = rng.random(SIZE * SIZE) < 0.5
        self.compute = compute
        self.cells, self.flipped = np.where(parallel, 1e4, 2e4), np.where(parallel, 2e4, 1e4)
        self.grid = self.cells.reshape(SIZE, SIZE)
        self.ratio = np.where(parallel, 0.0, 1.0)
        self.wires = Wires.uniform((SIZE, SIZE), **OHMS)
        self.solver = LineSolver(self.wires)
        self.state = PortState(response_of(self.wires), self.cells)
        self.transfer = np.ascontiguousarray(-self.state.admittance[SIZE:, :SIZE])
        self.inputs = rng.uniform(0, 0.1, (178, SIZE))
        self.lines = np.hstack([self.inputs, np.zeros((178, SIZE))])
        self.pulse = np.where(np.arange(2 * SIZE) == 3, 0.4, 0.0)
        self.changed, self.flips = self.state.copy(), 0

    def law(self, volts):
        return 1e-4 * volts / (1 + self.ratio / (1 + 4 * volts**2))

    def flip(self):
        turn, cell = divmod(self.flips, SIZE * SIZE)
        self.flips += 1
        self.changed.flip(cell, (self.flipped, self.cells)[turn % 2][cell])

    def point(self, tolerance_volts):
        return operating_point(self.state, self.pulse, self.law, tolerance_volts=tolerance_volts)

    def peer_outputs(self, row_volts):
        return self.compute(row_volts, self.grid, 1.0, node_voltages=False, all_currents=False).currents.output

    def peer_unit(self):
        return self.peer_outputs(np.eye(SIZE))

    def peer_one(self):
        return self.peer_outputs(self.inputs[0][:, np.newaxis])

    def peer_many(self):
        return self.peer_outputs(self.inputs.T)

    def peer_cells(self):
        return self.compute(self.inputs[0][:, np.newaxis], self.grid, 1.0)

    def peer_pulse(self):
        """Iterate on the chord resistance of every cell, the way to bias-dependent cells with a linear solver."""
        ohms, before = self.grid, np.inf
        while True:
            volts = self.compute(self.pulse[:SIZE, np.newaxis], ohms, 1.0).currents.device * ohms
            if np.abs(volts - before).max() < 1e-10:
                return volts.ravel()
            before = volts
            ohms = 1e4 * (1 + self.ratio.reshape(SIZE, SIZE) / (1 + 4 * volts**2))

    def check(self):
        np.testing.assert_allclose(self.transfer, self.peer_unit().T, rtol=1e-9)
        np.testing.assert_allclose(matvec(self.transfer, self.inputs), self.peer_many(), rtol=1e-9)
        np.testing.assert_allclose(self.point(1e-10).cell_volts, self.peer_pulse(), rtol=0, atol=1e-9)
        cold = self.solver.solve(self.cells, self.lines[0])[1]
        np.testing.assert_allclose(-cold[SIZE:], self.peer_one()[0], rtol=1e-9)

    def works(self):
        return [
            Work("fresh state: inverse, transfer, admittance", self.state.refresh, self.peer_unit, 1200, None),
            Work("cold solve, wires and cells new", self.cold, self.peer_cells, None, 40),
            Work("cold solve, cells new", self.cold_cells, self.peer_cells, 150, 40),
            Work("one read, known state", lambda: self.state.currents(self.lines[0]), self.peer_one, 1.6, None),
            Work("178 reads, all 30 lines", lambda: self.state.currents(self.lines), self.peer_many, None, None),
            Work("178 reads, rows to columns", lambda: matvec(self.transfer, self.inputs), self.peer_many, None, 1000),
            Work("  one product: bits vary", lambda: self.inputs @ self.transfer.T, self.peer_many, 4.7, 1000),
            Work("pulse, all cells, linear", lambda: self.state.cell_volts(self.pulse), self.peer_cells, 38, None),
            Work("pulse, all cells, TMR(V), to 1e-10 V", lambda: self.point(1e-10), self.peer_pulse, 69, None),
            Work("  to 1e-8 V", lambda: self.point(1e-8), self.peer_pulse, None, None),
            Work("a cell flips", self.flip, self.peer_one, 14, None),
        ]

    def cold(self):
        return solve_cold(self.wires, self.cells, self.lines[0])

    def cold_cells(self):
        return self.solver.solve(self.cells, self.lines[0])


def test_times_beside_badcrossbar(compute):
    array = Array(compute)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if compute:
            array.check()
        peers = {}
        print(f"\n{'work, 15 x 15':<46}{'ours us':>10}{'peer us':>10}{'ratio':>9}{'aim':>7}{'expected us':>13}")
        for work in array.works():
            ours = median_us(work.ours)
            if compute and work.peer not in peers:
                peers[work.peer] = median_us(work.peer)
            peer = peers.get(work.peer, np.nan)
            aim = "" if work.aim is None else f"{work.aim:.0f}x"
            expected = "" if work.expected_us is None else f"{work.expected_us:g}"
            print(f"{work.name:<46}{ours:>10.1f}{peer:>10.0f}{peer / ours:>8.0f}x{aim:>7}{expected:>13}")
    if not compute:
        print("badcrossbar is not installed: no peer")
