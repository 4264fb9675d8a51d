"""A bench made safe whatever its file says, and whatever its instruments do."""

import contextlib
import os
import socket
import threading
import time

import pytest

from instruments.keithley2600 import Keithley2636B
from labmtj.bench.session import make_safe as module
from labmtj.bench.session.make_safe import make_safe
from labmtj.cli import main
from labmtj.errors import InstrumentError
from labmtj.instrumentlocks import owning

RELAY = (1, 2, 1)


@pytest.fixture
def left_on(served_bench):
    """Leave an output on at 0.3 V and a relay closed, as a script that died would."""
    with contextlib.closing(
        Keithley2636B(served_bench.servers["smu"].resource, name="smu", visa_library="@py").adapter
    ):
        pass
    network = served_bench.bench.network
    for line in ("smua.source.levelv = 0.3", "smua.source.output = 1"):
        served_bench.bench.instruments["smu"].handle(line)
    served_bench.bench.instruments["matrix"].handle('channel.close("1201")')
    assert network.channels["smu", "a"].sense(0.0).volts == pytest.approx(0.3, abs=1e-3)
    network.events.clear()
    return network


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("buses:", "busses:"),
        lambda text: text.replace("matrix.1.1-15", "matrix.9.1-15"),
        lambda text: text.replace("chip:", "chip: ["),
    ],
    ids=["right", "unknown key", "no such slot", "no YAML"],
)
def test_sources_go_off_and_relays_open_whatever_is_wrong_with_the_file(with_resources, left_on, is_safe, change):
    told = make_safe(with_resources(change))
    assert len(told) == 2
    assert is_safe()


def test_what_answers_is_made_safe_though_another_does_not(with_resources, left_on, served_bench):
    dead = with_resources(
        lambda text: text.replace(served_bench.servers["matrix"].resource, "TCPIP::127.0.0.1::9::SOCKET")
    )
    with pytest.raises(InstrumentError, match=r"(?s)smu at .*: safe.*127\.0\.0\.1::9"):
        make_safe(dead)
    assert abs(left_on.channels["smu", "a"].sense(0.0).volts) < 1e-3


@pytest.fixture
def peer(request):
    """Return a function: what is sent again and again, with a pause -> the resource of a peer that does it."""

    def peer(content, pause):
        listener, ended, links = socket.create_server(("127.0.0.1", 0)), threading.Event(), []

        def serve():
            with contextlib.suppress(OSError):
                while not ended.is_set():
                    links.append(listener.accept()[0])
                    with contextlib.suppress(OSError):
                        while not ended.wait(pause):
                            links[-1].sendall(content)

        thread = threading.Thread(target=serve)
        thread.start()

        def close():
            ended.set()
            for each in (listener, *links):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            thread.join()

        request.addfinalizer(close)
        return f"TCPIP::127.0.0.1::{listener.getsockname()[1]}::SOCKET"

    return peer


def with_third(text, resource):
    """Return a bench file with one more source, named so that it comes first."""
    third = f'  another: {{driver: instruments.keithley2400.Keithley2400, resource: "{resource}"}}\n'
    return text.replace("instruments:\n", "instruments:\n" + third, 1)


@pytest.mark.parametrize(("content", "pause"), [(b"7", 0.05), (b"7" * 65536, 0.0)], ids=["drips", "floods"])
def test_a_box_that_never_ends_its_answer_leaves_the_others_alone(
    with_resources, left_on, served_bench, peer, monkeypatch, capsys, content, pause
):
    """Case F5. Fails box by box without deadlines: the first one is listened to without end."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1.5)  # the flood keeps this process busy, too
    resource = peer(content, pause)
    begun = time.monotonic()
    assert main(["safe", with_resources(lambda text: with_third(text, resource))]) == 1
    assert time.monotonic() - begun < 2 * module.BOX_SECONDS
    said = capsys.readouterr().err
    assert f"smu at {served_bench.servers['smu'].resource}: safe (0 V, outputs off)" in said
    assert f"another at {resource}: " in said
    assert f"matrix at {served_bench.servers['matrix'].resource}: its relays stay as they are" in said
    assert "Traceback" not in said
    assert abs(left_on.channels["smu", "a"].sense(0.0).volts) < 1e-3
    assert left_on.relays["matrix"].closed() == {RELAY}


@pytest.mark.parametrize("relays", ["hold", "open"])
def test_relays_without_sources_stay_or_open_as_the_file_says(with_resources, left_on, served_bench, relays):
    """Case "relays". Fails at relays that open whatever became of the sources."""

    def dead(text):
        text = text.replace(served_bench.servers["smu"].resource, "TCPIP::127.0.0.1::9::SOCKET")
        return text + f"relays_without_sources: {relays}\n"

    with pytest.raises(InstrumentError, match="refuses the connection"):
        make_safe(with_resources(dead))
    assert left_on.relays["matrix"].closed() == ({RELAY} if relays == "hold" else set())
    served_bench.bench.instruments["smu"].handle("smua.source.output = 0 smua.source.levelv = 0")


def test_a_box_that_another_client_holds_says_so(with_resources, left_on, served_bench, monkeypatch):
    """Cases F5 and F7. Fails at "did not answer": the box serves one client at a time, and this is not the one."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1.5)  # the flood keeps this process busy, too
    smu = served_bench.servers["smu"]
    held_by = rf"(?s)smu at .*another client may have it.*in use by process {os.getpid()} on \S+, run Tuesday; end"
    with owning({"smu": smu.resource}, "Tuesday"), socket.create_connection(("127.0.0.1", smu.port)):
        time.sleep(0.1)
        with pytest.raises(InstrumentError, match=held_by):
            make_safe(with_resources())
    assert left_on.relays["matrix"].closed() == {RELAY}
    make_safe(with_resources())
    assert left_on.events == []


@pytest.mark.parametrize("bench", ["virtual-2636b-3706a", "simulated"])
def test_a_bench_without_instruments_is_no_bench_to_make_safe(bench, capsys):
    assert main(["safe", bench]) == 2
    assert "has no output that could be left on" in capsys.readouterr().err
