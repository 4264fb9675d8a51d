"""The package keithley2600 (1.4.1, and 2.1.0 with its namespace by metatables), unchanged, on a virtual 2636B."""

import warnings

import numpy as np
import pytest

from instruments.virtual.keithley2600 import Keithley2636B
from labmtj.virtual.network.resistor import unit_box
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.rawsocket import SocketServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports a module that Python will drop
    keithley2600 = pytest.importorskip("keithley2600")

OLDER_NAMES = {
    "apply_voltage": "applyVoltage", "apply_current": "applyCurrent", "read_error_queue": "readErrorQueue",
    "voltage_sweep_single_smu": "voltageSweepSingleSMU", "voltage_sweep_dual_smu": "voltageSweepDualSMU",
    "transfer_measurement": "transferMeasurement",
}  # fmt: skip
"""of version 1"""
OHMS = {"a": 10e3, "b": 2e3}


@pytest.fixture(scope="module")
def smu():
    box = unit_box("ab")
    for name, ohms in OHMS.items():
        box.channels[name].ohms = ohms
    instrument = Keithley2636B(box, script_seconds=60.0)
    with SocketServer(Served(instrument, box.time)) as server:
        client = keithley2600.Keithley2600(server.resource, visa_library="@py")
        yield client
        client.disconnect()
    instrument.close()


@pytest.fixture(autouse=True)
def fresh(smu):
    smu.reset()
    smu.errorqueue.clear()
    yield
    assert smu.errorqueue.count == 0


def call(smu, name, *arguments, **options):
    known = name if name in dir(type(smu)) else OLDER_NAMES[name]
    return getattr(smu, known)(*arguments, **options)


def test_levels_and_readings(smu):
    call(smu, "apply_voltage", smu.smua, 0.5)
    assert smu.smua.measure.v() == pytest.approx(0.5, abs=1e-3)
    assert smu.smua.measure.i() == pytest.approx(0.5 / OHMS["a"], rel=1e-3)
    smu.smua.source.output = smu.smua.OUTPUT_OFF
    assert smu.smua.source.output == 0
    call(smu, "apply_current", smu.smub, 1e-4)
    assert smu.smub.measure.v() == pytest.approx(1e-4 * OHMS["b"], rel=1e-3)


@pytest.mark.parametrize("pulsed", [False, True])
@pytest.mark.parametrize("points", [5, 60])  # a long list goes over in pieces
def test_a_sweep_of_one_channel(smu, points, pulsed):
    levels = np.linspace(0, 0.5, points)
    volts, amperes = call(smu, "voltage_sweep_single_smu", smu.smua, list(levels), 1e-3, -1, pulsed)
    np.testing.assert_allclose(volts, levels, atol=1e-3)
    np.testing.assert_allclose(amperes, levels / OHMS["a"], atol=1e-7)


def test_a_sweep_of_two_channels(smu):
    first, second = np.linspace(0, 0.4, 5), np.linspace(0.2, 0, 5)
    found = call(
        smu, "voltage_sweep_dual_smu", smu.smua, smu.smub, list(first), list(second), t_int=1e-3, delay=-1, pulsed=False
    )
    for one, wanted in zip(found, (first, first / OHMS["a"], second, second / OHMS["b"]), strict=True):
        np.testing.assert_allclose(one, wanted, atol=1e-3)


def test_a_transfer_curve(smu):
    table = call(smu, "transfer_measurement", smu.smua, smu.smub, 0, 0.2, 0.1, [0.1], 1e-3, -1, False)
    gate, _, drain, _ = np.transpose(table.data)
    assert gate[0] == 0
    assert gate.max() >= 0.2
    np.testing.assert_allclose(drain, 0.1 / OHMS["b"], rtol=1e-2)


def test_errors_of_the_box_are_read(smu):
    smu.smua.source.levelv = 1e6
    assert smu.errorqueue.count == 1
    assert 1101 in np.ravel(np.array(call(smu, "read_error_queue"), dtype=object)).tolist()
