"""Each fault as a client sees it that knows nothing of it."""

import socket
import time

import pytest

from instruments.virtual.keithley2400 import Keithley2400
from labmtj.errors import UsageError
from labmtj.virtual.network.resistor import unit_box
from labmtj.virtual.server.exchange import Served
from labmtj.virtual.server.faults import Fault, Faulty, fault
from labmtj.virtual.server.rawsocket import SocketServer


@pytest.fixture
def faulty():
    return Faulty(Keithley2400(unit_box("1")))


@pytest.fixture
def client(faulty):
    served = Served(faulty, faulty.instrument.box.time)
    with SocketServer(served) as server, socket.create_connection(("127.0.0.1", server.port), timeout=1) as link:
        yield link
        faulty.close()


def ask(link, message, seconds=1.0):
    link.settimeout(seconds)
    link.sendall(message.encode() + b"\n")
    time.sleep(0.05)
    return link.recv(4096)


@pytest.mark.parametrize(
    ("kind", "argument", "expected"),
    [
        ("doubled", "", b"VOLT\nVOLT\n"),
        ("garbled", "", b"\xff\xfe\x80T\n"),
        ("partial", "", b"VO"),
        ("empty", "", b"\n"),
        ("replaced", "9.91E37", b"9.91E37\n"),
        ("dropped", "", b""),
    ],
)
def test_what_comes_instead_of_an_answer(faulty, client, kind, argument, expected):
    faulty.arm(Fault(kind, argument=argument))
    assert ask(client, ":SOUR:FUNC?") == expected
    if kind != "dropped":
        assert ask(client, ":SOUR:FUNC?") == b"VOLT\n"
    assert [each.kind for each, _ in faulty.happened] == [kind]
    assert not faulty.armed()


def test_a_late_answer_comes_before_the_next(faulty, client):
    faulty.arm(Fault("late", argument="0.2"))
    with pytest.raises(TimeoutError):
        ask(client, ":SOUR:FUNC?", 0.05)
    client.sendall(b":OUTP?\n")
    client.settimeout(2)
    with client.makefile("rb") as answers:
        assert [answers.readline(), answers.readline()] == [b"VOLT\n", b"0\n"]


def test_a_late_answer_does_not_outlive_a_device_clear(faulty, client):
    faulty.arm(Fault("late", argument="60"))
    client.sendall(b":SOUR:FUNC?\n")
    time.sleep(0.05)
    faulty.device_clear()
    assert ask(client, ":OUTP?") == b"0\n"


def test_a_lost_answer_was_done_and_an_unheard_message_was_not(faulty, client):
    faulty.arm(Fault("lost"), Fault("unheard", at=2))
    with pytest.raises(TimeoutError):
        ask(client, ":SOUR:VOLT 1;VOLT?", 0.1)
    client.sendall(b":SOUR:VOLT 2\n")
    assert ask(client, ":SOUR:VOLT?") == b"+1.000000E+00\n"


def test_a_fault_waits_for_its_message_and_for_an_answer(faulty, client):
    faulty.arm(Fault("empty", at=2, match=":SOUR"))
    assert ask(client, ":SOUR:FUNC?") == b"VOLT\n"
    assert ask(client, ":OUTP?") == b"0\n"
    client.sendall(b":SOUR:VOLT 1\n")
    assert ask(client, ":SOUR:FUNC?") == b"\n"


def test_a_reboot_forgets_settings_and_switches_off(faulty, client):
    assert ask(client, ":SOUR:VOLT 1;:OUTP ON;:OUTP?") == b"1\n"
    faulty.arm(Fault("reboot"))
    assert ask(client, ":OUTP?;:SOUR:VOLT?") == b"0;+0.000000E+00\n"
    assert faulty.instrument.box.channels["1"].steps[-1][1:3] == ("volts", 0.0)


def test_a_fault_in_one_word():
    assert fault("smu:late:3:0.5") == ("smu", Fault("late", 3, argument="0.5"))
    assert fault("smu:dropped:/:READ?/") == ("smu", Fault("dropped", match=":READ?"))
    assert fault("matrix:reboot") == ("matrix", Fault("reboot"))
    assert fault("smu:replaced:/READ/:9.91E37") == ("smu", Fault("replaced", match="READ", argument="9.91E37"))


@pytest.mark.parametrize(
    "text", ["", "smu", "smu:odd", "smu:late", "smu:late:1:x", "smu:lost:0", "smu:late:1:1e9", "smu:lost:x:y:"]
)
def test_a_fault_that_makes_no_sense_is_refused(text):
    with pytest.raises(UsageError):
        fault(text)
