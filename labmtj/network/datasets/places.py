"""Where the file of a data set is."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

ENDINGS = (".csv", ".npz")


def is_file(source: str) -> bool:
    """Return whether a source is meant as the path of a file, by its ending or by a folder in it."""
    return source.lower().endswith(ENDINGS) or "/" in source or "\\" in source


def file_of(source: str, beside: Path | None = None) -> Path | None:
    """Return the whole path of the file that a source names: as given, or relative to the folder `beside`.

    None if it names no file, or one that is not there. A link to it will do, and keeps its own ending.
    """
    if not is_file(source):
        return None
    for candidate in (Path(source), *([] if beside is None else [beside / source])):
        with suppress(OSError, ValueError):  # a name longer than names can be, with a NUL, in a folder not to be read
            if candidate.exists():
                return candidate.absolute()
    return None
