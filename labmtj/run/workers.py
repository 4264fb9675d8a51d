"""Blocks of all stations in one fixed order: block by block, station by station, whoever computes them.

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
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from labmtj.errors import LabmtjError, ProcedureFailed
from labmtj.quantities import Station
from labmtj.run.experiment import Experiment, load_run
from labmtj.run.stations import StationAtWork
from labmtj.stopping import SIGNALS

BLOCKS_AHEAD = 6
"""blocks a worker may be ahead of the main process: bounds the memory of frames that wait"""


@dataclass(frozen=True)
class Plan:
    """Which blocks are to be done."""

    stations: Sequence[Station]
    blocks: int
    first: Mapping[str, int]
    """next block of each station, by name"""

    def order(self) -> Iterator[tuple[int, Station]]:
        """Iterate (block, station) in the order of the journal."""
        for index in range(self.blocks):
            for station in self.stations:
                if index >= self.first.get(station.name, 0):
                    yield index, station


def limit_threads() -> None:
    """Keep BLAS to one thread: workers share the cores, and a small matrix product gains nothing from a second."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


def serial(
    experiment: Experiment, plan: Plan, states: Mapping[str, Mapping[str, Any]], check: Callable[[], None]
) -> Iterator[tuple[int, Station, bytes]]:
    """Do the blocks in this process; `check` may raise before every operation on an array."""
    limit_threads()
    work = {station.name: _at_work(experiment, plan, station, states, check) for station in plan.stations}
    for index, station in plan.order():
        yield index, station, work[station.name].run_block(index)


@contextmanager
def parallel(
    run_yaml: Path, plan: Plan, states: Mapping[str, Mapping[str, Any]], workers: int, check: Callable[[], None]
) -> Iterator[Iterator[tuple[int, Station, bytes]]]:
    """Do the blocks in worker processes, each with its own stations; the iterator restores the order.

    `check` may raise while a block is waited for.
    """
    context = multiprocessing.get_context("spawn")  # a forked process would inherit the locks of HDF5 and the journal
    with _blocked_signals():  # the helper process that comes with the first queue has to outlive a closed terminal, too
        queues: list[Queue[Any]] = [context.Queue(BLOCKS_AHEAD) for _ in range(workers)]
    share = {station.name: number % workers for number, station in enumerate(plan.stations)}
    processes = []
    for number in range(workers):
        mine = [name for name, worker in share.items() if worker == number]
        arguments = (run_yaml, plan, mine, {name: states[name] for name in mine if name in states}, queues[number])
        processes.append(context.Process(target=_work, args=arguments, daemon=True))
    try:
        with _blocked_signals():
            for process in processes:
                process.start()
        yield _in_order(plan, share, queues, processes, check)
    finally:
        started = [process for process in processes if process.pid is not None]
        for process in started:
            process.kill()
        for process in started:
            process.join()


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Hold back requests to stop; a process that is started meanwhile never gets them, from its first instruction on.

    Ctrl+C and a closed terminal reach the whole group of processes: the main process alone decides.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_order(
    plan: Plan, share: Mapping[str, int], queues: Sequence[Queue[Any]], processes: Sequence[Any], check: Callable[[], None]
) -> Iterator[tuple[int, Station, bytes]]:
    for index, station in plan.order():
        worker = share[station.name]
        answer = _next(queues[worker], processes[worker], check)
        if isinstance(answer, LabmtjError):
            raise answer
        if isinstance(answer, str):
            raise ProcedureFailed(f"block {index} of station {station.name} failed:\n{answer}")
        yield index, station, answer


def _next(blocks: Queue[Any], process: Any, check: Callable[[], None]) -> Any:
    """Return the next answer of a worker; raise ProcedureFailed if it died without one."""
    while True:
        check()
        alive = process.is_alive()  # asked first: what a worker sent before it died has arrived by then
        try:
            return blocks.get(timeout=0.2)
        except queue.Empty:
            if not alive:
                raise ProcedureFailed(
                    f"a worker process died (exit code {process.exitcode}); was memory short? Everything up to the last "
                    "block is kept"
                ) from None


def _work(run_yaml: Path, plan: Plan, mine: Sequence[str], states: Mapping[str, Mapping[str, Any]], blocks: Queue[Any]) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    limit_threads()
    try:
        experiment = load_run(run_yaml)
        work = {
            station.name: _at_work(experiment, plan, station, states) for station in plan.stations if station.name in mine
        }
        for index, station in plan.order():
            if station.name in work:
                blocks.put(work[station.name].run_block(index))
    except LabmtjError as error:
        blocks.put(error)
    except Exception:  # noqa: BLE001 - whatever a procedure raises has to reach the main process
        blocks.put(traceback.format_exc())


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _at_work(
    experiment: Experiment, plan: Plan, station: Station, states: Mapping[str, Mapping[str, Any]],
    check: Callable[[], None] | None = None,
) -> StationAtWork:  # fmt: skip
    work = StationAtWork(experiment, plan.stations, station, check)
    if station.name in states:
        work.restore(states[station.name])
    return work
