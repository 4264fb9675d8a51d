"""The watchdog beside instruments that are served here: what it does when it is left alone with them."""

import contextlib
import json
import os
import re
import signal
import socket
import time

import pytest

from labmtj import instrumentlocks as ownership
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.served import ServedBench
from labmtj.bench.session.sessions import at_resources
from labmtj.bench.session.watchdog import Watchdog
from labmtj.errors import BenchBusy, WatchdogLost
from labmtj.instrumentlocks import owner_of, owning, unsafe
from labmtj.virtual.assembly import assemble
from labmtj.virtual.server.faults import Fault
from labmtj.virtual.server.serving import ServedInstruments

ON = "smua.source.limiti = 1e-3 smua.source.levelv = 0.3 smua.source.output = 1"
OUTPUT = "print(smua.source.output, smua.source.levelv)"
QUICK = {"visa_library": "@py", "timeout_seconds": 0.2}
BACK_SECONDS = 30.0
"""in which an instrument is safe once it is back; 5 s are required, and checked by `make torture`"""


@pytest.fixture
def left():
    """Return a bench with an output on and a relay closed, and its instruments as they are reached."""
    file = load_any("virtual-2636b-3706a")
    with ServedInstruments(assemble(file)) as served:
        at = {each["name"]: each["resource"] for each in served.greetings()}
        served.bench.network.relays["matrix"].operate([], [(1, 2, 1)])
        served.bench.instruments["smu"].handle(ON)
        reached = at_resources(file.of.instruments, at)
        yield served, {name: each.model_copy(update=QUICK) for name, each in reached.items()}


@pytest.fixture
def guard(request):
    """Return a function that makes a watchdog; each ends with the test, safe or not."""

    def make(*arguments, **options):
        made = Watchdog(*arguments, **options)
        request.addfinalizer(lambda: ended(made))
        return made

    return make


def ended(watchdog):
    with contextlib.suppress(ProcessLookupError):
        os.kill(watchdog.pid, signal.SIGKILL)
    watchdog._kill()


def is_off(served):
    return not any(map(float, served.bench.instruments["smu"].handle(OUTPUT).split()))


def is_open(served):
    return not served.bench.network.relays["matrix"].closed()


