"""What a data file holds: the run's own description, its stations and its chips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
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
from labmtj.schema import CORE_KINDS, KIND


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
        """Return whether there is an array at the path."""
        group, _, name = path.rpartition("/")
        return name in self.tree.get(group, ())

    def by_kind(self, places: Callable[[], Iterable[tuple[str, str, str]]]) -> dict[str, list[str]]:
        """Return the groups that say what a procedure found, by kind, both in the order of the file.

        A kind with a dot is part of what its first word shows. Files of an older labmtj do not
        say kinds: there `places` give them, by pattern of paths and an array that is there.
        """
        found: dict[str, list[str]] = {}
        old: list[tuple[str, str, str]] | None = None
        for group in self.tree:
            if not group:
                continue
            kind = self.attributes(group).get(KIND)
            if kind is None:
                old = list(places()) if old is None else old
                for name, pattern, array in old:
                    if _like(group, pattern) and self.has(f"{group}/{array}"):
                        found.setdefault(name, []).append(group)
            elif kind not in CORE_KINDS:
                whole, dot, _ = str(kind).partition(".")
                found.setdefault(whole, []).extend([] if dot else [group])
        return found

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
    def chips(self) -> list[str]:
        """Names of the chips that something was recorded of."""
        return [
            group.removeprefix("arrays/")
            for group in self.tree
            if group.startswith("arrays/") and group.count("/") == 1
        ]


class Group:
    """A group of a data file: its arrays by name, and what its attributes say."""

    def __init__(self, contents: Contents, path: str) -> None:
        self.contents, self.path = contents, path

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.contents.read(f"{self.path}/{name}")

    def __contains__(self, name: str) -> bool:
        return self.contents.has(f"{self.path}/{name}")

    def get(self, name: str) -> NDArray[Any] | None:
        """Return an array, None if it is not there."""
        return self[name] if self.contents.has(f"{self.path}/{name}") else None

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Attributes."""
        return self.contents.attributes(self.path)


def _like(path: str, pattern: str) -> bool:
    """Return whether a path has the parts of a pattern, of which * stands for any one."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(fnmatchcase(*each) for each in zip(parts, wanted, strict=True))
