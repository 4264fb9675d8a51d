"""Row 4: an instrument restarts and forgets its settings. It is noticed before a source goes on again, and never passed over.

Seen to fail: without `BenchCrossbar.confirm` in front of a block (two scripts run first), and with a session that sets its
canary again by itself.
"""

import pytest

from labmtj.errors import InstrumentError

OPENING = {"smu": 7, "matrix": 5}
"""answers until arming has found the sources off and the relays known: a restart before that harms nothing"""
CLOSING = 4
"""answers at most with which a box is made safe behind a run"""

RESTART_SECONDS = 3.0
"""that a box is waited for: a virtual one starts a process, which takes 0.2 s, and on a busy machine several times that"""


@pytest.fixture
def sourced():
    """Return a function that gives the lines that switch something on, from now on: levels other than 0 V, relays."""

    def sourced(rig):
        found = []
        for faulty in rig.served.faulty.values():
            handle = faulty.handle
            faulty.handle = lambda line, handle=handle: (found.append(line), handle(line))[1]
        return lambda: [each for each in found if "source.output = 1" in each or "loadandrunscript" in each]

    return sourced


@pytest.mark.parametrize("name", ["smu", "matrix"])
def test_a_restart_between_blocks_is_noticed_before_anything_is_switched_on(rigs, sample, sourced, tally, name):
    for block in sample([1, 2, 3], 1):
        rig, told = rigs(), []

        def reboot(progress, rig=rig, told=told, block=block):
            if progress.phase == "blocks" and progress.done == block:
                rig.served.bench.instruments[name].power_cycle()
                told.append(sourced(rig))

        with tally(4, f"{name} restarts behind block {block}"):
            with pytest.raises(InstrumentError, match=rf"{name} at TCPIP.*restarted"):
                rig.start(show=reboot, patterns=["checkerboard", "parallel", "antiparallel", "inverse"])
            rig.assert_safe()
            assert told[0]() == []
            rig.resume()
            rig.assert_safe()


@pytest.mark.parametrize("name", ["smu", "matrix"])
def test_a_restart_at_any_call_is_told_and_nothing_behind_it_is_kept(run_with, reference, sample, tally, name):
    for line in sample(reference["answered"][name][OPENING[name] :], 1):
        with tally(4, f"{name}:reboot:{line}"):
            outcome = run_with(f"{name}:reboot:{line}", timeout=RESTART_SECONDS)
            # Behind the last result all is kept, and the box is made safe whatever became of it.
            assert outcome.error is not None or line in reference["answered"][name][-CLOSING:]
            outcome.assert_held()
