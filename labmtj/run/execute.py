"""The course of a run in the main process: blocks in order, made durable, checkpointed; then analysis and end."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from labmtj import yamlfile
from labmtj.errors import LabmtjError, Overstressed, ProcedureFailed, RecordError, Stopped, UsageError
from labmtj.filing import open_plain, read_plain
from labmtj.plugins import culprit
from labmtj.record import Checkpointer, JournalLog, JournalWriter, files, last_states, open_data
from labmtj.record.last_time import last_seconds
from labmtj.record.replay import START, is_unborn
from labmtj.refusals import refusal_of_the_system
from labmtj.run.binding import bind, check_journal_is_there, unchanged
from labmtj.run.experiment import Experiment, checked_experiment
from labmtj.run.folder import RunFolder
from labmtj.run.health import keep_found_health
from labmtj.run.origin import check_folder
from labmtj.run.recovery import Interrupted, interrupted
from labmtj.run.size import Growth
from labmtj.run.warned import warnings_noted
from labmtj.run.workers import Executor, Plan, States, executor_of
from labmtj.schema import OUTCOME
from labmtj.stopping import PAUSE, StopRequests, continuing, pause, stop_requests, undisturbed
from labmtj.system import check_system
from labmtj.timestamps import Timestamp


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
    slow: int = 1
    """how many of the first take longer: those that characterise a chip"""
    final_bytes: float | None = None
    """size of the journal in the end, as far as predictable"""


Failure = TypeVar("Failure", bound=LabmtjError)
Show = Callable[[Progress], None]
Announce = Callable[[Path], None]
"""is called with the folder of a run as soon as there is one"""


def start(
    experiment: Experiment,
    parent: Path,
    *,
    workers: int,
    show: Show,
    record_traffic: bool = False,
    announce: Announce | None = None,
) -> RunFolder:
    """Run an experiment in a new folder under `parent`, announced as soon as it is there, and return the folder.

    With `record_traffic`, what goes over the wire is kept in its `traffic.jsonl`, for a bench of kind replay.

    Raises:
        UsageError: if the folder cannot be made.
        LabmtjError: the folder is then marked STOPPED or FAILED, and everything up to the last block is kept; a run
            that was refused before anything was recorded leaves no folder.
    """
    if record_traffic and not experiment.on_instruments:
        raise UsageError(f"bench {experiment.bench.name} has no instruments; there is no traffic to record")
    check_system()
    folder = RunFolder.create(parent, experiment.resolved())
    if announce is not None:
        announce(folder.path)
    if record_traffic:
        experiment = replace(experiment, traffic=folder.path / "traffic.jsonl")
    place: _Place | None = None
    try:
        place = _begun(folder)
        with experiment.located():
            return _to_its_end(folder, experiment, place, workers, show)
    except LabmtjError as error:
        refused = error.exit_code == UsageError.exit_code or error.instead is not None  # others can be resumed
        if refused and (place is None or not place.holds_results) and not _has_a_story(folder):
            folder.remove()
            error.__notes__ = [note for note in getattr(error, "__notes__", ()) if note != _how_to_go_on(folder)]
            error.add_note("nothing was recorded, and no folder is left")
        raise


def _has_a_story(folder: RunFolder) -> bool:
    """Return whether a run left more than its journal to look at: traffic, the watchdog's notes, the trace of a bug."""
    kept = (folder.path / "traffic.jsonl", folder.watchdog)
    return any(path.exists() and path.stat().st_size for path in kept) or (
        folder.log.exists() and b'"trace"' in read_plain(folder.log)
    )


def resume(
    folder: RunFolder, *, workers: int, show: Show, over_budget: bool = False, announce: Announce | None = None
) -> RunFolder:
    """Go on with a run that was stopped or killed: rewind to the last snapshot of each station, and finish.

    With `over_budget`, beyond the budgets of cells and relays from here on; that is recorded.

    Raises:
        ConfigError: if its run.yaml is not as it was when the run began.
        UsageError: if the run is done already, or has lost its journal. Otherwise as `start`.
    """
    if folder.ending == "DONE":
        raise UsageError(f"{folder.path}: this run is done; `labmtj report` makes its report again")
    check_journal_is_there(folder)
    text = unchanged(folder, obeyed=True)
    check_folder(folder)
    experiment = checked_experiment(text)
    place = _rewound(folder, experiment)
    if announce is not None:
        announce(folder.path)
    if over_budget and not experiment.over_budget:
        experiment = replace(experiment, over_budget=True)
        place.log.attributes("provenance", {"over_budget_since_utc": Timestamp.now().utc})
    return _to_its_end(folder, experiment, place, workers, show)


