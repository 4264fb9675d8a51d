"""SIGKILL of a run on a bench: the watchdog has outputs off within a second, and resume finishes the work."""

import contextlib
import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest

OFF_SECONDS = 1.0
LONGEST_SECONDS = 0.7
"""from the first output that is on; the small run is over by then"""
LEVEL_VOLTS = 0.05
REAL_TIME = "kind: virtual\nof: bench.yaml\narrays: [small.yaml]\nseed: 3\nnoise: false\nrealtime_factor: 1\n"
LONG = """
import ctypes, os, sys, time
import numpy as np
import labmtj
from labmtj.quantities import Bias, Lines, ReadSettings
with labmtj.bench(sys.argv[1]) as array:
    if sys.argv[2:] == ["fork"] and os.fork() == 0:
        time.sleep(600)
    if sys.argv[2:] == ["fork in C"] and ctypes.PyDLL(None).fork() == 0:
        ctypes.PyDLL(None).sleep(600)
    print("armed", os.getpid(), flush=True)
    rows = np.zeros((300, 4))
    rows[:, 0] = 0.1
    array.measure(Bias(rows, np.zeros((300, 4))), Lines(columns=(0,)), ReadSettings(aperture_seconds=0.2))
"""
"""a minute of one script on the box"""


def seconds_until_off(rig):
    begun = time.monotonic()
    while any(abs(each.level) > 2e-3 for each in rig.network.settings) or any(rig.outputs()):
        assert time.monotonic() < begun + 50
        time.sleep(0.001)
    return time.monotonic() - begun


def test_a_run_killed_at_random_moments_is_made_safe_and_comes_to_its_end(
    rigs, reference, at_work, torture, required, tally, metrics_of
):
    """Fails with `Watchdog` replaced by `NoWatch`: the outputs stay on."""
    moments, off = random.Random(9), []
    rig, words = rigs(), ()
    for number in range(200 if torture else 3):
        process = rig.spawn(*words)
        at_work(rig, process)
        time.sleep(moments.uniform(0.0, LONGEST_SECONDS))
        with tally(9, f"kill {number} on a bench"):
            process.kill()
            on = any(rig.outputs())  # at its end a run makes the bench safe by itself, then analyses and reports
            off.append(seconds_until_off(rig))
            process.communicate()
            assert off[-1] < required(OFF_SECONDS)
            rig.assert_safe(within=required(OFF_SECONDS))
            done = (rig.last() / "DONE").exists()
            if on and not done:
                assert '"event": "outputs off"' in (rig.last() / "watchdog.jsonl").read_text()
        words = () if done else ("resume", rig.last())
    with tally(9, "resume on a bench"):
        folder = rig.last() if done else rig.resume().path
        found = metrics_of(folder / "data.h5")
        for name, value in reference["metrics"].items():
            np.testing.assert_array_equal(found[name], value)
        np.testing.assert_array_equal(rig.states(), reference["states"])
        rig.assert_safe()
    print(f"\noutputs off after {np.median(off) * 1e3:.0f} ms, at most {max(off) * 1e3:.0f} ms, of {len(off)} kills")


def measuring_long(rig, *words):
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", LONG, str(rig.bench), *words], stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    while not any(abs(each.level) > LEVEL_VOLTS for each in rig.network.settings):
        assert process.poll() is None
        time.sleep(0.005)
    return process


def test_a_script_that_a_dead_run_has_left_behind_is_aborted(rigs, tally, required):
    """Fails without `driver.abort()` in the watchdog: the script goes on for a minute."""
    rig = rigs(virtual=REAL_TIME, timeout=5.0)
    process = measuring_long(rig)
    time.sleep(0.2)
    with tally(9, "kill while a script runs"):
        process.kill()
        assert seconds_until_off(rig) < required(OFF_SECONDS)
        process.communicate()
        rig.assert_safe(within=required(OFF_SECONDS))


@pytest.mark.parametrize("how", ["fork", "fork in C"])
def test_a_forked_child_does_not_keep_the_death_from_being_noticed(rigs, tally, required, descendants_of, how):
    """Fails without `os.register_at_fork` in labmtj.forking: the child holds the pipe, and the sockets.

    That does not reach a child that C forks.
    """
    rig = rigs(virtual=REAL_TIME, timeout=5.0)
    process = measuring_long(rig, how)
    (forked,) = descendants_of(process.pid, LONG)
    with tally(9, "kill with a forked child"):
        try:
            process.kill()
            assert seconds_until_off(rig) < required(OFF_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):  # the watchdog has ended it
                os.kill(forked, 9)
            process.communicate()
        rig.assert_safe(within=required(OFF_SECONDS))


def test_the_instruments_of_a_virtual_bench_outlive_its_run_until_they_are_safe(
    rig, tally, required, at_work_by_itself
):
    """Fails if the watchdog does not hold the pipe that the server lives by: it finds no server, and says so."""
    process = rig.spawn("run", "reference", "--bench", rig.folder / "virtual.yaml", "--out", rig.runs)
    at_work_by_itself(rig, process)
    with tally(9, "kill with a virtual bench of its own"):
        process.kill()
        process.communicate()
        record, deadline = rig.last() / "watchdog.jsonl", time.monotonic() + required(5.0)
        while not record.exists() or '"event": "safe"' not in record.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert '"event": "outputs off"' in record.read_text()
