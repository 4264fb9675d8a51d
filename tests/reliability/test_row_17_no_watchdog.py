"""A watchdog that is dead or stopped: nothing is armed without it, and a run that loses it goes to its safe state."""

import os
import random
import signal
import time

import numpy as np
import pytest

import labmtj
from labmtj.bench import load_any, open_laboratory
from labmtj.bench.session.watchdog import Watchdog
from labmtj.errors import WatchdogLost
from labmtj.instrumentlocks import owner_of
from labmtj.quantities import Bias, Lines, ReadSettings

BIAS = Bias([0.1, 0.0, 0.0, 0.0], [0.0] * 4)


def test_a_bench_is_not_armed_without_a_guardian(rig, tally, monkeypatch):
    """Fails without `watch.begin` in `OpenBench.arm` and in `_armed`."""
    switched = []
    monkeypatch.setattr("labmtj.bench.crossbar.BenchCrossbar.arm", lambda self: switched.append(self))
    with tally(17, "dead before the bench is armed"):
        monkeypatch.setattr(Watchdog, "begin", killing(Watchdog.begin))
        with (
            pytest.raises(WatchdogLost, match="did not start: it died; nothing was switched on"),
            labmtj.bench(rig.bench),
        ):
            pass
        with open_laboratory(load_any(str(rig.bench)), arm=False) as bench, pytest.raises(WatchdogLost):
            bench.arm()
        assert not switched
        rig.assert_safe()


def killing(begin):
    def killed(self):
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()
        begin(self)

    return killed


def test_a_run_that_loses_its_guardian_ends_safe_and_can_be_resumed(
    rigs, tally, torture, at_work, watchdog_of, reference, metrics_of
):
    """Fails without `watch.require` in `ArmedInstruments._operation`: the run goes on to its end, and no watchdog watches it."""
    moments = random.Random(17)
    for number in range(40 if torture else 1):
        rig = rigs()
        process = rig.spawn()
        at_work(rig, process)
        watchdog = watchdog_of(process.pid)
        time.sleep(moments.uniform(0.0, 0.1))
        with tally(17, f"killed while the run is at work, {number}"):
            os.kill(watchdog, signal.SIGKILL)
            _, said = process.communicate(timeout=60)
            rig.assert_safe()
            assert process.returncode == 1
            assert f"labmtj: the watchdog of this bench (process {watchdog}) has died; " in said
            assert said.splitlines()[-1].endswith(f"labmtj resume {rig.last()}")
            assert (rig.last() / "FAILED").exists()
            rig.resume()
            found = metrics_of(rig.last() / "data.h5")
            for name, value in reference["metrics"].items():
                np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("what", ["pulse", "measure"])
def test_a_bench_in_python_has_a_guardian_too(rig, tally, watchdog_of, what):
    """Fails without `watch.require` in `ArmedInstruments._operation`."""
    with tally(17, f"in Python, {what}"), labmtj.bench(rig.bench) as array:
        os.kill(watchdog_of(os.getpid()), signal.SIGKILL)
        time.sleep(0.1)
        with pytest.raises(WatchdogLost):
            array.pulse(BIAS, 1e-3) if what == "pulse" else array.measure(BIAS, Lines(columns=(0,)), ReadSettings())
        rig.assert_safe()
        with pytest.raises(WatchdogLost):
            array.arm()
    rig.assert_safe()


@pytest.mark.parametrize("what", ["pulse", "measure"])
def test_a_watchdog_that_is_stopped_is_noticed(rig, tally, watchdog_of, monkeypatch, what):
    """Case F7. Fails without echoes of leases: a stopped process has its pipes, and nothing is noticed."""
    monkeypatch.setattr("labmtj.bench.session.watchdog.ECHO_SECONDS", 0.5)
    with tally(17, f"stopped, {what}"), labmtj.bench(rig.bench) as array:
        watchdog = watchdog_of(os.getpid())
        os.kill(watchdog, signal.SIGSTOP)
        before = rig.network.array.state.copy()
        with pytest.raises(WatchdogLost, match=rf"\(process {watchdog}\) does not answer within 0.5 s: it is stopped"):
            array.pulse(BIAS, 1e-3) if what == "pulse" else array.measure(BIAS, Lines(columns=(0,)), ReadSettings())
        rig.assert_safe()
        np.testing.assert_array_equal(rig.network.array.state, before)
    rig.assert_safe()


def test_a_box_that_a_stopped_run_holds_is_said_to_be_held(rigs, tally, at_work):
    """Case F7: who holds it, and what to do. Fails without a look at the locks, and at the state of their owner."""
    rig = rigs()
    process = rig.spawn()
    at_work(rig, process)
    os.kill(process.pid, signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)  # a process stops some time after it is told to
    with tally(17, "held by a stopped run"):
        owner = owner_of(load_any(str(rig.bench)).instruments["smu"].resource)
        assert owner.startswith(f"process {process.pid} on ")
        assert f", run {rig.last().name}, which is stopped; let it go on with `kill -CONT {process.pid}`" in owner
        assert f"or end it with `kill -9 {process.pid}`: its watchdog then makes the bench safe" in owner
        process.kill()
        process.communicate()
        rig.assert_safe(within=30.0)
