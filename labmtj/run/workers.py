"""Blocks of all stations in one fixed order: block by block, station by station, whichever process computes them.

The order, and every byte of a block, are the same with one worker or many; so is the journal.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, Protocol

from labmtj.brief import brief
from labmtj.errors import LabmtjError, ProcedureFailed, UsageError
from labmtj.quantities import ChipGroup
from labmtj.run.experiment import Experiment, load_run
from labmtj.run.recovery import Interrupted
from labmtj.run.stations import ChipGroupAtWork
from labmtj.stopping import SIGNALS

States = Mapping[str, Mapping[str, Any]]
"""the snapshot of each station, by name"""
Check = Callable[[], None]
"""raises Stopped if a stop was requested"""
Keep = Callable[[bytes], None]
"""returns when these frames are durable"""
BLOCKS_AHEAD = 40
"""blocks a worker may be ahead of the main process: bounds the memory of frames that wait"""


@brief
@dataclass(frozen=True)
class Plan:
    """Which blocks are to be done."""

    stations: Sequence[ChipGroup]
    blocks: int
    first: Mapping[str, int]
    """next block of each station, by name"""
    interrupted: Interrupted | None = None
    """what an earlier part of a run on instruments left open"""
    over_budget: bool = False
    """whether to go on beyond the budgets: asked for now, or when the run began"""

    def order(self) -> Iterator[tuple[int, ChipGroup]]:
        """Iterate (block, station) in the order of the journal."""
        for index in range(self.blocks):
            for station in self.stations:
                if index >= self.first.get(station.name, 0):
                    yield index, station


def limit_threads() -> None:
    """Keep BLAS to one thread: workers share the cores, and a small matrix product gains nothing from a second."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


class Executor(Protocol):
    """Runs the blocks in this process or in others; in both cases the answers come in the order of the plan."""

    def blocks(self) -> Iterator[tuple[int, ChipGroup, bytes]]:
        """Do the blocks; iterate (block, station, frames)."""
        ...

    def conclusions(self, data: Path) -> Iterator[tuple[ChipGroup, bytes]]:
        """Conclude every station from the records in `data`; iterate (station, frames)."""
        ...


class _InProcess:
    """Everything in this process."""

    def __init__(self, experiment: Experiment, plan: Plan, states: States, check: Check, keep: Keep | None) -> None:
        limit_threads()
        self._plan = plan
        self._work: dict[str, ChipGroupAtWork] = {}
        try:
            for station in plan.stations:
                self._work[station.name] = _at_work(experiment, plan, station, states, check, keep)
        except BaseException:
            self.close()
            raise

    def blocks(self) -> Iterator[tuple[int, ChipGroup, bytes]]:
        for index, station in self._plan.order():
            yield index, station, self._work[station.name].run_block(index)
        self.close()  # what remains is done from the records: no output stays on for it

    def conclusions(self, data: Path) -> Iterator[tuple[ChipGroup, bytes]]:
        for station in self._plan.stations:
            yield station, self._work[station.name].conclude(data)

    def close(self) -> None:
        """Leave every bench safe."""
        with ExitStack() as stack:
            for work in self._work.values():
                stack.callback(work.close)


