"""Runs: make them, finish them, rebuild and report them.

The options of each command stand with what it does; `rest` holds settings of an experiment. Heavy imports happen
inside the commands.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labmtj.commands.options import RUNS, Add, run_path, some_path, with_data
from labmtj.errors import LabmtjError, ProcedureFailed, UsageError
from labmtj.terminal import say

if TYPE_CHECKING:
    from labmtj.display import Display
    from labmtj.run import RunFolder


def declare(add: Add) -> None:
    """Add the commands to the parser."""
    its = add("run", run, "run an experiment", add_help=False)
    its.add_argument("--experiment", help=argparse.SUPPRESS)  # that of data/default.yaml, if none is given
    its.add_argument("--bench", help="bench file, instead of the experiment's")
    its.add_argument("--out", type=some_path, default=RUNS, help="where the run's folder is made (default: runs)")
    its.add_argument("--seed", type=int, help="seed, instead of the experiment's")
    its.add_argument(
        "--rehearse", action="store_true", help="run a part on the simulation and print what the whole would take"
    )
    its.add_argument(
        "--record-traffic", action="store_true", help="keep what goes over the wire, for a bench of kind replay"
    )
    its.add_argument("--over-budget", action="store_true", help="go on where a cell or a relay has used up its budget")
    its.add_argument("--tag", action="append", default=[], metavar="WORD", help="a word to find the run by")
    _add_workers(its)
    its.add_argument("-h", "--help", action="store_true", help="show this help and the settings of the experiment")

    its = add("resume", resume, "finish a run that was stopped or killed")
    its.add_argument("run", type=run_path, help="folder of the run")
    its.add_argument(
        "--over-budget", action="store_true", help="go on where a cell or a relay has used up its budget; recorded"
    )
    _add_workers(its)
    its = add("recover", recover, "rebuild data.h5 of a run from its journal alone")
    its.add_argument("run", type=run_path, help="folder of the run")
    its.add_argument("--skip-damage", action="store_true", help="pass over damaged stretches of the journal")
    its = add("report", report, "make the report of a run")
    its.add_argument("run", type=run_path, help="folder of the run, or its data.h5")
    its.add_argument(
        "--out", type=some_path, metavar="FILE", help="where to write it (default: report.html in the run)"
    )


def run(known: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run an experiment, or rehearse it, or list its settings."""
    from labmtj import library
    from labmtj.display import Display
    from labmtj.run import load_experiment, start
    from labmtj.run.options import settings_from
    from labmtj.run.size import most_text

    if known.help:
        from labmtj.run.optionhelp import experiment_help, run_help

        say(run_help() if known.experiment is None else experiment_help(known.experiment))
        return 0
    if known.experiment is None:
        known.experiment = library.default()[0]
    elif not known.experiment:
        raise UsageError("the name of the experiment is empty; is a variable of the shell not set?")
    _check_workers(known.workers)
    if known.seed is not None and not 0 <= known.seed < 2**63:
        raise UsageError(f"--seed {known.seed}: must be a whole number from 0 to 2^63 - 1")
    changes = settings_from(known.experiment, rest)
    with Display() as display:
        display.phase(f"checking  {known.experiment}{f' on {known.bench}' if known.bench else ''}")
        experiment = load_experiment(
            known.experiment, bench=known.bench, seed=known.seed, changes=changes, over_budget=known.over_budget,
            tags=known.tag,
        )  # fmt: skip
        if known.rehearse:
            from labmtj.run.rehearsal_text import full_text
            from labmtj.run.rehearse import rehearse

            display.phase("rehearsing a part of it")
            text = full_text(rehearse(experiment))
        else:
            folder = start(
                experiment, known.out, workers=known.workers, show=display, record_traffic=known.record_traffic,
                announce=lambda path: display.run(path, most_text(experiment)),
            )  # fmt: skip
            text = _reported(folder, folder.report, display)
    say(text)
    return 0


def resume(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - all take both
    """Finish a run."""
    from labmtj.display import Display
    from labmtj.run import RunFolder, resume
    from labmtj.run.watched import why_ended

    _check_workers(known.workers)
    folder = RunFolder.open(known.run)
    if folder.condition == "killed" and (reason := why_ended(folder)):
        say(f"labmtj: the watchdog has ended this run: {reason}", file=sys.stderr)
    with Display() as display:
        display.phase(f"checking  {known.run}")
        folder = resume(
            folder, workers=known.workers, show=display, over_budget=known.over_budget, announce=display.run
        )
        text = _reported(folder, folder.report, display)
    say(text)
    return 0


def _reported(folder: RunFolder, page: Path, display: Display) -> str:
    """Make the report and return what to print: what the run found, and where the report is."""
    from labmtj.report import summary_text, write_report

    display.phase("report")
    try:
        write_report(folder.data, page)
        text = summary_text(folder.data)
    except (LabmtjError, OSError):
        raise
    except KeyboardInterrupt as error:
        error.add_note(f"the run is done, its report is not: labmtj report {folder.path}")
        raise
    except BaseException as error:
        import traceback

        from labmtj.plugins import culprit

        folder.note("the report failed", error=repr(error), trace="".join(traceback.format_exception(error)))
        raise ProcedureFailed(
            f"{folder.data} is complete, but its report failed: {type(error).__name__}: {error}; "
            f"{culprit(error) or 'this is a bug in labmtj'}, the trace is in {folder.log}; "
            f"`labmtj report {folder.path}` tries again"
        ) from error
    return f"{text}\nreport: {page}"


def _check_workers(workers: int) -> None:
    if not 1 <= workers <= 64:
        raise UsageError(f"--workers {workers}: choose 1 to 64")


def recover(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Rebuild data.h5 of a run from its journal."""
    from labmtj.record import recover
    from labmtj.run import RunFolder
    from labmtj.run.binding import unchanged
    from labmtj.run.origin import check_folder

    folder = RunFolder.open(known.run)
    if not folder.journal.is_file():
        raise UsageError(f"{folder.journal}: no journal; there is nothing to rebuild data.h5 from")
    unchanged(folder)
    check_folder(folder)
    with folder.alone():
        reader = recover(folder.journal, folder.data, skip_damage=known.skip_damage)
    say(f"{folder.data}: rebuilt from {reader.valid_bytes / 1e6:.1f} MB of journal")
    if reader.torn_bytes:
        say(f"{reader.torn_bytes} bytes after the last whole frame were never acknowledged and are left out")
    return 0


def report(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Make the report of a run."""
    from labmtj.display import Display

    folder = with_data(known.run)
    with Display() as display:
        text = _reported(folder, known.out or folder.report, display)
    say(text)
    return 0


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", type=int, metavar="N", default=min(2, os.cpu_count() or 1), help="worker processes (default: 2)"
    )
