"""Queries per second of a virtual SCPI unit over TCP, in a process of its own, beside a trivial echo server."""

import socket
import subprocess
import sys
import time

import pytest

SERVER = """
import socket, threading
from instruments.virtual.keithley2400 import Keithley2400
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.network.resistor import unit_box
from labmtj.virtual.server.rawsocket import SocketServer

echo = socket.create_server(("127.0.0.1", 0))
box = unit_box("1")
server = SocketServer(Served(Keithley2400(box), box.time))
print(echo.getsockname()[1], server.port, flush=True)
link, _ = echo.accept()
link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for line in link.makefile("rb"):
    link.sendall(line)
threading.Event().wait(60)
"""
QUERIES = 10_000


@pytest.fixture
def ports():
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        yield [int(port) for port in process.stdout.readline().split()]
        process.kill()


def rate(port, message):
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = time.perf_counter()
        for _ in range(QUERIES):
            link.sendall(message)
            link.recv(4096)
        return QUERIES / (time.perf_counter() - begun)


def test_queries(ports, capsys):
    echo, unit = ports
    baseline = rate(echo, b":SOUR:VOLT?\n")
    rate(unit, b":OUTP ON;:SYST:AZER OFF;:OUTP?\n")
    with capsys.disabled():
        print(f"\necho server            {baseline:9.0f} per second")
        for name, message in (
            ("cached query", b":SOUR:VOLT?\n"),
            ("setting and its query", b":SOUR:VOLT 0.1;VOLT?\n"),
            ("setting and error queue", b":SOUR:VOLT 0.1;:SYST:ERR?\n"),
            ("measuring query", b":READ?\n"),
        ):
            found = rate(unit, message)
            print(f"{name:23}{found:9.0f} per second, {found / baseline:.0%} of the echo")
