import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from labmtj import stopping
from labmtj.bench import load_bench
from labmtj.bench.files.simulated import crossbar_of
from labmtj.errors import Stopped
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.stopping import PAUSE, SIGNALS, Stoppable, StopRequests, stop_requests, undisturbed


@pytest.fixture(scope="module")
def crossbar():
    return crossbar_of(load_bench("simulated").arrays["mtj-75nm"], seed=1, name="chip")


def test_an_operation_begins_only_if_no_stop_was_requested(crossbar):
    requests = StopRequests()
    stoppable = Stoppable(crossbar, requests.check)
    bias = Bias(np.full(15, 0.1), np.zeros(15))
    assert np.isfinite(stoppable.measure(bias, Lines(columns=(0,)), ReadSettings()).amperes).all()
    requests.handle(signal.SIGTERM, None)
    before = crossbar.clock.now()
    for operation in (
        lambda: stoppable.measure(bias, Lines(columns=(0,)), ReadSettings()),
        lambda: stoppable.pulse(bias, 1e-3),
    ):
        with pytest.raises(Stopped) as stopped:
            operation()
        assert stopped.value.exit_code == 143
    assert crossbar.clock.now() == before


@pytest.mark.parametrize("number", sorted(SIGNALS))
def test_a_signal_is_noted_and_its_handler_put_back(number):
    before = signal.getsignal(number)
    with stop_requests() as requests:
        requests.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped):
            requests.check()
        if number != signal.SIGINT:
            os.kill(os.getpid(), number)  # a second one of these changes nothing
    assert requests.signal_number == number
    assert signal.getsignal(number) == before


def test_a_request_that_no_operation_meets_breaks_off_what_goes_on():
    """Fails without the timer."""

    def long_operation():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(120)

    begun = time.monotonic()
    with pytest.raises(Stopped) as stopped, stop_requests(patience_seconds=0.1):
        long_operation()
    assert stopped.value.exit_code == 143
    assert time.monotonic() - begun < 60


def test_a_clean_up_is_not_broken_off():
    """Fails without `undisturbed`: a second Ctrl+C, or the timer, raises in its midst."""
    done = []

    def clean_up():
        with undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            done.append(True)
        time.sleep(120)

    with pytest.raises(Stopped), stop_requests(patience_seconds=0.05):
        clean_up()
    assert done


def test_what_unwinds_behind_a_stop_is_not_broken_off_again():
    with stop_requests(patience_seconds=0) as requests:
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        with pytest.raises(Stopped):
            requests.check()


def test_a_stop_counts_more_than_a_pause():
    with stop_requests(further={PAUSE}) as requests:
        for number in (PAUSE, signal.SIGTERM, PAUSE):
            os.kill(os.getpid(), number)
        assert requests.signal_number == signal.SIGTERM
        with pytest.raises(Stopped):
            requests.check()


HANGS = """
import signal, sys, threading, time
import labmtj.stopping
labmtj.stopping.UNWINDING_SECONDS = float(sys.argv[1])
def tell():
    while not requests.signal_number:
        time.sleep(0.01)
    print("has heard the first", flush=True)
with labmtj.stopping.stop_requests() as requests:
    threading.Thread(target=tell, daemon=True).start()
    try:
        with labmtj.stopping.undisturbed():
            print("hangs", flush=True)
            time.sleep(60)
    finally:
        time.sleep(60)
"""


@pytest.mark.parametrize(("numbers", "code"), [([signal.SIGINT] * 2, 130), ([signal.SIGTERM, signal.SIGINT], 130)])
def test_a_second_ctrl_c_ends_a_process_whose_unwinding_does_not_end(numbers, code):
    """Case F6. Fails without `_insist`: whatever is pressed, the process stays."""
    with subprocess.Popen(
        [sys.executable, "-c", HANGS, "0.3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "hangs\n"
            os.kill(process.pid, numbers[0])
            assert process.stdout.readline() == "has heard the first\n"  # of two at once, the lower number comes first
            os.kill(process.pid, numbers[1])
            _, said = process.communicate(timeout=50)
        finally:
            process.kill()
    assert process.returncode == code
    assert said.startswith("labmtj: a second Ctrl+C, and the run did not end within 0.3 s")


def test_a_second_ctrl_c_leaves_what_ends_in_time_alone(monkeypatch):
    monkeypatch.setattr("labmtj.stopping.UNWINDING_SECONDS", 0.2)
    with pytest.raises(Stopped), stop_requests(patience_seconds=0):  # noqa: PT012
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.4)


@pytest.mark.parametrize("during", [True, False])
def test_a_continue_that_comes_while_a_pause_is_prepared_is_not_lost(monkeypatch, during):
    """Case F13: at dd97226 the process stopped after it, and nothing woke it."""
    stopped = []
    with stopping.continuing(), stopping.stop_requests(further={stopping.PAUSE}) as requests:
        os.kill(os.getpid(), signal.SIGCONT)  # of an earlier pause
        os.kill(os.getpid(), stopping.PAUSE)
        assert requests.signal_number == stopping.PAUSE
        if during:
            os.kill(os.getpid(), signal.SIGCONT)
        monkeypatch.setattr(os, "kill", lambda pid, number: stopped.append(number))
        stopping.pause()
    assert stopped == ([] if during else [signal.SIGSTOP])
