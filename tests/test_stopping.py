import os
import signal

import numpy as np
import pytest

from labmtj.bench import load_bench
from labmtj.bench.simulated import crossbar_of
from labmtj.errors import Stopped
from labmtj.quantities import Bias, Lines, Reading
from labmtj.stopping import SIGNALS, Stoppable, StopRequests, stop_requests


@pytest.fixture(scope="module")
def crossbar():
    return crossbar_of(load_bench("simulated").arrays["mtj-75nm"], seed=1, name="chip")


def test_an_operation_begins_only_if_no_stop_was_requested(crossbar):
    requests = StopRequests()
    stoppable = Stoppable(crossbar, requests.check)
    bias = Bias(np.full(15, 0.1), np.zeros(15))
    assert np.isfinite(stoppable.measure(bias, Lines(columns=(0,)), Reading()).amperes).all()
    requests.handle(signal.SIGTERM, None)
    before = crossbar.clock.now()
    for operation in (
        lambda: stoppable.measure(bias, Lines(columns=(0,)), Reading()),
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
