"""Puts a finished file in its place at once, so that half a report is never opened."""

from __future__ import annotations

from pathlib import Path

from labmtj import filing
from labmtj.errors import RecordError


def write_whole(path: Path, content: bytes) -> None:
    """Write next to `path`, then rename; raise RecordError if the folder cannot be written."""
    try:
        filing.write_whole(path, content)
    except OSError as error:
        raise RecordError(
            f"{path}: cannot be written: {error.strerror}; make room, or choose another place with "
            "`labmtj report RUN --out FILE`"
        ) from error
