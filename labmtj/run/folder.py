"""The folder of a run: `runs/<UTC time>_<short id>/` with journal, data, log, report, and how it ended."""

from __future__ import annotations

import datetime
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from labmtj import yamlfile
from labmtj.errors import RecordError, UsageError
from labmtj.filing import FOLDER, append_to, kind_of, read_plain
from labmtj.record import files
from labmtj.system import CLOEXEC, NOFOLLOW, NONBLOCK

if TYPE_CHECKING:
    from labmtj.run.experiment import RunFile

Ending = Literal["DONE", "STOPPED", "FAILED", "PAUSED"]
ENDINGS: tuple[Ending, ...] = ("DONE", "STOPPED", "FAILED", "PAUSED")


@dataclass(frozen=True)
class RunFolder:
    """Paths inside a run's folder."""

    path: Path

    @classmethod
    def create(cls, parent: Path, run: RunFile) -> RunFolder:
        """Make a new folder under `parent` with its `run.yaml`; raise UsageError or RecordError, and leave nothing."""
        now = datetime.datetime.now(datetime.UTC)
        path = parent / f"{now:%Y%m%dT%H%M%SZ}_{secrets.token_hex(2)}"
        try:
            files.make_folder(path)
        except OSError as error:
            raise UsageError(f"{path}: cannot be made: {error.strerror}; choose another place with --out") from error
        folder = cls(path)
        try:
            files.write_whole(folder.run_yaml, yamlfile.dumps(run.model_dump(mode="json")).encode())
        except OSError as error:
            shutil.rmtree(path, ignore_errors=True)
            raise RecordError(
                f"{path}: cannot be written: {error.strerror}; make room, or choose another place with --out"
            ) from error
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Return an existing run; raise UsageError if the folder is none, or has links in it.

        What is written to a run must not end up elsewhere, however the folder came here.
        """
        folder = cls(Path(path))
        if kind := kind_of(folder.run_yaml):
            raise UsageError(f"{folder.run_yaml}: is {kind}; a run holds files only, put the file itself there")
        if not folder.run_yaml.is_file():
            raise UsageError(f"{path}: not a run: there is no run.yaml in it; `labmtj ls` lists runs")
        for each in sorted(folder.path.iterdir()):
            if (kind := kind_of(each)) and kind != FOLDER:
                raise UsageError(f"{path}: {each.name} is {kind}; a run holds files only, put the file itself there")
        return folder

    @property
    def run_yaml(self) -> Path:
        """Everything resolved."""
        return self.path / "run.yaml"

    @property
    def journal(self) -> Path:
        """The write-ahead journal."""
        return self.path / "journal.lmj"

    @property
    def data(self) -> Path:
        """The HDF5 file."""
        return self.path / "data.h5"

    @property
    def log(self) -> Path:
        """JSON lines about the course of the run."""
        return self.path / "run.log"

    @property
    def watchdog(self) -> Path:
        """JSON lines about what the watchdog of a bench did, if the run died or hung."""
        return self.path / "watchdog.jsonl"

    @property
    def guardian(self) -> Path:
        """The same as an older labmtj called it."""
        return self.path / "guardian.jsonl"

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    @property
    def ending(self) -> Ending | None:
        """How the run ended, None if it runs or was killed."""
        return next((ending for ending in ENDINGS if (self.path / ending).exists()), None)

    @property
    def condition(self) -> str:
        """How the run ended, in small letters; else "running", or "killed" if no process writes it.

        "paused" while the process that paused it waits; a pause whose process has died is "stopped".
        """
        ending = self.ending or ("running" if files.is_locked(self.journal) else "killed")
        return "stopped" if ending == "PAUSED" and not self._paused_process_lives() else ending.lower()

    @property
    def reason(self) -> str:
        """Why the run failed, "" if it did not."""
        try:
            return read_plain(self.path / "FAILED").decode("utf-8", "replace") if self.ending == "FAILED" else ""
        except OSError:
            return ""

    def pause(self) -> None:
        """Mark that this process waits, with the bench safe and free, until it is continued."""
        self.end("PAUSED", str(os.getpid()))

    def _paused_process_lives(self) -> bool:
        try:
            os.kill(int((self.path / "PAUSED").read_text(encoding="utf-8")), 0)
        except PermissionError:  # of another user
            return True
        except (OSError, ValueError, OverflowError):
            return False
        return True

    def end(self, ending: Ending, text: str = "") -> None:
        """Mark how the run ended; a full disk may keep the text, or even the mark, from being written."""
        with suppress(OSError):
            self.begin()
            with append_to(self.path / ending) as file:
                file.write(text)

    def remove(self) -> None:
        """Remove the folder of a run that recorded nothing."""
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other process from writing the journal meanwhile; raise UsageError if one does."""
        descriptor = os.open(self.journal, os.O_RDONLY | CLOEXEC | NONBLOCK | NOFOLLOW)
        try:
            files.lock(descriptor, self.journal)
            yield
        except BlockingIOError:
            raise UsageError(f"{self.path}: this run is going on in another process; stop that one first") from None
        finally:
            os.close(descriptor)

    def begin(self) -> None:
        """Remove the mark of an earlier ending."""
        for ending in ENDINGS:
            (self.path / ending).unlink(missing_ok=True)

    def note(self, event: str, **values: object) -> None:
        """Append a line to run.log; a full disk does not stop a run here, the journal will say so."""
        line = {"utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"), "event": event, **values}
        try:
            with append_to(self.log) as log:
                log.write(json.dumps(line, default=str) + "\n")
        except OSError:
            return
