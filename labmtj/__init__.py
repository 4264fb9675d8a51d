"""Write and read passive crossbar arrays of magnetic tunnel junctions."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labmtj import bench as bench
    from labmtj.reading import open_run as open  # noqa: A004, F401 - `labmtj.open`, as h5py.File

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load `labmtj.bench` and `labmtj.open` when somebody uses them: `import labmtj` stays quick."""
    if name == "bench":
        return importlib.import_module("labmtj.bench")
    if name == "open":
        return importlib.import_module("labmtj.reading").open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
