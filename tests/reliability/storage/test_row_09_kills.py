"""SIGKILL of a whole simulated campaign at random moments, workers and all: no row is lost, resume ends alike."""

import os
import random
import subprocess
import sys
import time

import pytest

from labmtj.record import JournalReader, frames
from labmtj.record.replay import START
from labmtj.run import RunFolder, resume


@pytest.fixture
def spawn(small_file, tmp_path):
    """Return a function that runs the small campaign in a process of its own."""

    def run():
        return subprocess.Popen(
            [sys.executable, "-m", "labmtj", "run", str(small_file), "--out", str(tmp_path / "runs")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "80"},
        )  # fmt: skip

    return run


def last(parent):
    """Return the youngest run below a folder, None if there is none."""
    found = sorted(parent.glob("*/run.yaml"), key=lambda path: path.stat().st_mtime_ns)
    return RunFolder(found[-1].parent) if found else None


def until(journal_bytes, process, parent, before):
    """Wait until a new run has written so much, or is over: its progress, not its time, which other work stretches."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        folder = last(parent)
        if folder != before and folder.journal.exists() and folder.journal.stat().st_size >= journal_bytes:
            return
        time.sleep(0.001)


def test_kills_at_random_moments(spawn, recording, tmp_path, torture, tally, datasets_of):
    moments, parent = random.Random(11), tmp_path / "runs"
    undisturbed, whole_bytes = datasets_of(recording[0].data), recording[0].journal.stat().st_size
    interrupted, count = 0, 200 if torture else 4
    for number in range(count):
        before, process = last(parent), spawn()
        until(whole_bytes * (number % 4 + moments.random()) / 4, process, parent, before)  # one in each quarter
        with tally(9, f"kill {number} of a simulation"):
            process.kill()
            _, said = process.communicate()
            folder = last(parent)
            assert folder != before, said
            kept = rows_of(folder)
            if folder.ending != "DONE":
                interrupted += 1
                resume(folder, workers=1, show=lambda _: None)
            assert rows_of(folder)[: len(kept)] == kept
            after = datasets_of(folder.data)
            assert after.keys() == undisturbed.keys()
            for name, values in undisturbed.items():
                assert values.dtype.kind == "O" or after[name].tobytes() == values.tobytes(), name
    print(f"\n{interrupted} of {count} runs were killed before their end")
    assert interrupted > count // 20


def rows_of(folder):
    """Return the frames of rows that a journal holds."""
    if not folder.journal.exists() or folder.journal.stat().st_size <= START:
        return []
    return [payload for _, payload in JournalReader(folder.journal).payloads() if frames.has_kind(payload, "rows")]
