"""Scans and labels of a 3706A move the relays of the virtual network, hot ones too."""

import pytest

from instruments.virtual.keithley3706 import Keithley3706A
from labmtj.virtual.network.network import Network
from labmtj.virtual.network.wiring import Column, Ground, Link, MatrixPlan, Row, Wire, Wiring


@pytest.fixture
def bench(resistors):
    """Return a network of one 10 kilohm resistor on columns 1 and 2, a source on row 1, ground on row 2; and the box."""
    wiring = Wiring(
        lines=[Wire(Column("matrix", 1, 1)), Wire(Column("matrix", 1, 2))],
        channels={("smu", "a"): Wire(Row("matrix", 1))},
        matrices={"matrix": MatrixPlan({1: (6, 16)})},
        links=[Link(Row("matrix", 2), Ground())],
    )
    network = Network(resistors(1e4), wiring)
    matrix = Keithley3706A(network.box("matrix", "1", cards={1: "3730"}))
    yield network, matrix
    matrix.close()


def test_a_label_connects_the_resistor(bench):
    network, matrix = bench
    source = network.channels["smu", "a"]
    matrix.handle("channel.setlabel('1101', 'source') channel.setlabel('1202', 'ground')")
    source.source_volts(0.1, 1.0)
    assert abs(source.sense(0.0).amperes) < 1e-15
    matrix.handle("channel.close('source,ground')")
    assert source.sense(0.0).amperes == pytest.approx(1e-5, rel=1e-3)


def test_a_scan_under_voltage_is_hot_switching(bench):
    network, matrix = bench
    matrix.handle("channel.close('1202') scan.mode = scan.MODE_OPEN_SELECTIVE scan.create('1101,1103')")
    matrix.handle("scan.execute()")
    assert network.events == []
    network.channels["smu", "a"].source_volts(0.1, 1.0)
    matrix.handle("scan.execute()")
    assert [event.crosspoint for event in network.events] == [(1, 1, 3), (1, 1, 1), (1, 1, 1), (1, 1, 3)]
    assert matrix.handle("print(channel.getcount('1101,1103,1202'))") == "2,2,1"
    assert network.relays["matrix"].closures()[1, 1, 3] == 2
