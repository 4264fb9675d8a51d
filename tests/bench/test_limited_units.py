"""A source that is limited but not read makes what others read wrong: their flags say so."""

import numpy as np
import pytest

from labmtj.bench import load_any
from labmtj.quantities import Bias, Flag, Lines, ReadSettings

BENCHES = ("virtual-2400-7002", "virtual-rack-2602b")
"""that read with several boxes, by messages; two channels of one box say it by themselves"""
VOLTS = 0.1
ROW_AMPERES = 1.5e-4
"""that one row of 15 cells draws at 0.1 V, from its source alone; the column that is read gives a tenth of it"""


def read(virtual_bench, name, line_amperes):
    """Read a column with one row at a voltage, on a bench whose lines survive so much; return it, and the row's volts."""
    of = load_any(name).of
    limits = of.limits.model_copy(update={"line_amperes": line_amperes})
    with virtual_bench(name, noise=False, of=of.model_copy(update={"limits": limits})) as (bench, served):
        volts = np.zeros(bench.shape[0])
        volts[2] = VOLTS
        began = len(served.bench.network.seen_by_pads)
        currents = bench.measure(Bias(volts, np.zeros(bench.shape[1])), Lines(columns=(3,)), ReadSettings(2e-2))
        seen = max(abs(each.line_volts[2]) for each in served.bench.network.seen_by_pads[began:])
    return currents, seen


@pytest.mark.parametrize("name", BENCHES)
def test_a_reading_is_flagged_when_the_source_that_drives_is_limited(virtual_bench, name):
    """At dd97226 they stored a third of the current, flags 0, as if the row had been at 0.1 V."""
    currents, seen = read(virtual_bench, name, ROW_AMPERES / 3)
    assert seen < 0.6 * VOLTS, "the source was not limited"
    assert (currents.flags & Flag.COMPLIANCE).all()
    assert np.isnan(currents.volts).all(), "the voltage that reached the line is not known"


def test_a_reading_is_not_flagged_when_no_source_is_limited(virtual_bench):
    currents, seen = read(virtual_bench, BENCHES[0], 2 * ROW_AMPERES)
    assert seen == pytest.approx(VOLTS, rel=0.02)
    assert not currents.flags.any()
    np.testing.assert_array_equal(currents.volts, 0.0)
