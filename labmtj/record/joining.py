"""Joins small blocks of rows that follow each other into one frame, so that row by row is not much dearer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SMALL_ROWS = 16
_MOST_ROWS = 4096
_MOST_BYTES = 1 << 23


class RowJoiner:
    """Holds back small `rows` records of one table until something else comes; the order of records stays."""

    def __init__(self) -> None:
        self._held: list[dict[str, NDArray[Any]]] = []
        self._path = ""
        self._rows = 0
        self._bytes = 0

    def take(self, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Take the next record and return those that are ready, in order."""
        if record.get("kind") != "rows" or not 0 < record.get("rows", 0) <= _SMALL_ROWS:
            return [*self.rest(), record]
        ready = self.rest() if record["path"] != self._path or self._is_full() else []
        # The caller may fill the same array again, so it is copied.
        self._held.append({name: array.copy() for name, array in record["columns"].items()})
        self._path = record["path"]
        self._rows += record["rows"]
        self._bytes += sum(array.nbytes for array in record["columns"].values())
        return ready

    def rest(self) -> list[Mapping[str, Any]]:
        """Return what is held back, as one record."""
        if not self._held:
            return []
        columns = {name: np.concatenate([block[name] for block in self._held]) for name in self._held[0]}
        record = {"kind": "rows", "path": self._path, "rows": self._rows, "columns": columns}
        self._held, self._path, self._rows, self._bytes = [], "", 0, 0
        return [record]

    def _is_full(self) -> bool:
        return self._rows >= _MOST_ROWS or self._bytes >= _MOST_BYTES
