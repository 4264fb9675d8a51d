"""Row 5: an instrument complains in its error queue, once or until the queue overflows: the run ends and quotes it.

Seen to fail: without the number of errors at the end of every TSP message.
"""

import pytest

OPENING = {"smu": 7, "matrix": 3}
"""answers until the box is found off at arming, or known: complaints before that are not about the run"""
CLOSING = 4
"""answers at most with which a box is made safe behind a run"""


@pytest.mark.parametrize("commands", [1, 100])
def test_a_complaint_at_any_call_ends_the_run_and_is_quoted(run_with, reference, answers, sample, tally, commands):
    after_opening = [each for each in answers if each[1] in reference["answered"][each[0]][OPENING[each[0]] :]]
    for name, line in sample(after_opening, 1):
        fault = f"{name}:upset:{line}:{commands}"
        with tally(5, fault):
            outcome = run_with(fault)
            if outcome.error is None:  # all is kept, and the box is made safe whatever it complains about
                assert line in reference["answered"][name][-CLOSING:]
                outcome.assert_held()
                continue
            assert f"{name} at TCPIP::127.0.0.1" in str(outcome.error)
            assert "reports error -" in str(outcome.error)
            outcome.assert_held()
