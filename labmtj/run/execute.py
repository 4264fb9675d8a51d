"""The course of a run in the main process: blocks in order, made durable, checkpointed; then the analysis and the end."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from labmtj import yamlfile
from labmtj.errors import LabmtjError, ProcedureFailed, Stopped, UsageError
from labmtj.record import Checkpointer, JournalLog, JournalWriter, last_states, open_data
from labmtj.run.experiment import Experiment, load_run
from labmtj.run.folder import RunFolder
from labmtj.run.stations import describe
from labmtj.run.workers import Crew, Plan, crew


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    phase: str
    done: int
    total: int
    seconds: float
    """since this part of the run began"""
    done_before: int
    """of `done`, what an earlier part of the run had done"""


Show = Callable[[Progress], None]


def start(experiment: Experiment, parent: Path, *, workers: int, show: Show) -> RunFolder:
    """Run an experiment in a new folder under `parent` and return the folder.

    Raises:
        LabmtjError: the folder is then marked STOPPED or FAILED, and everything up to the last block is kept.
    """
    folder = RunFolder.create(parent, experiment.resolved())
    log = JournalLog(JournalWriter.create(folder.journal))
    return _guarded(folder, lambda: _run(folder, experiment, log, {}, workers, show))


def resume(folder: RunFolder, *, workers: int, show: Show) -> RunFolder:
    """Go on with a run that was stopped or killed: rewind to the last snapshot of each station, and finish.

    Raises:
        UsageError: if the run is done already. Otherwise as `start`.
    """
    if folder.ending == "DONE":
        raise UsageError(f"{folder.path}: this run is done; `labmtj report` makes its report anew")
    experiment = load_run(folder.run_yaml)
    states: dict[str, Any] = {}
    if folder.journal.exists():
        # Every block ends with its snapshot: what is behind the last one is a block that was cut off, or the analysis.
        states, end = last_states(folder.journal)
        log = JournalLog.reopen(folder.journal, end)
    else:
        log = JournalLog(JournalWriter.create(folder.journal))
    return _guarded(folder, lambda: _run(folder, experiment, log, states, workers, show))


def _guarded(folder: RunFolder, work: Callable[[], None]) -> RunFolder:
    """Do the work and mark how it ended."""
    folder.begin()
    folder.note("begin", pid=os.getpid())
    try:
        work()
    except Stopped:
        folder.end("STOPPED")
        folder.note("stopped")
        raise
    except LabmtjError as error:
        folder.note("failed", error=str(error))
        folder.end("FAILED", str(error))
        raise
    except Exception as error:
        folder.note("failed", error=repr(error), trace=traceback.format_exc())
        folder.end("FAILED", repr(error))
        raise ProcedureFailed(
            f"{type(error).__name__}: {error}; this is a fault of the program or the procedure, the trace is in "
            f"{folder.path / 'run.log'}. Everything up to the last block is kept"
        ) from error
    folder.end("DONE")
    folder.note("done")
    return folder


def _run(
    folder: RunFolder, experiment: Experiment, log: JournalLog, states: dict[str, Any], workers: int, show: Show
) -> None:
    stations = experiment.campaign.stations(experiment.connect().arrays())
    if not states:
        describe(experiment, stations, log)
        log.attributes("", {"experiment": experiment.name, "run": folder.path.name, "seed": experiment.seed})
        log.attributes("provenance", {"run_yaml": yamlfile.dumps(experiment.resolved().model_dump(mode="json"))})
        log.commit()
    plan = Plan(stations, experiment.campaign.blocks(), {name: int(state["next"]) for name, state in states.items()})
    checkpointer = Checkpointer(folder.journal, folder.data)
    with _stop_requests() as requests, crew(experiment, folder.run_yaml, plan, states, workers) as people:
        course = _Course(folder, experiment, log, plan, people, show, checkpointer, requests)
        try:
            course.blocks()
        finally:
            course.keep()
        course.conclude()
        log.journal.close()


@dataclass(frozen=True)
class _Course:
    """What a run consists of."""

    folder: RunFolder
    experiment: Experiment
    log: JournalLog
    plan: Plan
    people: Crew
    show: Show
    checkpointer: Checkpointer
    requests: StopRequests

    def keep(self) -> None:
        """Make everything so far durable, and bring data.h5 up to it."""
        self.log.commit()
        if self.checkpointer.checkpoint():
            self.folder.note("checkpoint", seconds=round(self.checkpointer.cost_seconds, 3))

    def blocks(self) -> None:
        """Take the blocks that are still to be done; a round of all stations is made durable at once."""
        todo, total = sum(1 for _ in self.plan.order()), self.plan.blocks * len(self.plan.stations)
        begun, last = time.monotonic(), self.plan.stations[-1].name
        for done, (_, station, frames) in enumerate(self.people.blocks(), 1 + total - todo):
            self.log.append_frames([frames])
            if station.name == last:
                self.log.commit()
                if self.checkpointer.due():
                    self.keep()
            self.show(Progress("blocks", done, total, time.monotonic() - begun, total - todo))
            self.requests.check()

    def conclude(self) -> None:
        """Work out what follows from the records of all blocks."""
        begun, total = time.monotonic(), len(self.plan.stations)
        for done, (_, frames) in enumerate(self.people.conclusions(self.folder.data), 1):
            self.log.append_frames([frames])
            self.show(Progress("analysis", done, total, time.monotonic() - begun, 0))
            self.requests.check()
        self.keep()
        with open_data(self.folder.data) as data:
            self.experiment.campaign.summarise(self.plan.stations, data, self.log)
        self.keep()


class StopRequests:
    """Remembers that somebody asked to stop; the handler does no more than that."""

    def __init__(self) -> None:
        self.signal_number = 0

    def handle(self, signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's form
        """Note the request; a second Ctrl+C does not wait for the end of the block."""
        if self.signal_number == signal.SIGINT == signal_number:
            raise Stopped(signal_number)
        self.signal_number = signal_number

    def check(self) -> None:
        """Raise Stopped if a stop was requested."""
        if self.signal_number:
            raise Stopped(self.signal_number)


@contextmanager
def _stop_requests() -> Iterator[StopRequests]:
    """Take SIGINT, SIGTERM and SIGHUP as requests while the run goes on; only the main thread can."""
    requests = StopRequests()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    before = {
        number: signal.signal(number, requests.handle) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
