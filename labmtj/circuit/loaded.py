"""An array whose lines end in any linear network instead of one source each.

Derived here: nodal analysis of both networks together; the cells' excess current e enters the lines as -X^T e.
"""

from __future__ import annotations

import numpy as np

from labmtj.circuit.fixed_point import CellLaw, Drain, Problem, settle_cells
from labmtj.circuit.nonlinear import OperatingPoint
from labmtj.circuit.ports import PortState
from labmtj.quantities import FloatArray


class LoadedArray:
    """The array together with the network on its lines, for one state of both.

    Args:
        state: the array, with the resistances of the cells near zero bias.
        siemens: (nodes, nodes) nodal conductance matrix of the network, whose first nodes are the lines; with a path
            to ground from every node, be it a tiny one.
    """

    def __init__(self, state: PortState, siemens: FloatArray) -> None:
        self._state = state
        lines = len(state.admittance)
        whole = siemens.copy()
        whole[:lines, :lines] += state.admittance
        self.impedance: FloatArray = np.asarray(np.linalg.inv(whole), float)
        """(nodes, nodes) ohms"""
        self._drain = Drain(state.transfer, self.impedance[:lines, :lines])

    def solve(
        self,
        node_amperes: FloatArray,
        cell_amperes: CellLaw,
        *,
        cell_siemens: CellLaw | None = None,
        start_volts: FloatArray | None = None,
        tolerance_volts: float = 1e-10,
    ) -> tuple[OperatingPoint, FloatArray]:
        """Return the operating point and the volts of all nodes, (nodes,).

        Args:
            node_amperes: (nodes,) forced into the nodes.
            cell_amperes: the current law of the cells, rising with voltage.
            cell_siemens: its derivative, used only where the fixed point fails; None = by differences.
            start_volts: cell volts to start from, (cells,); None = the linear answer.
            tolerance_volts: settled when no cell voltage moves as far as this in a pass.

        Raises:
            ProcedureFailed: if the cell voltages do not settle.
        """
        state, lines = self._state, len(self._drain.impedance)
        unloaded = self.impedance @ node_amperes
        linear = state.transfer @ unloaded[:lines]
        problem = Problem(state.cell_ohms, state.inverse, cell_amperes, cell_siemens, tolerance_volts, self._drain)
        starts = None if start_volts is None else start_volts[np.newaxis]
        (volts,), (amperes,) = settle_cells(problem, linear[np.newaxis], starts)
        excess = state.cell_ohms * amperes - volts
        node_volts = unloaded - self.impedance[:, :lines] @ (state.transfer.T @ excess)
        into = state.wires.incidence.T @ amperes
        point = OperatingPoint(node_volts[:lines], into, volts, amperes, np.zeros(lines, dtype=bool))
        return point, node_volts
