"""The guardian beside instruments that are served here: what it does when it is left alone with them."""

import os
import re
import signal
import socket
import time

import pytest

from labmtj.bench.guardian import Guardian
from labmtj.bench.loading import load_any
from labmtj.errors import Unguarded
from labmtj.virtual.assembly import assemble
from labmtj.virtual.serving import ServedInstruments

ON = "smua.source.limiti = 1e-3 smua.source.levelv = 0.3 smua.source.output = 1"
OUTPUT = "print(smua.source.output, smua.source.levelv)"


@pytest.fixture
def left():
    """Return a bench with an output on and a relay closed, and its instruments as they are reached."""
    file = load_any("virtual-2636b-3706a")
    with ServedInstruments(assemble(file)) as served:
        at = {each["name"]: each["resource"] for each in served.greetings()}
        served.bench.network.relays["matrix"].operate([], [(1, 2, 1)])
        served.bench.instruments["smu"].handle(ON)
        changed = {"visa_library": "@py", "timeout_seconds": 0.2}
        yield (
            served,
            {
                name: each.model_copy(update={"resource": at[name], **changed})
                for name, each in file.of.instruments.items()
            },
        )


@pytest.fixture
def guard(request):
    """Return a function that makes a guardian; each ends with the test."""

    def make(*arguments, **options):
        made = Guardian(*arguments, **options)
        request.addfinalizer(lambda: made.rest() or made.end())
        return made

    return make


def is_off(served):
    return not any(map(float, served.bench.instruments["smu"].handle(OUTPUT).split()))


def is_open(served):
    return not served.bench.network.relays["matrix"].closed()


def test_a_bench_that_is_left_on_is_made_safe_with_no_relay_moved_under_voltage(left, guard, tmp_path):
    served, instruments = left
    guardian = guard(instruments, run="a-run", record=tmp_path / "guardian.jsonl")
    guardian.begin()
    assert not is_off(served)
    assert guardian.end() == "its guardian has made the bench safe"  # fails without `Rescue.run`
    assert is_off(served)
    assert is_open(served)
    assert not served.bench.network.events
    events = re.findall('"event": "([^"]*)"', (tmp_path / "guardian.jsonl").read_text())
    assert events == ["the run has died", "at 0 V and off", "outputs off", "relays at rest", "safe"]


def test_a_bench_that_is_safe_is_left_alone(left, guard, tmp_path):
    served, instruments = left
    guardian = guard(instruments, record=tmp_path / "guardian.jsonl")
    guardian.begin()
    guardian.rest()
    before = served.answers()["messages"]()
    assert guardian.end() == ""
    assert served.answers()["messages"]() == before
    assert not (tmp_path / "guardian.jsonl").exists()


@pytest.mark.parametrize("dead", ["smu", "matrix"])
def test_an_instrument_that_does_not_answer_keeps_no_other_from_being_made_safe(left, guard, dead):
    served, instruments = left
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"TCPIP::127.0.0.1::{nobody.getsockname()[1]}::SOCKET"
        instruments[dead] = instruments[dead].model_copy(update={"resource": address})
        guardian = guard(instruments)
        guardian.begin()
        told = guardian.end()
    assert told.startswith(f"and its guardian could not: {dead} at {address}: ")
    assert is_off(served) == (dead != "smu")
    assert is_open(served) == (dead != "matrix")


def test_a_driver_that_it_cannot_load_is_told_before_anything_is_armed(left, guard):
    _, instruments = left
    smu = instruments["smu"].model_copy(update={"driver": "instruments.nobody.Nothing"})
    with pytest.raises(Unguarded, match=r"did not start: cannot load a driver: .*instruments.nobody"):
        guard({"smu": smu}).begin()


def test_its_death_is_noticed_at_the_next_look_and_signals_are_not_its_death(left, guard):
    guardian = guard(left[1])
    guardian.begin()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(guardian.pid, number)
    time.sleep(0.1)
    guardian.check()  # fails if the guardian does not ignore them
    os.kill(guardian.pid, signal.SIGKILL)
    time.sleep(0.1)
    with pytest.raises(Unguarded, match=rf"\(process {guardian.pid}\) has died; nothing is applied without it"):
        guardian.check()
    guardian.rest()


def test_it_has_no_part_in_the_terminal_of_the_run(left, guard):
    guardian = guard(left[1])
    assert os.getsid(guardian.pid) == guardian.pid
    assert os.getsid(guardian.pid) != os.getsid(0)
