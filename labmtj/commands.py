"""What each command does; `rest` holds settings of an experiment. Heavy imports happen inside the commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labmtj.errors import LabmtjError, ProcedureFailed, UsageError
from labmtj.terminal import say

if TYPE_CHECKING:
    from labmtj.display import Display
    from labmtj.run import RunFolder


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
    known.experiment = known.experiment or library.default()[0]
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
    except Exception as error:
        import traceback

        folder.note("the report failed", error=repr(error), trace="".join(traceback.format_exception(error)))
        raise ProcedureFailed(
            f"{folder.data} is complete, but its report failed: {type(error).__name__}: {error}. This is a "
            f"bug in labmtj, the trace is in {folder.log}; `labmtj report {folder.path}` tries again"
        ) from error
    return f"{text}\nreport: {page}"


def _check_workers(workers: int) -> None:
    if not 1 <= workers <= 64:
        raise UsageError(f"--workers {workers}: choose 1 to 64")


@contextmanager
def _stopped_at_once() -> Iterator[None]:
    """Let a signal break off what goes on within, Ctrl+Z too: a bench in hand is never left with its outputs on."""
    from labmtj.stopping import PAUSE, stop_requests

    with stop_requests(patience_seconds=0, further={PAUSE}):
        yield


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

    folder = _with_data(known.run)
    with Display() as display:
        text = _reported(folder, known.out or folder.report, display)
    say(text)
    return 0


def _with_data(path: Path) -> RunFolder:
    """Return the folder of a run, or one that holds nothing but data.h5, named by itself or by that file."""
    from labmtj.reading.opening import data_of
    from labmtj.run import RunFolder
    from labmtj.run.binding import unchanged

    data = data_of(path)
    folder = RunFolder(data.parent)
    if data.name != folder.data.name:
        raise UsageError(f"{path}: give the folder of a run, or a data.h5")
    if not folder.run_yaml.exists():
        return folder
    folder = RunFolder.open(folder.path)
    unchanged(folder)
    return folder


def show(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Print what a run found."""
    from labmtj.report import summary_text

    folder = _with_data(known.run)
    say(summary_text(folder.data))
    if folder.run_yaml.exists() and (condition := folder.condition) != "done":
        say("", f"not complete, this run is: {condition}", *filter(None, [folder.reason, *_what_now(folder)]))
    return 0


def _what_now(folder: RunFolder) -> list[str]:
    """Return how a run that is not done goes on, and how much of its journal data.h5 does not have yet."""
    from labmtj.reading.condition import Condition
    from labmtj.reading.opening import open_recorded

    with open_recorded(folder.data) as data:
        condition = Condition.of(folder, data)
    if not condition.behind_bytes:
        return list(condition.advice)
    when = (
        "it comes with the next checkpoint"
        if condition.ended in ("running", "paused")
        else f"`labmtj recover {folder.path}` brings it in"
    )
    behind = f"the journal has {condition.behind_bytes / 1e6:.3g} MB that data.h5 has not: {when}"
    return [behind, *condition.advice]