class _WorkerPool:
    """Worker processes, each with its own stations."""

    def __init__(self, run_yaml: Path, plan: Plan, states: States, workers: int, check: Check) -> None:
        # a forked process would inherit the locks of HDF5 and the journal
        context = multiprocessing.get_context("spawn")
        self._plan, self._check = plan, check
        self._share = {station.name: number % workers for number, station in enumerate(plan.stations)}
        with (
            _blocked_signals()
        ):  # the helper process that comes with the first queue has to bear a closed terminal, too
            try:
                self._answers: list[Queue[Any]] = [context.Queue(BLOCKS_AHEAD) for _ in range(workers)]
                self._data: list[Queue[Path]] = [context.Queue() for _ in range(workers)]
            except (OSError, ImportError) as error:
                raise UsageError(
                    f"this system has no shared memory for {workers} workers ({error}); use --workers 1, or raise "
                    "its shared memory and its limit of open files"
                ) from error
        self._processes = []
        for number in range(workers):
            mine = [name for name, worker in self._share.items() if worker == number]
            arguments = (
                run_yaml, plan, mine, {name: states[name] for name in mine if name in states},
                self._answers[number], self._data[number],
            )  # fmt: skip
            self._processes.append(context.Process(target=_work, args=arguments, daemon=True))

    def begin(self) -> None:
        """Start all workers; none of them ever gets a request to stop, from its first instruction on.

        Ctrl+C and a closed terminal reach the whole group of processes: the main process alone decides.
        """
        with _blocked_signals():
            for process in self._processes:
                process.start()

    def blocks(self) -> Iterator[tuple[int, ChipGroup, bytes]]:
        for index, station in self._plan.order():
            yield index, station, self._answer(station, f"block {index}")

    def conclusions(self, data: Path) -> Iterator[tuple[ChipGroup, bytes]]:
        for orders in self._data:
            orders.put(data)
        for station in self._plan.stations:
            yield station, self._answer(station, "the analysis")

    def _answer(self, station: ChipGroup, what: str) -> bytes:
        worker = self._share[station.name]
        answer = _next(self._answers[worker], self._processes[worker], self._check)
        if isinstance(answer, LabmtjError):
            raise answer
        if isinstance(answer, str):
            raise ProcedureFailed(f"{what} of station {station.name} failed:\n{answer}")
        return bytes(answer)

    def close(self) -> None:
        """End all workers at once."""
        started = [process for process in self._processes if process.pid is not None]
        for process in started:
            process.kill()
        for process in started:
            process.join()


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Hold back requests to stop; a process that is started meanwhile inherits that until it ends."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def executor_of(
    experiment: Experiment, run_yaml: Path, plan: Plan, states: States, workers: int, check: Check, keep: Keep
) -> Iterator[Executor]:
    """Return an executor with as many processes as asked for, but no more than there are stations.

    `check` is called often, while a block is done here or waited for, and may raise. `keep` makes frames durable: a
    bench of instruments has one owner, this process, and every operation on it is kept before the next.
    """
    workers = min(workers, len(plan.stations))
    if workers == 1 or experiment.on_instruments:
        in_process = _InProcess(experiment, plan, states, check, keep if experiment.on_instruments else None)
        try:
            yield in_process
        finally:
            in_process.close()
        return
    pool = _WorkerPool(run_yaml, plan, states, workers, check)
    try:
        pool.begin()
        yield pool
    finally:
        pool.close()


def _next(blocks: Queue[Any], process: Any, check: Check) -> Any:
    """Return the next answer of a worker; raise ProcedureFailed if it died without one."""
    while True:
        check()
        alive = process.is_alive()  # asked first: what a worker sent before it died has arrived by then
        try:
            return blocks.get(timeout=0.2)
        except queue.Empty:
            if not alive:
                raise ProcedureFailed(
                    f"a worker process died (exit code {process.exitcode}); was memory short? Everything up to the "
                    "last block is kept"
                ) from None


def _work(
    run_yaml: Path, plan: Plan, mine: Sequence[str], states: States, answers: Queue[Any], data: Queue[Path]
) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    limit_threads()
    try:
        experiment = replace(load_run(run_yaml), over_budget=plan.over_budget)
        work = {
            station.name: _at_work(experiment, plan, station, states)
            for station in plan.stations
            if station.name in mine
        }
        for index, station in plan.order():
            if station.name in work:
                answers.put(work[station.name].run_block(index))
        records = data.get()
        for station in plan.stations:
            if station.name in work:
                answers.put(work[station.name].conclude(records))
    except LabmtjError as error:
        answers.put(error)
    except Exception:  # noqa: BLE001 - whatever a procedure raises has to reach the main process
        answers.put(traceback.format_exc())


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _at_work(
    experiment: Experiment, plan: Plan, station: ChipGroup, states: States, check: Check | None = None,
    keep: Keep | None = None,
) -> ChipGroupAtWork:  # fmt: skip
    work = ChipGroupAtWork(experiment, plan.stations, station, check, keep, plan.interrupted)
    try:
        if station.name in states:
            work.restore(states[station.name])
    except BaseException:
        work.close()
        raise
    return work
