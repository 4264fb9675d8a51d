"""Queries per second of a virtual 2636B over TCP, beside a server that only echoes; in one run, by one client."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from instruments.virtual.keithley2600 import Keithley2636B
from labmtj.virtual.network.terminals import Box

CLIENT = """
import socket, sys, time
link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
message, best = sys.argv[2].encode() + b"\\n", float("inf")
for _ in range(6):
    begin = time.perf_counter()
    for _ in range(2000):
        link.sendall(message)
        link.recv(4096)
    best = min(best, (time.perf_counter() - begin) / 2000)
print(best)
"""


class Echo:
    def handle(self, message: str) -> str:
        return message


@pytest.fixture
def seconds(line_server: Callable[[Any], int]) -> Callable[[Any, str], float]:
    """Return a function that times one query, sent by a process of its own."""

    def measure(instrument: Any, message: str) -> float:
        command = [sys.executable, "-c", CLIENT, str(line_server(instrument)), message]
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    return measure


def test_cached_queries_reach_a_third_of_an_echo(
    resistor_box: Callable[..., Box], seconds: Callable[[Any, str], float]
) -> None:
    unit = Keithley2636B(resistor_box("a", "b"))
    unit.handle("smua.source.output = 1 smua.measure.rangei = 1e-3")
    cached = "print(smua.source.levelv)"
    echo, query = seconds(Echo(), cached), seconds(unit, cached)
    reading = seconds(unit, "print(smua.measure.i())")
    unit.close()
    print(
        f"\necho {1 / echo:,.0f}/s, cached query {1 / query:,.0f}/s ({echo / query:.2f} of it), reading {1 / reading:,.0f}/s"
    )
    assert query < 3 * echo
