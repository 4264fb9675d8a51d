"""The smallest benches for one instrument.

Each channel of a unit is on a row of an array of one column, at ground; a matrix has an array of one cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from labmtj import library, yamlfile
from labmtj.bench.files.laboratory import InstrumentFile, LaboratoryFile, VirtualFile
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import open_laboratory
from labmtj.bench.session.sessions import open_sessions
from labmtj.quantities import Bias, Currents, Lines, ReadSettings
from labmtj.verbs import Crossbar
from labmtj.virtual.assembly import assemble, virtual_class
from labmtj.virtual.server.serving import ServedInstruments

NOWHERE = "TCPIP::127.0.0.1::9::SOCKET"
UNIT = "keithley2400"
"""the unit of a bench that is about a matrix"""
PATIENCE_SECONDS = 0.3
"""with an answer where answers are lost on purpose; a busy machine may take longer, which costs a retry"""
PATIENT_SECONDS = 5.0
"""where they are not"""


def plain_array(name: str, shape: tuple[int, int]) -> dict[str, Any]:
    """Return the content of an array file: junctions of 50 nm without defects, noise or breakdown."""
    array: dict[str, Any] = yamlfile.load(library.folder() / "arrays" / "mtj-50nm.yaml").content
    array |= {"name": name, "shape": list(shape)}
    array["family"] |= {"breakdown": None, "pink_noise": None, "telegraph": None}
    for kind in ("stuck_parallel", "stuck_antiparallel", "short", "open"):
        array["family"]["defects"][kind]["value"] = 0.0
    return array


def unit_bench(folder: Path, driver: str, options: Mapping[str, Any]) -> VirtualFile:
    """Write the files of a bench whose only instrument is the unit `smu`, and return its virtual counterpart."""
    smu = InstrumentFile(driver=driver, resource=NOWHERE, timeout_seconds=PATIENT_SECONDS, options=dict(options))
    rows = [{"channel": f"smu.{name}"} for name in virtual_class("smu", smu).channel_names()]
    return _written(folder, {"smu": smu}, {"lines": {"rows": rows, "columns": [{"ground": True}]}})


def matrix_bench(folder: Path, driver: str, options: Mapping[str, Any], card: str) -> VirtualFile:
    """Write the files of a bench with the switch `matrix` and a unit, and return its virtual counterpart."""
    matrix = InstrumentFile(
        driver=driver, resource=NOWHERE, timeout_seconds=PATIENT_SECONDS, options=dict(options), cards={1: card}
    )
    smu = InstrumentFile(driver=UNIT, resource=NOWHERE)
    buses = {"ground": {"row": 1, "ground": True}, "high": {"row": 2, "channel": "smu.1"}}
    lines = {"rows": ["matrix.1.1"], "columns": ["matrix.1.2"]}
    return _written(folder, {"matrix": matrix, "smu": smu}, {"buses": buses, "lines": lines})


def _written(folder: Path, instruments: Mapping[str, InstrumentFile], wiring: dict[str, Any]) -> VirtualFile:
    bench = {
        "kind": "instruments",
        "instruments": {name: each.model_dump(exclude_defaults=True) for name, each in instruments.items()},
        **wiring,
        "settle_seconds": 1e-6,
        "chip": {"id": "kit", "array": "kit.yaml"},
    }
    shape = (len(wiring["lines"]["rows"]), len(wiring["lines"]["columns"]))
    (folder / "kit.yaml").write_text(yamlfile.dumps(plain_array("kit", shape)))
    (folder / "bench.yaml").write_text(yamlfile.dumps(bench))
    (folder / "virtual.yaml").write_text("kind: virtual\nof: bench.yaml\narrays: [kit.yaml]\nseed: 5\nnoise: false\n")
    return cast(VirtualFile, load_any(str(folder / "virtual.yaml")))


@dataclass(frozen=True)
class ServedBench:
    """Virtual instruments that answer on sockets, and the ways to them."""

    served: ServedInstruments

    @property
    def resources(self) -> dict[str, str]:
        """Where each answers."""
        return {name: server.resource for name, server in self.served.servers.items()}

    def held(self) -> list[Any]:
        """Return what every channel holds: the truth, whatever a driver believes."""
        return list(self.served.bench.network.settings)

    def volts(self) -> list[float]:
        """Return the levels of all channels."""
        return [setting.level for setting in self.held()]

    def messages(self) -> dict[str, int]:
        """Return how many messages each instrument has had."""
        return {name: each.messages for name, each in self.served.served.items()}

    @contextmanager
    def session(self, name: str) -> Iterator[Any]:
        """Connect to one instrument and identify it, and no more."""
        only = {name: self.served.bench.file.of.instruments[name]}
        with open_sessions(only, resources=self.resources) as sessions:
            yield {**sessions.units, **sessions.matrices}[name]

    @contextmanager
    def opened(self) -> Iterator[Crossbar]:
        """Open the bench and arm it; it is made safe afterwards."""
        with open_laboratory(quick(self.served.bench.file.of), resources=self.resources, guarded=False) as bench:
            yield bench


def quick(file: LaboratoryFile, seconds: float = PATIENCE_SECONDS) -> LaboratoryFile:
    """Return a bench with little patience and no time to settle."""
    patient = {name: each.model_copy(update={"timeout_seconds": seconds}) for name, each in file.instruments.items()}
    return file.model_copy(update={"instruments": patient, "settle_seconds": 1e-6, "relay_settle_seconds": 1e-6})


@contextmanager
def serve(file: VirtualFile) -> Iterator[ServedBench]:
    """Serve the virtual instruments of a bench."""
    with ServedInstruments(assemble(file)) as served:
        yield ServedBench(served)


def take(bench: Crossbar) -> Currents:
    """Read the last column with the last row at 0.1 V, or that row where the column is grounded."""
    rows, columns = bench.shape
    volts = np.zeros(rows + columns)
    volts[rows - 1] = 0.1
    lines = Lines(rows=(rows - 1,)) if columns == 1 else Lines(columns=(columns - 1,))
    return bench.measure(Bias.from_lines(volts[np.newaxis], bench.shape), lines, ReadSettings(1e-3))
