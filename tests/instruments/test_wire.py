"""Case F6: whatever comes over a wire, a query ends at its deadline or at the longest answer, and says who and where."""

import contextlib
import select
import socket
import struct
import threading
import time

import pytest

import instruments.virtual.keithley2600 as boxes
from instruments.keithley2400 import Keithley2400
from instruments.keithley2600 import Keithley2636B
from labmtj.errors import InstrumentError
from labmtj.virtual.network.resistor import unit_box
from labmtj.virtual.server import hislip
from labmtj.virtual.server.exchange import Served

TIMEOUT_SECONDS = 0.4
MOST_SECONDS = 20.0
"""a query, on a machine that does other things, too; without its deadline it never ends"""
MOST_BYTES = 64 << 20
DRIP_SECONDS = 0.05
DRIVERS = [Keithley2400, Keithley2636B]


class Peer:
    """A listener that does something to every client, each in a thread, until it is closed."""

    def __init__(self, serve):
        self._serve, self._listener, self._links = serve, socket.create_server(("127.0.0.1", 0)), []
        self.ended = threading.Event()
        self.sent = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def resource(self):
        return f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                self._links.append(link)
                self._threads.append(threading.Thread(target=self._run, args=(link,)))
                self._threads[-1].start()

    def _run(self, link):
        with contextlib.suppress(OSError):
            self._serve(self, link)

    def send(self, link, content):
        link.sendall(content)
        self.sent += len(content)

    def close(self):
        self.ended.set()
        for each in (self._listener, *self._links):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def at(request):
    """Return a function: driver class, what the peer does -> a driver that talks to it, and the peer."""

    def at(kind, serve):
        peer = Peer(serve)
        request.addfinalizer(peer.close)
        driver = kind(peer.resource, name="west", visa_library="@py", timeout=1000 * TIMEOUT_SECONDS)
        request.addfinalizer(driver.adapter.close)
        return driver, peer

    return at


def drip(peer, link, content=b"7"):
    while not peer.ended.wait(DRIP_SECONDS):
        peer.send(link, content)


def flood(peer, link):
    while not peer.ended.is_set():
        peer.send(link, b"7" * (1 << 16))


def mute(peer, link):
    link.recv(1)
    peer.ended.wait()


def assert_ends(driver, peer, said, *, within=MOST_SECONDS):
    """Assert that a first query ends with an error that names instrument, address and command."""
    begun = time.monotonic()
    with pytest.raises(InstrumentError, match=said) as caught:
        driver.identify()
    assert time.monotonic() - begun < within
    assert str(caught.value).startswith(f"west at {peer.resource}: ")
    assert caught.value.command


@pytest.mark.parametrize("kind", DRIVERS)
def test_an_answer_that_drips_ends_at_the_deadline(at, kind):
    """Fails with a VISA library that looks at its timeout only while nothing arrives: it waits without end."""
    assert_ends(*at(kind, drip), "did not answer in time")


def test_lines_that_come_one_by_one_have_one_deadline_together(at):
    """Fails with a deadline per line: each line is in time."""
    assert_ends(*at(Keithley2636B, lambda peer, link: drip(peer, link, b"nothing\n")), "did not answer in time")


@pytest.mark.parametrize("kind", DRIVERS)
def test_a_line_without_end_is_given_up_before_it_fills_the_memory(at, kind):
    driver, peer = at(kind, flood)
    driver.adapter.connection.timeout = 60_000.0  # the size ends it, not the time
    assert_ends(driver, peer, "sent more than 16 MB in one answer", within=30)
    assert peer.sent < MOST_BYTES


@pytest.mark.parametrize("kind", DRIVERS)
def test_a_clock_that_is_set_back_does_not_prolong_a_lost_answer(at, kind, monkeypatch):
    """Fails with a deadline by the time of day: an hour more."""
    driver, peer = at(kind, mute)
    right, begun = time.time, time.monotonic()
    monkeypatch.setattr(time, "time", lambda: right() - 3600 * (time.monotonic() > begun + TIMEOUT_SECONDS / 2))
    assert_ends(driver, peer, "did not answer in time")


