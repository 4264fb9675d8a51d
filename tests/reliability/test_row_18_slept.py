"""Row 18: a computer that sleeps in the midst of a pulse that messages time makes it longer than the limits (case F4).

The process is stopped while the pulse is on, as the virtual sources say, for less or for longer than its lease. At
dd97226 the pulse was recorded without a flag and the run went on; and nothing ended it meanwhile.
"""

import contextlib
import json
import os
import re
import signal
import time

import h5py
import numpy as np
import pytest

from labmtj.bench.files.healthfile import kept_health
from labmtj.health import Health
from labmtj.quantities import Flag

PULSES = {
    "parallel_volts": 0.5,
    "antiparallel_volts": 0.56,
    "aperture_seconds": 1e-3,
    "max_rounds": 2,
    "pulse_seconds": 0.05,
}
LIVE_VOLTS = 0.2
"""that only pulses reach which both boxes give together, half of the voltage each"""
SHORT_SECONDS = 1.0
"""within the lease, and ten times limits.pulse_seconds"""
AFTER_SECONDS = 5.0
"""in which the watchdog has the outputs off once the lease has passed (a requirement)"""
LONGEST_SECONDS = 60.0


def live(rig):
    """Return whether such a pulse is on."""
    return sum(abs(each.level) > LIVE_VOLTS for each in rig.network.settings) == 2


def stop_within_a_pulse(rig, process):
    """Stop a process while its pulse is on, as it still is then."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while True:
        while not live(rig):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.05)  # what it had sent has arrived
        if live(rig):
            return
        os.kill(process.pid, signal.SIGCONT)


def spawned(rig, command):
    """Start `labmtj run` or `labmtj pulse` on a bench whose pulses messages time."""
    if command == "run":
        return rig.spawn(write=PULSES)
    return rig.spawn("pulse", rig.bench, 1, 2, "--volts", "0.6", "--seconds", "0.05")


def seconds_until_off(rig):
    begun = time.monotonic()
    while any(rig.outputs()):
        assert time.monotonic() < begun + LONGEST_SECONDS
        time.sleep(0.02)
    return time.monotonic() - begun


def beyond(rig):
    """Return the rows of pulses that are flagged, as (delivered seconds, volts), and the cells marked on the chip."""
    with h5py.File(rig.last() / "data.h5") as file:
        pulses = {
            name: each[()] for name, each in file["arrays/small-0a/pulses"].items() if isinstance(each, h5py.Dataset)
        }
    flagged = ((pulses["flags"] & Flag.BEYOND_LIMITS) != 0).any(axis=1)
    return pulses["delivered_seconds"][flagged], kept_health("small", (4, 4)).states == Health.OVERSTRESSED


@pytest.fixture
def commands(torture):
    """Return the commands that are tried."""
    return ("run", "pulse") if torture else ("run",)


def test_a_pulse_slept_through_for_less_than_the_lease_ends_the_run(rigs, two_boxes, commands, tally):
    for command in commands:
        rig = rigs(bench=two_boxes)
        with tally(18, f"labmtj {command}, asleep for {SHORT_SECONDS:g} s"):
            process, begun = spawned(rig, command), time.monotonic()
            stop_within_a_pulse(rig, process)
            time.sleep(SHORT_SECONDS)
            os.kill(process.pid, signal.SIGCONT)
            _, said = process.communicate(timeout=LONGEST_SECONDS)
            took = time.monotonic() - begun
            assert process.returncode == 1, said
            figures = re.search(
                r"was delivered beyond the limits: cell \(\d, \d\) sees more than 0\.15 V for ([\d.]+) s", said
            )
            assert SHORT_SECONDS < float(figures[1]) < took
            assert "limits.pulse_seconds" in said
            rig.assert_safe()
            if command == "run":
                assert (rig.last() / "FAILED").exists()
                seconds, marked = beyond(rig)
                assert len(seconds) == 1
                assert seconds.max() > SHORT_SECONDS, seconds
                assert marked.any()


def test_a_pulse_slept_through_for_longer_than_the_lease_is_ended_and_owned_up_to(
    rigs, two_boxes, commands, torture, tally
):
    if not torture:
        pytest.skip("under --torture")  # leases take 10 s
    for command in commands:
        rig = rigs(bench=two_boxes)
        with tally(18, f"labmtj {command}, asleep for longer than its lease"):
            process = spawned(rig, command)
            stop_within_a_pulse(rig, process)
            took = seconds_until_off(rig)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.communicate(timeout=LONGEST_SECONDS)
            assert process.returncode == -signal.SIGKILL
            rig.assert_safe(AFTER_SECONDS)
            print(f"\nlabmtj {command}: outputs off {took:.1f} s after the stop")
            if command == "run":
                assert_owned_up_to(rig, took)


def assert_owned_up_to(rig, took):
    """Assert that the run's folder says why it ended, and that it is resumed with the pulse flagged and cells marked."""
    notes = [json.loads(line)["event"] for line in (rig.last() / "watchdog.jsonl").read_text().splitlines()]
    lease = re.search(r"did not come back from [a-z ]+ within its lease of ([\d.]+) s", notes[0])
    assert took < float(lease[1]) + AFTER_SECONDS
    process = rig.spawn("resume", rig.last())
    _, said = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, said
    rig.assert_safe()
    seconds, marked = beyond(rig)
    assert len(seconds)
    assert not np.isfinite(seconds).all() or (seconds >= took - 1).any()
    assert marked.any()
