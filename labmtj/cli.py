"""The command line: parsing, and what is said of errors; what the commands do is in `labmtj/commands`."""

from __future__ import annotations

import argparse
import io
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from labmtj import __version__, commands
from labmtj.errors import LabmtjError, LabmtjWarning, UsageError
from labmtj.escaped import escaped
from labmtj.extras import what_is_missing
from labmtj.refusals import refusal_of_the_system
from labmtj.system import STOPS
from labmtj.terminal import say, say_over

FAULT = "this is a bug in labmtj"
"""printed with an unexpected error"""


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
    if rest and known.command is not commands.runs.run:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return _done(known, rest, logs_escaped=arguments is None)
    except LabmtjError as error:
        return _complain(str(error), *getattr(error, "__notes__", ()), code=error.exit_code)
    except KeyboardInterrupt as error:
        return _interrupted(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has gone
        return 0
    except OSError as error:
        said = refusal_of_the_system(error) or f"{error.filename or 'a file'}: {error.strerror or error}"
        return _complain(said)
    except BaseException as error:  # a plug-in may raise anything
        if isinstance(error, SystemExit) or "LABMTJ_TRACE" in os.environ:
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
        _say_warnings()
    return int(known.command(known, rest) or 0)


def _say_warnings() -> None:
    """Print a warning of labmtj in one line, as errors are, and not with a line of code."""
    show = warnings.showwarning

    def said_or_shown(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, LabmtjWarning):
            say_over(f"labmtj: {message}")
        else:
            show(message, category, *where, **more)

    warnings.showwarning = said_or_shown


def _show_whatever_comes() -> None:
    """Print "?" for a character that the terminal cannot show, instead of failing after the work is done."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _flush() -> None:
    """Flush standard output; discard it if its reader has gone: Python would end with exit code 120."""
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


def _unforeseen(error: BaseException) -> int:
    """Report an unexpected error; one after a Ctrl+C comes from it: extension modules turn it into their own errors."""
    if missing := what_is_missing(error):
        return _complain(f"this command {missing}", code=UsageError.exit_code)
    if _Interrupt.came:
        return _interrupted(error)
    if refused := refusal_of_the_system(error):
        return _complain(refused)
    from labmtj.plugins import culprit  # not for the help

    said = f"{type(error).__name__}: {error}"[:500]
    whose = culprit(error) or f"{FAULT}: please report it"
    return _complain(f"{said}; {whose}, with the trace that LABMTJ_TRACE=1 in front shows")


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

    for group in commands.GROUPS:
        group.declare(add)
    parser.set_defaults(parser=parser)
    return parser
