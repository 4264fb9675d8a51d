"""An opened run: its settings, its state and its data, without knowing how its file is laid out.

Nothing about it is changed, and no code that it names is loaded: its settings are plain mappings.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from labmtj import yamlfile
from labmtj.errors import ConfigError, DataError
from labmtj.reading import lazy
from labmtj.reading.condition import Condition
from labmtj.reading.opening import data_of, open_recorded
from labmtj.reading.providers import absent
from labmtj.reading.rows import Block, blocks
from labmtj.record import DataFile
from labmtj.run.folder import RunFolder

if TYPE_CHECKING:
    import xarray

_LONGEST_NAME = 28
"""of a run in its repr, which is one line of at most 100 characters"""


def open_run(run: str | os.PathLike[str]) -> Run:
    """Open a run for reading: its folder, or its data.h5.

    A run that goes on, was stopped or was killed opens with what its data.h5 holds; `Run.remarks` and `print(run)`
    say what is missing. A run that is being written is seen as it was when it was opened. h5py and xarray may have the
    same file open meanwhile.

    Raises:
        UsageError: if it is no run.
        DataError: if data.h5 is missing, foreign, damaged or newer than this labmtj.
    """
    path = data_of(Path(run))
    beside = RunFolder(path.parent)
    return Run(open_recorded(path), beside if path.name == beside.data.name and beside.run_yaml.is_file() else None)


class Run:
    """An open run; a context manager. `run["arrays/mtj-50nm-0a/reads"]` is an xarray.Dataset, read when used."""

    def __init__(self, data: DataFile, folder: RunFolder | None) -> None:
        self.data = data
        """the checked file"""
        self.folder = folder
        self._condition = Condition.of(folder, data)
        self._root = data.attributes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[[str], Run], tuple[str]]:
        return open_run, (str(self.data.path.resolve()),)  # another process opens the file again

    def close(self) -> None:
        """Close the file; datasets that came of it cannot be read any more."""
        self.data.close()

    # -- what it was ---------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the run's folder when it was made."""
        return str(self._root.get("run", self.data.path.parent.name))

    @property
    def experiment(self) -> str:
        """Name of the experiment."""
        return str(self._root.get("experiment", "unknown"))

    @property
    def seed(self) -> int | None:
        """Seed of the run, None if the file does not say."""
        seed = self._root.get("seed")
        return seed if isinstance(seed, int) else None

    @cached_property
    def resolved(self) -> Mapping[str, Any]:
        """All that the run was resolved to, as in its run.yaml; empty if the file does not say."""
        provenance = self.data.attributes("provenance") if "provenance" in self.data.tree() else {}
        text = provenance.get("run_yaml")
        try:
            return yamlfile.loads(text, "run_yaml").content if isinstance(text, str) else {}
        except ConfigError:
            return {}

    @property
    def procedure(self) -> str:
        """Dotted name of the procedure's class."""
        return str(self.resolved.get("procedure", "unknown"))

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the procedure, nested as in its YAML."""
        return _mapping(self.resolved.get("settings"))

    @property
    def bench(self) -> Mapping[str, Any]:
        """Description of the bench."""
        return _mapping(self.resolved.get("bench"))

    @property
    def operator(self) -> str:
        """Who ran it."""
        return str(self.resolved.get("operator", ""))

    @property
    def notes(self) -> str:
        """What the experiment's file says about it."""
        return str(self.resolved.get("notes", ""))

    @property
    def tags(self) -> tuple[str, ...]:
        """Words that the run was given to be found by."""
        tags = self.resolved.get("tags")
        return tuple(map(str, tags)) if isinstance(tags, list) else ()

    @cached_property
    def created(self) -> datetime.datetime | None:
        """When it was begun, with its time zone; None if the file does not say."""
        try:
            return datetime.datetime.fromisoformat(str(_mapping(self.resolved.get("provenance")).get("created_utc")))
        except ValueError:
            return None

    # -- how it stands -------------------------------------------------------------------------------------------------

    @property
    def ended(self) -> str:
        """How the run ended: done, stopped, failed, running, killed; unknown for a data file without its folder."""
        return self._condition.ended

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is missing, and how to get it."""
        return self._condition.remarks

    # -- what it holds -------------------------------------------------------------------------------------------------

    @cached_property
    def chips(self) -> tuple[str, ...]:
        """Names of the chips that something was recorded of."""
        parts = [group.split("/") for group in self.data.tree()]
        return tuple(part[1] for part in parts if len(part) == 2 and part[0] == "arrays")

    def groups(self, ending: str = "") -> list[str]:
        """Return the paths of all groups with arrays, or of those whose last part is `ending`."""
        held = [group for group, arrays in self.data.tree().items() if arrays]
        return [group for group in held if not ending or group.rpartition("/")[2] == ending]

    def __getitem__(self, group: str) -> xarray.Dataset:
        return self.dataset(group)

    def __contains__(self, group: str) -> bool:
        return group in self.data.tree()

    def dataset(self, group: str) -> xarray.Dataset:
        """Return a group as a Dataset whose values are read when they are used.

        Raises:
            DataError: if the run does not hold the group; names what comes near and which experiment records it.
            UsageError: if xarray is not installed.
        """
        return lazy.dataset(self.data, self._held(group))

    def attributes(self, group: str = "") -> Mapping[str, Any]:
        """Return the attributes of a group or ("") of the file; DataError if the run does not hold the group."""
        return self.data.attributes(self._held(group))

    def blocks(self, group: str, columns: Sequence[str] = (), rows: int | None = None) -> Iterator[Block]:
        """Yield columns of a table (all if none are named), by name, in blocks of `rows` rows, 32 MB by default.

        So a log larger than memory goes through a small one. Raises as `labmtj.reading.rows.blocks`, and DataError if
        the run does not hold the group.
        """
        return blocks(self.data, self._held(group), columns, rows)

    def of(self, chip: str, what: str) -> xarray.Dataset:
        """Return what a procedure recorded of a chip, by the last part of its path."""
        return self.dataset(f"arrays/{chip}/{what}")

    def reads(self, chip: str) -> xarray.Dataset:
        """Return every read of the columns of a chip."""
        return self.of(chip, "reads")

    def pulses(self, chip: str) -> xarray.Dataset:
        """Return every pulse on a chip."""
        return self.of(chip, "pulses")

    @property
    def stations(self) -> tuple[str, ...]:
        """Names of the stations of a campaign that writes solutions, one per pair of chips."""
        return tuple(self._of_solutions)

    def solutions(self, station: str) -> xarray.Dataset:
        """Return the solutions that were written at a station, a row each."""
        return self._at_station(station, "solutions")

    def accuracy(self, station: str) -> xarray.Dataset:
        """Return the accuracy of every solution by (variant, split, solution), as a fraction."""
        return self._at_station(station, "accuracy")

    def _at_station(self, station: str, what: str) -> xarray.Dataset:
        return self.dataset(f"{self._of_solutions.get(station, station)}/{what}")

    @cached_property
    def _of_solutions(self) -> Mapping[str, str]:
        """Groups <campaign>/<station> by station."""
        groups = [group.rpartition("/")[0] for group in self.groups("solutions")]
        return {group.split("/")[1]: group for group in groups if group.count("/") == 1}

    def _held(self, group: str) -> str:
        group = group.strip("/")
        if group not in self.data.tree():
            raise DataError(f"run {self.name} has {absent(group, self.groups())}")
        return group

    def __repr__(self) -> str:
        name = self.name if len(self.name) <= _LONGEST_NAME else f"{self.name[:_LONGEST_NAME]}..."
        holds = f"{len(self.chips)} chip{'' if len(self.chips) == 1 else 's'}, {len(self.groups())} groups"
        return f"<labmtj run {name}: {self.ended}, {holds}; print(run) says more>"

    def __str__(self) -> str:
        made = f", {self.created:%Y-%m-%d %H:%M} UTC" if self.created else ""
        lines = [f"<labmtj run {self.name}: {self.experiment}, {self.ended}, seed {self.seed}{made}"]
        lines.append(f" chips: {', '.join(self.chips) or 'none'}")
        lines.append(f" {len(self.groups())} groups: run.groups() lists them, run[group] opens one")
        return "\n".join([*lines, *(f" {remark}" for remark in self.remarks)]) + ">"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
