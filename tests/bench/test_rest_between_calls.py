"""Case F3: an exposure ends with its call, for every kind of bench is at 0 V between two calls (decision 0019).

Asked of the virtual network: what the pads of the chip saw, by its own clock.
"""

import itertools

import numpy as np
import pytest

from labmtj import library
from labmtj.quantities import Bias, Lines, ReadSettings

BENCHES = sorted(path.stem for path in (library.folder() / "benches").glob("virtual-*.yaml"))
READ_VOLTS, PULSE_VOLTS = 0.1, 0.5
OFFSET_VOLTS = 2e-3
REST_SECONDS = 1e-4
"""that an exposure takes to end (decision 0019)"""


def across(seen, shape):
    """Return the most that a cell sees."""
    rows, columns = np.nan_to_num(seen.line_volts[: shape[0]]), np.nan_to_num(seen.line_volts[shape[0] :])
    return np.abs(rows[:, np.newaxis] - columns).max()


@pytest.mark.parametrize("name", BENCHES)
def test_all_cells_rest_between_two_calls(virtual_bench, name):
    with virtual_bench(name, noise=False) as (bench, served):
        rows, columns = np.eye(bench.shape[0])[2], np.eye(bench.shape[1])[3]
        reading = Bias(READ_VOLTS * rows, 0 * columns), Lines(columns=(3,)), ReadSettings(2e-2, repeats=2)
        pulse = Bias(PULSE_VOLTS / 2 * rows, -PULSE_VOLTS / 2 * columns), 5e-2
        calls = [(bench.measure, reading)] * 3 + [(bench.pulse, pulse)] * 2 + [(bench.measure, reading)]
        seen, last = served.bench.network.seen_by_pads, []
        for call, arguments in calls:
            seen.clear()
            call(*arguments)
            live = [across(each, bench.shape) > OFFSET_VOLTS for each in seen]
            assert any(live), "nothing was applied"
            first = live.index(True)
            if last:
                rest = [*last, *seen[:first]]
                assert sum(each.seconds for each in rest) >= REST_SECONDS
            last = list(seen[len(live) - live[::-1].index(True) :])
        assert all(across(each, bench.shape) <= OFFSET_VOLTS for each in itertools.islice(last, None))
