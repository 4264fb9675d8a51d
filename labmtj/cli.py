"""The command line: parsing, and what is said of errors; what the commands do is in `labmtj/commands.py`."""

from __future__ import annotations

import argparse
import io
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from labmtj import __version__, commands
from labmtj.errors import LabmtjError, UsageError
from labmtj.escaped import escaped
from labmtj.extras import what_is_missing
from labmtj.refusals import refusal_of_the_system
from labmtj.system import STOPS
from labmtj.terminal import say

RUNS = Path("runs")
FAULT = "this is a bug in labmtj"
"""said of an error that nobody foresaw"""


_NEGATIVE = re.compile(r"-(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_ENDING = STOPS
"""signals that end a command, with an exit code of 128 and their number; what takes them meanwhile is in `stopping`"""
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""set before such a library is loaded: the matrices are small, and threads that wait for each other slow"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 or 143 stopped."""
    if arguments is None:
        _show_whatever_comes()
        _take_signals()
        os.environ.update({name: "1" for name in _THREADS if name not in os.environ})
    parser = _parser()
    given = _with_negative_numbers(sys.argv[1:] if arguments is None else arguments)
    known, rest = parser.parse_known_args(_named_experiment(given))
    if rest and known.command is not commands.run:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return _done(known, rest, logs_escaped=arguments is None)
    except LabmtjError as error:
        return _complain(str(error), *getattr(error, "__notes__", ()), code=error.exit_code)
    except KeyboardInterrupt as error:
        return _interrupted(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return 0
    except OSError as error:
        said = refusal_of_the_system(error) or f"{error.filename or 'a file'}: {error.strerror or error}"
        return _complain(said)
    except Exception as error:
        if "LABMTJ_TRACE" in os.environ:
            raise
        return _unforeseen(error)
    finally:
        if arguments is None:
            _leave_signals()
            _flush()


def _done(known: argparse.Namespace, rest: Sequence[str], *, logs_escaped: bool) -> int:
    """Do a command; what it logs is escaped if no one else has this process."""
    if logs_escaped:
        from labmtj.escapedlogs import escape_logs  # not for the help

        escape_logs()
        _say_what_plugins_lack()
    return int(known.command(known, rest) or 0)


def _say_what_plugins_lack() -> None:
    """Print a warning of a plug-in in one line, as errors are, and not with a line of code."""
    from labmtj.plugins import PluginWarning  # not for the help

    show = warnings.showwarning

    def said_or_shown(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, PluginWarning):
            say(f"labmtj: {message}", file=sys.stderr)
        else:
            show(message, category, *where, **more)

    warnings.showwarning = said_or_shown


def _show_whatever_comes() -> None:
    """Print "?" for a character that the terminal cannot show, instead of failing after the work is done."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _flush() -> None:
    """Send what is left to say; if nobody reads it any more, nowhere: Python would end with exit code 120."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None: closed before this program began
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Parser(argparse.ArgumentParser):
    """Shows what it complains of escaped, and takes no NUL: no name can hold one."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if any("\0" in str(word) for word in args or ()):
            self.error("an argument holds a NUL character, which no name can; leave it out")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        super().error(escaped(message))


def _take_signals() -> None:
    for number in _ENDING:
        if number == signal.SIGINT or signal.getsignal(number) is signal.SIG_DFL:  # nohup leaves SIGHUP ignored
            signal.signal(number, _interrupt)


def _leave_signals() -> None:
    """Ignore them from here on: the outcome stands, whatever is pressed while the process ends."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


class _Interrupt(KeyboardInterrupt):
    """Python itself kills a process by SIGINT, whatever its exit code, if a plain one comes while it imports."""

    came = 0
    """number of the signal"""


def _interrupt(number: int = signal.SIGINT, frame: object = None) -> None:  # noqa: ARG001 - a handler's form
    _Interrupt.came = number
    raise _Interrupt


def _interrupted(error: BaseException) -> int:
    number = _Interrupt.came or signal.SIGINT
    said = "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
    return _complain(said, *getattr(error, "__notes__", ()), code=128 + number)


def _unforeseen(error: Exception) -> int:
    """Tell an error that nobody foresaw; one behind a Ctrl+C is its doing: extension modules turn it into their own."""
    if missing := what_is_missing(error):
        return _complain(f"this command {missing}", code=UsageError.exit_code)
    if _Interrupt.came:
        return _interrupted(error)
    if refused := refusal_of_the_system(error):
        return _complain(refused)
    said = f"{type(error).__name__}: {error}"[:500]
    return _complain(f"{said}; {FAULT}: please report it, with the trace that LABMTJ_TRACE=1 in front shows")


def _complain(*lines: str, code: int = 1) -> int:
    """Print an error, as far as a terminal can bear it, and return the exit code."""
    text = "\n".join(lines)
    say(f"labmtj: {text[:5000]}", file=sys.stderr)
    return code


_FLAGS = ("--help", "-h", "--rehearse", "--record-traffic", "--over-budget")
"""options of `run` that take no value"""


def _named_experiment(arguments: Sequence[str]) -> Sequence[str]:
    """Turn `run NAME` into `run --experiment NAME`: argparse would take the value of a setting for the name.

    The name is the first word that is no option and no value of one: every option but `_FLAGS` has a value.
    """
    if arguments[:1] != ["run"]:
        return arguments
    is_value = False
    for place, word in enumerate(arguments[1:], 1):
        if not is_value and not word.startswith("-"):
            return ["run", "--experiment", word, *arguments[1:place], *arguments[place + 1 :]]
        is_value = not is_value and "=" not in word and word not in _FLAGS
    return arguments


def _with_negative_numbers(arguments: Sequence[str]) -> list[str]:
    """Join an option and a negative number: argparse takes -6e-1 and -.5 for further options."""
    joined: list[str] = []
    for word in arguments:
        if joined and joined[-1].startswith("--") and "=" not in joined[-1] and _NEGATIVE.fullmatch(word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="labmtj",
        description="Write and read passive crossbar arrays of magnetic tunnel junctions.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"labmtj {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(
        name: str, command: Callable[..., int | None], text: str, *, add_help: bool = True
    ) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", add_help=add_help, allow_abbrev=False
        )
        sub.set_defaults(command=command)
        return sub

    run = add("run", commands.run, "run an experiment", add_help=False)
    run.add_argument("--experiment", help=argparse.SUPPRESS)  # that of data/default.yaml, if none is given
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
    run.add_argument("--tag", action="append", default=[], metavar="WORD", help="a word to find the run by")
    _add_workers(run)
    run.add_argument("-h", "--help", action="store_true", help="show this help and the settings of the experiment")

    resume = add("resume", commands.resume, "finish a run that was stopped or killed")
    resume.add_argument("run", type=_run_path, help="folder of the run")
    resume.add_argument(
        "--over-budget", action="store_true", help="go on where a cell or a relay has used up its budget; recorded"
    )
    _add_workers(resume)
    recover = add("recover", commands.recover, "rebuild data.h5 of a run from its journal alone")
    recover.add_argument("run", type=_run_path)
    recover.add_argument("--skip-damage", action="store_true", help="pass over damaged stretches of the journal")
    report = add("report", commands.report, "make the report of a run")
    report.add_argument("run", type=_run_path, help="folder of the run, or its data.h5")
    report.add_argument("--out", type=Path, metavar="FILE", help="where to write it (default: report.html in the run)")
    show = add("show", commands.show, "print what a run found")
    show.add_argument("run", type=_run_path, help="folder of the run, or its data.h5")
    ls = add("ls", commands.ls, "list runs")
    _add_choice(ls)
    export = add("export", commands.export, "write a group of a run to a file, .nc or .csv")
    export.add_argument("run", type=_run_path)
    export.add_argument("group", help="path of a group, such as arrays/mtj-50nm-0a/reads, or of an array in it")
    export.add_argument("file", type=Path, help="a name that ends in .nc (netCDF) or .csv")
    export.add_argument("--force", action="store_true", help="replace the file if it is there")
    compare = add("compare", commands.compare, "compare two runs: settings, and what they found")
    compare.add_argument("first", type=_run_path, metavar="RUN")
    compare.add_argument("second", type=_run_path, metavar="RUN")
    calibrate = add("calibrate", commands.calibrate, "write an array file with the cells and wires of a run's chip")
    calibrate.add_argument("run", type=_run_path, help="folder of the run, or its data.h5")
    calibrate.add_argument("--chip", help="name of the chip in the run (default: all)")
    calibrate.add_argument(
        "--on", metavar="ARRAY", help="array file of the chip, for what this run does not tell (default: the run's own)"
    )
    calibrate.add_argument("--out", type=Path, help="default: CHIP-calibrated.yaml, here")
    calibrate.add_argument(
        "--draws",
        type=int,
        default=0,
        help="write so many plausible twins beside it, drawn from what the data leave open",
    )
    twin = add("twin", commands.twin, "compare a run with the twin of its chip")
    twin.add_argument("run", type=_run_path, help="folder of the run, or its data.h5")
    twin.add_argument("--on", metavar="ARRAY", help="array file that `labmtj calibrate` wrote (default: from this run)")
    twin.add_argument("--chip", help="name of the chip in the run (default: all)")
    twin.add_argument("--seed", type=int, default=1, help="of the procedure run anew on the twin (default: 1)")
    twin.add_argument("--no-rerun", action="store_true", help="predict the reads of the run alone")
    check = add("check", commands.check, "check a bench file and its arrays")
    check.add_argument("bench", nargs="?", default="simulated")
    check.add_argument(
        "--no-rehearsal",
        action="store_true",
        help="leave out what the default experiment would take on these instruments",
    )
    safe = add("safe", commands.safe, "bring every source of a bench to 0 V and off, every relay to rest")
    safe.add_argument("bench")
    read = add("read", commands.read, "read one cell")
    pulse = add("pulse", commands.pulse, "pulse one cell")
    for hand in (read, pulse):
        hand.add_argument("bench")
        hand.add_argument("row", type=int)
        hand.add_argument("column", type=int)
        hand.add_argument("--array", metavar="NAME", help="which array of a simulated bench (default: the first)")
    read.add_argument("--volts", type=float, default=0.1, help="on the row (default: 0.1)")
    pulse.add_argument("--volts", type=float, required=True, help="across the cell; its sign is its direction")
    pulse.add_argument("--over-budget", action="store_true", help="pulse a cell that has used up its budget")
    pulse.add_argument("--seconds", type=float, default=1e-3, help="width (default: 0.001)")
    serve = add("serve", commands.serve, "serve the virtual instruments of a bench, until interrupted")
    serve.add_argument("bench")
    serve.add_argument(
        "--fault", action="append", default=[], metavar="TEXT", help="INSTRUMENT:KIND[:N][:ARGUMENT], as smu:late:3:0.5"
    )
    serve.add_argument("--hislip", action="store_true", help="HiSLIP instead of raw sockets")
    serve.add_argument("--vxi11", action="store_true", help="VXI-11 instead of raw sockets")
    serve.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    coverage = add("coverage", commands.coverage, "list what virtual instruments know of the names in their manuals")
    coverage.add_argument("instrument", nargs="?", default="", help="part of a name: also lists what is not known")
    plugins = add("plugins", commands.plugins, "list plug-ins: drivers, procedures, sections, devices")
    plugins.add_argument("group", nargs="?", default="", help="one group, such as drivers (default: all)")
    train = add("train", commands.train, "train a set of solutions for the Wine data")
    train.add_argument("--count", type=int, default=300)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--out", type=Path, default=Path("solutions.npz"))
    solutions = add("solutions", commands.solutions, "import trained solutions")
    actions = solutions.add_subparsers(metavar="ACTION", required=True)
    importer = actions.add_parser(
        "import", help="read a folder of text files or an .npz and save it as labmtj's own .npz"
    )
    importer.add_argument("path", type=Path)
    importer.add_argument("--out", type=Path, help="default: the name of the source, .npz, here")
    importer.set_defaults(command=commands.solutions)
    completion = add("completion", commands.completion, "print a script for the shell to complete commands with")
    completion.add_argument("shell", choices=("bash", "zsh"), help='eval "$(labmtj completion bash)" in ~/.bashrc')
    completion.set_defaults(parser=parser)
    return parser


def _run_path(text: str) -> Path:
    """Return the path of a run: as given, or of that name in `runs`, as `labmtj ls` prints it."""
    path = Path(text)
    with suppress(OSError, ValueError):  # a name that no file can have is refused where it is used
        return path if path.exists() or not (RUNS / path).exists() else RUNS / path
    return path


def _add_choice(ls: argparse.ArgumentParser) -> None:
    ls.add_argument("folder", type=Path, nargs="?", default=RUNS)
    ls.add_argument("--procedure", default="", metavar="TEXT", help="part of the name of experiment or procedure")
    ls.add_argument("--chip", default="", metavar="TEXT", help="part of the name of a chip")
    ls.add_argument("--tag", action="append", default=[], metavar="WORD", help="a tag of the run; all that are given")
    ls.add_argument("--ended", default="", choices=("done", "stopped", "failed", "running", "paused", "killed"))
    ls.add_argument("--since", metavar="DATE", help="made on or after it, UTC: 2026-11-25, or 2026-11-25T14:30")
    ls.add_argument("--until", metavar="DATE", help="made on or before it, UTC")
    ls.add_argument("--accuracy", metavar="TEXT", help="best median accuracy in percent, such as '>=95'")


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", type=int, default=min(2, os.cpu_count() or 1), help="worker processes (default: 2)"
    )
