"""Row 18, over many runs: what was counted outlives the run however it ends, and the budget stops the next one.

With counts in the memory of the process (`kept=False` in `open_any`) the killed run and the second run begin at zero.
"""

import time

import numpy as np
import pytest

from labmtj.errors import LimitExceeded
from labmtj.safety import cell_names, kept_counts, ledger_folder, ledger_path


def pulses():
    """Return the counts of the chip, (4, 4)."""
    return np.array(kept_counts(ledger_path("chip", "small"), cell_names((4, 4)))).reshape(4, 4)


def closures():
    """Return the counts of all relays of the matrix, by name."""
    (path,) = ledger_folder().glob("matrix-*.npy")
    return {name.decode(): count for name, count in np.load(path).tolist()}


def test_closures_are_those_that_the_relays_made(rigs, tally):
    rig = rigs()
    with tally(18, "closures"):
        rig.start()
        counted, true = closures(), rig.network.relays["matrix"].closures()
        assert sum(counted.values()) == sum(true.values()) > 100
        assert max(counted.values()) == max(true.values())


def test_a_killed_run_keeps_its_counts(rigs, tally):
    rig = rigs()
    with tally(18, "killed"):
        process = rig.spawn()
        deadline = time.monotonic() + 60
        while pulses().max() < 2:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
        process.communicate()
        before = pulses()
        rig.assert_safe(within=30.0)
        assert sum(closures().values()) >= sum(rig.network.relays["matrix"].closures().values())
        rig.resume()
        assert (pulses() >= before).all()
        assert pulses().sum() > before.sum()


def test_the_budget_of_a_chip_stops_the_next_run_unless_it_is_overridden(rigs, tally):
    rig = rigs()
    with tally(18, "budget"):
        rig.start()
        used = int(pulses().max())
        rig.bench.write_text(rig.bench.read_text().replace("chip:", f"limits: {{pulses_per_cell: {used}}}\nchip:"))
        with pytest.raises(LimitExceeded, match=rf"{used} pulses on a cell of chip small, .*the budget of {used}"):
            rig.start()
        rig.assert_safe()
        assert pulses().max() == used
