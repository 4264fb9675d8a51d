"""Row 8: a source comes into compliance in a write pulse: the row is flagged, all cells are read, nothing goes blind.

With `limited` taken out of `_Writer.read_again`, only the row that was pulsed is read before the next pulse; with the
flags left out of the record, no row tells.
"""

import h5py
import numpy as np

from labmtj.quantities import Flag
from labmtj.safety import Safety
from procedures.common import write

LIMITS = "limits: {line_amperes: 1.0e-3}"
"""nominal cells draw 0.6 mA from a line at most; a short of 200 ohm would draw 1.4 mA of a write pulse"""
CELLS = [(row, column) for row in (1, 3) for column in range(4)]
"""those that the pattern "rows" wants in P, from AP: they are pulsed in the first round, and no other row is"""
METHODS = ["closed_loop", "row_parallel_repair"]


def limited_rig(rigs):
    """Return a bench whose sources are limited tightly."""
    rig = rigs()
    rig.bench.write_text(rig.bench.read_text().replace("chip:", f"{LIMITS}\nchip:"))
    return rig


def follow(patch):
    """Return the list of what is done from now on, in order: ("pulse", limited) and ("read", rows driven)."""
    done, pulse, measure = [], Safety.pulse, Safety.measure

    def pulsing(self, bias, seconds):
        answer = pulse(self, bias, seconds)
        done.append(("pulse", bool((answer.flags & Flag.COMPLIANCE).any())))
        return answer

    def measuring(self, bias, lines, how):
        done.append(("read", set(np.flatnonzero((bias.row_volts != 0).any(axis=0)).tolist())))
        return measure(self, bias, lines, how)

    patch.setattr(Safety, "pulse", pulsing)
    patch.setattr(Safety, "measure", measuring)
    return done


def breaking_at_first_pulse(rig, cell):
    """Return what takes the place of `_Writer._pulse`: the cell breaks under the first write pulse."""
    real = write._Writer._pulse

    def pulse(writer, biases):
        if writer.pulses == 0 and biases:
            rig.spoil(cell, "short")
        real(writer, biases)

    return pulse


def test_behind_a_limited_pulse_every_cell_is_read_before_the_next(rigs, sample, tally, monkeypatch):
    for number, cell in enumerate(sample(CELLS, 2)):
        rig, method = limited_rig(rigs), METHODS[number % 2]
        with tally(8, f"{cell}, {method}"), monkeypatch.context() as patch:
            patch.setattr(write._Writer, "_pulse", breaking_at_first_pulse(rig, cell))
            done = follow(patch)
            run = rig.start(patterns=["rows"], write={"method": method, "max_rounds": 3, **TAME})
            rig.assert_safe()
            assert_read_whole(done)
            with h5py.File(run.data) as file:
                flags = file["arrays/small-0a/pulses/flags"][()]
                written = {name: file[f"patterns/small/written/{name}"][()] for name in ("limited", "outcome")}
            assert (flags & Flag.COMPLIANCE).any(axis=1).sum() == written["limited"].sum() > 0
            assert written["outcome"][-1][cell] != 0


TAME = {"parallel_volts": 0.5, "antiparallel_volts": 0.56, "aperture_seconds": 1e-3}
"""as in the small run"""


def assert_read_whole(done):
    """Assert that the next thing behind a limited pulse is to read all four rows."""
    limited = [place for place, step in enumerate(done) if step == ("pulse", True)]
    assert limited
    for place in limited:
        assert done[place + 1] == ("read", {0, 1, 2, 3}), "not all rows were read behind a limited pulse"
