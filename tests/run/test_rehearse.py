import re
import tempfile

import numpy as np
import pytest

from labmtj.bench import load_bench
from labmtj.bench.simulated import crossbar_of
from labmtj.quantities import Bias, Lines, Reading
from labmtj.record import open_data
from labmtj.run import load_experiment
from labmtj.run.rehearse import BLOCKS_TRIED, Counted, rehearse, selected
from procedures.schemes import select_cells, select_rows


def totals(text):
    """Bench hours, pulses, pulses per cell (mean, max) and reads of all stations."""
    (line,) = re.findall(r"^all +(.*)$", text, re.MULTILINE)
    return [float(word) for word in line.split()]


def test_a_short_campaign_is_counted_as_it_is_recorded(undisturbed, experiment):
    hours, pulses, mean, most, reads = totals(rehearse(experiment))  # two solutions: nothing is scaled
    with open_data(undisturbed.data) as data:
        chips = [name for name in data.tree() if name.endswith("/pulses")]
        steps = [len(data.read(f"{name}/start_seconds")) for name in chips]
        seconds = [data.read(f"wine/mtj-{size}nm-0/solutions/bench_seconds").sum() for size in (75, 100)]
    assert pulses == sum(steps)
    assert sum(seconds) / 3600 < hours < 3 * sum(seconds) / 3600 + 0.01
    assert most >= mean > 0
    assert reads > pulses


def test_what_was_tried_is_scaled_to_the_whole(experiment):
    def campaign(count):
        changes = {"sizes": ["mtj-75nm"], "amplitude": None, "count": count, "write": {"max_rounds": 0}}
        return totals(rehearse(load_experiment("wine", changes=changes)))

    one, few, many = campaign(1), campaign(BLOCKS_TRIED), campaign(20 * BLOCKS_TRIED)
    for each in (1, 4):  # pulses, reads
        per_solution = (few[each] - one[each]) / (BLOCKS_TRIED - 1)
        assert many[each] == pytest.approx(one[each] + (20 * BLOCKS_TRIED - 1) * per_solution, rel=0.1)
        assert many[each] > 5 * one[each]


def test_it_leaves_nothing_behind(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    text = rehearse(load_experiment("reference"))
    assert list(tmp_path.iterdir()) == []
    for word in (
        "4 stations of 1 blocks",
        "aperture",
        "energy into the arrays",
        "data.h5: about",
        "closures per relay",
    ):
        assert word in text


def test_selected_cells_are_those_with_the_largest_voltage():
    one = selected(select_cells((3, 4), np.array([[1, 2]]), 0.6)).reshape(3, 4)
    assert one[1, 2] == 1
    assert one.sum() == 1
    row = selected(select_rows((3, 4), [2], -0.8)).reshape(3, 4)
    assert row.sum(axis=1).tolist() == [0, 0, 4]
    assert selected(Bias(np.zeros(3), np.zeros(4))).sum() == 0
    assert selected(Bias([0.6, np.nan, 0.0], np.zeros(4))).reshape(3, 4).sum(axis=1).tolist() == [4, 0, 0]


def test_reads_count_every_sign_and_repeat():
    counted = Counted(crossbar_of(load_bench("simulated").arrays["mtj-75nm"], seed=1, name="chip"))
    counted.measure(select_rows((15, 15), [0, 1], 0.1), Lines(columns=(0,)), Reading(repeats=3, polarity="both"))
    counted.pulse(select_rows((15, 15), [4, 4], 0.1), 1e-3)
    assert (counted.reads, counted.pulses) == (12, 2)
    assert counted.cell_pulses.reshape(15, 15).sum(axis=1)[4] == 30


def test_energy_is_volts_times_amperes_times_seconds_and_part_of_a_snapshot():
    description = load_bench("simulated").arrays["mtj-100nm"]
    crossbar = crossbar_of(description, seed=1, name="chip")
    bias = select_rows((15, 15), [0], 0.1)
    everything = Lines(rows=tuple(range(15)), columns=tuple(range(15)))
    amperes = crossbar.measure(bias, everything, Reading(0.019, 0.001)).amperes[0]  # the default meter is ideal
    watts = -np.dot(bias.line_volts[0], amperes)  # currents count out of the array
    assert crossbar.array.energy_joules == pytest.approx(watts * 0.02, rel=1e-3)  # cells have 1/f noise
    crossbar.pulse(bias, 0.05)
    assert crossbar.array.energy_joules == pytest.approx(watts * 0.07, rel=1e-3)
    other = crossbar_of(description, seed=1, name="chip")
    other.restore(crossbar.snapshot())
    assert other.array.energy_joules == crossbar.array.energy_joules
