"""tm_devices of Tektronix, unchanged, over TCP against virtual instruments; its readings against Ohm's law."""

import contextlib

import pytest

from instruments.virtual.keithley2600 import Keithley2636B
from instruments.virtual.keithley3706 import Keithley3706A
from labmtj.virtual.network.resistor import matrix_box, unit_box
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.rawsocket import SocketServer

pytestmark = pytest.mark.filterwarnings("default")  # those of tm_devices and its dependencies are theirs
OHMS = 10e3


@pytest.fixture(scope="module")
def manager(tmp_path_factory):
    """The one that there may be in a process. It writes a folder of logs where the process is; its import takes long."""
    tm_devices = pytest.importorskip("tm_devices", exc_type=ImportError)
    with contextlib.chdir(tmp_path_factory.mktemp("logs")), tm_devices.DeviceManager(verbose=False) as manager:
        manager.visa_library = "@py"
        yield manager


def test_2636b(manager):
    box = Keithley2636B(unit_box("ab", OHMS))
    with SocketServer(Served(box, box.box.time)) as server:
        smu = manager.add_smu("127.0.0.1", connection_type="SOCKET", port=server.port)
        assert type(smu).__name__ == "SMU2636B"
        channel = smu.commands.smu["a"]
        channel.source.levelv = 0.5
        channel.source.limiti = 1e-3
        channel.source.output = 1
        assert float(channel.measure.i()) == pytest.approx(0.5 / OHMS, rel=1e-4)
        assert float(channel.source.levelv) == 0.5
        assert smu.query("print(errorqueue.count)") == "0.00000e+00"
        manager.remove_all_devices()
    box.close()


def test_3706a(manager):
    box = Keithley3706A(matrix_box({1: "3730", 2: "3730"}, 6, 16))
    with SocketServer(Served(box, box.box.time)) as server:
        switch = manager.add_ss("127.0.0.1", connection_type="SOCKET", port=server.port)
        assert type(switch).__name__ == "SS3706A"
        switch.commands.channel.close("1101")
        assert switch.commands.channel.getclose("allslots") == "1101"
        assert box.box.relays.closed() == {(1, 1, 1)}
        manager.remove_all_devices()
    box.close()
