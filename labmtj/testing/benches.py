"""The smallest bench for one source-measure unit: each channel on a row of an array of one column, at ground."""

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
from labmtj.verbs import Crossbar, SourceMeasureUnit
from labmtj.virtual.assembly import assemble, virtual_class
from labmtj.virtual.server.serving import ServedInstruments

NOWHERE = "TCPIP::127.0.0.1::9::SOCKET"
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
    """Write the files of a bench whose only instrument is `smu`, and return its virtual counterpart."""
    smu = InstrumentFile(driver=driver, resource=NOWHERE, timeout_seconds=PATIENT_SECONDS, options=dict(options))
    names = virtual_class("smu", smu).channel_names()
    bench = {
        "kind": "instruments",
        "instruments": {"smu": smu.model_dump(include={"driver", "resource", "timeout_seconds", "options"})},
        "lines": {"rows": [{"channel": f"smu.{name}"} for name in names], "columns": [{"ground": True}]},
        "settle_seconds": 1e-6,
        "chip": {"id": "kit", "array": "kit.yaml"},
    }
    (folder / "kit.yaml").write_text(yamlfile.dumps(plain_array("kit", (len(names), 1))))
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
    def session(self) -> Iterator[SourceMeasureUnit]:
        """Connect to the unit and identify it, and no more."""
        with open_sessions(self.served.bench.file.of.instruments, resources=self.resources) as sessions:
            yield sessions.units["smu"]

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
def serve_unit(folder: Path, driver: str, options: Mapping[str, Any]) -> Iterator[ServedBench]:
    """Serve the virtual instrument of a driver on the smallest bench."""
    with ServedInstruments(assemble(unit_bench(folder, driver, options))) as served:
        yield ServedBench(served)


def take(bench: Crossbar) -> Currents:
    """Read the last column with the last row at 0.1 V, or that row where the column is grounded."""
    rows, columns = bench.shape
    volts = np.zeros(rows + columns)
    volts[rows - 1] = 0.1
    lines = Lines(rows=(rows - 1,)) if columns == 1 else Lines(columns=(columns - 1,))
    return bench.measure(Bias.from_lines(volts[np.newaxis], bench.shape), lines, ReadSettings(1e-3))
