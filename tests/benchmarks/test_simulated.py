"""How fast a simulated 15 x 15 array is programmed and read, beside badcrossbar doing only the linear part of the work.

The peer solves the resistances of one state per pulse: no switching, no disturb, no bias dependence, no meter.
"""

import subprocess
import sys
import time
from unittest.mock import MagicMock

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from labmtj.bench import load_bench
from labmtj.bench.files.simulated import crossbar_of
from labmtj.quantities import Bias, Lines, ReadSettings
from procedures.common.schemes import select_cells

SHAPE = (15, 15)


@pytest.fixture(scope="module")
def compute():
    sys.modules.setdefault("cairo", MagicMock())  # badcrossbar wants it for plots alone
    try:
        import badcrossbar
    except ImportError:
        return None
    return badcrossbar.compute


def median_ms(action, repeats=7):
    laps = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        laps.append(1e3 * (time.perf_counter() - started))
    return float(np.median(laps))


def test_program_and_read(compute):
    bench = load_bench("simulated")
    chip = crossbar_of(bench.arrays["mtj-50nm"], seed=1, name="chip", meter=bench.meter.model())
    cells = np.argwhere(np.ones(SHAPE, bool))
    turn = [0]

    def program():
        """Write all 225 cells one by one, alternately to P and to AP: hazard on every cell at every pulse."""
        turn[0] += 1
        chip.pulse(select_cells(SHAPE, cells, 0.46 if turn[0] % 2 else -0.46), 1e-3)

    inputs = Bias(np.random.default_rng(0).uniform(0, 0.1, (178, 15)), np.zeros(15), ordered=False)
    columns = Lines(columns=tuple(range(15)))

    def read():
        chip.measure(inputs, columns, ReadSettings())

    ohms = np.where(np.random.default_rng(1).random(SHAPE) < 0.5, 5e3, 1e4)

    def peer_pulse():
        compute(np.eye(15)[:, :1] * 0.46, ohms, 3.0)

    def peer_reads():
        compute(inputs.row_volts.T, ohms, 3.0, node_voltages=False, all_currents=False)

    with threadpool_limits(1):
        program()
        rows = [
            (
                "program 225 cells, hazard on every cell",
                median_ms(program),
                225 * median_ms(peer_pulse) if compute else None,
            ),
            ("178 reads with disturb, noise and meter", median_ms(read), median_ms(peer_reads) if compute else None),
        ]
    print(f"\n{'work, 15 x 15':<42}{'ours ms':>10}{'peer ms':>10}{'ratio':>8}")
    for name, ours, peer in rows:
        print(f"{name:<42}{ours:>10.1f}" + (f"{peer:>10.1f}{peer / ours:>7.1f}x" if peer else f"{'-':>10}{'-':>8}"))
    assert chip.array.flips.sum() > 1000


def test_help_starts_quickly():
    command = [sys.executable, "-c", "from labmtj.cli import main; main(['--help'])"]
    bare = median_ms(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))

    def show_help():
        subprocess.run(command, capture_output=True, check=False)

    print(f"\nlabmtj --help {median_ms(show_help):.0f} ms (aim 150), of which the bare interpreter {bare:.0f} ms")
