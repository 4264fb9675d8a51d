"""Test patterns: what they look like, and that they end in the array."""

import numpy as np
import pytest

from labmtj.bench import load_bench
from labmtj.bench.files.simulated import crossbar_of
from labmtj.errors import ConfigError
from labmtj.record import MemoryLog, open_data
from labmtj.report.contents import open_contents
from labmtj.run import load_experiment, start
from procedures.patterns.procedure import PatternCampaign, states
from procedures.patterns.section import pattern_lines, patterns


def test_patterns_by_hand():
    assert states("checkerboard", (2, 3), 0).tolist() == [[False, True, False], [True, False, True]]
    assert states("inverse", (2, 3), 0).tolist() == [[True, False, True], [False, True, False]]
    assert states("rows", (2, 2), 0).tolist() == [[False, False], [True, True]]
    assert states("columns", (2, 2), 0).tolist() == [[False, True], [False, True]]
    assert states("parallel", (2, 2), 0).all()
    assert not states("antiparallel", (2, 2), 0).any()
    assert (states("random", (15, 15), 1) != states("random", (15, 15), 2)).any()


def test_a_run_writes_them_and_tells_how_well(tmp_path):
    changes = {"patterns": ["checkerboard", "inverse", "random"], "amplitude": {"points": 6}}
    folder = start(load_experiment("patterns", changes=changes), tmp_path, workers=1, show=lambda _: None)
    with open_data(folder.data) as data:
        target = data.read("patterns/mtj-50nm/written/target")
        achieved = data.read("patterns/mtj-50nm/written/achieved")
        fidelity = data.read("patterns/mtj-50nm/written/fidelity")
    np.testing.assert_array_equal(target[0], states("checkerboard", (15, 15), 0))
    np.testing.assert_allclose(fidelity, (target == achieved).mean(axis=(1, 2)))
    assert (fidelity > 0.95).all()
    with open_contents(folder.data) as contents:
        assert [(each.name, each.count) for each in patterns(contents)][1] == ("mtj-35nm", 3)
        assert max(map(len, pattern_lines(contents))) <= 80


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"write": {"parallel_volts": 3.0}, "amplitude": None}, ("write", "parallel_volts")),
        ({"reference": {"read_volts": 0.5}}, ("reference", "read_volts")),
    ],
)
def test_what_the_array_does_not_survive_is_refused_before_the_first_bias(changes, key):
    with pytest.raises(ConfigError, match=r"\.".join(key)):
        load_experiment("patterns", changes=changes)


def test_an_interrupted_campaign_reads_the_chip_again():
    # Seen to fail with a `reverify_states` that keeps what memory says.
    experiment = load_experiment("patterns")
    (station,) = [each for each in experiment.stations() if each.name == "mtj-75nm"]
    (name,) = station.arrays
    array = crossbar_of(load_bench("simulated").arrays["mtj-75nm"], seed=1, name=name)
    log, memory = MemoryLog(), {}
    PatternCampaign().reverify_states(station, {name: array}, memory, log)  # nothing is known yet: read, and no more
    assert memory == {}
    campaign = PatternCampaign(patterns=["rows"], amplitude=None)
    campaign.declare([station], log)
    campaign.block(station, 0, {name: array}, memory, log)
    memory["state"] = np.ones(array.shape, bool)  # and the maps have left it all-AP
    campaign.reverify_states(station, {name: array}, memory, log)
    assert memory["state"].mean() < 0.05
