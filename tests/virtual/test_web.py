"""Case F11: a page in a browser reaches every port of the machine; a virtual instrument hangs up on it."""

import contextlib
import json
import socket

import pytest

from labmtj.virtual.network.resistor import BookedTime
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.hislip import HislipServer
from labmtj.virtual.server.rawsocket import SocketServer
from labmtj.virtual.server.serving import Control
from labmtj.virtual.server.vxi11 import Vxi11Server

COMMAND = b"OUTP ON"
HEADERS = b"\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\n" + COMMAND + b"\r\n"
REQUESTS = [
    *(b"%s / HTTP/1.1" % method for method in (b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"PATCH")),
    b"POST /" + b"x" * 5000 + b" HTTP/1.1", b"POST http://127.0.0.1:5025/ HTTP/1.0", b"odd-method / HTTP/1.1",
    b"PRI * HTTP/2.0", b"GET /", b"\r\n\r\nPOST / HTTP/1.1", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"SSH-2.0-OpenSSH_9.6", b"EHLO example.org", b"HELO [127.0.0.1]", b"ehlo x", b"EHLO",
]  # fmt: skip


class Seen:
    """Notes what it is sent."""

    def __init__(self):
        self.messages = []

    def handle(self, message):
        self.messages.append(message)
        return "1" if message.endswith("?") else None

    def interrupt(self, message):
        return False

    def device_clear(self): ...


def sent(port, *pieces):
    """Send pieces on a new connection and return what comes back until the other end hangs up."""
    with socket.create_connection(("127.0.0.1", port), 5) as link, contextlib.suppress(ConnectionError):
        for piece in pieces:
            link.sendall(piece)
        return b"".join(iter(lambda: link.recv(4096), b""))
    return b""


@pytest.mark.parametrize("kind", [SocketServer, HislipServer, Vxi11Server])
def test_what_looks_like_the_web_reaches_no_instrument(kind):
    """At dd97226 the body of a POST is taken for commands."""
    seen = Seen()
    with kind(Served(seen, BookedTime())) as server:
        for request in REQUESTS:
            whole = request + HEADERS
            assert sent(server.port, whole) == b""
            assert sent(server.port, whole[:5], whole[5:]) == b""
    assert seen.messages == []


def test_the_control_of_a_bench_hangs_up_too():
    asked = []
    with Control({"fault": asked.append}) as control:
        body = json.dumps({"ask": "fault", "text": "x"}).encode() + b"\n"
        for request in (*REQUESTS[:8], *REQUESTS[-5:]):
            assert sent(control.port, request + b"\r\n" + body) == b""
    assert asked == []


@pytest.mark.parametrize(
    "line",
    [
        b"*IDN?", b":SYST:ERR?", b"GETX?", b"print(1)?", b'DISP:TEXT "GET / HTTP/1.1";*OPC?', b"\x02x?",
        b'print("POST / HTTP/1.1")--?', b"PUT_IT = 1--?", b'smua.source.output = 1 print("a HTTP/1")--?',
        b"x = 1 -- see HTTP/1.1?", b"TRAC:DATA? 'x'?",
        b"helo = 1--?", b"EHLO(1)--?", b"SSH = 1--?", b"HELOX?",
    ],
)  # fmt: skip
def test_no_client_of_an_instrument_is_cut(line):
    seen = Seen()
    with (
        SocketServer(Served(seen, BookedTime())) as server,
        socket.create_connection(("127.0.0.1", server.port), 5) as link,
    ):
        for piece in (b"\n", line[:3], line[3:] + b"\n", b"GET / HTTP/1.1\n*OPC?\n"):  # later lines are its own
            link.sendall(piece)
        assert link.recv(4096).startswith(b"1\n")
    assert seen.messages[0] == line.decode("latin-1")
