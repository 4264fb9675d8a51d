"""R-V loops: cells switch where the law of their hidden parameters says, whatever the others do meanwhile."""

import numpy as np
import pytest
from scipy.stats import kstest

from labmtj.device.mtj import Defect, Junctions, median_switching_volts, switching_rate
from labmtj.errors import SettingError
from labmtj.layer import Layer
from labmtj.quantities import Limits, Refusal
from labmtj.record import MemoryLog
from labmtj.report.contents import open_contents
from labmtj.report.summary import summary_lines
from labmtj.run import load_experiment, start
from labmtj.simulated import MeterModel, SimulatedCrossbar
from labmtj.simulated.meter import MeterRange
from procedures.hysteresis.procedure import Hysteresis

QUICK = {"aperture_seconds": 0.001}


@pytest.fixture
def known(wires):
    """Return a function that makes cells without wires, so that each gets the voltage asked for."""

    def build(shape=(15, 15), *, seed=0, weak=1.0, meter=None, sigma=0.05, **cells):
        draw = np.random.default_rng([seed, 5])
        count = shape[0] * shape[1]
        factor = (1 + sigma * draw.standard_normal(count)) * np.where(np.arange(count) % 3 == 1, weak, 1.0)
        junctions = Junctions.ideal(
            shape, 5000 * np.exp(0.05 * draw.standard_normal(count)), 1 + 0.05 * draw.standard_normal(count),
            half_volts=0.5, critical_volts_to_parallel=0.6 * factor, critical_volts_to_antiparallel=0.7 * factor,
            **cells,
        )  # fmt: skip
        return SimulatedCrossbar(
            wires(shape), junctions, seed=seed, meter=meter, cell_noise=False,
            limits=Limits(cell_volts=1.0, line_amperes=0.1),
        )  # fmt: skip

    return build


def places(found, chip):
    """Return amplitudes and hidden critical voltages of both directions, (2, cells)."""
    junctions = chip.array.cells
    volts = np.abs([found.to_parallel_volts.ravel(), found.to_antiparallel_volts.ravel()])
    return volts, np.stack([junctions.critical_volts_to_parallel, junctions.critical_volts_to_antiparallel])


def chance_before(settings, volts, critical, stability=50.0):
    """Return the chance to switch before a step of the staircase, and up to it: independent of what took the loop."""
    stairs = settings.staircase
    hazard = np.cumsum(
        settings.pulse_seconds
        * switching_rate(stairs, critical_volts=critical[..., np.newaxis], thermal_stability=stability), axis=-1,
    )  # fmt: skip
    number = np.rint((volts - settings.start_volts) / settings.step_volts).astype(int)
    up_to = np.take_along_axis(hazard, number[..., np.newaxis], -1)[..., 0]
    before = np.where(number > 0, np.take_along_axis(hazard, np.maximum(number - 1, 0)[..., np.newaxis], -1)[..., 0], 0)
    return 1 - np.exp(-before), 1 - np.exp(-up_to)


@pytest.mark.parametrize(("polarity", "weak"), [(1, 1.0), (-1, 1.0), (1, 0.6)])
def test_switching_voltages_follow_the_law_of_hidden_cells(known, polarity, weak):
    # weak = 0.6: a third of the cells flip while they are half-selected for others, and no loop may show it
    chip = known(polarity=polarity, weak=weak)
    settings = Hysteresis(**QUICK, stop_volts=0.7)
    found = settings.execute(chip, MemoryLog())
    assert found.polarity == polarity
    volts, critical = places(found, chip)
    assert np.isfinite(volts).mean() > 0.995
    before, up_to = chance_before(settings, np.nan_to_num(volts, nan=settings.stop_volts), critical)
    uniform = before + np.random.default_rng(0).random(before.shape) * (up_to - before)
    assert kstest(uniform[np.isfinite(volts)], "uniform").pvalue > 0.01
    median = np.vectorize(lambda each: median_switching_volts(1e-3, critical_volts=each, thermal_stability=50.0))
    assert (np.abs(volts - median(critical)) < 2.5 * settings.step_volts)[np.isfinite(volts)].mean() > 0.95
    assert (np.sign(found.to_parallel_volts) == polarity)[np.isfinite(found.to_parallel_volts)].all()
    assert (np.sign(found.to_antiparallel_volts) == -polarity)[np.isfinite(found.to_antiparallel_volts)].all()


def test_resistances_and_tmr_are_those_of_the_hidden_cells_and_95_percent_of_the_intervals_hold(known):
    noisy = MeterModel((MeterRange(1e-4, 2e-3, 2e-8, 2e-9), MeterRange(1e-3, 2e-3, 2e-7, 1e-8)))
    hits = []
    for seed in range(2):
        chip = known(seed=seed, meter=noisy)
        found = Hysteresis(**QUICK).execute(chip, MemoryLog())
        junctions = chip.array.cells
        told = np.isfinite(found.tmr.tmr)
        assert told.mean() > 0.99
        truth = junctions.tmr[np.ravel_multi_index(tuple(found.cells.T), chip.shape)]
        np.testing.assert_allclose(found.tmr.tmr[told], truth[told], rtol=0.01)
        assert np.nanmedian(found.tmr.half_volts) == pytest.approx(0.5, rel=0.01)
        hits.append(((found.tmr.tmr_low <= truth) & (truth <= found.tmr.tmr_high))[told])
        hits.append(((found.tmr.half_low_volts <= 0.5) & (found.tmr.half_high_volts >= 0.5))[told])
        closely = {"rtol": 3e-3, "equal_nan": False}  # the gain of the meter
        switched = np.isfinite(found.parallel_ohms.ravel())
        np.testing.assert_allclose(found.parallel_ohms.ravel()[switched], junctions.parallel_ohms[switched], **closely)
        antiparallel = junctions.parallel_ohms * (1 + junctions.tmr / (1 + (0.1 / 0.5) ** 2))
        np.testing.assert_allclose(found.antiparallel_ohms.ravel()[switched], antiparallel[switched], **closely)
    assert 0.90 <= np.concatenate(hits[::2]).mean() <= 0.98
    assert 0.90 <= np.concatenate(hits[1::2]).mean() <= 0.98


