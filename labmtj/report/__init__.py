"""The report of a run: figures and one HTML page, from the HDF5 file alone.

matplotlib and jinja2 are loaded by `write_report` and `write_overview` only.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def write_report(data: Path, path: Path) -> None:
    """Make the report of the data file as one HTML file at `path`, replacing what is there.

    Works for a run that was stopped, and for one of another procedure: the page then says what is missing.

    Raises:
        DataError: if `data` is not a data file of labmtj.
        RecordError: if `path` cannot be written.
    """
    _load_matplotlib()
    from labmtj.report.contents import open_contents
    from labmtj.report.page import page_html
    from labmtj.report.writing import write_whole

    with open_contents(data) as contents:
        page = page_html(contents)
    write_whole(path, page.encode("utf-8"))


def write_overview(data: Path, path: Path) -> None:
    """Draw the first figure of the report as a PNG of its own, for a README or a slide; raises as `write_report`."""
    _load_matplotlib()
    from labmtj.report.contents import open_contents
    from labmtj.report.sections import overview_png
    from labmtj.report.writing import write_whole

    with open_contents(data) as contents:
        picture = overview_png(contents)
    write_whole(path, picture)


def summary_text(data: Path) -> str:
    """Return what a run found, for a terminal of 80 columns; raise DataError if `data` is not a data file of labmtj."""
    from labmtj.report.contents import open_contents
    from labmtj.report.summary import summary_lines

    with open_contents(data) as contents:
        return "\n".join(summary_lines(contents))


def _load_matplotlib() -> None:
    """Import matplotlib whatever MPLBACKEND says, because figures go to files.

    A notebook hands its backend on to the commands that it starts, where it may not be installed, and matplotlib then
    refuses to be imported. One that exists is left to a user who draws in this process, too.
    """
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop("MPLBACKEND", None)
    import matplotlib as mpl

    if backend is not None:
        os.environ["MPLBACKEND"] = backend
        with suppress(ValueError):
            mpl.rcParams["backend"] = backend


__all__ = ["summary_text", "write_overview", "write_report"]
