"""R-V loops of all cells of a simulated 15 x 15 array: pulses, and seconds on one core."""

import time

import pytest
from threadpoolctl import threadpool_limits

from labmtj.bench import load_array
from labmtj.bench.files.simulated import crossbar_of
from labmtj.record import MemoryLog
from procedures.hysteresis.procedure import Hysteresis


@pytest.mark.parametrize("name", ["mtj-35nm", "mtj-50nm", "mtj-75nm", "mtj-100nm"])
def test_all_cells(name):
    chip = crossbar_of(load_array(name), seed=1, name=name)
    with threadpool_limits(1):
        started = time.perf_counter()
        found = Hysteresis().execute(chip, MemoryLog())
        seconds = time.perf_counter() - started
    print(f"\n{name}: {len(found.cells)} loops, {found.effort.pulses} pulses, {seconds:.1f} s", end="")
    assert len(found.cells) > 200
