"""Logs of small hidden chips, as a run leaves them: what was assumed of them stands in the log, what they are does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from labmtj import library, yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.bench import load_bench
from labmtj.bench.files.simulated import crossbar_of
from labmtj.device.mtj import CellsDescription, DefectiveCell
from labmtj.record import Checkpointer, JournalLog, JournalWriter
from labmtj.record.recorded import Recorded
from labmtj.run.plain import LogWithin
from procedures.calibration.procedure import CalibrationReads
from procedures.common.ports import AllPorts
from procedures.reference import ReferenceMap

SHAPE = (8, 7)
DEFECTS = (
    (1, 2, "stuck_parallel", None),
    (3, 6, "short", 240.0),
    (5, 0, "stuck_antiparallel", None),
    (6, 4, "open", 1e9),
)


def array_content(**wires: float) -> dict:
    """Return the content of an array file: 50 nm, a few cells, no telegraph, wires as given."""
    content = yaml.safe_load((library.folder() / "arrays" / "mtj-50nm.yaml").read_text(encoding="utf-8"))
    content |= {"shape": list(SHAPE), "name": "small"}
    content["family"]["telegraph"] = None
    content["family"]["thermal_stability"]["relative_sigma"] = 0.02  # none so weak that it flips by itself
    for name in ("stuck_parallel", "stuck_antiparallel", "short", "open"):
        content["family"]["defects"][name]["value"] = 0.0
    for name, ohms in wires.items():
        content["wires"][name]["value"] = ohms
    return content


@dataclass
class Hidden:
    """A chip that nobody is told about, and the log of what was measured on it."""

    description: ArrayDescription
    crossbar: object
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data.h5"

    def ohms(self, state: bool) -> np.ndarray:
        """The true resistances of all cells in a state, at vanishing voltage, (rows, columns)."""
        junctions = self.crossbar.array.cells
        return (junctions.parallel_ohms * (1 if state else 1 + junctions.tmr)).reshape(SHAPE)


@pytest.fixture(scope="session")
def assumed():
    """Return a function that makes the content of an array file, with other resistances of wires."""
    return array_content


@pytest.fixture(scope="session")
def defects():
    """The defects of the hidden chip: row, column, kind, ohms."""
    return DEFECTS


@pytest.fixture(scope="session")
def log_of(tmp_path_factory):
    """Return a function that measures a hidden chip and keeps the log; `bench` is what its run.yaml says of the bench."""
    meter = load_bench("simulated").meter.model()

    def make(procedure, truth, *, seed=1, believed=None, bench=None, chip="small-0a", crossbar=None):
        description = ArrayDescription.from_mapping(truth)
        crossbar = crossbar or crossbar_of(description, seed=seed, name=chip, meter=meter)
        folder = tmp_path_factory.mktemp("run")
        log = JournalLog(JournalWriter.create(folder / "journal.lmj"))
        run = {
            "procedure": "procedures.reference.ReferenceMap",
            "bench": bench or {"kind": "simulated", "arrays": {"small": believed or array_content()}},
        }
        log.attributes("", {"experiment": "test", "run": "run-1", "seed": seed})
        log.attributes("provenance", {"run_yaml": yamlfile.dumps(run)})
        procedure(Recorded(crossbar, log, chip), LogWithin(log, f"arrays/{chip}"))
        log.commit()
        Checkpointer(folder / "journal.lmj", folder / "data.h5").checkpoint()
        log.journal.close()
        return Hidden(description, crossbar, folder)

    return make


@pytest.fixture(scope="session")
def all_reads():
    """All that a calibration can use, in a few repeats."""
    return CalibrationReads(ports=AllPorts(repeats=2)).execute


@pytest.fixture(scope="session")
def maps():
    """Reference maps alone."""
    return ReferenceMap().execute


@pytest.fixture(scope="session")
def with_defects():
    """Return the content of an array file whose chip has these defects, and no others."""

    def build(content: dict) -> dict:
        cells = CellsDescription(
            source="placed by hand",
            defects=[DefectiveCell(row=r, column=c, kind=kind, ohms=ohms) for r, c, kind, ohms in DEFECTS],
        )
        return content | {"cells": cells.model_dump(exclude_none=True)}

    return build


@pytest.fixture(scope="session")
def hidden(log_of, all_reads, with_defects):
    """A chip with other wires than assumed, and four defects; all ports read."""
    truth = array_content(row_segment_ohms=5.0, column_segment_ohms=4.0, row_lead_ohms=26.0, column_lead_ohms=15.0)
    return log_of(all_reads, with_defects(truth))
