"""What the layers around a crossbar cost per operation: everything but the bench itself and the disk's own sync."""

import time
from functools import partial

import numpy as np
import pytest

from labmtj.quantities import Bias, Currents, Limits, Lines, Pulse, ReadSettings, Waveform
from labmtj.record import FrameLog
from labmtj.record.intents import Announced
from labmtj.record.recorded import Recorded
from labmtj.run.stations import Kept
from labmtj.safety import Envelope, Ledger, Safety, cell_names, kept_counts
from labmtj.simulated import VirtualClock
from labmtj.stopping import Stoppable, StopRequests

SHAPE = (15, 15)
REPEATS = 300
AIMS = {1: 100e-6, 100: 5e-6}
"""seconds per element of a batch"""


class Instant:
    """A crossbar that answers at once, with arrays of the right shapes."""

    shape, limits, clock = SHAPE, Limits(), VirtualClock()

    def measure(self, bias, lines, how):
        whole = (len(bias), len(how.signs), len(lines))
        zeros = np.zeros(whole)
        return Currents(zeros, np.zeros(whole, np.uint8), zeros, zeros, zeros, how.signs)

    def pulse(self, bias, seconds):
        flags = np.zeros(bias.line_volts.shape, np.uint8)
        return Pulse(bias, seconds, np.zeros(len(bias)), Waveform.square(bias, seconds), flags)


def stack(kind, tmp_path):
    """Return a crossbar in some of the layers."""
    inner = Instant()
    counts = kept_counts(tmp_path / "counts.npy", cell_names(SHAPE))
    ledger = Ledger(cell_names(SHAPE), 10**9, what="pulses", limit="limits.pulses_per_cell", counts=counts)
    safety = Safety(inner, Envelope(inner.limits, SHAPE, 1 / 5090), ledger)
    if kind == "Safety":
        return safety
    log = FrameLog()
    if kind == "all":
        safety.insert(partial(Announced, log=log, name="chip", keep=log.take))
    recorded = Recorded(safety if kind == "all" else inner, log, "chip")
    if kind == "Recorded":
        return recorded
    return Stoppable(Kept(recorded, log.take), StopRequests().check)


def median_seconds(operation):
    """Return the median time of an operation."""
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        operation()
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


@pytest.mark.parametrize("batch", AIMS)
def test_cost_of_the_layers(batch, tmp_path, capsys):
    row = np.zeros((batch, 15))
    row[:, 0] = 0.1
    columns = np.zeros((batch, 15))
    columns[:, 3] = -0.35
    read = Bias(row, np.zeros(15))
    write = Bias(row * 3.5, columns)
    all_columns, how = Lines(columns=tuple(range(15))), ReadSettings()
    lines = [f"us per element, batch of {batch}      read     pulse"]
    costs = {}
    for kind in ("none", "Safety", "Recorded", "all"):
        crossbar = Instant() if kind == "none" else stack(kind, tmp_path)
        costs[kind] = [
            median_seconds(lambda crossbar=crossbar: crossbar.measure(read, all_columns, how)) / batch,
            median_seconds(lambda crossbar=crossbar: crossbar.pulse(write, 1e-3)) / batch,
        ]
        lines.append(f"{kind:<30}" + "".join(f"{1e6 * cost:>10.2f}" for cost in costs[kind]))
    added = [with_all - bare for with_all, bare in zip(costs["all"], costs["none"], strict=True)]
    lines.append(f"{'added by all layers':<30}" + "".join(f"{1e6 * cost:>10.2f}" for cost in added))
    lines.append(f"aim: under {1e6 * AIMS[batch]:g}")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
