"""Warnings of the layers below a run (a repeated reading, a budget nearly used up) are also kept in its run.log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from labmtj.pulsewidths import warn_anew
from labmtj.run.folder import RunFolder

_PACKAGES = ("labmtj", "instruments", "procedures")


class _Noting(logging.Handler):
    """Notes warnings in run.log; they are shown as they would be without it."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__(logging.WARNING)
        self._folder = folder

    def emit(self, record: logging.LogRecord) -> None:
        """Note one."""
        self._folder.note("warning", source=record.name, text=record.getMessage())
        shown = getattr(record, "shown", False)  # before the run began, when its settings were checked
        if not shown and logging.lastResort is not None and not logging.getLogger().handlers:
            logging.lastResort.handle(record)  # what Python does with a warning that has no handler


@contextmanager
def warnings_noted(folder: RunFolder) -> Iterator[None]:
    """Note the warnings raised within, and those of the check of the settings before the run."""
    warn_anew()
    noting = _Noting(folder)
    for name in _PACKAGES:
        logging.getLogger(name).addHandler(noting)
    try:
        yield
    finally:
        for name in _PACKAGES:
            logging.getLogger(name).removeHandler(noting)
