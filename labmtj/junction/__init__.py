"""Magnetic tunnel junctions: how they conduct, switch, vary, wear and make noise; arrays in, arrays out."""

from labmtj.junction.analytic import (
    median_switching_volts,
    switching_probability,
    switching_rate,
    write_error_volts,
)
from labmtj.junction.conduction import Conduction
from labmtj.junction.junctions import Defect, Junctions
from labmtj.junction.switching import BackHopping, SwitchingLaw
from labmtj.junction.telegraph import Telegraph
from labmtj.junction.wear import Wear

__all__ = [
    "BackHopping",
    "Conduction",
    "Defect",
    "Junctions",
    "SwitchingLaw",
    "Telegraph",
    "Wear",
    "median_switching_volts",
    "switching_probability",
    "switching_rate",
    "write_error_volts",
]