def until(true, seconds=BACK_SECONDS):
    """Wait until something is true; return how long it took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() < begun + seconds
        time.sleep(0.01)
    return time.monotonic() - begun


def events(record):
    return re.findall('"event": "([^"]*)"', record.read_text())


def test_a_bench_that_is_left_on_is_made_safe_with_no_relay_moved_under_voltage(left, guard, tmp_path):
    served, instruments = left
    watchdog = guard(instruments, run="a-run", record=tmp_path / "watchdog.jsonl")
    watchdog.begin()
    assert not is_off(served)
    assert watchdog.end() == "its watchdog has made the bench safe"  # fails without `SafeShutdown.begin`
    assert is_off(served)
    assert is_open(served)
    assert not served.bench.network.events
    wanted = ["the run has died", "at 0 V and off", "outputs off", "relays at rest", "safe"]
    assert events(tmp_path / "watchdog.jsonl") == wanted


def test_a_client_that_died_in_the_midst_of_a_script_keeps_no_box_from_being_made_safe(left, guard, tmp_path):
    """Fails without an end to that script: it takes every line of the watchdog for its own."""
    served, instruments = left
    for each in instruments.values():
        with socket.create_connection(("127.0.0.1", int(each.resource.split("::")[2]))) as link:
            link.sendall(b"loadandrunscript\nfor k = 1, 10 do\nsmua.source.lev")
    watchdog = guard(instruments, record=tmp_path / "watchdog.jsonl")
    watchdog.begin()
    assert watchdog.end() == "its watchdog has made the bench safe"
    assert is_off(served)
    assert is_open(served)
    assert "failed" not in events(tmp_path / "watchdog.jsonl")


def test_a_bench_that_is_safe_is_left_alone(left, guard, tmp_path):
    served, instruments = left
    watchdog = guard(instruments, record=tmp_path / "watchdog.jsonl")
    watchdog.begin()
    watchdog.rest()
    before = served.answers()["messages"]()
    assert watchdog.end() == ""
    assert served.answers()["messages"]() == before
    assert not (tmp_path / "watchdog.jsonl").exists()


def test_a_disk_that_hangs_delays_nothing(left, guard, tmp_path):
    """Case F1. Fails if the watchdog writes before it acts: a process that opens a FIFO without a reader waits without end."""
    served, instruments = left
    os.mkfifo(tmp_path / "watchdog.jsonl")
    watchdog = guard(instruments, record=tmp_path / "watchdog.jsonl")
    watchdog.begin()
    begun = time.monotonic()
    assert watchdog.end() == "its watchdog has made the bench safe"
    assert time.monotonic() - begun < BACK_SECONDS
    assert is_off(served)
    assert is_open(served)


@pytest.mark.parametrize(("dead", "relays"), [("smu", "hold"), ("smu", "open"), ("matrix", "hold")])
def test_an_instrument_that_does_not_answer(left, guard, dead, relays, tmp_path):
    """The others are made safe, but relays hold while a source may be on, unless the bench file says otherwise (F2)."""
    served, instruments = left
    record = tmp_path / "watchdog.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"TCPIP::127.0.0.1::{silent.getsockname()[1]}::SOCKET"
        instruments[dead] = instruments[dead].model_copy(update={"resource": address})
        watchdog = guard(instruments, relays_without_sources=relays, record=record)
        watchdog.begin()
        said = watchdog.end()
        assert said.startswith(f"and its watchdog (process {watchdog.pid}) has not yet: {dead} at {address}: ")
        assert is_off(served) == (dead != "smu")
        if dead == "smu" and relays == "open":
            until(lambda: is_open(served))
            until(lambda: '"sources_not_reached": ["smu"]' in record.read_text())
        assert is_open(served) == (dead == "smu" and relays == "open")


def test_it_never_gives_up_and_an_instrument_that_comes_back_is_safe_soon(left, guard, tmp_path, request, monkeypatch):
    """Case F2. Fails with an end to the patience: then it is never made safe."""
    monkeypatch.setattr(ownership, "BRIEFLY_SECONDS", 0.0)
    served, instruments = left
    addresses, record = {name: each.resource for name, each in instruments.items()}, tmp_path / "watchdog.jsonl"
    with owning(addresses, "a-run") as locks:
        watchdog = guard(instruments, run="a-run", record=record, locks=locks)
        watchdog.begin()
        served.faulty["smu"].arm(*[Fault("unheard")] * 2000)
        assert f"(process {watchdog.pid}) has not yet: " in watchdog.end()
    time.sleep(45.0 if request.config.getoption("--torture") else 0.0)
    assert_not_known_to_be_safe(addresses, watchdog.pid)
    assert not is_open(served), "relays wait for the source"
    served.faulty["smu"]._armed.clear()
    until(lambda: is_off(served) and is_open(served))
    assert not served.bench.network.events
    until(lambda: not owner_of(addresses["smu"]))
    assert not [line for line in unsafe() if "a-run" in line]
    assert events(record)[-1] == "safe"


def assert_not_known_to_be_safe(addresses, pid):
    """Assert what all commands say that ask: since when, what, who, what to do."""
    with pytest.raises(BenchBusy) as refused, owning(addresses):
        pass
    (listed,) = [line for line in unsafe() if "a-run" in line]
    for text in (str(refused.value), listed, owner_of(addresses["smu"])):
        assert re.search(r"not known to be safe since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(", text)
        assert f"smu at {addresses['smu']}: " in text
        assert f"its watchdog, process {pid}, goes on trying" in text
        assert f"`kill -9 {pid}`" in text


def test_virtual_instruments_that_have_ended_need_nobody(guard, tmp_path):
    """Fails without `gone`: the watchdog of a virtual bench outlives it without end."""
    file = load_any("virtual-2636b-3706a")
    with ServedBench(file) as served:
        instruments = at_resources(file.of.instruments, served.resources)
        watchdog = guard(instruments, record=tmp_path / "watchdog.jsonl", server=served.pid)
        watchdog.begin()
    watchdog.leave()  # as a run does that has died
    until((tmp_path / "watchdog.jsonl").exists)
    until(lambda: events(tmp_path / "watchdog.jsonl")[-1] == "the instruments have ended")


def test_a_bench_whose_watchdog_ended_too_early_is_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(ownership, "folder", lambda: tmp_path)
    owner = {
        "pid": os.getpid(), "host": "here", "run": "r", "unsafe_since": "2026-11-30T12:00:00+00:00", "unsafe": ["smu: x"],
    }  # fmt: skip
    (tmp_path / "a.lock").write_text(json.dumps(owner))
    (tmp_path / "b.lock").write_text("no JSON")
    (tmp_path / "c.lock").write_text(json.dumps(owner | {"unsafe": []}))
    (listed,) = unsafe()
    assert listed.startswith(
        "the bench of run r is not known to be safe since 2026-11-30 12:00:00 UTC (smu: x); its wat"
    )
    assert "`labmtj safe BENCH`" in listed


def test_a_driver_that_it_cannot_load_is_told_before_anything_is_armed(left, guard):
    _, instruments = left
    smu = instruments["smu"].model_copy(update={"driver": "instruments.nobody.Nothing"})
    with pytest.raises(WatchdogLost, match=r"did not start: cannot load a driver: .*instruments.nobody"):
        guard({"smu": smu}).begin()


def test_its_death_is_noticed_before_the_next_operation_and_signals_are_not_its_death(left, guard):
    watchdog = guard(left[1])
    watchdog.begin()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(watchdog.pid, number)
    watchdog.require("pulsing", 0.1)  # fails if the watchdog does not ignore them
    os.kill(watchdog.pid, signal.SIGKILL)
    with pytest.raises(WatchdogLost, match=rf"\(process {watchdog.pid}\) has died; nothing is applied without it"):
        watchdog.require("pulsing", 0.1)


def test_it_has_no_part_in_the_terminal_of_the_run(left, guard):
    watchdog = guard(left[1])
    assert os.getsid(watchdog.pid) == watchdog.pid
    assert os.getsid(watchdog.pid) != os.getsid(0)
