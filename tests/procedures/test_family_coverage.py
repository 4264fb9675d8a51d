"""Case A1: 95 % intervals of figures over cells that differ, on hidden chips whose cells are spread by 0 to 20 %.

Which mean each figure is about is part of its meaning. Disturb, retention and endurance speak of the family: the truth is
the switching law of this file, averaged over the normal spreads that the chips are drawn from. Write errors of many
pulses speak of the cells tested: the truth is the law averaged over the chip's own cells.

`pytest tests/procedures/test_family_coverage.py --torture -s` draws 200 chips for each spread and prints the coverages
(15 CPU minutes); without it a few chips of the same seeds must be covered, of which none were.
"""

from dataclasses import replace

import numpy as np
import pytest

from labmtj.circuit import Wires
from labmtj.junction import Junctions
from labmtj.junction.wear import Wear
from labmtj.quantities import Limits
from labmtj.record import MemoryLog
from labmtj.simulated import SimulatedCrossbar
from procedures.disturb import Disturb
from procedures.endurance import Endurance
from procedures.retention import Retention
from procedures.write_errors import WriteErrors

SHAPE, CELLS = (6, 6), 36
WIRES = Wires.uniform(SHAPE, row_segment_ohms=0, column_segment_ohms=0, row_lead_ohms=0, column_lead_ohms=0)
SPREADS = (0.0, 0.05, 0.1, 0.2)
WEAR = {"volts": 1.0, "exponent": 30.0, "seconds": 1.0, "shape": 1.5}


def rate(volts, delta, critical):
    """The law of the simulation, written again: a barrier that falls with the square, and 1 ns."""
    return 1e9 * np.exp(-delta * np.maximum(1 - volts / critical, 0) ** 2)


def cells(draw, count, spread, delta):
    """Return Delta and the critical voltage towards P of cells; Vc0 is spread by half as much."""
    normal = draw.standard_normal((2, count)).clip(-4, 4)
    return delta * (1 + spread * normal[0]), 0.6 * (1 + spread / 2 * normal[1])


def chip(seed, spread, delta, *, wears=False):
    draw = np.random.default_rng([seed, 5])
    stability, critical = cells(draw, CELLS, spread, delta)
    junctions = Junctions.ideal(
        SHAPE, 3000.0, critical_volts_to_parallel=critical, critical_volts_to_antiparallel=0.7 / 0.6 * critical,
        thermal_stability=stability, barrier_exponent=2,
    )  # fmt: skip
    limit = draw.standard_exponential(CELLS) ** (1 / WEAR["shape"])
    law = {name: WEAR[name] for name in ("volts", "exponent", "seconds")}
    if wears:
        junctions = replace(junctions, wear=Wear(stress_limit=limit, broken_ohms=np.full(CELLS, 200.0), **law))
    crossbar = SimulatedCrossbar(WIRES, junctions, seed=seed, limits=Limits(cell_volts=3.0, line_amperes=0.1))
    return crossbar, stability, critical


def disturb(seed, spread):
    """Lost after 10 half-selects at V/2."""
    crossbar, *_ = chip(seed, spread, 60.0)
    settings = Disturb(kinds=["half"], volts=[0.6], pulses=10, count=4, pulse_seconds=1e-4, hold_seconds=0.0)
    found = settings.execute(crossbar, MemoryLog()).lost
    many = cells(np.random.default_rng(1), 200_000, spread, 60.0)
    return found.low[0, 0, 0], found.high[0, 0, 0], np.mean(-np.expm1(-10 * 1e-4 * rate(0.3, *many)))


def retention(seed, spread):
    """Away after an hour at rest."""
    crossbar, *_ = chip(seed, spread, 30.0)
    settings = Retention(waits_seconds=[3600.0], reference={"initialise_volts": 1.2, "read_volts": 0.02})
    found = settings.execute(crossbar, MemoryLog()).lost
    many = cells(np.random.default_rng(1), 200_000, spread, 30.0)
    return found.low[0, 0], found.high[0, 0], np.mean(-np.expm1(-2 * 3600 * rate(0.0, *many)) / 2)


def write_errors(seed, spread):
    """Errors of 60 pulses of each of six cells, mean over these cells."""
    crossbar, stability, critical = chip(seed, spread, 50.0)
    found = WriteErrors(count=6, volts=[0.28], pulses=60).execute(crossbar, MemoryLog())
    tested = found.cells[:, 0] * SHAPE[1] + found.cells[:, 1]
    truth = np.mean(np.exp(-1e-3 * rate(0.28, stability[tested], critical[tested])))
    return found.pooled.low[0, 0], found.pooled.high[0, 0], truth


def endurance(seed, spread):
    """Broken down within 12 cycles."""
    crossbar, *_ = chip(seed, spread, 50.0, wears=True)
    settings = Endurance(
        count=6, cycles=12, checks=2, check_cycles=12, parallel_volts=1.0, antiparallel_volts=1.0,
        pulse_seconds=2.96e-2, reset_volts=0.8,
    )  # fmt: skip
    found = settings.execute(crossbar, MemoryLog()).broken
    return found.low[-1], found.high[-1], -np.expm1(-((2 * 12 * 2.96e-2) ** WEAR["shape"]))


FIGURES = {each.__name__: each for each in (disturb, retention, write_errors, endurance)}


@pytest.mark.parametrize("figure", FIGURES)
def test_intervals_cover_the_mean_of_cells_that_differ(figure, request, capsys):
    torture = request.config.getoption("--torture")
    draws, spreads = (200, SPREADS) if torture else (5, (0.1,))
    for spread in spreads:
        found = np.array([FIGURES[figure](seed, spread) for seed in range(draws)])
        covered = int(((found[:, 0] <= found[:, 2]) & (found[:, 2] <= found[:, 1])).sum())
        with capsys.disabled():
            if torture:
                print(f"\n{figure}, spread {spread:.0%}: 95 % intervals cover {covered / draws:.1%} of {draws} chips "
                      f"(truth {found[:, 2].mean():.3g}, width {np.median(found[:, 1] - found[:, 0]):.3g})", end="")  # fmt: skip
        if torture:
            assert 0.90 <= covered / draws <= 0.995  # 95 %, with the sampling error of 200 chips
        else:
            assert covered >= draws - 1
