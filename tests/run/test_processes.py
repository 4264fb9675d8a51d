"""Runs as processes of their own: what only a real signal, a real death and a real limit can show."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from labmtj.run import RunFolder, resume

LIMITED = (
    "-c",
    "import resource, sys; from labmtj.cli import main; "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000)); sys.exit(main(sys.argv[1:]))",
)  # fmt: skip


def nobody(progress):
    """Nobody looks at the progress."""


def wait_for(condition, process):
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def the_run(parent):
    return next(iter(parent.glob("*/run.yaml"))).parent


def has_begun(parent, size=100_000):
    return lambda: any(journal.stat().st_size > size for journal in parent.glob("*/journal.lmj"))


def children(pid):
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("signals", "code", "workers"),
    [([signal.SIGINT], 130, 2), ([signal.SIGINT] * 2, 130, 1), ([signal.SIGTERM], 143, 1)],
)
def test_a_signal_to_all_processes_stops_the_run(command, options, tmp_path, signals, code, workers):
    process = command("run", *options, "--count", 40, "--out", "runs", "--workers", workers, start_new_session=True)
    wait_for(has_begun(tmp_path / "runs", 1000), process)
    for number in signals:
        os.killpg(process.pid, number)
        time.sleep(0.02)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert said.splitlines()[-2] == "labmtj: stopped on request; everything so far is kept"
    folder = RunFolder.open(the_run(tmp_path / "runs"))
    assert said.splitlines()[-1] == f"go on with: labmtj resume runs/{folder.path.name}"
    assert "Traceback" not in said
    assert folder.ending == "STOPPED"


def test_deaths_at_random_moments_change_nothing(command, options, tmp_path, undisturbed, assert_same_run):
    moments = random.Random(20)
    parent = tmp_path / "runs"
    process = command("run", *options, "--out", "runs", "--workers", 2)
    wait_for(has_begun(parent, 0), process)
    for _ in range(3):
        wait_for(lambda process=process: len(children(process.pid)) >= 2, process)
        time.sleep(moments.uniform(0.0, 1.5))
        workers = children(process.pid) if process.poll() is None else []
        process.kill()
        process.communicate()
        wait = time.monotonic() + 10
        while any(map(is_alive, workers)):
            assert time.monotonic() < wait, "a worker outlived the main process"
            time.sleep(0.01)
        if RunFolder(the_run(parent)).ending == "DONE":
            break
        assert RunFolder(the_run(parent)).ending is None
        process = command("resume", the_run(parent), "--workers", 2)
    process.kill()
    process.communicate()
    folder = RunFolder(the_run(parent))
    if folder.ending != "DONE":
        resume(folder, workers=1, show=nobody)
    assert_same_run(folder, undisturbed)


def test_a_file_that_may_not_grow_fails_the_run(command, options, tmp_path, undisturbed, assert_same_run):
    process = command("run", *options, "--out", "runs", "--workers", 1, prefix=LIMITED)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "File too large" in said
    assert "Traceback" not in said
    folder = RunFolder.open(the_run(tmp_path / "runs"))
    assert folder.ending == "FAILED"
    assert_same_run(resume(folder, workers=1, show=nobody), undisturbed)


def test_a_second_process_does_not_resume_a_run_that_is_going_on(command, options, tmp_path):
    process = command("run", *options, "--count", 40, "--out", "runs", "--workers", 1)
    wait_for(has_begun(tmp_path / "runs", 1000), process)
    second = command("resume", the_run(tmp_path / "runs"))
    _, said = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "is being written by another process; stop that run first" in said
    assert process.poll() is None
