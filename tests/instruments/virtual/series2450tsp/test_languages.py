"""Which language a 2450 speaks is decided when it is switched on, and kept until `*LANG` says otherwise."""

from dataclasses import replace

import pytest

from instruments.keithley2450 import Keithley2450 as Driver
from instruments.virtual.keithley2450 import Keithley2450
from labmtj.bench import load_any
from labmtj.errors import InstrumentError
from labmtj.virtual.assembly import assemble
from labmtj.virtual.network.resistor import unit_box
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.rawsocket import SocketServer

BENCH = """
kind: instruments
instruments:
  smu1: {driver: instruments.keithley2450.Keithley2450, resource: "TEST::smu1"}
  smu2: {driver: instruments.keithley2450.Keithley2450, resource: "TEST::smu2"}
  matrix: {driver: instruments.keithley707.Keithley707B, resource: "TEST::matrix", cards: {1: "7072", 2: "7072", 3: "7072"}}
buses: {ground: {row: 1, ground: true}, high: {row: 2, channel: smu1.1}, low: {row: 3, channel: smu2.1}}
lines: {rows: [matrix.1.1-12, matrix.2.1-3], columns: [matrix.2.4-12, matrix.3.1-6]}
chip: {id: one, array: mtj-50nm}
"""
VIRTUAL = "kind: virtual\nof: bench.yaml\narrays: [mtj-50nm]\nlanguages: {smu2: TSP}\n"


def test_the_language_counts_from_the_next_power_on():
    box = Keithley2450(unit_box("1"))
    box.handle("*LANG TSP")
    assert (box.handle("*LANG?"), box.handle(":SOUR:FUNC?")) == ("TSP", "VOLT")
    box.power_cycle()
    assert box.handle("print(smu.source.func)") == "smu.FUNC_DC_VOLTAGE"
    assert "MODEL 2450" in str(box.handle("*IDN?"))
    box.handle("smu.source.level = 1 smu.source.output = smu.ON")
    assert box.box.channels["1"].sense(0.0).volts == pytest.approx(1.0)
    box.handle("*LANG SCPI")
    assert box.handle("print(1)") == "1"
    box.power_cycle()
    assert box.box.channels["1"].sense(0.0).volts == 0.0
    assert (box.handle("*LANG?"), box.handle(":SOUR:VOLT?")) == ("SCPI", "+0.000000E+00")
    box.close()


def test_the_driver_refuses_a_box_in_another_language():
    box = unit_box("1")
    virtual = Keithley2450(replace(box, language="TSP"))
    with SocketServer(Served(virtual, box.time)) as server:
        driver = Driver(server.resource, "smu", visa_library="@py")
        with pytest.raises(InstrumentError, match=r"TSP"):
            driver.identify()
        driver.adapter.close()
    virtual.close()


def test_a_bench_file_says_in_which_language_a_box_was_left(tmp_path):
    (tmp_path / "bench.yaml").write_text(BENCH)
    (tmp_path / "virtual.yaml").write_text(VIRTUAL)
    bench = assemble(load_any(str(tmp_path / "virtual.yaml")))
    first, second = (bench.instruments[name] for name in ("smu1", "smu2"))
    assert (first.handle("*LANG?"), second.handle("*LANG?")) == ("SCPI", "TSP")
    assert second.handle("print(smu.measure.func)") == "smu.FUNC_DC_CURRENT"
    bench.close()
