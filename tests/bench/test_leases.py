"""Leases: what the watchdog takes for the end of a run, and what it does not."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from labmtj.bench.routing import longest
from labmtj.watchdog import leases
from labmtj.watchdog.leases import DIED, IDLE, OVER, LeaseWatch, LinePipe, lease
from labmtj.watchdog.process import KnownProcess, is_stopped

COMPUTES = "print(1, flush=True)\nwhile True: pass"
WAITS = "print(1, flush=True); import time; time.sleep(600)"


@pytest.fixture
def run():
    """Return a function that starts a process, which ends with the test."""
    with contextlib.ExitStack() as stack:

        def started(program):
            process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
            stack.callback(process.stdout.close)
            stack.callback(process.wait)
            stack.callback(process.kill)
            process.stdout.readline()
            return process

        yield started


@pytest.fixture
def pipe():
    """Return both ends of a pipe."""
    read, write = os.pipe()
    yield read, write
    for each in (read, write):
        with contextlib.suppress(OSError):
            os.close(each)


def test_a_lease_that_passes_is_the_end_and_every_numbered_one_is_echoed(pipe, run):
    read, write = pipe
    echoes = []
    watch = LeaseWatch(LinePipe(read), echoes.append, KnownProcess(run(WAITS).pid))
    os.write(write, lease(1, 60.0, "arming") + lease(0, None, "at rest") + lease(2, 0.1, "a pulse by messages"))
    assert watch.wait() == "the run did not come back from a pulse by messages within its lease of 0.1 s"
    assert echoes == ["1", "2"]


def test_at_rest_only_the_end_of_the_pipe_counts(pipe, run):
    read, write = pipe
    watch = LeaseWatch(LinePipe(read), lambda _: None, KnownProcess(run(WAITS).pid))
    os.write(write, lease(1, 0.01, "pulsing") + lease(0, None, "at rest"))
    os.close(write)
    assert watch.wait() == DIED


def test_the_end_of_a_run_counts_though_another_process_holds_its_pipe(pipe, run):
    """Fails with the pipe alone: this process holds it as a child does that C code has forked. Lines before it count."""
    read, write = pipe
    process = run(WAITS)
    lines, echoes = LinePipe(read, known := KnownProcess(process.pid)), []
    os.write(write, lease(1, 60.0, "arming"))
    process.kill()
    known.wait(60.0)
    assert LeaseWatch(lines, echoes.append, known).wait() == DIED
    assert echoes == ["1"]
    assert lines.held
    os.close(write)
    assert not lines.held


def test_a_run_that_leaves_says_so_though_another_process_holds_its_pipe(pipe, run):
    read, write = pipe
    known = KnownProcess(run(WAITS).pid)
    os.write(write, lease(1, 60.0, "arming") + OVER.encode())
    assert LeaseWatch(LinePipe(read, known), lambda _: None, known).wait() == DIED


def test_who_holds_a_pipe_is_found(pipe):
    read, write = pipe
    holder = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, pass_fds=(write,))
    with holder, contextlib.ExitStack() as stack:
        stack.callback(holder.kill)
        holder.stdout.readline()
        (found,) = LinePipe(read).holders()
        assert found.pid == holder.pid
        found.kill()
        assert holder.wait(60) == -signal.SIGKILL
    assert LinePipe(read).holders() == []


def test_who_computes_between_two_operations_is_not_taken_for_one_who_hangs(pipe, run, monkeypatch):
    """Fails without the look at the processor time."""
    monkeypatch.setattr(leases, "COMPUTING_SECONDS", 0.5)
    read, write = pipe
    os.write(write, lease(0, 0.05, IDLE))
    computes = LeaseWatch(LinePipe(read), lambda _: None, KnownProcess(run(COMPUTES).pid))
    watched, begun = LinePipe(read), time.monotonic()
    computes._take(watched.line())
    while time.monotonic() < begun + 1.5:
        assert computes._computes()
    waits = LeaseWatch(LinePipe(read), lambda _: None, KnownProcess(run(WAITS).pid))
    os.write(write, lease(0, 0.05, IDLE))
    assert waits.wait() == "the run did not come back from idle within its lease of 0.05 s"


def test_a_process_is_known_by_more_than_its_number(run):
    process = run(WAITS)
    known = KnownProcess(process.pid)
    assert known.alive
    assert not is_stopped(process.pid)
    known.kill()
    process.wait()
    assert not known.alive
    assert known.cpu_seconds is None
    known.kill()  # does nothing, and raises nothing


@pytest.mark.parametrize("units", [1, 2, 7])
def test_leases_are_longer_than_the_work(units):
    """A reading and a pulse take their settle times, apertures and widths at least, times what a box adds to them."""
    assert longest.reading(300, units, 1e-3, 1.0) > 300 * 5 * (1.0 if units == 1 else units)
    assert longest.pulsing(50, units, 0.1) > 50 * 4 * 2 * 0.1
    assert longest.reading(1, units, 0.0, 1e-3) < 2.0
    assert longest.pulsing(1, units, 1e-3) < 5.0
