"""Messages per second that virtual instruments take over TCP, beside a server that only sends back what it gets.

The clients are a plain socket and PyVISA-py, which wait for every answer. A setting has none: it is sent with a short
question behind it, in one message, and a hundred settings in a row before one question are told apart. The echo server
gets the same lines, and sends back those that ask.
"""

import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

pyvisa = pytest.importorskip("pyvisa")

ECHO = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    link, _ = server.accept()
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rest = b""
    while piece := link.recv(65536):
        *lines, rest = (rest + piece).split(b"\\n")
        for line in lines:
            if line.endswith(b"?") or b"print" in line:
                link.sendall(line + b"\\n")
"""
SERVED = """
import sys
from importlib import import_module
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.network.resistor import unit_box
from labmtj.virtual.server.rawsocket import SocketServer
module, name, channels = sys.argv[1:]
box = unit_box(channels)
instrument = getattr(import_module(module), name)(box)
with SocketServer(Served(instrument, box.time)) as server:
    print(server.port, flush=True)
    sys.stdin.read()
instrument.close()
"""
SECONDS = 0.5
BOXES = {
    "SCPI, 2400": ("instruments.virtual.keithley2400", "Keithley2400", "1"),
    "TSP, 2636B": ("instruments.virtual.keithley2600", "Keithley2636B", "ab"),
}
MESSAGES = {
    "SCPI, 2400": {
        "setting": ":SOUR:VOLT 0.125;*OPC?",
        "settings in a row": ":SOUR:VOLT 0.125",
        "cached query": ":SOUR:VOLT?",
        "measuring query": ":READ?",
    },
    "TSP, 2636B": {
        "setting": "smua.source.levelv = 0.125 print(1)",
        "settings in a row": "smua.source.levelv = 0.125",
        "cached query": "print(smua.source.levelv)",
        "measuring query": "print(smua.measure.i())",
    },
}
PREPARE = {"SCPI, 2400": ":OUTP 1", "TSP, 2636B": "smua.source.output = 1"}
AIMS = {"SCPI, 2400": 1 / 2, "TSP, 2636B": 1 / 3}


@contextmanager
def program(text, *arguments):
    """Run a server in a process of its own, and give its port."""
    command = [sys.executable, "-c", text, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.terminate()


class Plain:
    """A client of nothing but a socket."""

    def __init__(self, port):
        self._link = socket.create_connection(("127.0.0.1", port))
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._link.makefile("rb")

    def write(self, message):
        self._link.sendall(message.encode() + b"\n")

    def query(self, message):
        self.write(message)
        return self._lines.readline()

    def close(self):
        self._lines.close()
        self._link.close()


def visa(port):
    return pyvisa.ResourceManager("@py").open_resource(
        f"TCPIP::127.0.0.1::{port}::SOCKET", read_termination="\n", write_termination="\n", timeout=10_000
    )


def per_second(client, kind, message, question):
    """Return how many messages of a kind a client gets done."""
    done, begun = 0, time.perf_counter()
    while time.perf_counter() < begun + SECONDS:
        if kind == "settings in a row":
            for _ in range(100):
                client.write(message)
            done += 100
            client.query(question)
        else:
            client.query(message)
            done += 1
    return done / (time.perf_counter() - begun)


@pytest.mark.parametrize("box", BOXES)
def test_messages_per_second(box, capsys):
    rows, question = [], MESSAGES[box]["cached query"]
    with program(ECHO) as echo, program(SERVED, *BOXES[box]) as served:
        for name, connect in (("socket", Plain), ("PyVISA-py", visa)):
            for kind, message in MESSAGES[box].items():
                rates = []
                for port in (echo, served):
                    client = connect(port)
                    client.write(PREPARE[box])
                    client.query(question)
                    rates.append(max(per_second(client, kind, message, question) for _ in range(3)))
                    client.close()
                rows.append((name, kind, *rates, rates[1] / rates[0]))
    with capsys.disabled():
        print(f"\n\n{box:<12}{'':>20}{'echo /s':>12}{'virtual /s':>12}{'ratio':>8}")
        for name, kind, echoed, ours, ratio in rows:
            print(f"{name:<12}{kind:>20}{echoed:>12.0f}{ours:>12.0f}{ratio:>8.2f}")
        print(f"aim for settings and cached queries: {AIMS[box]:.2f}")
