"""A run that hangs: stopped, deadlocked, on a dead disk, at an instrument that drips or is silent; in every phase.

Within the lease that it last had, and 5 s, sources are at 0 V and outputs off, as the virtual instruments say themselves.
"""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from labmtj.bench import load_any
from labmtj.bench.session.served import ServedBench
from labmtj.instrumentlocks import owner_of
from labmtj.virtual.assembly import assemble
from labmtj.virtual.server.serving import ServedInstruments

KINDS = ("2636b-3706a", "2636b-707b", "2400-7002", "b2902a-b2201a", "rack-2602b")
PHASES = (
    "connecting", "arming", "moving relays", "measuring", "pulse on a box", "pulse by messages", "idle", "recording",
    "making safe", "closing",
)  # fmt: skip
HOWS = ("stopped", "deadlock", "interpreter")
OF_SEVERAL_BOXES = ("2400-7002", "rack-2602b")
"""where messages time a pulse; the others have one source-measure unit, whose script does"""
LONGEST_SECONDS = 20.0
"""the longest lease of `hung_run.py`, and the 5 s: arming seven units, each with a timeout of 1 s"""
OFFSET_VOLTS = 2e-3
PROGRAM = Path(__file__).with_name("hung_run.py")


def cases():
    """Iterate bench, phase and how the run hangs, where there is such a phase."""
    for kind in KINDS:
        for phase in PHASES:
            if phase == ("pulse on a box" if kind in OF_SEVERAL_BOXES else "pulse by messages"):
                continue
            for how in HOWS:
                if phase != "recording" or how == "deadlock":  # a disk hangs in one way
                    yield kind, phase, how


SAMPLE = [("2400-7002", "pulse by messages", "stopped"), ("2636b-707b", "recording", "deadlock")]


class Bench:
    """A bench of virtual instruments in this process, and the truth about it."""

    def __init__(self, kind, realtime_factor=0.0):
        self.name = f"virtual-{kind}"
        file = load_any(self.name).model_copy(update={"realtime_factor": realtime_factor, "noise": False})
        self.served = ServedInstruments(assemble(file))
        self.resources = {each["name"]: each["resource"] for each in self.served.greetings()}

    def outputs_on(self):
        """Return the channels whose output is on, as the boxes say."""
        return [
            f"{name}.{channel}"
            for name, box in self.served.bench.instruments.items()
            for channel, question in questions(self.served.bench.file.of.instruments[name].driver)
            if float(box.handle(question))
        ]

    def live(self):
        """Return what drives a voltage or has its output on."""
        levels = [f"{each.level} V" for each in self.served.bench.network.settings if abs(each.level) > OFFSET_VOLTS]
        return levels + self.outputs_on()

    def not_at_rest(self):
        """Return what is live, and which relays are closed, but for those that a box in ground mode closes itself."""
        ground = 12 if "b2201a" in self.name else 0
        closed = [each for relays in self.served.bench.network.relays.values() for each in sorted(relays.closed())]
        return self.live() + [f"closed: {each}" for each in closed if each[1] != ground]

    def owners(self):
        """Return who holds the instruments."""
        return list(filter(None, map(owner_of, self.resources.values())))

    def events(self):
        """Return the relays that moved under voltage."""
        return self.served.bench.network.events


def questions(driver):
    """Return how the outputs of a box are asked for, by channel."""
    if "keithley2600" in driver:
        return [(each, f"print(smu{each}.source.output)") for each in "ab"]
    if "b2900" in driver:
        return [(each, f":OUTP{each}?") for each in "12"]
    return [("1", ":OUTP?")] if "2400" in driver else []


@pytest.fixture
def hung(tmp_path, request):
    """Return a function that starts the program, and waits until it hangs; it and its watchdog end with the test."""
    number = iter(range(1000))

    def started(bench, phase, how, resources=None, said="hangs"):
        folder = tmp_path / f"run{next(number)}"
        folder.mkdir()
        record = folder / "watchdog.jsonl"
        if phase == "recording":  # on the same dead disk
            os.mkfifo(record)
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", PROGRAM, bench.name, phase, how, json.dumps(resources or bench.resources), record],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        request.addfinalizer(lambda: ended(process))
        while (line := process.stdout.readline().strip()) != said:
            assert line, f"ended with {process.wait()}: {why(record)}"
        return process, record

    return started


def ended(process):
    process.kill()
    process.wait()
    process.stdout.close()


def seconds_until(false, most=LONGEST_SECONDS):
    """Wait until a list is empty; return how long it took."""
    begun = time.monotonic()
    while wrong := false():
        assert time.monotonic() < begun + most, wrong
        time.sleep(0.02)
    return time.monotonic() - begun


