"""The command line: parsing and printing, nothing else. Heavy imports happen inside the commands."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labmtj import __version__
from labmtj.errors import LabmtjError, ProcedureFailed, UsageError

if TYPE_CHECKING:
    from labmtj.run import Progress, RunFolder

RUNS = Path("runs")
FAULT = "this is a fault of labmtj"
"""said of an error that nobody foresaw"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 or 143 stopped."""
    if arguments is None:
        signal.signal(signal.SIGINT, _interrupt)
    parser = _parser()
    known, rest = parser.parse_known_args(_named_experiment(sys.argv[1:] if arguments is None else arguments))
    if rest and known.command is not _run:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return int(known.command(known, rest) or 0)
    except LabmtjError as error:
        return _complain(str(error), *getattr(error, "__notes__", ()), code=error.exit_code)
    except KeyboardInterrupt:
        print("labmtj: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return 0
    except OSError as error:
        return _complain(f"{error.filename or 'a file'}: {error.strerror or error}")
    except Exception as error:
        if "LABMTJ_TRACE" in os.environ:
            raise
        said = f"{type(error).__name__}: {error}"[:500]
        return _complain(f"{said}; {FAULT}: please report it, with the trace that LABMTJ_TRACE=1 in front shows")
    finally:
        if arguments is None:  # the outcome stands, whatever is pressed while the process ends
            signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Interrupt(KeyboardInterrupt):
    """Python itself kills a process by SIGINT, whatever its exit code, if a plain one comes while it imports."""


def _interrupt(*_: object) -> None:
    raise _Interrupt


def _complain(*lines: str, code: int = 1) -> int:
    """Print an error, as far as a terminal can bear it, and return the exit code."""
    text = "\n".join(lines)
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text[:5000])
    print(f"labmtj: {shown}", file=sys.stderr)
    return code


def _named_experiment(arguments: Sequence[str]) -> Sequence[str]:
    """Turn `run NAME` into `run --experiment NAME`: argparse would take the value of a setting for the name."""
    if len(arguments) > 1 and arguments[0] == "run" and not arguments[1].startswith("-"):
        return ["run", "--experiment", *arguments[1:]]
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="labmtj",
        description="Write and read passive crossbar arrays of magnetic tunnel junctions.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"labmtj {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(
        name: str, command: Callable[..., int | None], text: str, *, add_help: bool = True
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", add_help=add_help, allow_abbrev=False
        )
        sub.set_defaults(command=command)
        return sub

    run = add("run", _run, "run an experiment", add_help=False)
    run.add_argument("--experiment", default="wine", help=argparse.SUPPRESS)
    run.add_argument("--bench", help="bench file, in the place of the experiment's")
    run.add_argument("--out", type=Path, default=RUNS, help="where the run's folder is made (default: runs)")
    run.add_argument("--seed", type=int, help="seed, in the place of the experiment's")
    run.add_argument(
        "--rehearse", action="store_true", help="run a part on the simulation and print what the whole would take"
    )
    run.add_argument(
        "--record-traffic", action="store_true", help="keep what goes over the wire, for a bench of kind replay"
    )
    run.add_argument("--over-budget", action="store_true", help="go on where a cell or a relay has used up its budget")
    _add_workers(run)
    run.add_argument("-h", "--help", action="store_true", help="show this help and the settings of the experiment")

    resume = add("resume", _resume, "finish a run that was stopped or killed")
    resume.add_argument("run", type=Path, help="folder of the run")
    _add_workers(resume)
    recover = add("recover", _recover, "rebuild data.h5 of a run from its journal alone")
    recover.add_argument("run", type=Path)
    recover.add_argument("--skip-damage", action="store_true", help="pass over damaged stretches of the journal")
    report = add("report", _report, "make the report of a run")
    report.add_argument("run", type=Path)
    show = add("show", _show, "print what a run found")
    show.add_argument("run", type=Path)
    ls = add("ls", _ls, "list runs")
    ls.add_argument("folder", type=Path, nargs="?", default=RUNS)
    check = add("check", _check, "check a bench file and its arrays")
    check.add_argument("bench", nargs="?", default="simulated")
    check.add_argument(
        "--no-rehearsal", action="store_true", help="leave out what the wine campaign would take on these instruments"
    )
    safe = add("safe", _safe, "bring every source of a bench to 0 V and off, every relay to rest")
    safe.add_argument("bench")
    read = add("read", _read, "read one cell")
    pulse = add("pulse", _pulse, "pulse one cell")
    for hand in (read, pulse):
        hand.add_argument("bench")
        hand.add_argument("row", type=int)
        hand.add_argument("column", type=int)
    read.add_argument("--volts", type=float, default=0.1, help="on the row (default: 0.1)")
    pulse.add_argument("--volts", type=float, required=True, help="across the cell; its sign is its direction")
    pulse.add_argument("--over-budget", action="store_true", help="pulse a cell that has used up its budget")
    pulse.add_argument("--seconds", type=float, default=1e-3, help="width (default: 0.001)")
    serve = add("serve", _serve, "serve the virtual instruments of a bench, until interrupted")
    serve.add_argument("bench")
    serve.add_argument(
        "--fault", action="append", default=[], metavar="TEXT", help="INSTRUMENT:KIND[:N][:ARGUMENT], as smu:late:3:0.5"
    )
    serve.add_argument("--hislip", action="store_true", help="HiSLIP in the place of raw sockets")
    serve.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    train = add("train", _train, "train a set of solutions for the Wine data")
    train.add_argument("--count", type=int, default=300)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--out", type=Path, default=Path("solutions.npz"))
    solutions = add("solutions", _solutions, "import trained solutions")
    actions = solutions.add_subparsers(metavar="ACTION", required=True)
    importer = actions.add_parser(
        "import", help="read a folder of text files or an .npz and save it as labmtj's own .npz"
    )
    importer.add_argument("path", type=Path)
    importer.add_argument("--out", type=Path, help="default: the name of the source, .npz, here")
    importer.set_defaults(command=_solutions)
    return parser


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", type=int, default=min(2, os.cpu_count() or 1), help="worker processes (default: 2)"
    )


