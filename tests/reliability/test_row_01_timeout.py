"""Row 1: an answer comes too late or never, at any call. Readings are taken again, pulses are not; nothing stale is kept.

Seen to fail: without the numbers of messages and `Trust.restore` together (each alone keeps stale answers out), with
`trust.RETRIES = 0` (a lost reading ends the run), and with `again` around pulses (the run goes on behind a lost pulse).
"""

import numpy as np
import pytest

KINDS = ("late:%s:0.8", "lost:%s", "unheard:%s")
"""0.8 s is more than the patience with an answer, and less than that of the way back"""


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_late_or_lost_at_any_call(run_with, answers, sample, tally, kind):
    for name, line in sample(answers, 1):
        fault = f"{name}:{kind % line}"
        with tally(1, fault):
            run_with(fault).assert_held()


def test_a_run_takes_a_reading_again_whose_answer_is_late_or_lost(run_with, ends, sample, tally):
    for kind in sample(KINDS, 1):
        with tally(1, f"a reading, {kind}"):
            outcome = run_with(f"smu:{kind % ends['readings'][20]}")
            assert outcome.error is None
            assert "an answer was lost, trying again: smu at TCPIP" in outcome.folder.log.read_text()
            outcome.assert_held()


def test_a_reading_whose_answer_is_late_or_lost_is_taken_again(rigs, armed, take, tally):
    rig = rigs(timeout=0.3)
    with armed(rig) as bench:
        right = take(bench).amperes
        for kind in KINDS:
            with tally(1, f"a reading, {kind}"):
                happened = len(rig.happened())
                rig.fault(f"smu:{kind % '/endscript/'}")
                np.testing.assert_array_equal(take(bench).amperes, right)
                assert len(rig.happened()) == happened + 1


def test_a_pulse_whose_answer_is_lost_is_not_given_again(run_with, ends, tally):
    with tally(1, "a lost pulse"):
        outcome = run_with(f"smu:lost:{ends['pulses'][3]}")
        assert outcome.error is not None
        outcome.assert_held()
