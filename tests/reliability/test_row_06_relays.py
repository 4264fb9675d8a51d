"""Row 6: a relay is stuck open or closed: the wiring check finds it before the first pulse.

Seen to fail: without the wiring check in `InstrumentBench.opened`.
"""

import itertools

import numpy as np
import pytest

from labmtj.errors import ProcedureFailed

CROSSPOINTS = list(itertools.product((1, 2, 3), range(1, 9)))


@pytest.mark.parametrize("kind", ["stuck_open", "stuck_closed"])
def test_every_stuck_relay_is_found_before_the_first_pulse(rigs, sample, tally, kind):
    for row, column in sample(CROSSPOINTS, 3):
        rig = rigs()
        before = rig.states()
        rig.fault(f"matrix:{kind}:1-{row}-{column}")
        line = f"row {column - 1}" if column <= 4 else f"column {column - 5}"
        with tally(6, f"{kind} {row}, {column}"):
            with pytest.raises(ProcedureFailed, match=line):
                rig.start()
            assert not any(rig.outputs())
            np.testing.assert_array_equal(rig.states(), before)  # the first pulse would bring all cells to one state
