"""The last time in a journal, at which the clock of a bench continues when a run does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from labmtj.record import frames
from labmtj.record.frames import Record
from labmtj.record.replay import JournalReader

_TIMES = "start_seconds"
"""the column of every table of operations; on the clock of the bench"""


def last_seconds(journal: Path) -> float:
    """Return the latest `start_seconds` of any row, 0 if there is none.

    A snapshot would not do: what happened after it stays on record on a bench of instruments.
    """
    reader = JournalReader(journal)
    rows = (each for each in reader.payloads() if frames.has_kind(each[1], "rows"))
    return max((_latest(reader.decoded(*each)) for each in rows), default=0.0)


def _latest(record: Record) -> float:
    times: Any = record["columns"].get(_TIMES, 0.0)
    return float(np.max(times, initial=0.0, where=np.isfinite(times)))
