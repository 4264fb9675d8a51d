"""Magnetic tunnel junctions: how they conduct, switch, vary, wear and make noise; arrays in, arrays out."""

from labmtj.device.mtj.analytic import median_switching_volts, switching_probability, switching_rate, write_error_volts
from labmtj.device.mtj.cells import CellsDescription, DefectiveCell
from labmtj.device.mtj.conduction import Conduction
from labmtj.device.mtj.family import Family
from labmtj.device.mtj.junctions import Defect, Junctions
from labmtj.device.mtj.model import MTJ
from labmtj.device.mtj.noise import noise_rms_amperes
from labmtj.device.mtj.population import draw
from labmtj.device.mtj.switching import BackHopping, SwitchingLaw

__all__ = [
    "MTJ",
    "BackHopping",
    "CellsDescription",
    "Conduction",
    "Defect",
    "DefectiveCell",
    "Family",
    "Junctions",
    "SwitchingLaw",
    "draw",
    "median_switching_volts",
    "noise_rms_amperes",
    "switching_probability",
    "switching_rate",
    "write_error_volts",
]
