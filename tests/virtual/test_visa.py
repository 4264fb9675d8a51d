"""PyVISA-py, of other makers, as the client of all servers."""

import socket
import threading
import time

import pytest

from instruments.virtual.keithley2400 import Keithley2400
from labmtj.virtual.network.resistor import unit_box
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.hislip import HislipServer
from labmtj.virtual.server.rawsocket import SocketServer
from labmtj.virtual.server.vxi11 import Vxi11Server, _Link

pyvisa = pytest.importorskip("pyvisa")


@pytest.fixture(scope="module")
def manager():
    manager = pyvisa.ResourceManager("@py")
    yield manager
    manager.close()


@pytest.fixture
def box():
    return unit_box("1")


@pytest.fixture(params=[SocketServer, HislipServer, Vxi11Server])
def server(request, box):
    with request.param(Served(Keithley2400(box), box.time)) as server:
        yield server


@pytest.fixture
def hislip(box):
    with HislipServer(Served(Keithley2400(box), box.time)) as server:
        yield server


def opened(manager, server):
    return manager.open_resource(server.resource, read_termination="\n", write_termination="\n", timeout=20000)


def test_queries_settings_and_readings(manager, server):
    with opened(manager, server) as session:
        assert session.query("*IDN?").startswith("KEITHLEY INSTRUMENTS INC.,MODEL 2400")
        session.write(":SOUR:VOLT 0.5;:OUTP ON;:FORM:ELEM CURR")
        assert float(session.query(":READ?")) == pytest.approx(50e-6)
        assert session.query_ascii_values(":SOUR:VOLT?;:OUTP?", separator=";") == [0.5, 1.0]


def test_a_session_after_another(manager, server):
    for _ in range(3):
        with opened(manager, server) as session:
            assert session.query("*OPC?") == "1"


def test_serial_poll(manager, hislip):
    with opened(manager, hislip) as session:
        assert session.read_stb() == 0
        session.write("nonsense")
        assert session.query("*OPC?") == "1"
        assert session.read_stb() & 4
        session.write("*CLS;*OPC?")
        deadline = time.monotonic() + 2
        while not session.read_stb() & 16:  # message available
            assert time.monotonic() < deadline
        assert session.read() == "1"
        assert session.read_stb() == 0


def test_a_long_message_in_pieces(manager, hislip):
    with opened(manager, hislip) as session:
        session.write("*CLS;" + ":SOUR:VOLT 0.1;" * 50000 + ":SYST:ERR?")
        assert session.read() == '0,"No error"'


def test_device_clear_stops_what_runs(manager, hislip, box):
    real = box.time.spend
    box.time.spend = lambda seconds, purpose: (time.sleep(0.01 if purpose == "aperture" else 0), real(seconds, purpose))
    with opened(manager, hislip) as session:
        session.write(":OUTP ON;:TRIG:COUN 2500;:FORM:ELEM CURR")
        session.write(":READ?")
        time.sleep(0.1)
        started = time.monotonic()
        session.clear()
        assert session.query("*OPC?") == "1"
        assert time.monotonic() - started < 10  # 25 s, had it not been stopped
        assert session.query(":SYST:ERR?") == '0,"No error"'


def test_abort_on_the_same_socket_stops_what_runs(manager, server, box):
    real = box.time.spend
    box.time.spend = lambda seconds, purpose: (time.sleep(0.01 if purpose == "aperture" else 0), real(seconds, purpose))
    with opened(manager, server) as session:
        session.write(":OUTP ON;:TRIG:COUN 2500;:FORM:ELEM CURR")
        session.write(":INIT")
        time.sleep(0.1)
        started = time.monotonic()
        session.write(":ABOR")
        assert session.query("*OPC?") == "1"
        assert time.monotonic() - started < 10


def test_closing_leaves_no_thread(manager, box):
    before = threading.active_count()
    server = HislipServer(Served(Keithley2400(box), box.time))
    with opened(manager, server) as session:
        session.query("*IDN?")
        server.close()
        assert threading.active_count() == before


def test_vxi11_polls_triggers_clears_and_reads_blocks(manager, box):
    with Vxi11Server(Served(Keithley2400(box), box.time)) as server, opened(manager, server) as session:
        session.write("nonsense")
        assert session.query("*IDN?").startswith("KEITHLEY")
        assert session.read_stb() & 4  # an error waits
        session.write("*CLS;:SOUR:VOLT 0.5;:OUTP ON;:ARM:SOUR BUS;:INIT")
        assert session.query(":STAT:OPER:COND?") == "64"
        session.assert_trigger()
        assert session.query(":STAT:OPER:COND?") == "1024"
        session.write(":SYST:ERR?")
        session.clear()
        assert session.query(":SOUR:VOLT?") == "+5.000000E-01"
        long = ",".join(["0.1"] * 100)
        session.write(f":SOUR:LIST:VOLT {long}")
        assert session.query(":SOUR:LIST:VOLT:POIN?") == "100"


class Blocked:
    """Handles messages once it may, and keeps them."""

    def __init__(self):
        self.may, self.handled = threading.Event(), []

    def handle(self, message):
        assert self.may.wait(60)
        self.handled.append(message)
        return message

    def interrupt(self, message):
        return False

    def device_clear(self):
        pass


def test_a_vxi11_clear_drops_what_was_not_handled_yet(box):
    """Fails if a message counts by when it is handled: its answer is read as that of the next question."""
    instrument = Blocked()
    link = _Link(Served(instrument, box.time))
    for line in (b"first?\n", b"second?\n"):
        link.write(line, ends=True)
    link.clear()
    link.write(b"third?\n", ends=True)
    instrument.may.set()
    assert link.read(100, 60.0, None)[2] == b"third?\n"
    assert "second?" not in instrument.handled
    link.close()


def test_a_silent_vxi11_instrument_is_a_timeout_and_the_next_answer_is_right(manager, box):
    with Vxi11Server(Served(Keithley2400(box), box.time)) as server, opened(manager, server) as session:
        session.timeout = 200
        session.write(":SOUR:VOLT 0.1")
        with pytest.raises(pyvisa.errors.VisaIOError, match="Timeout"):
            session.read()
        assert session.query("*OPC?") == "1"


def test_two_vxi11_clients_at_a_time(manager, box):
    with (
        Vxi11Server(Served(Keithley2400(box), box.time)) as server,
        opened(manager, server) as one,
        opened(manager, server) as other,
    ):
        one.write(":SOUR:VOLT 0.25")
        assert one.query("*OPC?") == "1"
        assert other.query(":SOUR:VOLT?") == "+2.500000E-01"


def test_a_telnet_client_may_negotiate(box):
    with (
        SocketServer(Served(Keithley2400(box), box.time)) as server,
        socket.create_connection(("127.0.0.1", server.port), 5) as link,
    ):
        link.sendall(b"\xff\xfd\x03\xff\xfb\x18*OPC?\r\n")
        assert link.recv(16) == b"1\n"
