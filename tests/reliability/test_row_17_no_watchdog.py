"""A dead watchdog: nothing is armed without one, and a run that loses it goes to its safe state."""

import os
import random
import signal
import time

import numpy as np
import pytest

import labmtj
from labmtj.bench import load_any, open_laboratory
from labmtj.bench.watchdog import Watchdog
from labmtj.errors import WatchdogLost
from labmtj.quantities import Bias, Lines, Reading

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
    """Fails without `watch.check` in `OpenBench._begin`: the run goes on to its end, and nobody watches it."""
    moments = random.Random(17)
    for number in range(40 if torture else 2):
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
            assert said.startswith(f"labmtj: the watchdog of this bench (process {watchdog}) has died; ")
            assert said.splitlines()[-1].endswith(f"labmtj resume {rig.last()}")
            assert (rig.last() / "FAILED").exists()
            rig.resume()
            found = metrics_of(rig.last() / "data.h5")
            for name, value in reference["metrics"].items():
                np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("what", ["pulse", "measure"])
def test_a_bench_in_python_has_a_guardian_too(rig, tally, watchdog_of, what):
    """Fails without `watch.check` in `OpenBench._begin`."""
    with tally(17, f"in Python, {what}"), labmtj.bench(rig.bench) as array:
        os.kill(watchdog_of(os.getpid()), signal.SIGKILL)
        time.sleep(0.1)
        with pytest.raises(WatchdogLost):
            array.pulse(BIAS, 1e-3) if what == "pulse" else array.measure(BIAS, Lines(columns=(0,)), Reading())
        rig.assert_safe()
        with pytest.raises(WatchdogLost):
            array.arm()
    rig.assert_safe()
