"""Joins small blocks of rows that follow each other into one frame, so that recording row by row costs little more.

Rows of an array lie one after the other in memory: the bytes of two blocks, concatenated, are those of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labmtj.record.frames import Stored

_SMALL_ROWS = 16
_MOST_ROWS = 4096
_MOST_BYTES = 1 << 23


class RowJoiner:
    """Holds back small `rows` records of one table until something else comes; the order of records stays."""

    def __init__(self) -> None:
        self._held: list[list[bytes]] = []  # by block, then by column
        self._layout: tuple[Any, ...] = ()
        self._rows = 0
        self._bytes = 0

    def take(self, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Take the next record and return those that are ready, in order."""
        if record.get("kind") != "rows" or not 0 < record.get("rows", 0) <= _SMALL_ROWS:
            return [*self.rest(), record]
        columns = record["columns"]
        layout = (record["path"], *columns, *((each.dtype, each.shape[1:]) for each in columns.values()))
        ready = self.rest() if layout != self._layout or self._is_full() else []
        block = [each.tobytes() for each in columns.values()]  # a copy: the caller may fill the same array again
        self._held.append(block)
        self._layout = layout
        self._rows += record["rows"]
        self._bytes += sum(map(len, block))
        return ready

    def rest(self) -> list[Mapping[str, Any]]:
        """Return what is held back, as one record."""
        if not self._held:
            return []
        path, *rest = self._layout
        names, kinds = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        columns = {
            name: Stored(dtype, (self._rows, *shape), b"".join(parts))
            for name, (dtype, shape), parts in zip(names, kinds, zip(*self._held, strict=True), strict=True)
        }
        record = {"kind": "rows", "path": path, "rows": self._rows, "columns": columns}
        self._held, self._layout, self._rows, self._bytes = [], (), 0, 0
        return [record]

    def _is_full(self) -> bool:
        return self._rows >= _MOST_ROWS or self._bytes >= _MOST_BYTES
