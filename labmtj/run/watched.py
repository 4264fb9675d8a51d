"""Notes of the watchdog in the folder of a run: when the outputs were off, and why it ended the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labmtj.filing import read_plain
from labmtj.record.intents import OUTPUTS_OFF
from labmtj.run.folder import RunFolder
from labmtj.timestamps import Timestamp
from labmtj.watchdog.leases import HUNG

_MOST_BYTES = 1_000_000


def outputs_off(folder: RunFolder) -> Iterator[Timestamp]:
    """Iterate the moments at which the watchdog had the outputs off, part of the run by part."""
    for entry in _entries(folder):
        if entry.get("event") == OUTPUTS_OFF and (moment := _moment(entry)) is not None:
            yield moment


def why_ended(folder: RunFolder) -> str:
    """Return why the watchdog ended the last part of the run in which it acted, "" if the run died by itself."""
    reasons = [str(entry["event"]) for entry in _entries(folder) if "pid" in entry and "event" in entry]
    return reasons[-1] if reasons and reasons[-1].startswith(HUNG) else ""


def _entries(folder: RunFolder) -> Iterator[dict[str, Any]]:
    """Iterate the notes, also those that an older labmtj left; half a line says nothing."""
    for path in (folder.guardian, folder.watchdog):
        for line in _lines(path):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(entry, dict):
                yield entry


def _lines(path: Path) -> list[str]:
    try:
        return read_plain(path, _MOST_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _moment(entry: dict[str, Any]) -> Timestamp | None:
    try:
        return Timestamp.of(entry)
    except (ValueError, KeyError, TypeError):
        return None
