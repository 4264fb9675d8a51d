"""What a data file holds, found by looking: the run's own description, its stations and its chips."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj import yamlfile
from labmtj.errors import ConfigError
from labmtj.reading.opening import open_recorded
from labmtj.reading.rows import Block, blocks
from labmtj.record import DataFile
from labmtj.report.station import ALL, TEST, TRAIN, Station


@contextmanager
def open_contents(path: Path) -> Iterator[Contents]:
    """Open the data file of a run; raise DataError if it is missing, foreign or newer than this labmtj."""
    with open_recorded(path) as data:
        yield Contents(data)


class Contents:
    """A data file of labmtj, by what is in it. Arrays are read when they are asked for."""

    def __init__(self, data: DataFile) -> None:
        self.data = data
        self.tree = data.tree()
        root = data.attributes()
        self.run = str(root.get("run", "unnamed run"))
        self.experiment = str(root.get("experiment", "unknown experiment"))
        self.seed = root.get("seed", "unknown")

    def has(self, path: str) -> bool:
        """Tell whether there is an array at the path."""
        group, _, name = path.rpartition("/")
        return name in self.tree.get(group, ())

    def read(self, path: str) -> NDArray[Any]:
        """Return an array; raise DataError if it is not there."""
        return self.data.read(path)

    def blocks(self, table: str, *columns: str) -> Iterator[Block]:
        """Yield columns of a table in blocks of rows: those of a long log are larger than memory."""
        return blocks(self.data, table, columns)

    def attributes(self, path: str) -> dict[str, Any]:
        """Return the attributes of a group; none if it is not there."""
        return dict(self.data.attributes(path)) if path in self.tree else {}

    def attributes_of(self, array: str) -> dict[str, Any]:
        """Return the attributes of an array; raise DataError if it is not there."""
        return dict(self.data.attributes(array))

    def meanings(self, array: str) -> dict[str, int]:
        """Return the values of an array of codes by their meanings; empty where the file does not name them."""
        attrs = self.attributes_of(array)
        names = str(attrs.get("flag_meanings", "")).split()
        return {
            name: int(value) for name, value in zip(names, np.atleast_1d(attrs.get("flag_values", [])), strict=False)
        }

    @cached_property
    def run_yaml(self) -> dict[str, Any]:
        """Everything the run was resolved to; empty if it is missing or damaged."""
        text = self.attributes("provenance").get("run_yaml")
        try:
            return yamlfile.loads(text, "run_yaml").content if isinstance(text, str) else {}
        except ConfigError:
            return {}

    def setting(self, *keys: str) -> Any:
        """Return a value of the resolved run by its keys from the outside in, None if it is not there."""
        value: Any = self.run_yaml
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    @property
    def simulated(self) -> bool:
        """Whether the arrays were simulated, also where what they answered was replayed."""
        kinds = self.setting("bench", "kind"), self.setting("bench", "recorded")
        return not {"simulated", "virtual"}.isdisjoint(kinds)

    @cached_property
    def samples(self) -> dict[str, str]:
        """What the samples of each split are called, with their number if the file tells it."""
        names = {TRAIN: "samples tuned on", TEST: "samples held back", ALL: "samples"}
        if not self.has("dataset/is_test"):
            return names
        test = int(self.read("dataset/is_test").astype(bool).sum())
        total = len(self.read("dataset/is_test"))
        return {
            split: f"{count} {names[split]}" for split, count in ((TRAIN, total - test), (TEST, test), (ALL, total))
        }

    @cached_property
    def planned(self) -> int:
        """How many solutions were to be written to each pair of chips; what was written if the file does not tell."""
        written = max((station.count for station in self.stations), default=0)
        return len(self.read("solutions/b1")) if self.has("solutions/b1") else written

    @cached_property
    def chips(self) -> list[str]:
        """Names of the chips that something was recorded of."""
        return [
            group.removeprefix("arrays/")
            for group in self.tree
            if group.startswith("arrays/") and group.count("/") == 1
        ]

    @cached_property
    def stations(self) -> list[Station]:
        """The stations of a Wine campaign by device diameter; none for another procedure."""
        names = [
            group.split("/")[1] for group in self.tree if group.startswith("wine/") and group.endswith("/solutions")
        ]
        found = [Station(self, name) for name in names]
        return sorted(found, key=lambda each: (each.number, _sortable(each.diameter_metres), each.name))

    @property
    def shown(self) -> list[Station]:
        """The stations that get a chapter of their own: the first eight with records, first pairs of chips first."""
        return [station for station in self.stations if station.count][:8]

    @property
    def analysed(self) -> list[Station]:
        """The stations whose accuracies were worked out."""
        return [station for station in self.stations if station.analysed]


def _sortable(value: float) -> float:
    return value if math.isfinite(value) else math.inf
