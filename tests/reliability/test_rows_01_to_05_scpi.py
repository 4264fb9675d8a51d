"""Rows 1 to 5 for instruments that speak SCPI: every message of one reading is spoilt in turn, and the reading stays right.

Seen to fail: without the numbers in `Session.ask`, without `Trust.restore`, without the mask in `Session._check_mask` (a
restart is passed over), and without `:SYST:ERR?` behind every message.
"""

import contextlib

import numpy as np
import pytest

from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import open_laboratory
from labmtj.errors import InstrumentError
from labmtj.testing.benches import quick
from labmtj.testing.faults import SPOILT, messages_during, row_of
from labmtj.virtual.assembly import assemble
from labmtj.virtual.server.serving import ServedInstruments

BENCHES = (("virtual-2400-7002", False), ("virtual-2400-7002", True), ("virtual-b2902a-b2201a", False))
"""and whether they are served over HiSLIP, which knows a device clear"""


@pytest.fixture(params=BENCHES, ids=lambda param: f"{param[0]}-{'hislip' if param[1] else 'socket'}")
def served(request):
    name, hislip = request.param
    file = load_any(name).model_copy(update={"noise": False, "seed": 5})
    with ServedInstruments(assemble(file), hislip=hislip) as served:
        yield served


@pytest.fixture
def opened(served):
    """Return a context: the open bench, armed, its relays at rest."""

    @contextlib.contextmanager
    def opened():
        resources = {name: server.resource for name, server in served.servers.items()}
        with open_laboratory(quick(served.bench.file.of), resources=resources, guarded=False) as bench:
            yield bench

    return opened


GROUND_ROW = 12
"""of the B2201A: its ground mode closes it by itself"""


def unsafe(served):
    network = served.bench.network
    closed = [(name, where) for name, each in network.relays.items() for where in each.closed()]
    return [str(each) for each in network.settings if abs(each.level) > 2e-3] + [
        each for each in closed if each[1][1] != GROUND_ROW
    ]


@pytest.mark.filterwarnings("ignore:read string doesn't end")  # of PyVISA, about half an answer over HiSLIP
@pytest.mark.parametrize("arming", [False, True])
@pytest.mark.parametrize("kind", SPOILT)
def test_a_reading_is_right_whatever_message_is_spoilt(served, opened, take, sample, tally, kind, arming):
    def do(bench):
        if arming:
            bench.arm()
        return take(bench).amperes

    with opened() as bench:
        right = do(bench)
        bench.switching.arm()  # so that relays move, too
        cases = messages_during(served, lambda: do(bench))
        for name, line in sample(cases, 1 + arming):
            fault = f"{name}:{kind % line}"
            with tally(row_of(fault), fault):
                bench.switching.arm()
                served.arm_fault(fault)
                np.testing.assert_array_equal(do(bench), right)
    assert unsafe(served) == []


def test_a_restart_is_told_until_the_bench_is_armed_anew(served, opened, take, tally):
    for name in served.faulty:
        with tally(4, f"{name} restarts"), contextlib.ExitStack() as stack:
            bench = stack.enter_context(opened())
            right = take(bench).amperes
            served.bench.instruments[name].power_cycle()
            for _ in range(2):
                with pytest.raises(InstrumentError, match=rf"{name} at .*its settings are gone"):
                    bench.confirm()
            bench.make_safe()
            bench.arm()
            np.testing.assert_array_equal(take(bench).amperes, right)
    assert unsafe(served) == []


@pytest.mark.parametrize("commands", [1, 100])
def test_a_complaint_is_quoted(served, opened, take, tally, commands):
    for name in served.faulty:
        with tally(5, f"{name} complains {commands} times"):
            with opened() as bench:
                served.arm_fault(f"{name}:upset:1:{commands}")
                with pytest.raises(InstrumentError, match=rf"{name} at .*\n?.*reports error -"):
                    bench.confirm()
            assert unsafe(served) == []
