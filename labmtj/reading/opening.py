"""Opens the data file of a run, if it is one, and one that this labmtj understands."""

from __future__ import annotations

from pathlib import Path

from labmtj.errors import DataError
from labmtj.record import DataFile, open_data

NEWEST_VERSION = 1
"""of the record that this labmtj knows"""


def open_recorded(path: Path) -> DataFile:
    """Open data.h5 of a run; raise DataError if it is missing, foreign, cut short or newer than this labmtj."""
    if not path.is_file():
        raise DataError(
            f"{path} is not there; `labmtj recover RUN` rebuilds it from the journal of a run that was killed"
        )
    data = open_data(path)
    try:
        _check_version(path, data)
    except BaseException:
        data.close()
        raise
    return data


def _check_version(path: Path, data: DataFile) -> None:
    version = data.attributes().get("labmtj_record_version")
    if not isinstance(version, int):
        raise DataError(f"{path} is no data file of labmtj; give the data.h5 of a run")
    if version > NEWEST_VERSION:
        raise DataError(
            f"{path} has record version {version}; this labmtj knows up to {NEWEST_VERSION}: take a newer one"
        )
