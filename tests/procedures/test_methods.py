"""Ways to use what is known of chips: what each writes, and that they are compared fairly."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from pydantic import ValidationError

from labmtj.bench import load_bench
from labmtj.bench.files.simulated import SimulatedBench
from labmtj.errors import ConfigError
from labmtj.health import Health
from labmtj.network import Block, pairs
from labmtj.record import MemoryLog
from labmtj.report.contents import open_contents
from labmtj.report.page import page_html
from labmtj.report.summary import summary_lines
from labmtj.run import load_experiment, start
from procedures.classify.procedure import WineCampaign
from procedures.common.networks.adaptation import Adaptation, KnownChip, adapt, health_of
from procedures.common.networks.solution import best_copies
from procedures.common.reference import Outcome, ReferenceMaps
from procedures.methods.procedure import METHODS, TUNINGS
from procedures.methods.section import comparisons, method_lines

EXPERIMENT = """
procedure: procedures.methods.MethodCampaign
bench: simulated-3percent
seed: 3
settings:
  count: 2
  chips: 3
  amplitude: null
  write: {parallel_volts: 0.38, antiparallel_volts: 0.42}
  infer: {mode: transfer}
  methods:
    plain: {}
    placed: {placement: avoid}
    aware: {training: hardware_aware, epochs: 60}
    ensemble: {copies: 3, best: 2}
"""
BLOCKS = (Block(0, 0, 13, 12), Block(0, 0, 6, 6))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("methods")
    (folder / "small.yaml").write_text(EXPERIMENT, encoding="utf-8")
    return start(load_experiment(str(folder / "small.yaml")), folder, workers=1, show=lambda _: None).data


@pytest.fixture
def chip():
    """Return a function that gives what is known of a chip without spread, given the outcomes of its cells."""

    def known(outcome):
        parallel, antiparallel = np.full((15, 15), 2.0), np.full((15, 15), 1.0)
        parallel[outcome == Outcome.STUCK_AP] = 1.0
        antiparallel[outcome == Outcome.STUCK_P] = 2.0
        return KnownChip(ReferenceMaps(parallel, antiparallel, 0.1, 1, outcome), None)

    return known


@pytest.fixture(scope="module")
def solutions():
    return WineCampaign(count=4).load()


def test_the_default_writes_solutions_as_they_are(chip, solutions):
    known = chip(np.zeros((15, 15), np.uint8))
    found = adapt(Adaptation(), solutions, 2, BLOCKS, ([known], [known]), 10.0)
    np.testing.assert_array_equal(found.bits[0], solutions.w1[2])
    np.testing.assert_array_equal(found.biases[1], solutions.b2[2])
    assert found.places == ([(0, BLOCKS[0])], [(0, BLOCKS[1])])
    assert (found.gains[0] == 1).all()


def test_rows_that_cannot_be_driven_are_left_aside(chip, solutions):
    outcome = np.zeros((15, 15), np.uint8)
    outcome[3], outcome[7, 7] = Outcome.OUTSIDE, Outcome.SHORT
    known = chip(outcome)
    found = adapt(Adaptation(placement="avoid"), solutions, 0, BLOCKS, ([known], [known]), 10.0)
    for ((which, place),) in found.places:
        assert which == 0
        assert 3 not in place.row_lines
        assert not health_of(known)[np.ix_(place.row_lines, place.column_lines)].any()


def test_what_earlier_runs_found_noisy_is_left_aside(chip, solutions):
    health = np.zeros((15, 15), np.uint8)
    health[:, 4] = Health.NOISY
    known = replace(chip(np.zeros((15, 15), np.uint8)), health=health)
    found = adapt(Adaptation(placement="avoid"), solutions, 0, BLOCKS, ([known], [known]), 10.0)
    assert all(4 not in place.column_lines for ((_, place),) in found.places)


def test_no_more_chips_are_used_than_there_are_copies(chip, solutions):
    """Seen to fail: where another way of the same comparison needed three chips, each layer was written three times."""
    known = [chip(np.zeros((15, 15), np.uint8))] * 3
    for how, count in ((Adaptation(placement="avoid"), 1), (Adaptation(placement="avoid", copies=2), 2)):
        found = adapt(how, solutions, 0, BLOCKS, (known, known), 10.0)
        assert [len(places) for places in found.places] == [count, count]


def test_copies_lie_side_by_side_before_they_take_another_chip():
    how = Adaptation(copies=5)
    assert [how.chips(block, (15, 15)) for block in BLOCKS] == [5, 2]
    room = how.room(BLOCKS[1], (15, 15))
    assert len(room) == 4
    cells = sum(block.place(np.ones((6, 6)), (15, 15)).astype(int) for block in room)
    assert cells.max() == 1, "copies share no cell"


def test_the_best_copies_of_each_neuron_by_hand():
    weights = np.array([[1, 0], [-1, 1], [1, -1]])
    exact = np.stack([np.maximum(weights, 0), np.maximum(-weights, 0)], axis=-1).reshape(3, 4) * 2.0
    worse, bad = exact.copy(), exact.copy()
    worse[0, 0] -= 0.2
    bad[:, 2] += 1.0
    np.testing.assert_allclose(pairs.difference(exact), 2 * weights)
    chosen = best_copies(np.array([worse, bad, exact]), weights, 2)
    np.testing.assert_array_equal(chosen, [[False, True], [True, False], [True, True]])


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"copies": 2, "best": 3}, "best = 3 copies cannot be taken of 2"),
        ({"copies": 2, "training": "hardware_aware"}, "one copy"),
        ({"placement": "clever"}, "plain"),
        ({"statistics": {"short": 0.9}}, "0.2"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, text):
    with pytest.raises(ValidationError, match=text):
        Adaptation(**wrong)


def test_the_baseline_must_be_one_of_the_ways():
    with pytest.raises(ConfigError, match=r"'nothing' is none of the methods plain, placed"):
        load_experiment("methods", changes={"baseline": "nothing"})


def test_what_comes_with_labmtj_compares_what_the_code_does_by_default():
    assert load_experiment("methods").settings.methods == METHODS


def test_every_integer_code_says_what_it_means(data, codes_without_meaning):
    assert codes_without_meaning(data) == []


def test_every_way_is_written_where_it_says_and_read_back(data):
    """The transfer matrix of a placed layer, in the layer's own order, shows its weights."""
    with h5py.File(data) as file:
        for name in ("placed", "aware"):
            for die in range(3):
                table = file[f"methods/{name}/mtj-50nm-3percent-{die}/solutions"]
                for layer in (1, 2):
                    bits, target = table[f"layer{layer}_bits"][()], table[f"layer{layer}_target"][()]
                    rows, columns = table[f"layer{layer}_rows"][()], table[f"layer{layer}_columns"][()]
                    for k in range(2):
                        np.testing.assert_array_equal(target[k][np.ix_(rows[k], columns[k])], bits[k])
                        assert target[k].sum() == bits[k].sum()
                        shown = pairs.difference(table[f"layer{layer}_transfer_siemens"][k])
                        wanted = pairs.difference(bits[k])
                        assert np.median(shown[wanted == 1]) > 0.5 * np.median(np.abs(shown[wanted != 0]))
                        assert np.median(shown[wanted == -1]) < 0
        assert (file["methods/placed/mtj-50nm-3percent-0/solutions/layer1_bits"][()] == file["solutions/w1"][()]).all()