def ls(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """List runs, and the benches that are not known to be safe."""
    from labmtj.instrumentlocks import unsafe
    from labmtj.run.choice import Choice, accuracy_from, moment_from
    from labmtj.run.listing import list_runs

    if not known.folder.is_dir():
        raise UsageError(f"{known.folder}: no such folder; `labmtj run` makes runs here, or name another folder")
    choice = Choice(
        known.procedure, known.chip, tuple(known.tag), known.ended,
        known.since and moment_from("--since", known.since),
        known.until and moment_from("--until", known.until, end=True),
        known.accuracy and accuracy_from(known.accuracy),
    )  # fmt: skip
    say(list_runs(known.folder, choice), *unsafe())
    return 0


def export(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Write a group of a run to a file."""
    from labmtj.reading import open_run
    from labmtj.reading.export import export

    with open_run(known.run) as run:
        for remark in run.remarks:
            say(f"labmtj: {remark}", file=sys.stderr)
        export(run, known.group, known.file, force=known.force)
    say(f"{known.file}: {known.file.stat().st_size / 1e6:.1f} MB")
    return 0


def compare(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Compare two runs."""
    from labmtj.reading import open_run
    from labmtj.report.comparison import comparison_text

    with open_run(known.first) as first, open_run(known.second) as second:
        say(comparison_text(first, second))
    return 0


def calibrate(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Write an array file of a chip, or of each, from the data of a run alone."""
    from labmtj.bench import load_array
    from labmtj.calibration.calibrate import calibrate
    from labmtj.calibration.observed import chips_to_calibrate
    from labmtj.calibration.text import calibration_lines
    from labmtj.calibration.writing import write_arrays
    from labmtj.reading.opening import data_of

    if not 0 <= known.draws <= 1000:
        raise UsageError(f"--draws {known.draws}: choose 0 to 1000")
    on = None if known.on is None else load_array(known.on)
    data = data_of(known.run)
    chips = chips_to_calibrate(data, known.chip, "--on" if known.on else "--out" if known.out else "")
    for chip in chips:
        found = calibrate(data, chip, on)
        lines = calibration_lines(found)
        out = known.out or Path(f"{found.observed.chip}-calibrated.yaml")
        say(*lines, "", *write_arrays(found, out, lines, known.draws), *[""] * (chip != chips[-1]))
    return 0


def twin(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Compare a run with the twin of its chip."""
    from labmtj.bench import load_array
    from labmtj.calibration.text import twin_lines
    from labmtj.calibration.twin import twin
    from labmtj.reading.opening import data_of

    if not 0 <= known.seed < 2**63:
        raise UsageError(f"--seed {known.seed}: must be a whole number from 0 to 2^63 - 1")
    on = None if known.on is None else load_array(known.on)
    result = twin(data_of(known.run), on, chip=known.chip, seed=known.seed, again=not known.no_rerun)
    say(*twin_lines(result))
    return 0


def check(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Check a bench: its file, its instruments, its wiring; and rehearse the default experiment on it."""
    from labmtj.bench import BenchFile, load_any
    from labmtj.bench.checks.check import check_text
    from labmtj.bench.checks.text import bench_text
    from labmtj.display import Display
    from labmtj.ownership import check_ownership
    from labmtj.run.options import check_settings

    check_ownership()
    file = load_any(known.bench)
    check_settings(known.bench, file)
    if isinstance(file, BenchFile):
        say(bench_text(file))
        return 0
    with _stopped_at_once():
        with Display() as display:
            text = check_text(known.bench, file, display.phase)
        say(text)
        if not known.no_rehearsal:
            from labmtj.run.rehearsal_text import bench_rehearsal

            with Display() as display:
                text = bench_rehearsal(known.bench, display.phase)
            say("", text)
    say("", "ok")
    return 0


def safe(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Make a bench safe."""
    from labmtj.bench.session.make_safe import make_safe

    say(*make_safe(known.bench))
    return 0


def read(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Read one cell."""
    from labmtj.bench.session.hands import read_cell

    with _stopped_at_once():
        say(read_cell(known.bench, known.row, known.column, known.volts, known.array))
    return 0


def pulse(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Pulse one cell."""
    from labmtj.bench.session.hands import pulse_cell

    with _stopped_at_once():
        line = pulse_cell(
            known.bench,
            known.row,
            known.column,
            known.volts,
            known.seconds,
            known.array,
            over_budget=known.over_budget,
        )
        say(line)
    return 0


def serve(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Serve virtual instruments until a signal comes."""
    import json

    from labmtj.system import check_system

    check_system()
    from labmtj.virtual.server.serving import serve, until_signal

    with serve(known.bench, faults=known.fault, hislip=known.hislip, vxi11=known.vxi11) as served:
        for greeting in served.greetings():
            say(json.dumps(greeting))
        until_signal(also_end_of=sys.stdin.buffer if known.with_parent else None)
    return 0


def coverage(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Print what the virtual instruments know of their manuals."""
    from labmtj.virtual.coverage import coverage_text

    say(coverage_text(known.instrument))
    return 0


def plugins(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """List plug-ins."""
    from labmtj.pluginlist import plugins_text

    say(plugins_text(known.group))
    return 0


def train(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Train solutions."""
    from labmtj.perceptron import load_wine, train
    from labmtj.perceptron.describe import accuracy_text

    if not 1 <= known.count <= 100_000:
        raise UsageError(f"--count {known.count}: choose 1 to 100000")
    wine = load_wine()
    trained = train(wine, known.count, known.seed)
    _save(trained, known.out)
    say(accuracy_text(trained, wine))
    return 0


def solutions(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Import solutions."""
    from labmtj.perceptron import import_solutions, load_wine
    from labmtj.perceptron.describe import accuracy_text

    found = import_solutions(known.path)
    _save(found, known.out or Path(f"{known.path.resolve().stem}.npz"))
    say(accuracy_text(found, load_wine()))
    return 0


def _save(solutions: Any, path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path}: exists already; choose another name with --out")
    try:
        solutions.save(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}; choose another place with --out") from error
    say(f"{path}: {len(solutions)} solutions")


def completion(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Print the script by which a shell completes commands."""
    from labmtj.completion import script

    say(script(known.shell, known.parser))
    return 0
