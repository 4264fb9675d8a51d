"""What the wire does to a session: PyVISA-py over TCP against a scripted box, because a mock has no late replies."""

import contextlib
import re
import socket
import threading
import time

import numpy as np
import pytest

from instruments.keithley2400 import Keithley2400
from labmtj.errors import InstrumentError, Stopped
from labmtj.shots import Shots

OK = b'0,"No error"\n'


class Box:
    """Answers each line with what `rules` gives for the first text found in it, after a wait if there is one."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.rules = [(":ROUT:TERM?", lambda line: b"FRON;" + OK), (":SYST:ERR?", lambda line: OK)]
        self.lines, self.mask = [], "0"
        self.links = []
        self.aborted = threading.Event()
        self.threads = [threading.Thread(target=self.until_closed, args=(self.serve,))]
        self.threads[0].start()

    @property
    def resource(self):
        return f"TCPIP::127.0.0.1::{self.listener.getsockname()[1]}::SOCKET"

    def until_closed(self, work, *arguments):
        with contextlib.suppress(OSError):
            work(*arguments)

    def serve(self):
        link, _ = self.listener.accept()
        self.links.append(link)
        answers = threading.Lock()
        with link.makefile("rb") as lines:
            self.take(link, lines, answers)

    def take(self, link, lines, answers):
        for raw in lines:
            line = raw.decode().strip()
            self.lines.append(line)
            if line == ":ABOR":
                self.aborted.set()
                continue
            self.threads.append(threading.Thread(target=self.until_closed, args=(self.answer, link, line, answers)))
            self.threads[-1].start()

    def answer(self, link, line, answers):
        with answers:
            echo = b"\n" if line.endswith("*ESE?") else None
            reply = next((rule(line) for text, rule in self.rules if text in line), echo)
            if reply is not None:
                before, self.mask = self.mask, line.split(";")[1].removeprefix("*ESE ")
                raw = reply.startswith(b"!")  # without the number of the question
                numbers = f"{before};{self.mask};".encode()
                link.sendall(reply[1:] if raw else re.sub(rb"(?m)^(?=.|\n\Z)", numbers, reply))

    def close(self):
        for each in (self.listener, *self.links):
            with contextlib.suppress(OSError):  # not connected, or closed before
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def box():
    box = Box()
    yield box
    box.close()


@pytest.fixture
def smu(box):
    smu = Keithley2400(box.resource, name="west", visa_library="@py", timeout=300)
    yield smu
    smu.adapter.close()


def test_silence_is_an_error_that_names_instrument_address_and_command(box, smu):
    box.rules.insert(0, (":OUTP?", lambda line: None))
    with pytest.raises(InstrumentError, match="did not answer in time") as caught:
        smu.outputs()
    assert str(caught.value).startswith(f"west at {box.resource}: ")
    assert ":OUTP?" in caught.value.command


def test_a_late_reply_is_never_taken_for_the_answer_to_the_next_question(box, smu):
    given_up = threading.Event()

    def late(line):
        assert given_up.wait(60)
        box.rules[0] = (":OUTP?", lambda line: b"0;" + OK)
        return b"1;" + OK

    box.rules.insert(0, (":OUTP?", late))
    with pytest.raises(InstrumentError):
        smu.outputs()
    given_up.set()
    assert smu.outputs() == {"1": False}


@pytest.mark.parametrize(
    "reply", [b"!\xff\xfe\n", b"!\n", b"!nonsense\n", b'!1;0,"No error"\n', b'1;1;0,"No error"\n', b'x;0,"No error"\n']
)
def test_garbage_is_an_error_and_the_next_answer_is_right(box, smu, reply):
    box.rules.insert(0, (":OUTP?", lambda line: reply))
    with pytest.raises(InstrumentError):
        smu.outputs()
    box.rules[0] = (":OUTP?", lambda line: b"1;" + OK)
    assert smu.outputs() == {"1": True}


def test_a_doubled_reply_is_thrown_away(box, smu):
    box.rules.insert(0, (":OUTP?", lambda line: (b"1;" + OK) * 2))
    assert smu.outputs() == {"1": True}
    box.rules[0] = (":OUTP?", lambda line: b"0;" + OK)
    assert smu.outputs() == {"1": False}


def test_a_dead_link_is_an_error_in_bounded_time(box, smu):
    assert smu.self_test() == []
    box.close()
    started = time.monotonic()
    for _ in range(3):
        with pytest.raises(InstrumentError):
            smu.outputs()
    assert time.monotonic() - started < 20


def test_nobody_at_the_address_is_an_error():
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with pytest.raises(InstrumentError, match=r"smu at TCPIP::127.0.0.1"):
        Keithley2400(f"TCPIP::127.0.0.1::{port}::SOCKET", name="smu", visa_library="@py", timeout=300).identify()


def test_an_address_that_is_none_is_an_error():
    with pytest.raises(InstrumentError, match="smu at nowhere"):
        Keithley2400("nowhere", name="smu", visa_library="@py")


def test_an_abort_from_another_thread_reaches_a_running_sequence_and_levels_end_at_zero(box, smu):
    def interrupted(line):
        assert box.aborted.wait(5)
        return OK

    box.rules = [
        (":READ?", interrupted),
        (":SOUR:FUNC?;:SENS:CURR:PROT?", lambda line: b"VOLT;1e-3;2.1;0;" + OK),
        (":SENS:CURR:PROT?;:SOUR:VOLT:RANG?", lambda line: b"1e-3;2.1;0;" + OK),
        (":ROUT:TERM?", lambda line: b"FRON;" + OK),
        (":SOUR:FUNC?", lambda line: b"VOLT;0;0;" + OK),
        (":SYST:LFR?", lambda line: b"50;" + OK),
        (":SOUR:VOLT?", lambda line: b"0;" + OK),
        (":SYST:ERR?", lambda line: OK),
    ]
    smu.limit("1", 1e-3, 1.0)
    threading.Timer(0.2, smu.abort).start()
    with pytest.raises(Stopped):
        smu.run_shots(Shots(("1",), np.full((10, 1), 0.5), ("1",), 0.001, 0.02, 1e-3))
    assert box.lines[-1].partition(";*ESE?;")[2] == ":SOUR:VOLT 0;:SOUR:VOLT?;:SYST:ERR?"