# -- run ---------------------------------------------------------------------------------------------------------------


def _run(known: argparse.Namespace, rest: Sequence[str]) -> int:
    from labmtj.run import load_experiment, start
    from labmtj.run.options import print_help, settings_from

    if known.help:
        print_help(known.experiment)
        return 0
    _check_workers(known.workers)
    if known.seed is not None and not 0 <= known.seed < 2**63:
        raise UsageError(f"--seed {known.seed}: must be a whole number from 0 to 2^63 - 1")
    changes = settings_from(known.experiment, rest)
    experiment = load_experiment(
        known.experiment, bench=known.bench, seed=known.seed, changes=changes, over_budget=known.over_budget
    )
    if known.rehearse:
        from labmtj.run.rehearsal_text import full_text
        from labmtj.run.rehearse import rehearse

        print(full_text(rehearse(experiment)))
        return 0
    with _Display() as display:
        folder = start(experiment, known.out, workers=known.workers, show=display, record_traffic=known.record_traffic)
    return _finish(folder)


def _resume(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001 - every command takes both
    from labmtj.run import RunFolder, resume

    _check_workers(known.workers)
    with _Display() as display:
        folder = resume(RunFolder.open(known.run), workers=known.workers, show=display)
    return _finish(folder)


def _finish(folder: RunFolder) -> int:
    from labmtj.report import summary_text, write_report

    try:
        write_report(folder.data, folder.report)
        text = summary_text(folder.data)
    except (LabmtjError, OSError):
        raise
    except Exception as error:
        folder.note("the report failed", error=repr(error), trace="".join(traceback.format_exception(error)))
        raise ProcedureFailed(
            f"{folder.data} is complete, but its report failed: {type(error).__name__}: {error}. This is a "
            f"fault of the program, the trace is in {folder.log}; `labmtj report {folder.path}` tries again"
        ) from error
    print(text)
    print(f"report: {folder.report}")
    return 0


def _check_workers(workers: int) -> None:
    if not 1 <= workers <= 64:
        raise UsageError(f"--workers {workers}: choose 1 to 64")


class _Display:
    """Progress: one line that renews itself on a terminal, a plain line now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = -1e9

    def __enter__(self) -> _Display:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._terminal:
            print(file=sys.stderr)

    def __call__(self, progress: Progress) -> None:
        """Show the progress, unless it was shown a moment ago."""
        last = progress.done == progress.total
        if progress.seconds - self._shown < (0.2 if self._terminal else 5.0) and not (last and self._terminal):
            return
        self._shown = progress.seconds if not last else -1e9
        text = progress_text(progress)
        with suppress(OSError, ValueError):  # nobody may be looking any more; the run goes on
            print(
                f"\r{text:<78}" if self._terminal else text,
                end="" if self._terminal else "\n",
                file=sys.stderr,
                flush=True,
            )


def progress_text(progress: Progress) -> str:
    """Return one line: what, how far, how fast, how much longer."""
    share = progress.done / progress.total
    rate = (progress.done - progress.done_before) / progress.seconds if progress.seconds > 0 else 0.0
    left = (progress.total - progress.done) / rate if rate > 0 else 0.0
    text = f"{progress.phase:<9}{share:>5.0%}  {progress.done}/{progress.total}"
    return text if rate == 0 else f"{text}  {rate:.1f}/s  {_minutes(left)} left"


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


@contextmanager
def _stopped_at_once() -> Iterator[None]:
    """Let a signal break off what goes on within, Ctrl+Z too: a bench in hand is never left with its outputs on."""
    from labmtj.stopping import PAUSE, stop_requests

    with stop_requests(patience_seconds=0, further={PAUSE}):
        yield


# -- other commands ----------------------------------------------------------------------------------------------------


def _recover(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.record import recover
    from labmtj.run import RunFolder

    folder = RunFolder.open(known.run)
    if not folder.journal.is_file():
        raise UsageError(f"{folder.journal}: no journal; there is nothing to rebuild data.h5 from")
    with folder.alone():
        reader = recover(folder.journal, folder.data, skip_damage=known.skip_damage)
    print(f"{folder.data}: rebuilt from {reader.valid_bytes / 1e6:.1f} MB of journal")
    if reader.torn_bytes:
        print(f"{reader.torn_bytes} bytes behind the last whole frame were never acknowledged and are left out")
    return 0


def _report(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.run import RunFolder

    return _finish(RunFolder.open(known.run))


def _show(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.report import summary_text
    from labmtj.run import RunFolder

    print(summary_text(RunFolder.open(known.run).data))
    return 0


def _ls(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.run.listing import list_runs

    if not known.folder.is_dir():
        raise UsageError(f"{known.folder}: no such folder; `labmtj run` makes runs here, or name another folder")
    print(list_runs(known.folder))
    return 0


def _check(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.bench import BenchFile, load_any
    from labmtj.bench.check import check_text
    from labmtj.bench.text import bench_text
    from labmtj.ownership import check_ownership

    check_ownership()
    file = load_any(known.bench)
    if isinstance(file, BenchFile):
        print(bench_text(file))
        return 0
    with _stopped_at_once():
        print(check_text(known.bench, file), flush=True)
        if not known.no_rehearsal:
            from labmtj.run.rehearsal_text import bench_rehearsal

            print("", bench_rehearsal(known.bench), sep="\n")
    print("", "ok", sep="\n")
    return 0


def _safe(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.bench.make_safe import make_safe

    print(*make_safe(known.bench), sep="\n")
    return 0


def _read(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.bench.hands import read_cell

    with _stopped_at_once():
        print(read_cell(known.bench, known.row, known.column, known.volts))
    return 0


def _pulse(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.bench.hands import pulse_cell

    with _stopped_at_once():
        told = pulse_cell(
            known.bench, known.row, known.column, known.volts, known.seconds, over_budget=known.over_budget
        )
        print(told)
    return 0


def _serve(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    import json

    from labmtj.virtual.serving import serve, until_signal

    with serve(known.bench, faults=known.fault, hislip=known.hislip) as served:
        for greeting in served.greetings():
            print(json.dumps(greeting), flush=True)
        until_signal(also_end_of=sys.stdin.buffer if known.with_parent else None)
    return 0


def _train(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.perceptron import load_wine, train
    from labmtj.perceptron.describe import accuracy_text

    if not 1 <= known.count <= 100_000:
        raise UsageError(f"--count {known.count}: choose 1 to 100000")
    wine = load_wine()
    trained = train(wine, known.count, known.seed)
    _save(trained, known.out)
    print(accuracy_text(trained, wine))
    return 0


def _solutions(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    from labmtj.perceptron import import_solutions, load_wine
    from labmtj.perceptron.describe import accuracy_text

    found = import_solutions(known.path)
    _save(found, known.out or Path(f"{known.path.resolve().stem}.npz"))
    print(accuracy_text(found, load_wine()))
    return 0


def _save(solutions: Any, path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path}: exists already; choose another name with --out")
    try:
        solutions.save(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}; choose another place with --out") from error
    print(f"{path}: {len(solutions)} solutions")
