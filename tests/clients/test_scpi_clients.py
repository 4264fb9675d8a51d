"""Drivers that nobody here wrote, unchanged, over TCP against virtual instruments; their readings against Ohm's law."""

import contextlib
import warnings

import pytest

from instruments.virtual import keithley2400, keithley2450, keysightb2200, keysightb2900
from labmtj.virtual.network.resistor import matrix_box, unit_box
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.rawsocket import SocketServer

OHMS = 10e3
TERMINATORS = {"read_termination": "\n", "write_termination": "\n"}


@contextlib.contextmanager
def served(box):
    with SocketServer(Served(box, box.box.time)) as server:
        yield server.resource


@pytest.fixture
def keithley_2400():
    box = keithley2400.Keithley2400(unit_box("1", OHMS))
    with served(box) as resource:
        yield box, resource


@pytest.fixture
def keithley_2450():
    box = keithley2450.Keithley2450(unit_box("1", OHMS))
    with served(box) as resource:
        yield box, resource


@pytest.fixture
def qcodes_driver():
    """Open QCoDeS drivers, and close them behind the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("qcodes")
        from qcodes.instrument_drivers import Keithley, Keysight

        with contextlib.ExitStack() as stack:

            def opened(name, resource):
                kind = getattr(Keithley, name, None) or getattr(Keysight, name)
                driver = kind(name, resource, visalib="@py", terminator="\n")
                stack.callback(driver.close)
                return driver

            yield opened


def no_error(box):
    return len(box.errors) == 0


@pytest.mark.filterwarnings("ignore::FutureWarning")
class TestPyMeasure:
    def test_2400(self, keithley_2400):
        driver = pytest.importorskip("pymeasure.instruments.keithley").Keithley2400
        box, resource = keithley_2400
        smu = driver(resource, visa_library="@py", **TERMINATORS)
        try:
            smu.apply_voltage(voltage_range=2, compliance_current=1e-3)
            smu.measure_current(nplc=0.1, current=1e-3)
            smu.source_voltage = 0.5
            smu.enable_source()
            assert smu.current == pytest.approx(0.5 / OHMS, rel=1e-4)
            smu.compliance_current = 1e-5
            assert smu.compliance_current == 1e-5
            assert smu.current == pytest.approx(1e-5, rel=1e-3)
            smu.apply_current(current_range=1e-4, compliance_voltage=5)
            smu.measure_voltage(nplc=1)
            smu.source_current = 50e-6
            smu.enable_source()
            assert smu.voltage == pytest.approx(0.5, rel=1e-3)
            smu.shutdown()
            smu.write("no such header")
            assert smu.next_error[0] == -113
            assert not box.values[1]["output"]
            assert no_error(box)
        finally:
            smu.adapter.close()

    def test_2450(self, keithley_2450):
        driver = pytest.importorskip("pymeasure.instruments.keithley").Keithley2450
        box, resource = keithley_2450
        smu = driver(resource, visa_library="@py", **TERMINATORS)
        try:
            smu.reset()
            smu.apply_voltage(voltage_range=2, compliance_current=1e-3)
            smu.measure_current(nplc=0.1, current=1e-3)
            smu.source_voltage = 0.5
            smu.enable_source()
            assert smu.current == pytest.approx(0.5 / OHMS, rel=1e-4)
            assert smu.compliance_current == 1e-3
            smu.ramp_to_voltage(0.2, steps=3, pause=0)
            assert smu.current == pytest.approx(0.2 / OHMS, rel=1e-4)
            smu.disable_source()
            assert smu.source_enabled is False
            assert no_error(box)
        finally:
            smu.adapter.close()


class TestQCoDeS:
    def test_2400(self, keithley_2400, qcodes_driver):
        box, resource = keithley_2400
        smu = qcodes_driver("Keithley2400", resource)
        assert smu.get_idn()["model"].endswith("2400")
        smu.mode("VOLT")
        smu.sense("CURR")
        smu.compliancei(1e-3)
        smu.nplci(0.1)
        smu.volt(0.5)
        smu.output(1)
        assert smu.curr() == pytest.approx(0.5 / OHMS, rel=1e-4)
        assert smu.resistance() == pytest.approx(OHMS, rel=1e-4)
        smu.reset()
        assert smu.output() == 0
        assert no_error(box)

    def test_2450(self, keithley_2450, qcodes_driver):
        box, resource = keithley_2450
        smu = qcodes_driver("Keithley2450", resource)
        smu.reset()
        smu.source.function("voltage")
        smu.sense.function("current")
        smu.source.range(2)
        smu.source.limit(1e-3)
        smu.sense.range(1e-3)
        smu.sense.nplc(0.1)
        smu.source.voltage(0.5)
        with smu.output_enabled.set_to(True):
            assert smu.sense.current() == pytest.approx(0.5 / OHMS, rel=1e-4)
            assert not smu.source.limit_tripped()
        smu.source.sweep_setup(0, 1, 5)
        assert smu.sense.sweep() == pytest.approx([0, 25e-6, 50e-6, 75e-6, 100e-6], rel=1e-4, abs=1e-9)
        with smu.buffer("mine", 20) as buffer:
            assert buffer.size() == 20
            smu.sense.count(3)
            smu.sense.function("current")
            buffer.trigger_start()
            assert buffer.number_of_readings() == 3
        assert no_error(box)

    def test_b2962a_drives_a_b2902a(self, qcodes_driver):
        """The source of the same command family: its driver asks what a B2902A answers, too."""
        box = keysightb2900.KeysightB2902A(unit_box("12", OHMS))
        with served(box) as resource:
            source = qcodes_driver("KeysightB2962A", resource)
            source.ch2.source_voltage(0.5)
            source.ch2.enable(True)
            assert source.ch2.enable() is True
            assert source.ch2.source_voltage() == pytest.approx(0.5)
            assert source.ch2.voltage() == pytest.approx(0.5, rel=1e-4)
            assert source.ch2.current() == pytest.approx(0.5 / OHMS, rel=1e-4)
            source.ch1.source_current(1e-5)
            assert source.ch1.source_current() == pytest.approx(1e-5)
            assert no_error(box)

    def test_b2201(self, qcodes_driver):
        box = keysightb2200.KeysightB2201A(matrix_box({1: "B2211A", 2: "B2211A", 3: "B2211A", 4: "B2211A"}, 14, 12))
        with served(box) as resource:
            matrix = qcodes_driver("KeysightB2201", resource)
            matrix.connect(2, 48)
            matrix.connect_paths([(10, 12), (1, 1)])
            assert matrix.connections() == {(2, 48), (10, 12), (1, 1)}
            assert box.relays.closed() == {(4, 2, 12), (1, 10, 12), (1, 1, 1)}
            matrix.disconnect(10, 12)
            matrix.connection_rule("single")
            matrix.connection_sequence("bbm")
            matrix.gnd_enable_all_outputs()
            matrix.gnd_mode(True)
            assert matrix.gnd_mode() is True
            assert len(box.relays.closed()) == 48
            matrix.bias_mode(True)
            assert matrix.bias_mode() is False
            with pytest.warns(UserWarning, match="status"):
                matrix.connect(12, 3)
            matrix.gnd_mode(False)
            matrix.couple_ports([1, 3])
            matrix.couple_mode(True)
            assert matrix.couple_ports() == [1, 3]
            matrix.unused_inputs([5, 6])
            assert matrix.unused_inputs() == [5, 6]
            matrix.couple_port_autodetect()
            matrix.disconnect_all()
            assert matrix.connections() == set()
            matrix.reset()
