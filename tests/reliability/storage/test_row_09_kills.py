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


def lasts(spawn, parent):
    """Return the seconds of a run from the making of its folder to the mark of its end: on a busy machine they grow."""
    process = spawn()
    while last(parent) is None:
        time.sleep(0.005)
    begun = time.monotonic()
    while last(parent).ending is None and process.poll() is None:
        time.sleep(0.005)
    process.communicate()
    return time.monotonic() - begun


def test_kills_at_random_moments(spawn, recording, tmp_path, torture, tally, datasets_of):
    moments, parent = random.Random(11), tmp_path / "runs"
    longest_seconds = lasts(spawn, parent)
    undisturbed = datasets_of(recording[0].data)
    interrupted, count = 0, 200 if torture else 4
    for number in range(count):
        before, process = last(parent), spawn()
        while last(parent) == before:
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        time.sleep(longest_seconds * (number % 4 + moments.random()) / 4)  # one in each quarter
        with tally(9, f"kill {number} of a simulation"):
            process.kill()
            process.communicate()
            folder = last(parent)
            kept = rows_of(folder)
            if folder.ending != "DONE":
                interrupted += 1
                resume(folder, workers=1, show=lambda _: None)
            else:
                longest_seconds /= 2  # the machine was busier when a run was timed
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