def test_defects_give_nan_and_get_no_pulses(make):
    defects = [((1, 2), Defect.SHORT, 200.0), ((3, 4), Defect.OPEN, 1e9), ((5, 6), Defect.STUCK_P, None),
               ((7, 7), Defect.STUCK_AP, None)]  # fmt: skip
    chip = make(defects=[(cell, defect, ohms or 3000.0) for cell, defect, ohms in defects])
    found = Hysteresis(**QUICK, stop_volts=1.0, pulse_seconds=1e-2).execute(chip, MemoryLog())
    broken = np.zeros(chip.shape, bool)
    broken[tuple(np.array([cell for cell, _, _ in defects]).T)] = True
    for each in (found.to_parallel_volts, found.to_antiparallel_volts, found.parallel_ohms):
        assert np.isnan(each[broken]).all()
        assert np.isfinite(each[~broken]).mean() > 0.98
    assert not any((found.cells == cell).all(axis=1).any() for cell, *_ in defects[:2])


def test_an_array_of_open_cells_alone_is_an_answer(make):
    chip = make((2, 2), defects=[((r, c), Defect.OPEN, 1e9) for r in range(2) for c in range(2)])
    found = Hysteresis(**QUICK).execute(chip, MemoryLog())
    assert found.polarity == 0
    assert np.isnan(found.to_parallel_volts).all()


def test_one_cell_stops_where_it_has_switched_and_a_whole_loop_does_not(known):
    few = Hysteresis(**QUICK, cells=[(7, 3)]).execute(known(), MemoryLog())
    log = MemoryLog()
    whole = Hysteresis(**QUICK, cells=[(7, 3)], whole_loops=True)
    found = whole.execute(known(), log)
    up = np.flatnonzero(np.isfinite(few.ohms[0]))
    assert few.cost.pulses < 40
    assert few.volts[up[-1]] == few.to_antiparallel_volts[7, 3]
    assert np.isfinite(found.ohms).all()
    assert found.volts.max() == pytest.approx(0.9)
    assert found.cost.pulses >= 4 * len(Hysteresis().staircase) - 1
    assert np.isfinite(found.to_parallel_volts).sum() == 1
    told = log.read_attributes("hysteresis")
    assert told["polarity"] == 1
    assert told["effort_pulses"] == found.cost.pulses


class TiedRow(Layer):
    """A crossbar whose first row lies on ground."""

    def refusal(self, bias, seconds=0.0):
        if (bias.line_volts[:, 0] != 0).any():
            return Refusal("row 0 is tied to ground", "leave it at 0 V")
        return super().refusal(bias, seconds)

    def measure(self, bias, lines, how):
        assert not self.refusal(bias)
        return super().measure(bias, lines, how)

    def pulse(self, bias, seconds):
        assert not self.refusal(bias, seconds)
        return super().pulse(bias, seconds)


def test_rows_that_are_tied_to_ground_are_left_out(known):
    found = Hysteresis(**QUICK).execute(TiedRow(known((4, 5))), MemoryLog())
    assert np.isnan(found.to_parallel_volts[0]).all()
    assert np.isfinite(found.to_parallel_volts[1:]).all()
    assert len(found.cells) == 15


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"stop_volts": 1.2}, "stop_volts"), ({"tmr_volts": [0.1, 0.2, 0.3]}, "tmr_volts"),
        ({"tmr_volts": [-0.1, 0.0, 0.1]}, "tmr_volts"), ({"start_volts": 0.9}, "start_volts"),
        ({"cells": [(15, 0)]}, "cells"), ({"cells": []}, "cells"), ({"pulse_seconds": 1.0}, "pulse_seconds"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(known, changes, key):
    with pytest.raises(SettingError) as caught:
        Hysteresis(**changes).execute(known(), MemoryLog())
    assert key in caught.value.key


def test_one_cell_on_instruments(small_bench, tmp_path):
    changes = {"cells": [[2, 3]], "aperture_seconds": 0.001, "sweeps": 3, "step_volts": 0.04}
    bench = small_bench(tmp_path) / "virtual.yaml"
    experiment = load_experiment("hysteresis", bench=str(bench), changes=changes)
    folder = start(experiment, tmp_path, workers=1, show=lambda _: None)
    assert folder.ending == "DONE"
    with open_contents(folder.data) as contents:
        group = f"arrays/{contents.chips[0]}/hysteresis"
        volts = contents.read(f"{group}/to_parallel_volts")
        assert contents.attributes(group)["polarity"] == 1
        assert np.isfinite(volts).sum() == 1
        assert 0.15 < volts[2, 3] < 0.6
        said = " ".join(summary_lines(contents))
        assert "loops of 1 cells" in said
        assert "R between the lines" in said, "that of `labmtj calibrate` is of the cell"
