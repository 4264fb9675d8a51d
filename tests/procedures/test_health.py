"""Health of a chip: defects placed at random are found, all of them and no others; cells that jump are called noisy."""

import numpy as np
import pytest
import yaml

from labmtj import library
from labmtj.bench import load_array
from labmtj.bench.files.simulated import crossbar_of
from labmtj.device.mtj import Defect
from labmtj.health import Health
from labmtj.record import MemoryLog
from procedures.health import HealthCheck
from procedures.read_map import ReadMap

OF_DEFECT = {
    Defect.NONE: Health.USABLE, Defect.STUCK_P: Health.STUCK_P, Defect.STUCK_AP: Health.STUCK_AP,
    Defect.SHORT: Health.SHORT, Defect.OPEN: Health.OPEN,
}  # fmt: skip


@pytest.fixture
def poor_array(tmp_path):
    """Return a function: a chip with 3 % defects of every kind, shorts a third of that; with telegraph cells or not."""

    def make(seed, telegraph=None):
        content = yaml.safe_load((library.folder() / "arrays" / "mtj-50nm.yaml").read_text())
        for kind in ("stuck_parallel", "stuck_antiparallel", "open"):
            content["family"]["defects"][kind]["value"] = 0.03
        content["family"]["defects"]["short"]["value"] = 0.01
        content["family"]["telegraph"] = telegraph
        path = tmp_path / "poor.yaml"
        path.write_text(yaml.safe_dump(content))
        return crossbar_of(load_array(str(path)), seed=seed, name="poor")

    return make


@pytest.mark.parametrize("seed", range(6))
def test_the_map_of_defects_is_exact(poor_array, seed):
    chip = poor_array(seed)
    placed = chip.array.cells.defect.reshape(chip.shape)
    assert (placed != Defect.NONE).sum() > 5
    found = HealthCheck().execute(chip, MemoryLog()).health
    np.testing.assert_array_equal(found.states, np.vectorize(lambda each: OF_DEFECT[Defect(each)])(placed))
    assert all(found.evidence[why] for why in found.why.ravel())


def test_cells_that_jump_while_they_are_watched_are_noisy_and_no_others(poor_array):
    told = {
        "fraction": {"value": 0.1, "provenance": "assumed"},
        "jump": {"lowest": 0.01, "highest": 0.02, "provenance": "assumed"},
        "dwell_seconds": {"lowest": 0.2, "highest": 0.5, "provenance": "assumed"},
    }
    chip = poor_array(7, told)
    jumping = np.isin(np.arange(225), chip.array.cells.telegraph.cells) & chip.array.cells.is_free
    noisy = HealthCheck(repeats=64).execute(chip, MemoryLog()).health.of(Health.NOISY).ravel()
    assert jumping.sum() > 10
    assert not (noisy & ~jumping).any()
    assert (noisy & jumping).sum() > 0.9 * jumping.sum()


def test_a_check_tells_what_it_cost_and_leaves_the_array_antiparallel(poor_array):
    chip = poor_array(1)
    log = MemoryLog()
    cost = HealthCheck().execute(chip, log).cost
    assert cost.pulses == 5 * 30  # by rows and by columns: to and fro and back, then once more both ways
    assert cost.seconds == pytest.approx(chip.clock.now())
    assert not chip.array.state[chip.array.cells.is_free].any()
    assert log.read_attributes("health")["effort_pulses"] == cost.pulses


def test_a_read_map_gives_conductances_and_changes_nothing(poor_array):
    chip = poor_array(2)
    chip.array.state[:] = np.random.default_rng(1).random(225) < 0.5
    chip.array.restore(chip.array.snapshot())
    before = chip.array.state.copy()
    found = ReadMap(repeats=8).execute(chip, MemoryLog())
    np.testing.assert_array_equal(chip.array.state, before)
    healthy = chip.array.cells.is_free.reshape(chip.shape)
    nominal = 1 / chip.array.cells.parallel_ohms * np.where(before, 1.0, 1 / (1 + chip.array.cells.tmr))
    ratio = found.siemens[healthy] / nominal.reshape(chip.shape)[healthy]
    assert ratio.min() > 0.6  # the drop along the wires takes some, more beside a short
    assert ratio.max() < 1.02
    assert (found.scatter_amperes[healthy] < 0.01 * found.amperes[healthy]).mean() > 0.95
    assert found.cost.readings == 15 * 15 + 15