def test_placement_beats_the_plain_way_and_wants_no_more_pulses(data):
    """Three dies show it; by more than its interval, 20 dies: `labmtj run methods`."""
    with h5py.File(data) as file:
        summary = file["methods/summary/mtj-50nm-3percent"]
        names = [name.decode() for name in summary["method"][()]]
        plain, placed, ensemble = (names.index(name) for name in ("plain", "placed", "ensemble"))
        gain, pulses = summary["gain"][()], summary["pulses"][()]
        assert gain[placed, 0, 0, 0] > 0.02, "148 samples, one gain per solution: the mean"
        assert gain[placed, 0, 1, 0] > 0
        assert np.isclose(gain[plain], 0).all()
        assert pulses[placed] < 1.2 * pulses[plain]
        assert pulses[ensemble] > 2 * pulses[plain], "copies cost, and the table says so"
        assert summary["write_fidelity"][placed] > summary["write_fidelity"][plain]
        assert summary["chips"][()].tolist() == [2, 2, 2, 4]


def test_gains_are_those_of_the_accuracies_by_die(data):
    with h5py.File(data) as file:
        stations = [f"mtj-50nm-3percent-{die}" for die in range(3)]
        plain, placed = (
            np.array([file[f"methods/{name}/{die}/accuracy/accuracy"][()] for die in stations])
            for name in ("plain", "placed")
        )
        assert plain.shape == (3, len(TUNINGS), 3, 2)
        gain = file["methods/summary/mtj-50nm-3percent/gain"][1]
    np.testing.assert_allclose(gain[..., 0], (placed - plain).mean(axis=(0, 3)), atol=1e-12)
    assert (gain[..., 1] <= gain[..., 0] + 1e-12).all()
    assert (gain[..., 2] >= gain[..., 0] - 1e-12).all()


def test_the_table_is_shown_in_80_columns_and_on_the_page(data):
    with open_contents(data) as contents:
        (found,) = comparisons(contents)
        lines, whole, page = method_lines(contents), summary_lines(contents), page_html(contents)
    assert found.names == ["plain", "placed", "aware", "ensemble"]
    assert max(map(len, whole)) <= 80
    assert set(lines) <= set(whole)
    assert "Ways compared on 3 dies of mtj-50nm-3percent" in page
    assert "Gains over plain" in page
    assert "cannot be shown" not in page


def test_one_campaign_can_be_run_in_one_of_the_ways(solutions):
    """A chip in turn for both layers, two copies: the campaign takes a second chip for layer 1, and averages."""
    settings = {
        "count": 1, "sizes": ["mtj-50nm"], "mapping": "sequential", "amplitude": None, "infer": {"mode": "transfer"},
        "write": {"parallel_volts": 0.38, "antiparallel_volts": 0.42}, "adapt": {"copies": 2, "best": 2},
    }  # fmt: skip
    campaign, bench, log = (
        WineCampaign.model_validate(settings),
        SimulatedBench(load_bench("simulated"), 1),
        MemoryLog(),
    )
    (station,) = stations = campaign.stations(bench.arrays())
    assert station.arrays == ("mtj-50nm-0a", "mtj-50nm-0b")
    campaign.check_stations(stations)
    campaign.declare(stations, log)
    chips, memory = bench.connect(station), {}
    for index in (0, 1):
        campaign.block(station, index, chips, memory, log)
    states = [chip.array.state.reshape(15, 15) for chip in chips.values()]
    # layer 2 was written last: both copies lie side by side on the first chip; the second still holds layer 1
    np.testing.assert_array_equal(states[0][:6, :6], states[0][:6, 6:12])
    assert (states[1][:13, :12] == solutions.w1[0]).mean() > 0.95
