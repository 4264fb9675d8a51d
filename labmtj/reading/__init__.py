"""Reading the files of runs, without knowing the layout: `labmtj.open`, export, comparison.

xarray is loaded by `Run.dataset` only.
"""

from __future__ import annotations

from labmtj.reading.opened import Run, open_run

__all__ = ["Run", "open_run"]
