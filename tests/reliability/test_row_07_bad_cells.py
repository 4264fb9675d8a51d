"""Row 7: a cell that breaks, sticks or drifts in the course of a run is marked after few tries; the run goes on.

With `with_broken` returning the maps unchanged, a new short is pulsed again in every round of every pattern, and is
called stuck; with 50 rounds in the place of `max_rounds` the neighbours suffer. With a source that is given eight
times what the one line on it survives (`Compliance.amperes`), the compliance is not held.
"""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from labmtj.bench.files.healthfile import keep_health, kept_health
from labmtj.health import Health
from labmtj.report import write_report
from labmtj.run import load_experiment, start
from labmtj.schema import Purpose
from procedures.common.reference import Outcome

PATTERNS = ["checkerboard", "inverse"]
CELLS = [(row, column) for row in range(4) for column in range(4)]
KINDS = {
    "short": {Outcome.SHORT},
    "open": {Outcome.OPEN},
    "stuck in P": {Outcome.STUCK_P},
    "stuck in AP": {Outcome.STUCK_AP},
    "drifting": {Outcome.STUCK_AP, Outcome.UNSTABLE, Outcome.OPEN},
}
TRIES = 1 + 2
"""the first move and the two repair rounds of the small run"""


LINE_AMPERES, LINES_OF_A_SIDE = 0.02, 4
"""the limit of the array file; a channel holds at most all rows or all columns"""


def compliances(rig):
    """Return the list of the compliances that the virtual channels are told from now on, while they source volts."""
    told, real = [], rig.network.set_channel

    def watched(number, setting):
        if setting.source == "volts":
            told.append(setting.limit)
        real(number, setting)

    rig.network.set_channel = watched
    return told


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_that_goes_bad_is_marked_and_the_run_goes_on(rigs, sample, tally, monkeypatch, kind):
    for cell in sample(CELLS, 1):
        rig = rigs()
        monkeypatch.setenv("XDG_STATE_HOME", str(rig.folder))  # every rig has a new chip

        def spoil(progress, rig=rig, cell=cell):
            if progress.phase == "blocks" and progress.done == 1:  # characterised, nothing written yet
                rig.spoil(cell, kind)

        with tally(7, f"{kind} at {cell}"):
            told = compliances(rig)
            run = rig.start(spoil, patterns=PATTERNS)
            rig.assert_safe()
            assert run.ending == "DONE"
            assert 0 < max(told) <= LINE_AMPERES * LINES_OF_A_SIDE
            with h5py.File(run.data) as file:
                written = {
                    name: file[f"patterns/small/written/{name}"][()]
                    for name in ("outcome", "achieved", "target", "pulses")
                }
                pulsed = file["arrays/small-0a/pulsed/pulses"][()]
            marked = written["outcome"][:, cell[0], cell[1]]
            assert set(marked[marked != 0].tolist()) <= KINDS[kind]
            assert marked.any()
            right = (written["achieved"] == written["target"]) | (
                np.indices((4, 4)) == np.reshape(cell, (2, 1, 1))
            ).all(axis=0)
            assert right.mean() > 0.9, "other cells are written as ever: two rounds leave one of them now and then"
            # three initialisations by row and by column, then the tries of both patterns, and nothing beyond
            assert pulsed[cell] <= 6 + TRIES * len(PATTERNS)
            write_report(run.data, run.report)
            page = run.report.read_text()
            section = page[page.index("Cells that are marked") :]
            assert f"({cell[0]}, {cell[1]})" in section
            assert any(outcome.name.lower().split("_")[0] in section for outcome in KINDS[kind])


def test_what_a_run_found_of_the_chip_the_next_run_knows(rig, tally):
    """Fails without `keep_found_health`, and without `with_known`: the second run pulses the cell that the first kept."""
    with tally(7, "a bad cell, known from another run"):
        rig.spoil((1, 2), "short")
        start(load_experiment("health", bench=str(rig.bench)), rig.runs, workers=1, show=lambda _: None)
        kept = kept_health("small", (4, 4))
        assert kept.states[1, 2] == Health.SHORT
        assert "3 times the conductance of P (run " in kept.evidence[kept.why[1, 2]]
        keep_health(replace(kept, states=np.where(np.eye(4, dtype=bool), np.uint8(Health.OPEN), kept.states)))
        run = rig.start(patterns=PATTERNS)
        with h5py.File(run.data) as file:
            outcome = file["patterns/small/written/outcome"][-1]
            bias = file["arrays/small-0a/pulses/bias_volts"][()]
            purpose = file["arrays/small-0a/pulses/purpose"][()]
        assert (outcome.diagonal() == Outcome.OPEN).all()
        assert outcome[1, 2] == Outcome.SHORT
        written = bias[purpose == Purpose.WRITE]
        selected = (written[:, :4] != 0)[:, :, np.newaxis] & (written[:, 4:] != 0)[:, np.newaxis, :]
        assert selected.any(axis=0).sum() >= 11
        assert not selected[:, np.eye(4, dtype=bool)].any()
        rig.assert_safe()