def _to_its_end(folder: RunFolder, experiment: Experiment, place: _Place, workers: int, show: Show) -> RunFolder:
    """Do what is left of a run. A pause is a stop, bench safe and free, that goes on as `resume` does: all is checked.

    Only a bench needs that: a process that simulates is stopped and continued by the system as any other.
    """
    with continuing():
        while True:
            try:
                return _guarded(folder, experiment, place, workers, show)
            except Stopped as stopped:
                if stopped.signal_number != PAUSE:
                    raise
            folder.pause()
            show(Progress("paused", 0, 1, 0.0, 0))
            pause()
            folder.note("goes on")
            place = _rewound(folder, experiment)


@dataclass
class _Place:
    """Where a run goes on."""

    log: JournalLog
    states: States
    """the snapshot of every station that has one"""
    interrupted: Interrupted | None = None
    """what an earlier part of a run on instruments left open"""
    head_bytes: int = START
    """size of the journal when all is written that is known before the first bias"""

    @property
    def holds_results(self) -> bool:
        """Whether anything was recorded since."""
        return self.log.journal.acknowledged_bytes > self.head_bytes


def _begun(folder: RunFolder) -> _Place:
    """Begin a new journal; if there is no room for it, the run has failed and can be resumed as any other."""
    try:
        return _Place(JournalLog(JournalWriter.create(folder.journal)), {})
    except RecordError as error:
        folder.end("FAILED", str(error))
        raise _mendable(error, folder) from None


def _mendable(error: Failure, folder: RunFolder) -> Failure:
    if error.instead is None:  # else a new run is to be begun with another value
        error.add_note(_how_to_go_on(folder))
    return error


def _how_to_go_on(folder: RunFolder) -> str:
    return f"when that is fixed, go on with: labmtj resume {folder.path}"


def _rewound(folder: RunFolder, experiment: Experiment) -> _Place:
    """Go back to the snapshots.

    Every block ends with its snapshot: what follows the last one is a block that was cut off, or the analysis. It is
    cut if it will be repeated bit by bit; what happened on a bench of instruments stays on record.
    """
    journal = folder.journal
    if is_unborn(_first_bytes(journal)):  # its writer died before they were down
        files.remove(journal)
        return _begun(folder)
    names = {station.name for station in experiment.stations()}
    if not experiment.on_instruments:
        states, end = last_states(journal, names)
        return _Place(JournalLog.reopen(journal, end), states)
    log = JournalLog.reopen(journal)
    return _Place(log, last_states(journal, names)[0], interrupted(folder))


def _first_bytes(journal: Path) -> bytes:
    """Return enough bytes to decide whether there is a journal."""
    if not journal.exists():
        return b""
    with open_plain(journal) as file:
        return file.read(START + 1)


def _guarded(folder: RunFolder, experiment: Experiment, place: _Place, workers: int, show: Show) -> RunFolder:
    """Do what is left of a run and mark how it ended."""
    further = {PAUSE} if experiment.on_instruments else set()
    with warnings_noted(folder), stop_requests(further=further) as requests:
        try:
            folder.begin()
            folder.note("begin", pid=os.getpid(), workers=workers, over_budget=experiment.over_budget)
            found = _Course(folder, experiment, place, show, requests).run(workers)
        except Stopped as stopped:
            folder.end("STOPPED")
            folder.note("stopped")
            stopped.add_note(f"go on with: labmtj resume {folder.path}")
            raise
        except LabmtjError as error:
            said = "\n".join([str(error), *getattr(error, "__notes__", ())])  # such as that outputs may be on
            folder.note("failed", error=said)
            folder.end("FAILED", said)
            _mendable(error, folder)
            raise
        except (Exception, SystemExit) as error:
            raise _unexpected(folder, error) from error
        finally:
            place.log.journal.leave()  # whatever is not committed by now could not be
    folder.end("DONE")
    folder.note("done", found=found)
    return folder


def _unexpected(folder: RunFolder, error: BaseException) -> ProcedureFailed:
    """Mark the run as failed and return what to raise instead of an unexpected error."""
    folder.note("failed", error=repr(error), trace="".join(traceback.format_exception(error)))
    folder.end("FAILED", repr(error))
    refused = "" if isinstance(error, RecursionError) else refusal_of_the_system(error)
    if refused:
        return _mendable(ProcedureFailed(f"{refused}; the trace is in {folder.log}"), folder)
    return ProcedureFailed(
        f"{type(error).__name__}: {error}; {culprit(error) or 'this is a bug in labmtj or in the procedure'}, the "
        f"trace is in {folder.log}. Everything up to the last block is kept"
    )


