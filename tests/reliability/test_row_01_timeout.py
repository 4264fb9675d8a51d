"""Row 1: an answer comes too late or never, at any call. Readings are taken again, pulses are not; nothing stale is kept.

Seen to fail: without the numbers of messages and `Trust.restore` together (each alone keeps stale answers out), with
`trust.RETRIES = 0` (a lost reading ends the run), and with `again` around pulses (the run goes on behind a lost pulse).
"""

import pytest

KINDS = ("late:%d:0.8", "lost:%d", "unheard:%d")
"""0.8 s is more than the patience with an answer, and less than that of the way back"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["smu", "matrix"])
def test_an_answer_that_is_late_or_lost_at_any_call(run_with, reference, sample, tally, name, kind):
    for line in sample(reference["answered"][name], 3):
        fault = f"{name}:{kind % line}"
        with tally(1, fault):
            run_with(fault).assert_held()


@pytest.mark.parametrize("kind", KINDS)
def test_a_reading_whose_answer_is_late_or_lost_is_taken_again(run_with, ends, tally, kind):
    with tally(1, f"a reading, {kind}"):
        outcome = run_with(f"smu:{kind % ends['readings'][20]}")
        assert outcome.error is None
        assert "an answer was lost, trying again: smu at TCPIP" in outcome.folder.log.read_text()
        outcome.assert_held()


def test_a_pulse_whose_answer_is_lost_is_not_given_again(run_with, ends, tally):
    with tally(1, "a lost pulse"):
        outcome = run_with(f"smu:lost:{ends['pulses'][3]}")
        assert outcome.error is not None
        outcome.assert_held()
