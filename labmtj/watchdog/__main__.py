"""The process: takes an order, waits for the end of the run or of a lease, acts until the bench is safe."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from labmtj.system import STOPS
from labmtj.watchdog import FLUSH_SECONDS, HANDED_OVER_SECONDS, READY, SAFE
from labmtj.watchdog.leases import DIED, LeaseWatch, LinePipe
from labmtj.watchdog.notes import Notes
from labmtj.watchdog.process import KnownProcess
from labmtj.watchdog.shutdown import HOLD, SafeShutdown
from labmtj.watchdog.spec import InstrumentSpec


def main() -> int:
    """Take an order, wait, act; return 0 if the bench is safe, 1 otherwise."""
    for number in STOPS:  # meant for the run, which decides; a closed terminal must not take the watchdog along
        signal.signal(number, signal.SIG_IGN)
    pipe = LinePipe(sys.stdin.fileno())
    order = json.loads(pipe.line() or "{}")
    specs = [InstrumentSpec(**each) for each in order.get("instruments", ())]
    try:
        sources = [spec for spec in specs if spec.is_source]
    except Exception as error:  # noqa: BLE001 - a module that somebody wrote may raise anything
        _say(json.dumps(f"cannot load a driver: {error!r}"))
        return 1
    if not specs:
        return 0
    for spec in {spec.driver: spec for spec in specs}.values():
        spec.rehearse()
    run, gone = KnownProcess(order["pid"]), _gone(order.get("server"))
    _say(json.dumps(READY))
    reason = LeaseWatch(pipe, _say, run).wait()
    if reason != DIED:
        run.kill()
    return _act(order, reason, sources, [spec for spec in specs if spec not in sources], gone)


def _act(
    order: Mapping[str, Any],
    reason: str,
    sources: list[InstrumentSpec],
    matrices: list[InstrumentSpec],
    gone: Callable[[], bool],
) -> int:
    notes = Notes(order["record"], order["locks"], order["run"])
    notes.note(reason, pid=order["pid"], run=order["run"])
    shutdown = SafeShutdown(sources, matrices, notes, order.get("relays_without_sources", HOLD), gone)
    shutdown.begin()
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
    """Return what tells whether virtual instruments have ended with the process that serves them."""
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
