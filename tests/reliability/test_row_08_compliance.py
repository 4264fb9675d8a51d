"""Row 8: a source comes into compliance in a write pulse: the row is flagged, all cells are read, nothing goes blind.

With `limited` taken out of `_Writer.read_again`, only the row that was pulsed is read before the next pulse; with the
flags left out of the record, no row tells.
"""

import h5py
import numpy as np

from labmtj.quantities import Flag
from procedures import write

LIMITS = "limits: {line_amperes: 1.0e-3}"
"""nominal cells draw 0.6 mA from a line at most; a short of 200 ohm would draw 1.4 mA of a write pulse"""
CELLS = [(row, column) for row in range(4) for column in range(4) if (row + column) % 2]
"""those that the checkerboard wants in P, from AP: they are pulsed in the first round"""
METHODS = ["closed_loop", "row_parallel_repair"]


def limited_rig(rigs):
    """Return a bench whose sources are limited tightly."""
    rig = rigs(timeout=2.0)
    rig.bench.write_text(rig.bench.read_text().replace("chip:", f"{LIMITS}\nchip:"))
    return rig


def test_behind_a_limited_pulse_every_cell_is_read_before_the_next(rigs, sample, tally, monkeypatch):
    for number, cell in enumerate(sample(CELLS, 2)):
        rig, real, method = limited_rig(rigs), write._Writer._pulse, METHODS[number % 2]

        def breaking(writer, biases, rig=rig, cell=cell, real=real):
            """The cell breaks in the first write pulse."""
            if writer.pulses == 0 and biases:
                rig.spoil(cell, "short")
            real(writer, biases)

        settings = {"write": {"method": method, "max_rounds": 3}}
        with tally(8, f"{cell}, {method}"), monkeypatch.context() as patch:
            patch.setattr(write._Writer, "_pulse", breaking)
            run = rig.start(**settings)
            rig.assert_safe()
            with h5py.File(run.data) as file:
                chip = file["arrays/small-0a"]
                pulses = {name: chip[f"pulses/{name}"][()] for name in ("flags", "start_seconds", "purpose")}
                reads = {name: chip[f"reads/{name}"][()] for name in ("start_seconds", "row_volts")}
                written = {name: file[f"patterns/small/written/{name}"][()] for name in ("limited", "outcome")}
            flagged = (pulses["flags"] & Flag.COMPLIANCE).any(axis=1)
            assert flagged.sum() == written["limited"].sum() > 0
            assert written["outcome"][-1][cell] != 0
            assert_read_whole(pulses["start_seconds"], flagged, reads)


def assert_read_whole(starts, flagged, reads):
    """Assert that all rows are read between the batch of a limited pulse and the next batch of pulses."""
    read_at = np.nanmin(reads["start_seconds"], axis=1)
    for start in starts[flagged]:
        behind = read_at[read_at > start]
        first = behind.min()
        later = starts[starts > first]
        until = later.min() if len(later) else np.inf
        rows = reads["row_volts"][(read_at >= first) & (read_at < until)]
        assert (np.abs(rows) > 0).any(axis=0).all(), "a row was not read before the next pulse"
