"""Passive crossbar networks: wires, the admittance at the pads, boundaries, cells with bias-dependent resistance.

Equations that name no source are derived here from Kirchhoff's laws, as each module says.
"""

from __future__ import annotations

from labmtj.circuit.boundary import LINE_LEAK_SIEMENS, Boundary, Settled, line_volts, settle
from labmtj.circuit.fixed_point import CellLaw
from labmtj.circuit.lines import LineSolver, solve_cold
from labmtj.circuit.loaded import LoadedArray
from labmtj.circuit.mesh import eliminate
from labmtj.circuit.nonlinear import OperatingPoint, operating_point
from labmtj.circuit.ports import OPEN_OHMS, PortState
from labmtj.circuit.products import matvec
from labmtj.circuit.response import LEAK_OHMS, WiresResponse, response_of
from labmtj.circuit.wires import Wires

__all__ = [
    "LEAK_OHMS",
    "LINE_LEAK_SIEMENS",
    "OPEN_OHMS",
    "Boundary",
    "CellLaw",
    "LineSolver",
    "LoadedArray",
    "OperatingPoint",
    "PortState",
    "Settled",
    "Wires",
    "WiresResponse",
    "eliminate",
    "line_volts",
    "matvec",
    "operating_point",
    "response_of",
    "settle",
    "solve_cold",
]
