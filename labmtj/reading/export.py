"""Writes a group of a run to a file that others read: netCDF for all that it says, CSV for spreadsheets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from labmtj.errors import DataError, RecordError, UsageError
from labmtj.filing import new_aside
from labmtj.reading.opened import Run
from labmtj.reading.providers import absent
from labmtj.reading.spreadsheet import write_csv
from labmtj.record import files
from labmtj.record.extract import extract

Write = Callable[[Run, Mapping[str, str], str, Path], None]


def export(run: Run, group: str, path: Path, *, force: bool = False) -> None:
    """Write a group, or one array of it with its axes, to `path`: a whole file, or none.

    Args:
        run: an open run.
        group: its path, as `Run.groups` lists it, or that of an array in it.
        path: a name that ends in .nc (netCDF-4) or .csv (a line of names, then the values).
        force: replace the file if it is there.

    Raises:
        UsageError: for another ending, or a file that is there.
        DataError: if the run does not hold the group, or its arrays do not fit into one sheet.
        RecordError: if the file cannot be written.
    """
    write = _WAYS.get(path.suffix.lower())
    if write is None:
        raise UsageError(f"{path}: give a name that ends in {' or '.join(_WAYS)}")
    if path.exists() and not force:
        raise UsageError(f"{path}: is there already; take another name, or --force to replace it")
    group = group.strip("/")
    arrays = _arrays(run, group)
    try:
        aside = new_aside(path)
        try:
            write(run, arrays, group, aside)
            files.replace_whole(aside, path)
        finally:
            files.remove(aside)
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {error.strerror or error}; give another FILE") from error


def _arrays(run: Run, path: str) -> dict[str, str]:
    """Return the paths of the arrays to write by their names: a whole group, or one array and its coordinates."""
    tree = run.data.tree()
    group, _, name = path.rpartition("/")
    if tree.get(path):
        return {each: f"{path}/{each}" for each in _in_order(run, path, tree[path])}
    if name in tree.get(group, ()):
        dims = run.data.kind(path).dims
        return {each: f"{group}/{each}".lstrip("/") for each in tree[group] if each == name or each in dims}
    raise DataError(f"run {run.name} has {absent(path, run.groups())}")


def _in_order(run: Run, group: str, names: Sequence[str]) -> list[str]:
    """Return the names of arrays as the table declared them, not by the alphabet; axes first."""
    declared = run.attributes(group).get("labmtj_columns", [])
    return sorted(names, key=lambda name: declared.index(name) if name in declared else -1)


def _netcdf(run: Run, arrays: Mapping[str, str], group: str, path: Path) -> None:
    root = run.attributes()
    about = {name: root[name] for name in ("experiment", "run", "seed") if name in root}
    own = run.attributes(group) if group in run else {}
    extract(run.data, arrays, {**about, "group": group, **own}, path)


def _csv(run: Run, arrays: Mapping[str, str], group: str, path: Path) -> None:  # noqa: ARG001 - as _netcdf
    write_csv(run.data, arrays, path)


_WAYS: dict[str, Write] = {".nc": _netcdf, ".csv": _csv}
