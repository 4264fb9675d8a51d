"""Pulses that one unit times while another holds, on virtual instruments: what is told is what the pads saw."""

import numpy as np
import pytest

from labmtj.safety import Envelope, Safety
from procedures.common.schemes import select_cells

WIDTHS = {"virtual-rack-2602b": 2e-4, "virtual-2400-7002": 1e-2}
"""far below, or at, what messages can do"""


@pytest.mark.parametrize("name", WIDTHS)
def test_the_cell_gets_the_whole_voltage_for_the_width_alone_and_all_of_it_is_told(virtual_bench, name):
    with virtual_bench(name, noise=False) as (bench, served):
        cells, network = np.array([[2, 3], [11, 9]]), served.bench.network
        bias = select_cells(bench.shape, cells, [0.28, -0.28])
        assert bench.refusal(bias, WIDTHS[name]) is None
        network.seen_by_pads.clear()
        pulse = Safety(bench, Envelope(bench.limits, bench.shape, 1e-3)).pulse(bias, WIDTHS[name])
        seen = list(network.seen_by_pads)
    # told to have been short by the messages of those that hold, the half would be off by milliseconds
    told_seconds, told_volts = pulse.delivered.step_seconds, pulse.delivered.line_volts
    for number, (row, column) in enumerate(cells):
        saw = np.array([each.line_volts[row] - each.line_volts[15 + column] for each in seen])
        seconds = np.array([each.seconds for each in seen])
        told = told_volts[number, :, row] - told_volts[number, :, 15 + column]
        for volts in (0.28, 0.14):
            mine = np.sign(bias.row_volts[number, row]) * volts
            near = np.abs(saw - mine) < 0.02  # leads and offsets take a little
            for_seconds = told_seconds[number, np.isclose(told, mine)].sum()
            assert seconds[near].sum() == pytest.approx(for_seconds, abs=1e-6)
            assert volts == 0.14 or for_seconds == pytest.approx(WIDTHS[name], abs=1e-6)
