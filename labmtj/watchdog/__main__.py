"""The process: takes an order, waits for the end of the run or of a lease, acts until the bench is safe."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from labmtj.system import STOPS
from labmtj.watchdog import FLUSH_SECONDS, HANDED_OVER_SECONDS, READY, SAFE
from labmtj.watchdog.leases import DIED, LeaseWatch, LinePipe
from labmtj.watchdog.notes import Notes
from labmtj.watchdog.process import KnownProcess
from labmtj.watchdog.shutdown import HOLD, SafeShutdown
from labmtj.watchdog.spec import InstrumentSpec

END_SECONDS = 1.0
"""longest wait for the kernel to end a run"""


def main() -> int:
    """Take an order, wait, act; return 0 if the bench is safe, 1 otherwise."""
    for number in STOPS:  # meant for the run, which decides; a closed terminal must not take the watchdog along
        signal.signal(number, signal.SIG_IGN)
    parent = KnownProcess.parent()
    pipe = LinePipe(sys.stdin.fileno(), parent)
    order = json.loads(pipe.line() or "{}")
    specs = [InstrumentSpec(**each) for each in order.get("instruments", ())]
    try:
        sources = [spec for spec in specs if spec.is_source]
    except Exception as error:  # noqa: BLE001 - a module of the user may raise anything
        _say(json.dumps(f"cannot load a driver: {error!r}"))
        return 1
    if not specs:
        return 0
    for spec in {spec.driver: spec for spec in specs}.values():
        spec.rehearse()
    run = parent if parent.pid == order["pid"] else KnownProcess(order["pid"])
    gone = _gone(order.get("server"))
    _say(json.dumps(READY))
    reason = LeaseWatch(pipe, _say, run).wait()
    if reason != DIED:
        run.kill()
    notes = Notes(order["record"], order["locks"], order["run"])
    notes.note(reason, pid=order["pid"], run=order["run"])
    matrices = [spec for spec in specs if spec not in sources]
    shutdown = SafeShutdown(sources, matrices, notes, order.get("relays_without_sources", HOLD), gone)
    shutdown.begin()
    _end_forked(pipe, run, notes, END_SECONDS if reason != DIED else 0.0)
    return _finish(shutdown, notes)


def _end_forked(pipe: LinePipe, run: KnownProcess, notes: Notes, seconds: float) -> None:
    """End what C code has forked from the run and what lives on: it holds connections of which boxes serve one only.

    Args:
        pipe: of the run, which all of them hold.
        run: not to be taken for one of them.
        notes: for what was ended.
        seconds: longest wait for the end of a run that was ended.
    """
    run.wait(seconds)
    if pipe.held:
        for process in pipe.holders():
            if process.pid != run.pid:
                process.kill()
                notes.note("a process that was forked from the run has been ended", child=process.pid)


def _finish(shutdown: SafeShutdown, notes: Notes) -> int:
    if not shutdown.wait(HANDED_OVER_SECONDS):
        left = "; ".join(shutdown.left)
        notes.note("not everything is safe", left=left)
        if left:
            _say(json.dumps(left))
        shutdown.wait()
    notes.note("the instruments have ended" if shutdown.left else "safe")
    if shutdown.left:
        notes.claim([])
    notes.flush(FLUSH_SECONDS)
    _say(json.dumps(SAFE))
    return 0


def _gone(server: int | None) -> Callable[[], bool]:
    """Return a function that says whether virtual instruments have ended with the process that serves them."""
    if server is None:
        return lambda: False
    process = KnownProcess(server)
    return lambda: not process.alive


def _say(text: str) -> None:
    """Say a line to the run, if it still lives."""
    with suppress(OSError):
        os.write(sys.stdout.fileno(), text.encode() + b"\n")


if __name__ == "__main__":
    os._exit(main())  # a session that hangs in a thread must not keep the watchdog, nor the locks that it holds
