"""Two processes on one bench: the second is refused at once, told who has it, and disturbs nothing."""

import os
import socket
import time

import pytest

import labmtj
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.run import RunFolder, resume

ROWS = Bias([0.1, 0.0, 0.0, 0.0], [0.0] * 4)
LOST = 40
"""answers, most: the watchdog asks twice a second or so, and is not heard until the second run was refused"""


def at_rest(rig, run):
    """Wait until the watchdog of a dead run has made the bench safe, and has gone."""
    record = run / "watchdog.jsonl"
    deadline = time.monotonic() + 60
    while not record.exists() or '"event": "safe"' not in record.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.2)
    rig.assert_safe()


def refused(process):
    """Return what a process said that could not have the bench."""
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("what", ["start", "resume", "read", "pulse", "check"])
def test_a_second_process_is_refused_and_sends_nothing(rigs, tally, what, at_work):
    """Fails with the lock removed from `open_laboratory`: the second waits for the instrument, or has it."""
    rig = rigs()
    if what == "resume":
        first = rig.spawn()
        at_work(rig, first)
        first.kill()
        first.communicate()
        at_rest(rig, rig.last())
    words = {
        "start": (), "resume": ("resume", rig.last() if what == "resume" else ""), "read": ("read", rig.bench, 0, 0),
        "pulse": ("pulse", rig.bench, 0, 0, "--volts", 0.3), "check": ("check", rig.bench),
    }[what]  # fmt: skip
    with tally(15, what), labmtj.bench(rig.bench) as array:
        before = rig.calls()
        said = refused(rig.spawn(*words))
        assert f"is in use by process {os.getpid()} on {socket.gethostname()}" in said
        assert rig.complaint(said).splitlines()[0].endswith("; end that first")
        assert rig.calls() == before
        assert (array.measure(ROWS, Lines(columns=(0,)), ReadSettings()).amperes > 0).all()
    rig.assert_safe()


def test_a_bench_stays_owned_until_the_watchdog_of_a_dead_run_has_made_it_safe(rigs, tally, at_work, watchdog_of):
    """Fails if the watchdog does not inherit the locks: the next run begins on outputs that are on."""
    rig = rigs(timeout=1.0)
    process = rig.spawn()
    at_work(rig, process)
    watchdog = watchdog_of(process.pid)
    dead = rig.last()
    with tally(15, "watchdog at work"):
        for _ in range(LOST):
            rig.fault("smu:lost")
        process.kill()
        process.communicate()
        said = refused(rig.spawn())
        assert f"is in use by process {watchdog} on " in said
        busy = f"the watchdog of run {dead.name} makes the bench safe: try again in a few seconds"
        assert busy in said or f"the bench of run {dead.name} is not known to be safe since " in said
        with rig.served.faulty["smu"]._lock:
            rig.served.faulty["smu"]._armed.clear()
        at_rest(rig, dead)
        resume(RunFolder.open(dead), workers=1, show=lambda _: None)
        rig.assert_safe()
