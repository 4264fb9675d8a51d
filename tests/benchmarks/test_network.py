"""How long a virtual bench thinks about a read: on a new routing, at a new level, after a flip, and again."""

import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from labmtj.circuit import Wires
from labmtj.device.mtj import Junctions
from labmtj.simulated.array import SimulatedArray
from labmtj.virtual.network.network import Network
from labmtj.virtual.network.wiring import Column, Ground, Link, MatrixPlan, Row, Wire, Wiring

PER_CARD = 16


def bench_of(side):
    """Two channels and ground on rows 1, 2 and 6 of as many cards of 6 x 16 as the lines need."""
    ohms = np.random.default_rng(0).uniform(4e3, 6e3, (side, side))
    wires = Wires.uniform(
        (side, side), row_segment_ohms=3, column_segment_ohms=3, row_lead_ohms=10, column_lead_ohms=10
    )
    array = SimulatedArray(wires, Junctions.ideal((side, side), ohms, half_volts=0.5), 0, "chip", 1.0)
    cards = {1 + slot: (6, PER_CARD) for slot in range(-(-2 * side // PER_CARD))}
    wiring = Wiring(
        lines=[Wire(Column("matrix", 1 + line // PER_CARD, 1 + line % PER_CARD), 0.5) for line in range(2 * side)],
        channels={("smu", "a"): Wire(Row("matrix", 1), 0.1), ("smu", "b"): Wire(Row("matrix", 2), 0.1)},
        matrices={"matrix": MatrixPlan(cards, 0.3)},
        links=[Link(Row("matrix", 6), Ground(), 0.05)],
    )
    return array, Network(array, wiring)


def lap(action):
    started = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - started)


@pytest.mark.parametrize("side", [15, 30])
def test_one_read(side):
    array, network = bench_of(side)
    channel, relays = network.channels["smu", "a"], network.relays["matrix"]
    laps = {"new routing": [], "new level": [], "after a flip": [], "nothing changed": []}
    with threadpool_limits(1):
        for turn in range(side):
            channel.source_volts(0.0, 1e-2)
            rows = [1 if line == turn else 2 if line == side + turn else 6 for line in range(2 * side)]
            closing = {(1 + line // PER_CARD, row, 1 + line % PER_CARD) for line, row in enumerate(rows)}
            relays.operate(relays.closed() - closing, closing)
            channel.source_volts(0.1, 1e-2)
            laps["new routing"].append(lap(lambda: channel.sense(0.02)))
            channel.source_volts(0.11, 1e-2)
            laps["new level"].append(lap(lambda: channel.sense(0.02)))
            snapshot = array.snapshot()
            snapshot["state"][turn] ^= True
            array.restore(snapshot)
            _ = array.ports  # factorising is the array's own time
            laps["after a flip"].append(lap(lambda: channel.sense(0.02)))
            laps["nothing changed"].append(lap(lambda: channel.sense(0.02)))
    for name, times in laps.items():
        print(f"\n{side} x {side}, {name:<16}{np.median(times):8.3f} ms", end="")
    assert np.median(laps["nothing changed"]) < 1
