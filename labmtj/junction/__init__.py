"""Magnetic tunnel junctions: how they conduct, switch, vary, wear and make noise; arrays in, arrays out."""

from labmtj.junction.analytic import (
    median_switching_volts,
    switching_probability,
    switching_rate,
    write_error_volts,
)
from labmtj.junction.cells import CellMap, CellsDescription, DefectiveCell, LineOffsets, RangeOffsets
from labmtj.junction.conduction import Conduction
from labmtj.junction.description import ArrayDescription, LimitDescription
from labmtj.junction.family import Family
from labmtj.junction.junctions import Defect, Junctions
from labmtj.junction.noise import noise_rms_amperes
from labmtj.junction.parameter import Parameter, Range
from labmtj.junction.population import draw
from labmtj.junction.switching import BackHopping, SwitchingLaw
from labmtj.junction.telegraph import Telegraph
from labmtj.junction.wear import Wear
from labmtj.junction.wiring import WireDescription, WireParameter

__all__ = [
    "ArrayDescription",
    "BackHopping",
    "CellMap",
    "CellsDescription",
    "Conduction",
    "Defect",
    "DefectiveCell",
    "Family",
    "Junctions",
    "LimitDescription",
    "LineOffsets",
    "Parameter",
    "Range",
    "RangeOffsets",
    "SwitchingLaw",
    "Telegraph",
    "Wear",
    "WireDescription",
    "WireParameter",
    "draw",
    "median_switching_volts",
    "noise_rms_amperes",
    "switching_probability",
    "switching_rate",
    "write_error_volts",
]
