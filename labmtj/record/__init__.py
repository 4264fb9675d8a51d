"""The record of a run: a write-ahead journal that survives a crash, and HDF5 files checkpointed from it.

h5py is loaded by `Checkpointer`, `recover` and `open_data` only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labmtj.record.checkpoint import Checkpointer, recover
    from labmtj.record.journal import JournalWriter
    from labmtj.record.logbook import FrameLog, JournalLog, Logbook, MemoryLog
    from labmtj.record.reader import DataFile, open_data
    from labmtj.record.recorded import Recorded
    from labmtj.record.replay import JournalReader, last_states
    from labmtj.record.tables import (
        pulse_steps_rows,
        pulse_steps_table,
        pulses_rows,
        pulses_table,
        reads_rows,
        reads_table,
    )

__all__ = [
    "Checkpointer",
    "DataFile",
    "FrameLog",
    "JournalLog",
    "JournalReader",
    "JournalWriter",
    "Logbook",
    "MemoryLog",
    "Recorded",
    "last_states",
    "open_data",
    "pulse_steps_rows",
    "pulse_steps_table",
    "pulses_rows",
    "pulses_table",
    "reads_rows",
    "reads_table",
    "recover",
]

_MODULES = {
    "checkpoint": ("Checkpointer", "recover"),
    "journal": ("JournalWriter",),
    "logbook": ("FrameLog", "JournalLog", "Logbook", "MemoryLog"),
    "reader": ("DataFile", "open_data"),
    "recorded": ("Recorded",),
    "replay": ("JournalReader", "last_states"),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = next((module for module, names in _MODULES.items() if name in names), "tables")
    return getattr(import_module(f"{__name__}.{module}"), name)
