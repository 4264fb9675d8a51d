import json
import os

import pytest

from labmtj.record import files
from labmtj.run import RunFolder
from labmtj.run.listing import list_runs


@pytest.fixture
def make(tmp_path):
    def make(name, experiment="wine", ending="DONE", events=({"done": 3, "total": 9},), size=0):
        path = tmp_path / name
        path.mkdir()
        (path / "run.yaml").write_text(f"experiment: {experiment}\n" + "# arrays\n" * 5000)
        (path / "run.log").write_text("".join(json.dumps(event) + "\n" for event in events))
        (path / "journal.lmj").write_bytes(bytes(size))
        if ending:
            (path / ending).touch()
        return RunFolder(path)

    return make


def test_runs_are_listed_newest_first(make, tmp_path):
    make("20260101T000000Z_aaaa", ending="STOPPED", size=12_300_000)
    make("20260102T000000Z_bbbb", experiment="reference", events=({"done": 1, "total": 4}, {"done": 4, "total": 4}))
    make("20251231T235959Z_cccc", ending="FAILED")
    head, first, second, third = list_runs(tmp_path).splitlines()
    assert first.split() == ["20260102T000000Z_bbbb", "reference", "done", "4/4", "0.0", "MB"]
    assert second.split() == ["20260101T000000Z_aaaa", "wine", "stopped", "3/9", "12.3", "MB"]
    assert third.split()[:3] == ["20251231T235959Z_cccc", "wine", "failed"]
    assert head.split() == ["run", "experiment", "ended", "blocks", "size"]


def test_a_run_without_an_ending_runs_or_was_killed(make, tmp_path):
    run = make("20260101T000000Z_aaaa", ending=None)
    assert list_runs(tmp_path).splitlines()[1].split()[2] == "killed"
    descriptor = files.open_existing(run.journal)
    files.lock(descriptor)
    assert list_runs(tmp_path).splitlines()[1].split()[2] == "running"
    os.close(descriptor)


def test_no_folder_makes_the_list_fail(make, tmp_path):
    (tmp_path / "20260101T000000Z_0000").mkdir()  # killed before anything was written
    make("20260101T000000Z_0001", experiment="x" * 200)
    make("20260101T000000Z_0002", experiment="wine\x1b[31m\x07")
    make("20260101T000000Z_0003", events=("text", 5, {"done": "many", "total": None}))
    (make("20260101T000000Z_0004").log).write_bytes(b"\xff\x00{broken" * 1000)
    (make("20260101T000000Z_0005").run_yaml).write_bytes(b"\x89HDF\xff")
    (tmp_path / "notes").mkdir()
    (tmp_path / "report.txt").touch()
    run = make("20260101T000000Z_0006")
    run.log.unlink()
    run.log.symlink_to(tmp_path / "nowhere")
    text = list_runs(tmp_path)
    assert len(text.splitlines()) == 8
    assert all(len(line) <= 80 and line.isprintable() for line in text.splitlines())


def test_an_empty_folder(tmp_path):
    assert list_runs(tmp_path) == f"no runs in {tmp_path}"
