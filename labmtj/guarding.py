"""The guardian of a bench, `python -m labmtj.guarding`: waits for the death of a run, and makes its instruments safe.

It has an order on standard input, one line of JSON, and says "ready" once it could act. A run that has made its bench
safe kills it. If its standard input ends, the run has died, however it died: the kernel closes the pipe. Then, in
sessions of its own, the guardian stops what runs, brings sources to 0 V and outputs off, then relays to rest.

This module imports next to nothing, and drivers by their names, so that a guardian is ready before its bench is. A run
that hangs, or is held by SIGSTOP, is not dead: its guardian waits with it.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labmtj.errors import LabmtjError
from labmtj.moments import Moment

READY, SAFE = "ready", "safe"
ANSWER_SECONDS = 1.0
"""longest wait for an answer while the bench is made safe; what a script on a box delays is aborted before"""
RELAYS_WAIT_SECONDS = 2.0
"""longest wait of the relays for sources that cannot be reached"""
HANDED_OVER_SECONDS = 3.0
"""how long an instrument is tried again if the run lives, could not make it safe itself, and waits"""
ALONE_SECONDS = 30.0
"""the same if nobody waits: a box may take a while to notice that its last client has gone"""
HANG_SECONDS = 5.0
"""beyond that, a session that has not come back never will"""
PAUSE_SECONDS = 0.02
"""between two tries"""
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""meant for the run, which decides; a closed terminal must not take the guardian along"""


@dataclass(frozen=True)
class Charge:
    """An instrument to be made safe."""

    name: str
    driver: str
    """dotted name of its class"""
    resource: str
    """VISA resource"""
    keywords: Mapping[str, Any]
    """further arguments of the class"""

    def load(self) -> Callable[..., Any]:
        """Import the class."""
        module, _, name = self.driver.rpartition(".")
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return found

    def make_safe(self) -> None:
        """Stop what runs, then bring the instrument to its safe state, in a session of its own."""
        driver = self.load()(self.resource, name=self.name, **self._quick())
        try:
            driver.abort()
            driver.identify()
            driver.make_safe()
        finally:
            driver.adapter.close()

    def _quick(self) -> dict[str, Any]:
        """Return the arguments with the shorter patience; JSON has turned slots into text."""
        changed: dict[str, Any] = {"timeout": min(self.keywords.get("timeout", 1e9), 1000 * ANSWER_SECONDS)}
        if "cards" in self.keywords:
            changed["cards"] = {int(slot): model for slot, model in self.keywords["cards"].items()}
        return {**self.keywords, **changed}


class Record:
    """What the guardian did and when, a line of JSON each; without a file, nothing.

    Args:
        path: `guardian.jsonl` in the folder of the run, or "".
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._begun = time.monotonic()
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """Since the death was noticed."""
        return time.monotonic() - self._begun

    def note(self, event: str, **values: object) -> None:
        """Append a line: the time of day, and the seconds since the death was noticed. A full disk stops nothing."""
        line = {**Moment.now().values(), "seconds": round(self.seconds, 6), "event": event, **values}
        if self._path:
            with self._lock, suppress(OSError), Path(self._path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


class Rescue:
    """Makes a bench safe: all sources at once, then the relays; every instrument again and again until it is.

    Relays wait for the sources, lest they move under voltage; but not long for one that cannot be reached.

    Args:
        sources, matrices: the instruments.
        record: what happened is noted there; "outputs off" once the last source is off.
        patience: returns for how many seconds an instrument is worth another try.
    """

    def __init__(
        self, sources: Sequence[Charge], matrices: Sequence[Charge], record: Record, patience: Callable[[], float]
    ) -> None:
        self._sources, self._matrices, self._record, self._patience = sources, matrices, record, patience
        self._lock = threading.Lock()
        self.left = {charge.name: f"{charge.name} at {charge.resource}: did not come back" for charge in sources}
        """what is wrong with each instrument that is not safe yet"""
        self.left |= {charge.name: f"{charge.name} at {charge.resource}: was not reached" for charge in matrices}

    def run(self) -> list[str]:
        """Do it; return what is wrong with those that could not be made safe."""
        first = self._started(self._sources)
        _join(first, RELAYS_WAIT_SECONDS)
        threads = [*first, *self._started(self._matrices)]
        while any(thread.is_alive() for thread in threads) and self._record.seconds < self._patience() + HANG_SECONDS:
            _join(threads, PAUSE_SECONDS)
        self._record.note("not everything is safe" if self.left else "safe")
        return list(self.left.values())

    def _started(self, charges: Sequence[Charge]) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._insist, args=(charge,), daemon=True) for charge in charges]
        for thread in threads:
            thread.start()
        return threads

    def _insist(self, charge: Charge) -> None:
        while True:
            try:
                charge.make_safe()
                self._done(charge)
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the next try may be luckier
                known = isinstance(error, LabmtjError)
                self.left[charge.name] = str(error) if known else f"{charge.name} at {charge.resource}: {error!r}"
            if self._record.seconds > self._patience():
                self._record.note("failed", instrument=charge.name, error=self.left[charge.name])
                return
            time.sleep(PAUSE_SECONDS)

    def _done(self, charge: Charge) -> None:
        with self._lock:
            del self.left[charge.name]
            is_source = charge in self._sources
            self._record.note("at 0 V and off" if is_source else "relays at rest", instrument=charge.name)
            if is_source and not any(source.name in self.left for source in self._sources):
                self._record.note("outputs off")


def _join(threads: Sequence[threading.Thread], seconds: float) -> None:
    """Wait until all have ended, or so long."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _take_over(locks: Sequence[int], run: str) -> None:
    """Write into the locks who holds the instruments now; a disk that is full for that stops nothing."""
    remedy = "that run has died and its guardian makes the bench safe: try again in a few seconds"
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "run": run, "remedy": remedy}
    with suppress(OSError):
        for lock in locks:
            os.ftruncate(lock, 0)
            os.pwrite(lock, json.dumps(owner).encode(), 0)


def main() -> int:
    """Take an order, wait, act; return 0 if the bench is safe, 1 otherwise."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    order = json.loads(sys.stdin.readline() or "{}")
    charges = [Charge(**each) for each in order.get("instruments", ())]
    try:
        sources = [charge for charge in charges if hasattr(charge.load(), "run_shots")]
    except Exception as error:  # noqa: BLE001 - a module that somebody wrote may raise anything
        _say(f"cannot load a driver: {error!r}")
        return 1
    _say(READY)
    sys.stdin.read()
    return _act(order, sources, [charge for charge in charges if charge not in sources])


def _act(order: Mapping[str, Any], sources: Sequence[Charge], matrices: Sequence[Charge]) -> int:
    record = Record(order["record"])
    record.note("the run has died", pid=order["pid"], run=order["run"])
    _take_over(order["locks"], order["run"])
    failed = Rescue(sources, matrices, record, lambda: _patience(order["pid"])).run()
    _say("; ".join(failed) or SAFE)
    return bool(failed)


def _patience(run: int) -> float:
    return HANDED_OVER_SECONDS if os.getppid() == run else ALONE_SECONDS


def _say(text: str) -> None:
    """Tell the run a line, if it still lives."""
    with suppress(OSError):
        sys.stdout.write(json.dumps(text) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    os._exit(main())  # a session that hangs in a thread must not keep the guardian, nor the locks that it holds
