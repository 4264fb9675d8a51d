"""What the tests of the network share: small benches, and an independent answer for every network of resistors."""

import numpy as np
import pytest

from labmtj.circuit import Wires
from labmtj.device.mtj import Junctions
from labmtj.simulated.array import SimulatedArray
from labmtj.virtual.network.network import Network
from labmtj.virtual.network.wiring import Column, Ground, Link, MatrixPlan, Row, Wire, Wiring

SMALLEST = 1e-3
"""ohm: what stands for zero on a bench, and the inner resistance of every channel here"""


def wires_of(shape, ohms=0.0):
    return Wires.uniform(
        shape, row_segment_ohms=ohms, column_segment_ohms=ohms, row_lead_ohms=ohms, column_lead_ohms=ohms
    )


@pytest.fixture
def resistors():
    """Return a function that makes an array of fixed resistors, (rows, columns) ohms, on wires without resistance."""

    def array(ohms):
        ohms = np.atleast_2d(np.asarray(ohms, float))
        never = Junctions.ideal(ohms.shape, ohms, 0.0, thermal_stability=1e3)
        return SimulatedArray(wires_of(ohms.shape), never, 0, "resistors", 1.0)

    return array


@pytest.fixture
def chip():
    """Return a function that makes an array of junctions on wires of 2 ohm per piece."""

    def array(shape, seed=0, name="chip", **cells):
        return SimulatedArray(wires_of(shape, 2.0), Junctions.ideal(shape, **cells), seed, name, 1.0)

    return array


class Bench:
    """Two channels on rows 1 and 2 of a 4 x 16 matrix, ground on row 4, the lines of an array on its columns."""

    def __init__(self, array, *, cable_ohms=0.0, contact_ohms=0.0, leakage_siemens=0.0, lead_ohms=0.0, **parts):
        self.array, lines = array, sum(array.shape)
        self.wiring = Wiring(
            lines=[Wire(Column("matrix", 1, 1 + line), cable_ohms) for line in range(lines)],
            channels={("smu", name): Wire(Row("matrix", row), lead_ohms) for name, row in (("a", 1), ("b", 2))},
            matrices={"matrix": MatrixPlan({1: (4, 16)}, contact_ohms, leakage_siemens)},
            links=[Link(Row("matrix", 4), Ground())],
        )
        self.network = Network(array, self.wiring, **parts)
        self.a, self.b = (self.network.channels["smu", name] for name in "ab")
        self.relays = self.network.relays["matrix"]

    def connect(self, **rows):
        """Close, say, a=[0], b=[1], ground=[2, 3] and nothing else: the lines on each row."""
        numbers = {"a": 1, "b": 2, "spare": 3, "ground": 4}
        closing = {(1, numbers[row], 1 + line) for row, lines in rows.items() for line in lines}
        self.relays.operate(self.relays.closed() - closing, closing)


@pytest.fixture
def bench():
    return Bench


class Nodal:
    """Plain nodal analysis: resistors between named nodes, sources behind a resistor, current sources; dense."""

    def __init__(self):
        self.resistors, self.sources, self.amperes = [], {}, {}

    def resistor(self, a, b, ohms):
        self.resistors.append((a, b, ohms))

    def source(self, name, node, volts, ohms):
        self.sources[name] = (node, volts, ohms)
        self.resistors.append((node, ("source", name), ohms))

    def solve(self):
        names = {"ground": 0}
        for a, b, _ in self.resistors:
            names.setdefault(a, len(names)), names.setdefault(b, len(names))
        matrix, drive = np.zeros((len(names), len(names))), np.zeros(len(names))
        for a, b, ohms in self.resistors:
            i, j = names[a], names[b]
            matrix[[i, j], [i, j]] += 1 / ohms
            matrix[[i, j], [j, i]] -= 1 / ohms
        for node, amperes in self.amperes.items():
            drive[names[node]] += amperes
        known = {0: 0.0} | {names["source", name]: volts for name, (_, volts, _) in self.sources.items()}
        free = [k for k in range(len(names)) if k not in known]
        volts = np.zeros(len(names))
        volts[list(known)] = list(known.values())
        rest = drive[free] - matrix[np.ix_(free, list(known))] @ volts[list(known)]
        volts[free] = np.linalg.solve(matrix[np.ix_(free, free)], rest)
        self.volts = {name: volts[number] for name, number in names.items()}
        return self

    def given(self, name):
        node, volts, ohms = self.sources[name]
        return (volts - self.volts[node]) / ohms


@pytest.fixture
def nodal():
    return Nodal
