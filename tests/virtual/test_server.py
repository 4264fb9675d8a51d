"""Sockets: a client in the same process that speaks bytes."""

import contextlib
import socket
import threading
import time

import pytest

from labmtj.virtual.network.resistor import BookedTime
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.rawsocket import SocketServer


class Echo:
    """Answers each query with itself; `slow?` takes until it is stopped."""

    def __init__(self):
        self.stopped = threading.Event()
        self.seen = []

    def handle(self, message):
        self.seen.append(message)
        if message == "slow?":
            self.stopped.wait(5)
            return "stopped" if self.stopped.is_set() else "late"
        return message if message.endswith("?") else None

    def interrupt(self, message):
        if message == "abort":
            self.stopped.set()
        return message == "abort"

    def status_byte(self):
        return 4

    def device_clear(self):
        self.stopped.set()

    def power_cycle(self): ...

    def close(self): ...


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
def booked():
    return BookedTime()


@pytest.fixture
def server(echo, booked):
    with SocketServer(Served(echo, booked)) as server:
        yield server


@pytest.fixture
def connected():
    """Open connections that are closed behind the test, also a failed one."""
    with contextlib.ExitStack() as stack:

        def connect(server):
            link = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=2))
            return link, stack.enter_context(link.makefile("rb"))

        yield connect


def test_lines_go_in_and_come_out_whatever_their_end(server, echo, booked, connected):
    link, file = connected(server)
    link.sendall(b"set 1\r\n\r\na?\nb?\r")
    assert file.readline() == b"a?\n"
    link.sendall(b"\n")
    assert file.readline() == b"b?\n"
    assert echo.seen == ["set 1", "a?", "b?"]
    assert booked.booked["message"] == pytest.approx(2e-3)  # the first two came together: one round trip


def test_an_abort_gets_through_while_a_message_is_handled_and_others_wait(server, echo, connected):
    link, file = connected(server)
    started = time.monotonic()
    link.sendall(b"slow?\nnext?\nabort\n")
    assert [file.readline(), file.readline()] == [b"stopped\n", b"next?\n"]
    assert time.monotonic() - started < 10
    assert echo.seen == ["slow?", "next?"]


def test_a_second_client_waits_for_its_turn(server, connected):
    first, first_file = connected(server)
    first.sendall(b"a?\n")
    assert first_file.readline() == b"a?\n"
    second, second_file = connected(server)
    second.sendall(b"b?\n")
    second.settimeout(0.1)
    with pytest.raises(TimeoutError):
        second.recv(10)
    first.close(), first_file.close(), second_file.close()
    second.settimeout(2)
    assert second.recv(10) == b"b?\n"


def test_what_a_client_left_behind_is_done_before_the_next_one_is_heard(server, echo, connected):
    """Seen to fail when the place of a client is free as soon as it hangs up: its lines come among those of the next."""
    first, _ = connected(server)
    first.sendall(b"slow?\n" + b"old\n" * 200)
    time.sleep(0.1)
    first.shutdown(socket.SHUT_WR)
    second, answers = connected(server)
    second.sendall(b"new 1\nnew 2\nnew 3?\n")
    time.sleep(0.1)
    echo.stopped.set()
    assert answers.readline() == b"new 3?\n"
    assert echo.seen == ["slow?", *["old"] * 200, "new 1", "new 2", "new 3?"]


def test_or_is_refused(echo, booked, connected):
    with SocketServer(Served(echo, booked), second="refuse") as server:
        first, first_file = connected(server)
        first.sendall(b"a?\n")
        assert first_file.readline() == b"a?\n"
        _, second_file = connected(server)
        assert second_file.readline() == b""


def test_half_a_line_stays_for_the_next_client(server, connected, echo):
    for half in (b"whole\nhal", b"f ", b""):
        link, _ = connected(server)
        link.sendall(half)
        link.shutdown(socket.SHUT_RDWR)
    link, file = connected(server)
    link.sendall(b"line?\nown?\n")
    assert [file.readline(), file.readline()] == [b"half line?\n", b"own?\n"]
    link.sendall(b"begun")
    link.shutdown(socket.SHUT_RDWR)
    link, file = connected(server)
    link.sendall(b"\nwhole?\n")
    assert file.readline() == b"whole?\n"
    assert echo.seen == ["whole", "half line?", "own?", "begun", "whole?"]


def test_a_line_without_end_ends_the_connection(server, connected):
    link, file = connected(server)
    with contextlib.suppress(OSError):
        link.sendall(b"x" * (1 << 22))
    with contextlib.suppress(ConnectionResetError):
        assert file.readline() == b""
    link, file = connected(server)
    link.sendall(b"a?\n")
    assert file.readline() == b"a?\n"


def test_closing_leaves_no_thread_and_no_port(echo, booked, connected):
    before = threading.active_count()
    server = SocketServer(Served(echo, booked))
    links = [connected(server) for _ in range(2)]
    links[0][0].sendall(b"slow?\n")
    time.sleep(0.05)
    started = time.monotonic()
    server.close()
    assert time.monotonic() - started < 10
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_only_the_loopback_interface_listens(server):
    assert server._socket.getsockname()[0] == "127.0.0.1"
