"""Case A1: 95 % intervals of figures over cells that differ, on hidden chips whose cells are spread by 0 to 20 %.

Which mean each figure is about is part of its meaning. Disturb, retention, endurance and the family's figure of write
errors speak of the family: the truth is the laws of this file, averaged over the normal spreads that the chips are drawn
from. The other figure of write errors speaks of the cells tested: the truth is the law averaged over the chip's own.

`pytest tests/procedures/test_family_coverage.py --torture -s` draws 200 chips for each spread and prints the rows of
`docs/statistics.md` (10 CPU minutes); without it a few chips of the same seeds must be covered, of which none were.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from labmtj.circuit import Wires
from labmtj.device.mtj import Junctions
from labmtj.device.wear import Wear
from labmtj.fitting.proportions import Proportion, one_trial_of_each
from labmtj.quantities import Limits
from labmtj.record import MemoryLog
from labmtj.simulated import SimulatedCrossbar
from procedures.disturb.procedure import Disturb
from procedures.endurance.procedure import Endurance
from procedures.retention.procedure import Retention
from procedures.write_errors.procedure import WriteErrors

SHAPE, CELLS = (6, 6), 36
WIRES = Wires.uniform(SHAPE, row_segment_ohms=0, column_segment_ohms=0, row_lead_ohms=0, column_lead_ohms=0)
SPREADS = (0.0, 0.05, 0.1, 0.2)
DRAWS = 200
QUIET = {"initialise_volts": 1.2, "read_volts": 0.02, "aperture_seconds": 1e-4}
"""reads that leave alone even cells of a low barrier"""


def rate(volts, delta, critical):
    """The law of the simulation, written again: a barrier that falls with the square, and 1 ns."""
    return 1e9 * np.exp(-delta * np.maximum(1 - volts / critical, 0) ** 2)


def cells(draw, count, spread, delta):
    """Return Delta and the critical voltage towards P of cells; Vc0 is spread by half as much."""
    normal = draw.standard_normal((2, count)).clip(-4, 4)
    return delta * (1 + spread * normal[0]), 0.6 * (1 + spread / 2 * normal[1])


@cache
def family(spread, delta):
    return cells(np.random.default_rng(1), 200_000, spread, delta)


def chip(seed, spread, delta, wear=None):
    stability, critical = cells(np.random.default_rng([seed, 5]), CELLS, spread, delta)
    junctions = Junctions.ideal(
        SHAPE, 3000.0, critical_volts_to_parallel=critical, critical_volts_to_antiparallel=0.7 / 0.6 * critical,
        thermal_stability=stability, barrier_exponent=2,
    )  # fmt: skip
    crossbar = SimulatedCrossbar(
        WIRES, replace(junctions, wear=wear), seed=seed, limits=Limits(cell_volts=3.0, line_amperes=0.1)
    )
    return crossbar, stability, critical


@dataclass
class Found:
    """One chip: intervals and truths of some points; the trials, where every cell counts once."""

    interval: Proportion
    truth: np.ndarray
    trials: np.ndarray | None = None

    @classmethod
    def towards_parallel(cls, found, truth, trials=None):
        first = Proportion(found.value[0], found.low[0], found.high[0])
        return cls(first, truth, None if trials is None else trials[0])

    @property
    def covered(self):
        return (self.interval.low <= self.truth) & (self.truth <= self.interval.high)

    @property
    def width(self):
        return np.mean(self.interval.high - self.interval.low)

    @property
    def span(self):
        """The truths, as text."""
        low, high = f"{np.min(self.truth):.2f}", f"{np.max(self.truth):.2f}"
        return low if low == high else f"{low} to {high}"

    @property
    def expected(self):
        """How often an interval of so many trials of this truth covers it: the counts are whole numbers."""
        return [
            binom.pmf(np.arange(n + 1), n, truth)[Found(one_trial_of_each(np.arange(n + 1), n), truth).covered].sum()
            for n, truth in zip(np.ravel(self.trials).astype(int), np.ravel(self.truth), strict=True)
        ]


def disturb(seed, spread):
    """Lost after 10 half-selects at V/2."""
    volts, (crossbar, *_) = [0.57, 0.6, 0.63], chip(seed, spread, 60.0)
    settings = Disturb(kinds=["half"], volts=volts, pulses=10, count=3, pulse_seconds=1e-4, hold_seconds=0.0)
    lost = settings.execute(crossbar, MemoryLog()).lost
    truth = np.array([np.mean(-np.expm1(-10 * 1e-4 * rate(v / 2, *family(spread, 60.0)))) for v in volts])
    first = Proportion(lost.value[0], lost.low[0], lost.high[0])
    return {"disturb lost": Found.towards_parallel(first, truth)}


def read_disturb(seed, spread):
    """Lost after 0.1 s at 0.1 V."""
    crossbar, *_ = chip(seed, spread, 30.0)
    how = {"initialise_volts": 1.2, "aperture_seconds": 2e-3}
    settings = Disturb(kinds=["third_rest"], volts=[0.1], pulses=1, count=1, hold_seconds=0.1, reference=how)
    read = settings.execute(crossbar, MemoryLog()).read
    lost = np.mean(-np.expm1(-read.seconds * rate(0.1, *family(spread, 30.0))))
    return {"disturb read_lost": Found.towards_parallel(read.lost, lost, read.cells)}


def retention(seed, spread):
    """Away after a minute, ten, and an hour, Delta 26; both directions."""
    crossbar, *_ = chip(seed, spread, 26.0)
    found = Retention(reference=QUIET).execute(crossbar, MemoryLog())
    truth = [np.mean(-np.expm1(-2 * wait * rate(0.0, *family(spread, 26.0))) / 2) for wait in (60, 600, 3600)]
    return {"retention lost": Found(found.lost, np.array([truth, truth]), found.cells)}


def write_errors(seed, spread):
    """Errors of 20 pulses of each of six cells: mean over these cells, and over their family."""
    volts, (crossbar, stability, critical) = [0.26, 0.28, 0.3], chip(seed, spread, 50.0)
    found = WriteErrors(count=6, volts=volts, pulses=20, reference=QUIET).execute(crossbar, MemoryLog())
    tested = found.cells[:, 0] * SHAPE[1] + found.cells[:, 1]

    def truth(laws):
        return np.array([np.mean(np.exp(-1e-3 * rate(v, *laws))) for v in volts])

    return {
        "write_errors pooled_*": Found.towards_parallel(found.pooled, truth((stability[tested], critical[tested]))),
        "write_errors family_*": Found.towards_parallel(found.family, truth(family(spread, 50.0))),
    }


def endurance_switched(seed, spread):
    """Written to P in the first and in the second of two cycles."""
    crossbar, *_ = chip(seed, spread, 50.0)
    settings = Endurance(count=6, cycles=2, checks=2, parallel_volts=0.28, antiparallel_volts=1.2,
                         reference=QUIET)  # fmt: skip
    found = settings.execute(crossbar, MemoryLog())
    truth = np.mean(-np.expm1(-1e-3 * rate(0.28, *family(spread, 50.0))))
    whole = np.array([found.whole, found.whole])
    return {"endurance switched": Found.towards_parallel(found.switched, truth * np.ones(2), whole)}


def endurance_broken(seed, spread):
    """Broken down within one and within two cycles at 1 V: Weibull lives, and breakdown voltages that have the spread."""
    exponent, shape, seconds, cycles = 30.0, 1.5, 0.1, np.array([1, 2])

    def limits(draw, count):
        life, normal = draw.standard_exponential(count) ** (1 / shape), draw.standard_normal(count).clip(-4, 4)
        return life * (1 + spread * normal) ** exponent

    wear = Wear(1.0, exponent, 1.0, limits(np.random.default_rng([seed, 6]), CELLS), np.full(CELLS, 200.0))
    crossbar, *_ = chip(seed, 0.0, 50.0, wear)
    settings = Endurance(count=6, cycles=2, checks=2, parallel_volts=1.0, antiparallel_volts=1.0,
                         pulse_seconds=seconds, reference=QUIET | {"initialise_volts": 0.8, "pulse_seconds": 1e-4})  # fmt: skip
    found = settings.execute(crossbar, MemoryLog())
    many, before = limits(np.random.default_rng(1), 200_000), 6 * 1e-4 * 0.8**exponent
    whole = many[many > before]  # six pulses made the maps, which leave out the cells that these broke
    truth = np.array([np.mean(whole < before + stress) for stress in 2 * seconds * cycles])
    return {"endurance broken": Found(found.broken, truth, np.full(2, len(found.cells)))}


PROCEDURES = {
    each.__name__: each
    for each in (disturb, read_disturb, retention, write_errors, endurance_switched, endurance_broken)
}
ALLOWS_FOR_RARE_CELLS = "write_errors family_*"
"""its intervals cover more where cells are alike: they hold for a cell that was not met, which may be unlike the rest"""


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_intervals_cover_the_mean_of_cells_that_differ(procedure, request, capsys):
    if not request.config.getoption("--torture"):
        chips = [PROCEDURES[procedure](seed, 0.1) for seed in range(2)]
        for name in chips[0]:
            assert np.mean([each[name].covered for each in chips]) >= 0.5
        return
    for spread in SPREADS:
        chips = [PROCEDURES[procedure](seed, spread) for seed in range(DRAWS)]
        for name in chips[0]:
            found = [each[name] for each in chips]
            covered = np.mean([each.covered for each in found])
            exact = found[0].trials is not None
            expected = np.mean([each.expected for each in found[:20]]) if exact else 0.95
            with capsys.disabled():
                print(f"\n| `{name}` | {spread:.0%} | {found[0].span} | {np.median([f.width for f in found]):.2f} | "
                      f"{covered:.1%} | {f'{expected:.1%}' if exact else ''} |", end="")  # fmt: skip
            assert covered >= 0.90, (name, spread)
            if name != ALLOWS_FOR_RARE_CELLS:  # 98 %, or what whole numbers make of it, and the error of 200 chips
                assert covered <= max(0.98, expected + 0.02), (name, spread)
