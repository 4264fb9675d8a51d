"""A procedure taken through run, kill, resume and report: what it leaves is what an undisturbed run leaves."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from labmtj.record import JournalReader, frames
from labmtj.report import summary_text, write_report
from labmtj.report.contents import open_contents
from labmtj.run import Experiment, RunFolder, load_experiment, resume, start

KILLED_PARTS, TORN_PARTS = (0.6,), (0.3, 0.8)
"""of the journal: after which the process is killed; where the journal is torn"""


class ProcedureConformance:
    """Derive a test class from it that names an experiment, or a procedure, as `labmtj run` does."""

    experiment: ClassVar[str]
    bench: ClassVar[str] = "simulated"
    settings: ClassVar[Mapping[str, Any]] = {}
    """changed, nested as in an experiment file"""
    seed: ClassVar[int] = 5

    @classmethod
    def loaded(cls) -> Experiment:
        """Return the experiment."""
        return load_experiment(cls.experiment, bench=cls.bench, seed=cls.seed, changes=cls.settings)

    @pytest.fixture(scope="class")
    @classmethod
    def undisturbed(cls, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
        """Run it from the beginning to the end."""
        return start(cls.loaded(), tmp_path_factory.mktemp("undisturbed"), workers=1, show=lambda _: None)

    def test_it_records_something_that_says_what_it_is(self, undisturbed: RunFolder) -> None:
        assert undisturbed.ending == "DONE"
        with open_contents(undisturbed.data) as contents:
            assert contents.by_kind(lambda: ()), "no group has a kind: give `record` a Result with one"

    def test_the_same_seed_gives_the_same_run(self, undisturbed: RunFolder, tmp_path: Path) -> None:
        assert_same_run(start(self.loaded(), tmp_path, workers=1, show=lambda _: None), undisturbed)

    @pytest.mark.parametrize("part", KILLED_PARTS)
    def test_a_run_that_was_killed_is_resumed_to_the_same_result(
        self, undisturbed: RunFolder, tmp_path: Path, part: float
    ) -> None:
        most = str(int(part * undisturbed.journal.stat().st_size))
        command = [sys.executable, "-m", "labmtj.testing.killed", undisturbed.run_yaml, tmp_path / "runs", most]
        ended = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=600, check=False)  # noqa: S603
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        (path,) = (tmp_path / "runs").iterdir()
        assert_same_run(resume(RunFolder.open(path), workers=1, show=lambda _: None), undisturbed)

    @pytest.mark.parametrize("part", TORN_PARTS)
    def test_a_journal_torn_anywhere_is_resumed_to_the_same_result(
        self, undisturbed: RunFolder, tmp_path: Path, part: float
    ) -> None:
        shutil.copytree(undisturbed.path, tmp_path / undisturbed.path.name)
        copy = RunFolder.open(tmp_path / undisturbed.path.name)
        (copy.path / "DONE").unlink()
        with copy.journal.open("r+b") as file:
            file.truncate(int(part * copy.journal.stat().st_size))
        assert_same_run(resume(copy, workers=1, show=lambda _: None), undisturbed)

    def test_report_and_terminal_show_it(self, undisturbed: RunFolder, tmp_path: Path) -> None:
        write_report(undisturbed.data, tmp_path / "report.html")
        for text in ((tmp_path / "report.html").read_text(encoding="utf-8"), summary_text(undisturbed.data)):
            assert "cannot be shown" not in text
        assert max(map(len, summary_text(undisturbed.data).splitlines())) <= 80


def journal_frames(folder: RunFolder) -> Iterator[bytes]:
    """Yield the frames of a journal: without commits, which say where they stand, and without who and when."""
    reader = JournalReader(folder.journal)
    for offset, payload in reader.payloads():
        if frames.has_kind(payload, "attributes"):
            record = reader.decoded(offset, payload)
            if record["path"] in ("", "provenance"):
                continue
        if not frames.has_kind(payload, "commit"):
            yield payload
    assert reader.torn_bytes == 0


def assert_same_run(one: RunFolder, other: RunFolder) -> None:
    """Assert that two runs hold the same: every frame of the journal, and so all that data.h5 is made from."""
    assert list(journal_frames(one)) == list(journal_frames(other)), "the runs differ"
