"""Signals at a run on a bench: safe, kept, the right exit code; once within 2 s, twice at once; a pause that goes on."""

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import labmtj

STOP_SECONDS = 2.0
CLEAN_UP_SECONDS = 1.0
"""from the stop to the end of the process: outputs off, data.h5 written, on a machine that does other things, too"""
REAL_TIME = "kind: virtual\nof: bench.yaml\narrays: [small.yaml]\nseed: 3\nnoise: false\nrealtime_factor: 1\n"
RESUMED = ("once", "twice")
"""of SIGNALS, in a sample: after the others the record is as after the first"""
LEVEL_VOLTS = 0.05
LONG = """
import numpy as np
from pydantic import BaseModel
from labmtj.quantities import Bias, Lines, ReadSettings

class Long(BaseModel):
    def execute(self, crossbar, log):
        rows = np.zeros((300, 4))
        rows[:, 0] = 0.1
        crossbar.measure(Bias(rows, np.zeros((300, 4))), Lines(columns=(0,)), ReadSettings(aperture_seconds=0.2))
"""
"""a minute of one script on the box"""
SIGNALS = {
    "once": [signal.SIGINT], "twice": [signal.SIGINT] * 2, "often": [signal.SIGINT] * 12,
    "SIGTERM": [signal.SIGTERM], "SIGHUP": [signal.SIGHUP],
}  # fmt: skip
CODES = {"once": 130, "twice": 130, "often": 130, "SIGTERM": 143, "SIGHUP": 129}


def send(process, numbers, gap_seconds=0.03):
    for number in numbers:
        if process.poll() is None:
            os.kill(process.pid, number)
        time.sleep(gap_seconds)


def assert_stopped(process, code, rig, run):
    """Assert what every stop must leave behind; return what was said."""
    _, said = process.communicate(timeout=60)
    rig.assert_safe()
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert (
        "labmtj: stopped on request; everything so far is kept" in said.splitlines()
    )  # after what is said of a new chip
    assert said.splitlines()[-1] == f"go on with: labmtj resume {run}"
    assert (run / "STOPPED").exists()
    assert not (run / "watchdog.jsonl").exists(), "the run made the bench safe by itself"
    return said


def assert_same(found, wanted):
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("how", SIGNALS)
def test_a_signal_stops_the_run_safely_and_it_can_be_resumed(
    rigs, tally, torture, required, at_work, reference, metrics_of, how
):
    """Fails without handlers: SIGTERM and SIGHUP end the process at once, and the watchdog has to clean up."""
    moments = random.Random(how)
    for number in range(20 if torture else 1):
        rig = rigs()
        process = rig.spawn()
        at_work(rig, process)
        run = rig.last()
        time.sleep(moments.uniform(0.0, 0.1))
        with tally(11, f"{how}, {number}"):
            begun = time.monotonic()
            send(process, SIGNALS[how])
            if process.wait(timeout=60):  # else it was done already
                assert time.monotonic() - begun < required(STOP_SECONDS + CLEAN_UP_SECONDS)
                assert_stopped(process, CODES[how], rig, run)
                if not (torture or how in RESUMED):
                    continue
                rig.resume()
            rig.assert_safe()
            assert_same(metrics_of(run / "data.h5"), reference["metrics"])


@pytest.mark.parametrize(("how", "seconds"), [("once", STOP_SECONDS), ("twice", 0.8), ("SIGTERM", STOP_SECONDS)])
def test_a_long_script_on_the_box_does_not_keep_a_run_from_stopping(rigs, tally, required, monkeypatch, how, seconds):
    """Fails without the timer in `StopRequests.handle`: the script goes on to its end."""
    rig = rigs(virtual=REAL_TIME, timeout=5.0)
    (rig.folder / "longest.py").write_text(LONG)
    (rig.folder / "long.yaml").write_text(f"procedure: longest.Long\nbench: {rig.bench}\n")
    monkeypatch.setenv("PYTHONPATH", f"{rig.folder}{os.pathsep}{Path(labmtj.__file__).parents[1]}")
    process = rig.spawn("run", rig.folder / "long.yaml", "--out", rig.runs)
    with tally(11, f"{how}, in a long script"):
        while not any(abs(each.level) > LEVEL_VOLTS for each in rig.network.settings):
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        time.sleep(0.2)
        begun = time.monotonic()
        send(process, SIGNALS[how])
        while any(abs(each.level) > 2e-3 for each in rig.network.settings):
            time.sleep(0.005)
        assert time.monotonic() - begun < required(seconds)
        assert_stopped(process, CODES[how], rig, rig.last())


def test_a_stop_while_the_bench_is_opened_leaves_nothing_on(rigs, tally, torture):
    moments = random.Random(11)
    for number in range(20 if torture else 1):
        rig = rigs()
        process = rig.spawn()
        time.sleep(moments.uniform(0.4, 1.2))  # before its first output is on, or at work
        with tally(11, f"while opening, {number}"):
            send(process, [signal.SIGINT])
            _, said = process.communicate(timeout=60)
            assert process.returncode in (0, 130), said
            assert "Traceback" not in said
            rig.assert_safe()


def test_a_ctrl_c_at_the_terminal_does_not_take_the_virtual_instruments_away(rig, tally, at_work_by_itself):
    """Fails if the server of a virtual bench is in the session of the run: it cannot be made safe, and says so."""
    bench = rig.folder / "virtual.yaml"
    process = rig.spawn("run", "reference", "--bench", bench, "--aperture-seconds", "0.01", "--out", rig.runs)
    at_work_by_itself(rig, process)
    with tally(11, "Ctrl+C at a virtual bench"):
        os.killpg(process.pid, signal.SIGINT)
        assert len(rig.complaint(assert_stopped(process, 130, rig, rig.last())).splitlines()) == 2


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_pause_leaves_the_bench_safe_and_free_and_goes_on_as_resume_does(rigs, tally, at_work, reference, metrics_of):
    """Fails without the handler of Ctrl+Z: the process stops with its outputs on."""
    rig = rigs()
    process = rig.spawn()
    at_work(rig, process)
    with tally(11, "pause and go on"):
        os.kill(process.pid, signal.SIGTSTP)
        deadline = time.monotonic() + 30
        while state_of(process.pid) != "T":
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        rig.assert_safe()
        with labmtj.bench(rig.bench):
            pass
        os.kill(process.pid, signal.SIGCONT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        rig.assert_safe()
        events = [line for line in (rig.last() / "run.log").read_text().splitlines() if "goes on" in line]
        assert len(events) == 1
        assert_same(metrics_of(rig.last() / "data.h5"), reference["metrics"])