def test_an_instrument_that_takes_nothing_ends_a_message_at_the_deadline(at):
    """Fails with a write that waits for room without a deadline."""
    driver, peer = at(Keithley2400, mute)
    begun = time.monotonic()
    with pytest.raises(InstrumentError, match=f"west at {peer.resource}: did not answer in time"):
        driver.write("x" * (MOST_BYTES // 4))
    assert time.monotonic() - begun < MOST_SECONDS


def test_a_name_server_that_does_not_answer_is_not_waited_for_longer_than_the_instrument(monkeypatch):
    """Fails where the host is looked up without a deadline: a resolver takes its own time."""
    answers = threading.Event()
    monkeypatch.setattr(socket, "gethostbyname", lambda host: answers.wait(60) and host)
    begun = time.monotonic()
    with pytest.raises(InstrumentError, match=r"west at TCPIP::smu.example::5025::SOCKET: did not answer in time"):
        Keithley2400("TCPIP::smu.example::5025::SOCKET", name="west", visa_library="@py", timeout=400)
    answers.set()
    assert time.monotonic() - begun < MOST_SECONDS


def hang_up(link, *, abruptly=False):
    """End a connection: in order, or by a reset."""
    if abruptly:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        link.close()
    else:
        link.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_hang_up_that_the_read_finds_is_noticed_at_once(at, abruptly):
    """Fails where a reset (ECONNRESET) is a failed cable."""

    def after_the_question(peer, link):
        while b"*IDN?" not in link.recv(1 << 16):
            pass
        hang_up(link, abruptly=abruptly)

    driver, peer = at(Keithley2400, after_the_question)
    driver.adapter.connection.timeout = 60_000.0
    assert_ends(driver, peer, "does another client have the instrument")


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_hang_up_that_the_write_finds_is_noticed_at_once(at, abruptly):
    """Fails where only the read knows the reason: EPIPE after an orderly end, ECONNRESET after a reset."""
    opened = threading.Event()
    driver, peer = at(Keithley2400, lambda peer, link: opened.wait() and hang_up(link, abruptly=abruptly))
    link, notices = driver.adapter.connection._link, select.poll()
    notices.register(link, select.POLLIN)
    opened.set()
    assert notices.poll(1000 * MOST_SECONDS)
    if not abruptly:  # a side that has ended answers one more message with a reset, and the next write meets that
        notices.modify(link, 0)
        with contextlib.suppress(ConnectionError):
            link.sendall(b"\n")
        assert notices.poll(1000 * MOST_SECONDS)
    with pytest.raises(InstrumentError, match="does another client have the instrument") as caught:
        driver.write("*RST")
    assert str(caught.value).startswith(f"west at {peer.resource}: has ended the connection")


@pytest.fixture
def spoilt(monkeypatch):
    """A 2636B over HiSLIP that sends an endless answer while `piece` is set; yields the driver and a settable `piece`."""
    what, send = {"piece": b"", "pause": 0.0}, hislip.send

    def endless(link, kind, control=0, parameter=0, payload=b""):
        if kind != hislip.Type.DATA_END or not what["piece"]:
            send(link, kind, control, parameter, payload)
            return
        link.sendall(hislip._HEADER.pack(b"HS", hislip.Type.DATA, control, parameter, 1 << 40))
        while what["piece"]:
            link.sendall(what["piece"])
            time.sleep(what["pause"])
        raise hislip.LinkDropped

    monkeypatch.setattr(hislip, "send", endless)
    box = unit_box("ab")
    instrument = boxes.Keithley2636B(box)
    instrument.handle("*IDN?")  # a first question starts its interpreter
    with hislip.HislipServer(Served(instrument, box.time)) as server:
        driver = Keithley2636B(server.resource, "west", visa_library="@py", timeout=1000 * TIMEOUT_SECONDS)
        yield driver, what
        what["piece"] = b""
        driver.adapter.close()
    instrument.close()


def test_an_answer_that_drips_over_a_visa_library_ends_at_the_deadline_and_the_next_is_right(spoilt):
    """Fails where the library is trusted with the time: each byte over HiSLIP begins its timeout anew."""
    driver, what = spoilt
    driver.identify()
    what.update(piece=b"7", pause=DRIP_SECONDS)
    begun = time.monotonic()
    with pytest.raises(InstrumentError, match="did not answer in time"):
        driver.outputs()
    assert time.monotonic() - begun < MOST_SECONDS
    what["piece"] = b""
    assert driver.outputs() == {"a": False, "b": False}


def test_an_answer_without_end_over_a_visa_library_is_given_up_before_it_fills_the_memory(spoilt):
    driver, what = spoilt
    driver.identify()
    driver.adapter.connection.timeout = 60_000.0  # the size ends it, not the time
    what["piece"] = b"7" * (1 << 16)
    with pytest.raises(InstrumentError, match="sent more than 16 MB in one answer"):
        driver.outputs()
