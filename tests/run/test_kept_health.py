"""What runs find of a chip is put together, whichever procedure found it."""

import numpy as np
import pytest

from labmtj.bench.files.healthfile import kept_health
from labmtj.bench.files.loading import load_any
from labmtj.cost import Cost
from labmtj.health import Health, HealthMap
from labmtj.record import Checkpointer, JournalLog, JournalWriter, open_data
from labmtj.results import record
from labmtj.run import RunFolder, load_experiment
from labmtj.run.health import keep_found_health
from procedures.common.health import HealthRecord, record_finding


@pytest.fixture
def found_by_a_run(tmp_path):
    """Return a function that ends a run on a real bench; `put` records what it found."""

    def end(name, put):
        folder = tmp_path / name
        folder.mkdir()
        log = JournalLog(JournalWriter.create(folder / "journal.lmj"))
        put(log)
        log.commit()
        Checkpointer(folder / "journal.lmj", folder / "data.h5").checkpoint()
        log.journal.close()
        with open_data(folder / "data.h5") as data:
            keep_found_health(RunFolder(folder), load_experiment("health", bench="2636b-3706a"), data)

    return end


def test_a_noise_run_adds_to_what_a_health_run_has_found(found_by_a_run):
    chip = load_any("2636b-3706a").chip
    shape, effort = chip.array.shape, Cost(0, 0, 0.0)
    states = np.full(shape, Health.USABLE, np.uint8)
    states[0, 0] = Health.SHORT
    checked = HealthMap.unknown("", shape).with_evidence(states, np.ones(shape, bool), "reference maps")
    found_by_a_run("one", lambda log: record(log, "arrays/a/health", HealthRecord(checked, effort)))
    jumping = np.zeros(shape, bool)
    jumping[[0, 3], [0, 4]] = True
    found_by_a_run("two", lambda log: record_finding(log, jumping, Health.NOISY, "jumps", effort, "arrays/a/noise"))
    kept = kept_health(chip.id, shape)
    assert np.argwhere(kept.of(Health.NOISY)).tolist() == [[3, 4]]
    assert kept.states[0, 0] == Health.SHORT
    assert kept.evidence[kept.why[3, 4]].startswith("jumps (run two, ")
    assert kept.evidence[kept.why[1, 1]].startswith("reference maps (run one, ")


def test_a_broken_cell_that_is_found_to_switch_is_named_in_the_log_of_the_run(found_by_a_run, tmp_path):
    shape, effort = load_any("2636b-3706a").chip.array.shape, Cost(0, 0, 0.0)
    for name, state in (("one", Health.SHORT), ("two", Health.USABLE)):
        states = np.full(shape, Health.USABLE, np.uint8)
        states[2, 3] = state
        checked = HealthMap.unknown("", shape).with_evidence(states, np.ones(shape, bool), "reference maps")
        found_by_a_run(name, lambda log, checked=checked: record(log, "arrays/a/health", HealthRecord(checked, effort)))
    assert '"usable_again": []' in (tmp_path / "one" / "run.log").read_text()
    assert '"usable_again": [[2, 3]]' in (tmp_path / "two" / "run.log").read_text()
