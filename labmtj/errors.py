"""One tree of errors: everything labmtj raises on purpose.

LabmtjError                 a sentence for the person at the bench; never shown with a traceback
├── UsageError              a wrong file, key, value, shape or path; nothing was touched     exit code 2
│   ├── ConfigError         a YAML file: names file, line and key
│   ├── SettingError        a setting that does not fit the bench or an input file: names its key
│   └── DataError           a data file: truncated, of the wrong shape or of a newer version
├── LimitExceeded           a bias or a pulse beyond what cell, line or bench survives       exit code 2
├── Overstressed            what was delivered went beyond a limit: it WAS applied           exit code 1
├── CannotDo                the crossbar cannot give the bias; names the way out             exit code 2
├── InstrumentError         an instrument complained, gave nonsense, or did not answer       exit code 1
│   └── AnswerLost          no answer, or an impossible one: what it did is unknown
├── BenchBusy               another process holds an instrument of this bench                exit code 2
├── WatchdogLost            the watchdog of a bench has died, is stopped, or did not start   exit code 1
├── RecordError             journal or HDF5 could not be written: disk full, folder gone     exit code 1
├── ProcedureFailed         a procedure found a reason not to go on                          exit code 1
└── Stopped                 the user asked to stop; everything so far is kept                exit code 130, 143
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self


class Instead(NamedTuple):  # no dataclass: `labmtj --help` need not load what these load
    """A value that was refused, and one that works: a run finds the option of the setting that holds it."""

    name: str
    """of settings that hold such a value, such as pulse_seconds"""
    refused: object
    works: object


class LabmtjWarning(UserWarning):
    """What is left out while the rest goes on: a plug-in, a part of a report. The command line prints one line."""


class LabmtjError(Exception):
    """Base of all deliberate errors; `str()` of it is the message for the user."""

    exit_code = 1
    instead: Instead | None = None

    def advising(self, instead: Instead | None) -> Self:
        """Return this error, with a value that works where one was refused."""
        self.instead = instead
        return self


class UsageError(LabmtjError):
    """What the user gave cannot be used; nothing was touched."""

    exit_code = 2


class ConfigError(UsageError):
    """A YAML file is wrong. The message names file, line and key, and the remedy."""


class SettingError(UsageError):
    """A setting of a procedure does not fit the arrays or the input files; nothing was touched.

    Args:
        key: where the setting stands, such as ("write", "parallel_volts").
        problem: what is wrong with it, and the remedy.
    """

    def __init__(self, key: tuple[str, ...], problem: str) -> None:
        super().__init__(key, problem)
        self.key, self.problem = key, problem

    def __str__(self) -> str:
        return f"{'.'.join(self.key)}: {self.problem}"


class DataError(UsageError):
    """A data file is truncated, of the wrong shape, foreign or newer than this labmtj."""


class LimitExceeded(LabmtjError):
    """A bias or pulse goes beyond what a cell, a line or the bench survives; it was not applied."""

    exit_code = 2


class Overstressed(LabmtjError):
    """A pulse or a reading was delivered beyond the limits: longer, higher or with more energy than was asked for.

    Unlike after `LimitExceeded` it was applied. Sources are at 0 V when it is raised.

    Args:
        problem: which cell got what, and the limit.
        cells: (rows, columns), which cells got too much.
        answer: the flagged `Pulse` or `Currents`, to be recorded.
    """

    def __init__(self, problem: str, cells: Any, answer: Any) -> None:
        super().__init__(problem, cells, answer)
        self.problem, self.cells, self.answer = problem, cells, answer

    def __str__(self) -> str:
        return (
            f"{self.problem}. It was applied and is recorded, flagged; the cells are marked. Was the computer asleep, "
            "stopped or overloaded? Look at these cells before they are used: labmtj run health"
        )


class CannotDo(LabmtjError):
    """The crossbar cannot give this bias (too few sources, too short a pulse); it was not applied."""

    exit_code = 2


class InstrumentError(LabmtjError):
    """An instrument complained, gave nonsense, or did not answer.

    Args:
        instrument: its name on the bench, else its model.
        address: its VISA resource.
        problem: what happened, and the remedy.
        command: what was sent, if known.
        reply: what came back, if anything.
    """

    def __init__(self, instrument: str, address: str, problem: str, *, command: str = "", reply: str = "") -> None:
        super().__init__(instrument, address, problem, command, reply)
        self.instrument, self.address, self.problem = instrument, address, problem
        self.command, self.reply = command, reply

    def __str__(self) -> str:
        sent = f"\n  sent {self.command[:200]!r}" if self.command else ""
        got = f"\n  got  {self.reply[:200]!r}" if self.reply else ""
        return f"{self.instrument} at {self.address}: {self.problem}{sent}{got}"


class AnswerLost(InstrumentError):
    """An instrument did not answer, or with something that cannot be the answer; it may have done what was asked.

    A reading may be taken again once the session is trusted again, a pulse may not.
    """


class BenchBusy(LabmtjError):
    """Another process holds an instrument of this bench; the message names process, host and run."""

    exit_code = 2


class WatchdogLost(LabmtjError):
    """The process that would make the bench safe if this one died or hung has died itself, or does not answer.

    Nothing is applied without it.
    """


class RecordError(LabmtjError):
    """The record cannot be written. What was acknowledged before is kept."""


class ProcedureFailed(LabmtjError):
    """A procedure found a reason not to go on; the record up to here is kept."""


class Stopped(LabmtjError):
    """A stop was requested by a signal; the record up to here is kept and can be resumed."""

    def __init__(self, signal_number: int = 2) -> None:
        super().__init__(signal_number)
        self.signal_number, self.exit_code = signal_number, 128 + signal_number

    def __str__(self) -> str:
        return "stopped on request; everything so far is kept"
