"""Write and read passive crossbar arrays of magnetic tunnel junctions."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labmtj import bench as bench

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load `labmtj.bench` when somebody uses it: `import labmtj` stays quick."""
    if name == "bench":
        return importlib.import_module("labmtj.bench")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
