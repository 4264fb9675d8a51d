"""What the options of all commands share: the folder of runs, and how a command is added."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from labmtj.errors import UsageError

if TYPE_CHECKING:
    from labmtj.run import RunFolder

RUNS = Path("runs")
Add = Callable[..., argparse.ArgumentParser]
"""adds a command: its name, what it does, its help"""


def some_path(text: str) -> Path:
    """Return a path; an empty one, as of a variable of the shell that is not set, is not the folder we are in."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; is a variable of the shell not set?")
    return Path(text)


def run_path(text: str) -> Path:
    """Return the path of a run: as given, or of that name in `runs`, as `labmtj ls` prints it."""
    path = some_path(text)
    with suppress(OSError, ValueError):  # a name that no file can have is refused where it is used
        return path if path.exists() or not (RUNS / path).exists() else RUNS / path
    return path


def with_data(path: Path) -> RunFolder:
    """Return the folder of a run, or one that holds nothing but data.h5, named by itself or by that file."""
    from labmtj.reading.opening import data_of
    from labmtj.run import RunFolder
    from labmtj.run.binding import unchanged

    data = data_of(path)
    folder = RunFolder(data.parent)
    if data.name != folder.data.name:
        raise UsageError(f"{path}: give the folder of a run, or a data.h5")
    if not folder.run_yaml.exists():
        return folder
    folder = RunFolder.open(folder.path)
    unchanged(folder)
    return folder
