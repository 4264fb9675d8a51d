"""What became of a run, and whether its data file has all of its journal."""

from __future__ import annotations

from dataclasses import dataclass

from labmtj.record import DataFile
from labmtj.run.folder import RunFolder

_ADVICE = {
    "running": "it goes on in another process: open it again for what comes",
    "killed": "`labmtj resume {run}` finishes it",
    "stopped": "`labmtj resume {run}` finishes it",
    "paused": "`fg` in its terminal goes on with it, or `kill -CONT` of its process",
    "failed": "the file FAILED in it says why; `labmtj resume {run}` goes on once that is fixed",
}


@dataclass(frozen=True)
class Condition:
    """The state of a run."""

    ended: str
    """done, stopped, failed, running, paused or killed; unknown for a data file without its folder"""
    behind_bytes: int
    """of the journal that data.h5 does not have; a few may be an answer that was cut off"""
    remarks: tuple[str, ...]
    """sentences about what is missing and how to get it; none for a run that is done"""

    @property
    def advice(self) -> tuple[str, ...]:
        """How the run goes on, in a sentence; none for one that is done."""
        return self.remarks[:1] if self.ended in _ADVICE and self.ended != "running" else ()

    @classmethod
    def of(cls, folder: RunFolder | None, data: DataFile) -> Condition:
        """Look at a run and its open data file; nothing is changed."""
        if folder is None:
            return cls("unknown", 0, ())
        ended, behind = folder.condition, _behind(folder, data)
        remarks = [_ADVICE[ended].format(run=folder.path)] if ended in _ADVICE else []
        if behind and ended != "running":
            remarks.append(
                f"the journal has {behind} bytes that data.h5 lacks: `labmtj recover {folder.path}` brings them in"
            )
        return cls(ended, behind, tuple(remarks))


def _behind(folder: RunFolder, data: DataFile) -> int:
    reached = data.attributes().get("labmtj_journal_bytes")
    if not isinstance(reached, int) or not folder.journal.is_file():
        return 0
    return max(0, folder.journal.stat().st_size - reached)
