"""Array files: size, wires, limits and cells of an array, and how its device is chosen."""

from labmtj.arrays.description import ArrayDescription, LimitDescription
from labmtj.arrays.offsets import LineOffsets, RangeOffsets
from labmtj.arrays.wiring import WireDescription, WireParameter

__all__ = [
    "ArrayDescription",
    "LimitDescription",
    "LineOffsets",
    "RangeOffsets",
    "WireDescription",
    "WireParameter",
]
