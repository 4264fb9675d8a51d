"""Row 2: what comes is garbage, half an answer, an empty line, an answer twice, 9.91E37 or NAN. It is never kept as data.

Seen to fail: without the numbers of messages and `Trust.restore` together, and without the NaN of
`Keithley2600B._readings` (9.91E37 A is kept).
"""

import numpy as np
import pytest

from labmtj.quantities import Flag

KINDS = ("garbled:%s", "partial:%s", "empty:%s", "doubled:%s", "replaced:%s:9.9E37", "replaced:%s:NAN")


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_spoilt_at_any_call(run_with, answers, sample, tally, kind):
    for name, line in sample(answers, 1):
        fault = f"{name}:{kind % line}"
        with tally(2, fault):
            run_with(fault).assert_held()


def test_a_run_takes_a_spoilt_reading_again(run_with, ends, sample, tally):
    for kind in sample(KINDS, 1):
        with tally(2, f"a reading, {kind}"):
            outcome = run_with(f"smu:{kind % ends['readings'][20]}")
            assert outcome.error is None
            outcome.assert_held()


def test_a_spoilt_reading_is_taken_again(rig, armed, take, tally):
    with armed(rig) as bench:
        right = take(bench).amperes
        for kind in KINDS:
            with tally(2, f"a reading, {kind}"):
                happened = len(rig.happened())
                rig.fault(f"smu:{kind % '/endscript/'}")
                np.testing.assert_array_equal(take(bench).amperes, right)
                assert len(rig.happened()) == happened + 1


@pytest.mark.parametrize("instead", ["9.91E37", "-9.9E37", "nan"])
def test_no_number_in_the_place_of_any_number(run_with, reference, sample, tally, instead):
    for line in sample(reference["numbers"]["smu"], 1):
        fault = f"smu:sentinel:{line}:{instead}"
        with tally(2, fault):
            run_with(fault).assert_held()


@pytest.mark.parametrize("instead", ["9.91E37", "-9.9E37", "nan"])
def test_a_reading_that_is_no_number_time_and_again_is_kept_as_none(rig, armed, take, tally, instead):
    with tally(2, f"readings of {instead}"), armed(rig) as bench:
        for _ in range(9):  # more often than it is read again
            rig.fault(f"smu:sentinel:/endscript/:{instead}")
        currents = take(bench)
        assert np.isnan(currents.amperes).all()
        assert (currents.flags & Flag.INVALID).all()
