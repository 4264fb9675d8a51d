"""What operations are counted as: pulses by cell, reads by shot, joules by what went into the array."""

import numpy as np
import pytest

from labmtj.bench import load_bench
from labmtj.bench.files.simulated import crossbar_of
from labmtj.cost import CostMeter, selected
from labmtj.quantities import Bias, Lines, ReadSettings
from procedures.common.schemes import select_cells, select_rows


def test_selected_cells_are_those_with_the_largest_voltage():
    one = selected(select_cells((3, 4), np.array([[1, 2]]), 0.6)).reshape(3, 4)
    assert one[1, 2] == 1
    assert one.sum() == 1
    row = selected(select_rows((3, 4), [2], -0.8)).reshape(3, 4)
    assert row.sum(axis=1).tolist() == [0, 0, 4]
    assert selected(Bias(np.zeros(3), np.zeros(4))).sum() == 0
    assert selected(Bias([0.6, np.nan, 0.0], np.zeros(4))).reshape(3, 4).sum(axis=1).tolist() == [4, 0, 0]


def test_reads_count_every_sign_and_repeat():
    counted = CostMeter(crossbar_of(load_bench("simulated").arrays["mtj-75nm"], seed=1, name="chip"))
    counted.measure(select_rows((15, 15), [0, 1], 0.1), Lines(columns=(0,)), ReadSettings(repeats=3, polarity="both"))
    counted.pulse(select_rows((15, 15), [4, 4], 0.1), 1e-3)
    assert (counted.reads, counted.pulses) == (12, 2)
    assert counted.cell_pulses.reshape(15, 15).sum(axis=1)[4] == 30


def test_energy_is_volts_times_amperes_times_seconds_and_part_of_a_snapshot():
    description = load_bench("simulated").arrays["mtj-100nm"]
    crossbar = crossbar_of(description, seed=1, name="chip")
    bias = select_rows((15, 15), [0], 0.1)
    everything = Lines(rows=tuple(range(15)), columns=tuple(range(15)))
    amperes = crossbar.measure(bias, everything, ReadSettings(0.019, 0.001)).amperes[0]  # the default meter is ideal
    watts = -np.dot(bias.line_volts[0], amperes)  # currents count out of the array
    assert crossbar.array.energy_joules == pytest.approx(watts * 0.02, rel=1e-3)  # cells have 1/f noise
    crossbar.pulse(bias, 0.05)
    assert crossbar.array.energy_joules == pytest.approx(watts * 0.07, rel=1e-3)
    other = crossbar_of(description, seed=1, name="chip")
    other.restore(crossbar.snapshot())
    assert other.array.energy_joules == crossbar.array.energy_joules