def why(record):
    """Return the first note of the watchdog, once there is one."""
    deadline = time.monotonic() + 60
    while not record.exists() or not (lines := record.read_text().splitlines()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return json.loads(lines[0])["event"]


def test_a_run_that_hangs_is_ended_and_its_bench_made_safe(hung, tally, torture):
    """Fails without leases: outputs stay on for as long as the run hangs."""
    took = []
    for kind, phase, how in cases() if torture else SAMPLE:
        with tally(19, f"{kind}, {phase}, {how}"), contextlib.ExitStack() as stack:
            bench = Bench(kind)
            stack.callback(bench.served.__exit__)
            process, record = hung(bench, phase, how)
            stack.callback(seconds_until, bench.owners)
            stack.callback(ended, process)
            by_itself = how == "deadlock" and phase in ("idle", "recording", "making safe", "closing", "connecting")
            took.append(seconds_until(bench.live))
            if not by_itself and phase not in ("closing", "connecting"):
                assert process.wait(30) == -signal.SIGKILL, "the run goes on"
                assert re.fullmatch(r"the run did not come back from [a-z ]+ within its lease of [\d.]+ s", why(record))
                seconds_until(bench.not_at_rest)
            assert not bench.events(), "a relay moved under voltage"
    print(f"\noutputs off after {max(took):.1f} s at most, of {len(took)} runs that hang")


@pytest.fixture
def in_torture(torture):
    """Skip a test that takes long where the full counts are not asked for."""
    if not torture:
        pytest.skip("under --torture")


def test_a_long_reading_is_no_hang(hung, tally):
    """Fails with a lease that is not as long as its work."""
    goes_on(hung, tally, "a long reading")


@pytest.mark.usefixtures("in_torture")
def test_a_long_computation_is_no_hang(hung, tally):
    """Fails without a look at whether a run that is late computes."""
    goes_on(hung, tally, "computing")


def goes_on(hung, tally, phase):
    bench = Bench("2636b-3706a", realtime_factor=1.0)
    with tally(19, phase):
        process, record = hung(bench, phase, "", said="done")
        assert process.wait(60) == 0
        assert not record.exists()
        assert not bench.not_at_rest()
        assert not bench.events()
    bench.served.__exit__()


@pytest.mark.usefixtures("in_torture")
def test_an_idle_bench_switches_its_outputs_off_by_itself(hung, tally):
    """Fails without `Idling`: a run that waits has its outputs on until its lease passes, and is ended."""
    bench = Bench("2636b-3706a")
    with tally(19, "idle, deadlock"):
        process, record = hung(bench, "idle", "deadlock")
        assert bench.outputs_on()
        seconds_until(bench.live)
        time.sleep(5.0)  # longer than its lease
        assert process.poll() is None
        assert not record.exists()
    bench.served.__exit__()


class Wire(threading.Thread):
    """A connection to an instrument that can go bad: what is answered then comes as one byte after another, or not."""

    def __init__(self, resource):
        super().__init__(daemon=True)
        self._port, self.bad = int(resource.split("::")[2]), ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.resource = f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"

    def run(self):
        while True:
            near, _ = self._listener.accept()
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near):
        """Carry both ways; what was connected when it went bad stays so."""
        good = not self.bad
        with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as far:
            while True:
                bad = good and self.bad
                ready, _, _ = select.select([near, far], [], [], 0.05)
                if near in ready:
                    if not (data := near.recv(1 << 16)):
                        return
                    far.sendall(data)
                if far in ready:
                    if not (data := far.recv(1 << 16)):
                        return
                    if not bad:
                        near.sendall(data)
                if bad == "dripping":
                    near.sendall(b"1")


@pytest.mark.usefixtures("in_torture")
@pytest.mark.parametrize("how", ["dripping", "silent"])
def test_an_instrument_that_keeps_a_run_waiting(hung, tally, how):
    """A byte per 50 ms, or none: whether the driver gives up or the watchdog ends the run, outputs go off."""
    for kind in KINDS:
        bench = Bench(kind, realtime_factor=1.0)
        with tally(19, f"{kind}, {how}"), contextlib.ExitStack() as stack:
            stack.callback(bench.served.__exit__)
            wires = {name: Wire(resource) for name, resource in bench.resources.items()}
            for wire in wires.values():
                wire.start()
            process, _ = hung(
                bench, "a long reading", how, {name: wire.resource for name, wire in wires.items()}, said="goes on"
            )
            stack.callback(ended, process)
            while not bench.live():
                time.sleep(0.01)
            time.sleep(0.3)
            for wire in wires.values():
                wire.bad = how
            seconds_until(bench.live, 60.0)  # the lease of a reading of 4 s is longer
            seconds_until(bench.not_at_rest)
            assert not bench.events()


@pytest.mark.usefixtures("in_torture")
@pytest.mark.parametrize("seconds", [8.0, 45.0])
def test_a_bench_that_was_silent_for_long_is_safe_once_it_is_back(hung, tally, seconds):
    """Case F2: fails with an end to the patience; or with relays that open meanwhile, under voltage when it is back."""
    for kind in KINDS:
        phase = "pulse by messages" if kind in OF_SEVERAL_BOXES else "measuring"
        with tally(19, f"{kind}, silent for {seconds:g} s"), ServedBench(load_any(f"virtual-{kind}")) as served:
            bench = type("", (), {"name": f"virtual-{kind}", "resources": served.resources})
            process, record = hung(bench, phase, "deadlock")
            assert any(abs(channel["volts"]) > OFFSET_VOLTS for channel in served.ask("channels").values())
            os.kill(served.pid, signal.SIGSTOP)
            process.kill()
            time.sleep(seconds)
            os.kill(served.pid, signal.SIGCONT)
            begun = time.monotonic()
            while '"event": "safe"' not in record.read_text():
                assert time.monotonic() < begun + 5.0
                time.sleep(0.02)
            assert all(abs(channel["volts"]) < OFFSET_VOLTS for channel in served.ask("channels").values())
            closed = [relay.split("-")[1] for relays in served.ask("closed").values() for relay in relays]
            assert set(closed) <= ({"12"} if "b2201a" in kind else set()), "relays are not at rest"
            assert served.ask("events") == [], "a relay moved under voltage"