class _Course:
    """What is left of a run, from the snapshots on."""

    def __init__(
        self,
        folder: RunFolder,
        experiment: Experiment,
        place: _Place,
        show: Show,
        requests: StopRequests,
    ) -> None:
        self.folder, self.experiment, self.log, self.states = folder, experiment, place.log, place.states
        self.place, self.show, self.requests = place, show, requests
        self.campaign = experiment.campaign
        first = {name: int(state["next"]) for name, state in place.states.items()}
        self.plan = Plan(
            experiment.stations(), self.campaign.blocks(), first, place.interrupted, experiment.over_budget
        )
        self.total = self.plan.blocks * len(self.plan.stations)
        self.before = self.done = self.total - sum(1 for _ in self.plan.order())
        self.checkpointer = Checkpointer(folder.journal, folder.data)
        self.begun = time.monotonic()
        self.growth = Growth(self.before, self.total, len(self.plan.stations))

    def run(self, workers: int) -> dict[str, Any]:
        """Execute everything, and return the summary of the campaign, if it has one."""
        if self.log.journal.acknowledged_bytes == START:
            bind(self.log, self.folder.run_yaml.read_text(encoding="utf-8"))
            self.place.head_bytes = self.log.journal.acknowledged_bytes
        self.experiment.campaign.check_stations(self.plan.stations)  # what that warns of is kept in the log of the run
        self.note("plan", chips=[chip for station in self.plan.stations for chip in station.arrays])
        if not self.states:
            self._head()
            self.place.head_bytes = self.log.journal.acknowledged_bytes
        path = self.folder.path.resolve()
        experiment = replace(self.experiment, run=path.name, watchdog=self.folder.watchdog)
        if experiment.on_instruments:
            experiment = replace(experiment, begun_seconds=last_seconds(self.folder.journal))
            self._keep()  # from now on there is a data.h5; later, nothing is written while outputs may be on
        check, at_work = self.requests.check, False
        try:
            with executor_of(
                experiment, self.folder.run_yaml, self.plan, self.states, workers, check, self._keep_frames
            ) as executor:
                at_work = True
                self._blocks(executor)
                self._keep()
                return self._conclude(executor)
        except BaseException as error:
            if at_work:  # outputs are off by now: writing may take long, or fail
                with undisturbed():
                    self._keep()
                    if isinstance(error, Overstressed):
                        with open_data(self.folder.data) as data:
                            keep_found_health(self.folder, self.experiment, data)
            raise

    def _head(self) -> None:
        """Write down what is known before the first bias."""
        self.experiment.declare(self.plan.stations, self.log)
        root: dict[str, str | int] = {
            "experiment": self.experiment.name,
            "run": self.folder.path.resolve().name,
            "seed": self.experiment.seed,
            "started_utc": str(yamlfile.load(self.folder.run_yaml).content["provenance"]["created_utc"]),
        }
        self.log.attributes("", root)
        self.log.commit()

    def _blocks(self, executor: Executor) -> None:
        """Take the blocks that are still to be done; a round of all stations is made durable at once."""
        last = self.plan.stations[-1].name
        if not self.experiment.on_instruments:
            self._keep()  # from now on there is a data.h5
        self.growth.final_bytes(self.done, self.log.journal.bytes)
        if self.before:
            self._show("blocks", self.before, self.total, self.before)
        for _, station, frames in executor.blocks():
            self.log.append_frames([frames])
            self.done += 1
            if station.name == last:
                self.log.commit()
                if self.checkpointer.due():
                    self._keep()
            final = self.growth.final_bytes(self.done, self.log.journal.bytes)
            self._show("blocks", self.done, self.total, self.before, final)
            self.requests.check()

    def _keep_frames(self, frames: bytes) -> None:
        with undisturbed():  # what was done is not lost by a second Ctrl+C
            self.log.append_frames([frames])
            self.log.commit()

    def _keep(self) -> None:
        """Make everything so far durable, in the journal and in data.h5, and note how far the run is."""
        self.log.commit()
        if self.checkpointer.checkpoint():
            self.note("checkpoint", seconds=round(self.checkpointer.cost_seconds, 3))

    def _conclude(self, executor: Executor) -> dict[str, Any]:
        """Work out what follows from the records of all blocks; return the result in a sentence."""
        stations = self.plan.stations
        self.begun = time.monotonic()
        self._show("analysis", 0, len(stations), 0)
        for done, (_, frames) in enumerate(executor.conclusions(self.folder.data), 1):
            self.log.append_frames([frames])
            self._show("analysis", done, len(stations), 0)
            self.requests.check()
        self._keep()
        with open_data(self.folder.data) as data:
            self.campaign.summarise(stations, data, self.log)
            keep_found_health(self.folder, self.experiment, data)
        self._keep()
        with open_data(self.folder.data) as data:
            return dict(data.attributes(OUTCOME)) if OUTCOME in data.tree() else {}

    def note(self, event: str, **values: object) -> None:
        """Note an event in run.log, and how far the run is."""
        self.folder.note(event, done=self.done, total=self.total, **values)

    def _show(self, phase: str, done: int, total: int, before: int, final_bytes: float | None = None) -> None:
        """Show the progress; a display that fails is noted and left alone: who looks on never stops a run."""
        try:
            seconds = time.monotonic() - self.begun
            self.show(Progress(phase, done, total, seconds, before, len(self.plan.stations), final_bytes))
        except LabmtjError:  # a model that raises one wants to stop the run
            raise
        except Exception as error:  # noqa: BLE001 - a display may raise anything
            self.show = lambda _: None
            self.note("the display failed", error=repr(error), trace="".join(traceback.format_exception(error)))
