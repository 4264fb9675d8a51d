"""Benches: which arrays are there, and what drives and reads them. Described by one YAML file.

The module itself can be called, `with labmtj.bench("my.yaml") as array: ...`; see docs/decisions/0006.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType

from labmtj.bench.crossbar import BenchCrossbar
from labmtj.bench.files.description import BenchFile
from labmtj.bench.files.laboratory import LaboratoryFile, ReplayFile, VirtualFile
from labmtj.bench.files.loading import load_any, load_array, load_bench
from labmtj.bench.files.simulated import SimulatedBench
from labmtj.bench.session.notebook import open_bench
from labmtj.bench.session.opening import open_laboratory
from labmtj.bench.session.served import BookedClock
from labmtj.bench.session.standing import InstrumentBench
from labmtj.verbs import Crossbar

__all__ = [
    "BenchCrossbar",
    "BenchFile",
    "BookedClock",
    "InstrumentBench",
    "LaboratoryFile",
    "ReplayFile",
    "SimulatedBench",
    "VirtualFile",
    "load_any",
    "load_array",
    "load_bench",
    "open_bench",
    "open_laboratory",
]


class _Bench(ModuleType):
    """The package as a module that can be called."""

    def __call__(self, name: str | Path) -> AbstractContextManager[Crossbar]:
        """Return the crossbar of a bench file, as `open_bench`."""
        return open_bench(name)


# The package has the name that users type: `labmtj.bench(...)`. Python allows the class of a module to be set.
sys.modules[__name__].__class__ = _Bench
