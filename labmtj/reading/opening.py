"""Opens the data file of a run, if it is one, and one that this labmtj understands."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from labmtj.errors import DataError, UsageError
from labmtj.filing import kind_of
from labmtj.record import DataFile, open_data
from labmtj.run.folder import RunFolder
from labmtj.run.origin import check_data

_HDF5 = b"\x89HDF\r\n\x1a\n"
"""how every such file begins"""
NEWEST_VERSION = 1
"""of the record that this labmtj knows"""


def _how_to_get(data: Path) -> str:
    """Return where a data file that cannot be read comes from: the journal next to it, if that is there."""
    folder = RunFolder(data.parent)
    if data.name != folder.data.name or not folder.run_yaml.is_file():
        return "`labmtj recover RUN` rebuilds it from the journal of a run"
    if folder.journal.is_file():
        return f"`labmtj recover {folder.path}` rebuilds it from the journal of the run"
    return f"the journal {folder.journal.name} is not there either: put a copy of one of the two back"


def data_of(path: Path) -> Path:
    """Return the data file of a run that is named by its folder or by the file; UsageError if it is no run."""
    if path.is_dir():
        data = RunFolder(path).data
        return data if data.is_file() else RunFolder.open(path).data
    if kind := kind_of(path.resolve()):
        raise UsageError(f"{path}: not a run: it is {kind}; `labmtj ls` lists runs")
    if not path.exists():
        raise UsageError(f"{path}: not a run: it is not there; `labmtj ls` lists runs")
    if path.suffix != ".h5" and not _begins_as_hdf5(path):
        raise UsageError(f"{path}: not a run: give the folder of a run, or a data.h5; `labmtj ls` lists runs")
    return path


def _begins_as_hdf5(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(_HDF5)) == _HDF5
    return True  # what opens it says why it cannot be read


def open_recorded(path: Path) -> DataFile:
    """Open data.h5 of a run.

    Every way to a run ends here. A link instead of it is not followed: the run would be another one than it seems.

    Raises:
        DataError: it is missing, a link, foreign, cut short, newer than this labmtj, or not of the run in whose folder
            it lies.
    """
    if path.name == RunFolder(path.parent).data.name and (kind := kind_of(path)):
        raise DataError(f"{path}: {path.name} is {kind}; a run holds files only, put the file itself there")
    if not path.is_file():
        raise DataError(f"{path} is not there; {_how_to_get(path)}")
    try:
        data = open_data(path)
    except DataError as error:
        raise DataError(f"{error}; {_how_to_get(path)}") from error
    try:
        _check_version(path, data)
        beside = RunFolder(path.parent)
        if path.name == beside.data.name and beside.run_yaml.is_file():
            check_data(beside, data)
    except BaseException:
        data.close()
        raise
    return data


def _check_version(path: Path, data: DataFile) -> None:
    version = data.attributes().get("labmtj_record_version")
    if not isinstance(version, int):
        raise DataError(f"{path} is not a data file of labmtj; give the data.h5 of a run")
    if version > NEWEST_VERSION:
        raise DataError(
            f"{path} has record version {version}; this labmtj knows up to {NEWEST_VERSION}: install a newer one"
        )
