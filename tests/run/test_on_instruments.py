"""Runs on a bench of instruments: virtual ones over sockets, and their traffic played back."""

import re
import shutil

import h5py
import numpy as np
import pytest

from labmtj import cli
from labmtj.bench.files.loading import load_any
from labmtj.errors import ConfigError, InstrumentError, Stopped, UsageError
from labmtj.record import Checkpointer
from labmtj.report.contents import open_contents
from labmtj.run import RunFolder, load_experiment, resume, start
from labmtj.run.execute import Progress


def quiet(_: Progress) -> None:
    """Show nothing."""


def a_run(tmp_path, bench, **options):
    changes = {"aperture_seconds": 0.001}
    experiment = load_experiment("reference", bench=str(bench), changes=changes)
    return start(experiment, tmp_path / "runs", workers=2, show=quiet, **options)


@pytest.fixture(scope="module")
def benches(small_bench, tmp_path_factory):
    """Return the folder with the files of a small bench."""
    return small_bench(tmp_path_factory.mktemp("benches"))


@pytest.fixture(scope="module")
def recorded(benches):
    """Return the folder of a run whose traffic was recorded."""
    return a_run(benches, benches / "virtual.yaml", record_traffic=True)


def currents(folder):
    with h5py.File(folder.data) as file:
        return np.array(file["arrays/small-0a/reads/amperes"])


def test_chip_wiring_and_instruments_are_in_the_file(recorded, codes_without_meaning):
    assert codes_without_meaning(recorded.data) == []
    with h5py.File(recorded.data) as file:
        bench = dict(file["bench"].attrs)
    assert bench["chip_id"] == "example"
    assert len(bench["wiring_sha256"]) == 64
    assert any("2636B" in str(each) for each in bench["instruments"])


def test_a_replay_gives_the_same_currents_and_names_the_first_divergence(recorded, benches, tmp_path):
    bench = benches / "replay.yaml"
    shutil.copy(recorded.path / "traffic.jsonl", benches / "traffic.jsonl")
    bench.write_text("kind: replay\nof: bench.yaml\ntraffic: traffic.jsonl\n")
    played = a_run(tmp_path, bench)
    np.testing.assert_array_equal(currents(played), currents(recorded))
    with open_contents(played.data) as contents:
        assert contents.simulated, "what virtual instruments answered is never called measured"
    other = load_experiment("reference", bench=str(bench), changes={"aperture_seconds": 0.001, "read_volts": 0.11})
    with pytest.raises(InstrumentError, match="diverges from the record at line"):
        start(other, tmp_path / "runs", workers=1, show=quiet)


@pytest.mark.parametrize(
    "first_line", ["", '{"seconds": 0, "instrument": "smu", "write": "*IDN?"}', '{"recorded": []}']
)
def test_traffic_that_does_not_say_what_was_recorded_is_refused(tmp_path, first_line):
    (tmp_path / "traffic.jsonl").write_text(first_line + "\n")
    bench = tmp_path / "replay.yaml"
    bench.write_text("kind: replay\nof: 2636b-3706a.yaml\ntraffic: traffic.jsonl\n")
    with pytest.raises(ConfigError, match="does not say what was recorded"):
        load_any(str(bench))
    bench.write_text(bench.read_text() + "recorded: instruments\n")
    with pytest.raises(ConfigError, match="remove this line"):
        load_any(str(bench))


def test_a_bench_with_one_chip_refuses_two(tmp_path):
    with pytest.raises(UsageError, match="--mapping sequential"):
        load_experiment("wine", bench="virtual-2636b-3706a", changes={"count": 1, "mapping": "two_arrays"})


def test_a_simulated_bench_has_no_traffic(tmp_path):
    with pytest.raises(UsageError, match="no traffic to record"):
        start(load_experiment("reference"), tmp_path, workers=1, show=quiet, record_traffic=True)


def test_a_run_that_was_stopped_goes_on_with_the_same_chip_only(benches, tmp_path, capsys, monkeypatch):
    changes = {"patterns": ["checkerboard"], "amplitude": None, "reference": {"aperture_seconds": 0.001}}
    changes["write"] = {"max_rounds": 0, "aperture_seconds": 0.001, "parallel_volts": 0.38, "antiparallel_volts": 0.42}
    experiment = load_experiment("patterns", bench=str(benches / "virtual.yaml"), changes=changes)

    def stop_behind_the_first_block(progress):
        if progress.phase == "blocks" and progress.done == 1:
            assert cli.main(["show", str(next((tmp_path / "runs").iterdir()))]) == 0  # fails without a data.h5 at once
            raise Stopped

    monkeypatch.setattr(Checkpointer, "due", lambda self: False)
    with pytest.raises(Stopped):
        start(experiment, tmp_path / "runs", workers=1, show=stop_behind_the_first_block)
    (path,) = (tmp_path / "runs").iterdir()
    assert re.search(
        r"not complete, this run is: running\nthe journal has \S+ MB that data.h5 lacks", capsys.readouterr().out
    )
    folder = resume(RunFolder.open(path), workers=1, show=quiet)
    with h5py.File(folder.data) as file:
        assert file["patterns/small/written/fidelity"].shape == (1,)
        starts = np.array(file["arrays/small-0a/reads/start_seconds"])
    assert (np.diff(np.nanmin(starts, axis=1)) > 0).all(), "the clock of the bench began anew with the second part"
    assert folder.ending == "DONE"
