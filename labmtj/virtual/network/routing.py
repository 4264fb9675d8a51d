"""The passive part of a bench, numbered: what pads and channels see of cables and relays, for any set of closed relays.

Nodes: ground, then the pads of the array, then where channels are wired (unless that is a pad), then all other rows and
columns of the matrices.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labmtj.circuit import eliminate
from labmtj.quantities import FloatArray
from labmtj.virtual.network.terminals import Crosspoint
from labmtj.virtual.network.wiring import Column, Ground, Line, Row, Wiring

SMALLEST_OHMS = 1e-3
"""stands for zero: no cable and no contact has less"""
STRAY_SIEMENS = 1e-17
"""from every node to ground, so that no part of the network is undetermined; no meter knows 1e-18 A from zero"""
MOST_KEPT_BYTES = 64 << 20
"""of routings, and as much of what is built on them: a read map of 30 x 30 comes back to 1800"""

Relay = tuple[str, Crosspoint]
"""matrix, relay"""


class Routing(NamedTuple):
    """The passive network for one set of closed relays."""

    siemens: FloatArray
    """(1 + ports, 1 + ports) between each two of ground, pads and channels; see `labmtj.circuit.eliminate`"""
    shares: FloatArray
    """(nodes, 1 + ports) volts of every node per volt of those"""


class Cabling:
    """A wiring, numbered.

    Args:
        wiring: of the bench.
    """

    def __init__(self, wiring: Wiring) -> None:
        ends = [name if wire is None else wire.end for name, wire in wiring.channels.items()]
        pads = [Line(number) for number in range(len(wiring.lines))]
        ports: dict[Hashable, None] = dict.fromkeys([Ground(), *pads, *ends])
        nodes = dict.fromkeys([*ports, *_rows(wiring), *_columns(wiring)])
        self.lines = len(pads)
        self._number = {node: number for number, node in enumerate(nodes)}
        self.ports = len(ports) - 1
        """pads and ends of channels; these are numbered from 0, pads first"""
        self.channel_ports: NDArray[np.intp] = np.array([self._number[end] - 1 for end in ends], np.intp)
        """(channels,) the port that each channel is wired to"""
        self._relays = {
            (name, relay): (self._number[Row(name, relay[1])], self._number[Column(name, relay[0], relay[2])])
            for name, plan in wiring.matrices.items()
            for relay in plan.crosspoints()
        }
        self._gain = {
            name: 1 / max(plan.contact_ohms, SMALLEST_OHMS) - plan.leakage_siemens
            for name, plan in wiring.matrices.items()
        }
        self._open = self._without_contacts(wiring)
        self.routing = lru_cache(most_kept(len(nodes) + self.ports, 1 + self.ports))(self._routing)
        """from the closed relays to a `Routing`"""

    def _without_contacts(self, wiring: Wiring) -> FloatArray:
        """Return the conductances with all relays open, (nodes, nodes)."""
        siemens = np.zeros((len(self._number), len(self._number)))
        siemens[0, 1:] = siemens[1:, 0] = STRAY_SIEMENS
        wires = [(Line(number), wire.end, wire.ohms) for number, wire in enumerate(wiring.lines) if wire is not None]
        for begin, end, ohms in [*wires, *((link.begin, link.end, link.ohms) for link in wiring.links)]:
            _join(siemens, self._number[begin], self._number[end], 1 / max(ohms, SMALLEST_OHMS))
        for (name, _), (row, column) in self._relays.items():
            _join(siemens, row, column, wiring.matrices[name].leakage_siemens)
        return siemens

    def _routing(self, closed: frozenset[Relay]) -> Routing:
        siemens = self._open.copy()
        for relay in sorted(closed):  # a sum of floats depends on its order
            _join(siemens, *self._relays[relay], self._gain[relay[0]])
        return Routing(*eliminate(siemens, 1 + self.ports))

    def volts_across(self, relay: Relay, node_volts: FloatArray) -> float:
        """Return the voltage from row to column, given that of all nodes."""
        row, column = self._relays[relay]
        return float(node_volts[row] - node_volts[column])


def most_kept(*shape: int) -> int:
    """Return how many arrays of a shape may be kept."""
    return max(16, MOST_KEPT_BYTES // (8 * math.prod(shape)))


def _rows(wiring: Wiring) -> list[Row]:
    return [
        Row(name, row)
        for name, plan in wiring.matrices.items()
        for row in range(1, 1 + max(rows for rows, _ in plan.cards.values()))
    ]


def _columns(wiring: Wiring) -> list[Column]:
    return [
        Column(name, slot, column)
        for name, plan in wiring.matrices.items()
        for slot, (_, columns) in plan.cards.items()
        for column in range(1, 1 + columns)
    ]


def _join(siemens: FloatArray, a: int, b: int, more: float) -> None:
    siemens[a, b] += more
    siemens[b, a] += more
