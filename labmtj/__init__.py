"""Write and read passive crossbar arrays of magnetic tunnel junctions.

The names a notebook needs, each loaded when it is first used: `import labmtj` alone loads nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labmtj import bench as bench
    from labmtj.bench.files.loading import load_array as load_array
    from labmtj.bench.files.simulated import simulate as simulate
    from labmtj.quantities import Bias as Bias
    from labmtj.quantities import Lines as Lines
    from labmtj.quantities import ReadSettings as ReadSettings
    from labmtj.reading import open_run as open  # noqa: A004, F401 - `labmtj.open`, as h5py.File
    from labmtj.simulated import SimulatedCrossbar as SimulatedCrossbar
    from procedures.common.amplitude import AmplitudeSettings as AmplitudeSettings
    from procedures.common.amplitude import scan_amplitudes as scan_amplitudes
    from procedures.common.reference import ReferenceSettings as ReferenceSettings
    from procedures.common.reference import reference_maps as reference_maps
    from procedures.common.write import WriteSettings as WriteSettings
    from procedures.common.write import write_matrix as write_matrix

__version__ = "0.1.0"

_PLACES = {
    "AmplitudeSettings": "procedures.common.amplitude:AmplitudeSettings",
    "Bias": "labmtj.quantities:Bias",
    "Lines": "labmtj.quantities:Lines",
    "ReadSettings": "labmtj.quantities:ReadSettings",
    "ReferenceSettings": "procedures.common.reference:ReferenceSettings",
    "SimulatedCrossbar": "labmtj.simulated:SimulatedCrossbar",
    "WriteSettings": "procedures.common.write:WriteSettings",
    "bench": "labmtj.bench:",
    "load_array": "labmtj.bench.files.loading:load_array",
    "open": "labmtj.reading:open_run",
    "reference_maps": "procedures.common.reference:reference_maps",
    "scan_amplitudes": "procedures.common.amplitude:scan_amplitudes",
    "simulate": "labmtj.bench.files.simulated:simulate",
    "write_matrix": "procedures.common.write:write_matrix",
}
"""where each name is defined; the core itself imports no procedure"""

__all__ = [*sorted(_PLACES), "__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    loaded = importlib.import_module(module)
    return getattr(loaded, attribute) if attribute else loaded


def __dir__() -> list[str]:
    return __all__
