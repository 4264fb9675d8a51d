"""Reads a table in blocks of rows, so that a log larger than memory goes through a small one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from labmtj.errors import DataError, UsageError
from labmtj.record import DataFile
from labmtj.record.reader import LARGEST_ROW

BLOCK_BYTES = 1 << 25
"""what the columns of a block take, unless the number of its rows is given"""

Block = dict[str, NDArray[Any]]


def blocks(data: DataFile, group: str, columns: Sequence[str] = (), rows: int | None = None) -> Iterator[Block]:
    """Yield the columns of a table (all of them, if none are named) by name, a block of rows at a time.

    Args:
        data: the file.
        group: path of a table, such as "arrays/mtj-50nm-0a/reads".
        columns: what to read.
        rows: of a block; by default as many as take 32 MB.

    Raises:
        DataError: if there is no such column, or if columns differ in their number of rows.
        UsageError: if `rows` is below 1.
    """
    names = list(columns) or columns_of(data, group)
    return in_blocks(data, {name: f"{group}/{name}".lstrip("/") for name in names}, rows)


def in_blocks(data: DataFile, paths: Mapping[str, str], rows: int | None = None, size: int = 0) -> Iterator[Block]:
    """Yield arrays of equal length, by name and path, in blocks of `rows` rows or, by default, of about `size` bytes.

    Raises as `blocks`.
    """
    length, row_bytes = _measure(data, paths)
    if rows is not None and rows < 1:
        raise UsageError(f"rows = {rows}: a block has at least one")
    step = rows or max(1, (size or BLOCK_BYTES) // max(1, row_bytes))
    for start in range(0, length, step):
        chosen = slice(start, min(start + step, length))
        yield {name: data.part(path, chosen) for name, path in paths.items()}


def row_axis(data: DataFile, group: str) -> str:
    """Return the name of the axis along which a table grows; DataError if the group is no table."""
    row = data.attributes(group).get("labmtj_row")
    if not isinstance(row, str):
        raise DataError(f"{data.path}, {group!r} is not a table with rows; read its arrays whole, they are small")
    return row


def columns_of(data: DataFile, group: str) -> list[str]:
    """Return the names of the columns of a table, without the labels of its axes; DataError if it is none."""
    row = row_axis(data, group)
    return [name for name in data.tree()[group] if data.kind(f"{group}/{name}").dims[:1] == (row,)]


def _measure(data: DataFile, paths: Mapping[str, str]) -> tuple[int, int]:
    """Return the number of rows, and what a row takes."""
    kinds = [data.kind(path) for path in paths.values()]
    lengths = {kind.shape[:1] for kind in kinds}
    if len(lengths) != 1 or lengths == {()}:
        raise DataError(f"{data.path}: {', '.join(paths.values())} are not columns of one table")
    row_bytes = sum(kind.row_bytes for kind in kinds)
    if row_bytes > LARGEST_ROW:
        raise DataError(f"{data.path}: a row of {', '.join(paths)} takes more than {LARGEST_ROW >> 20} MB")
    return int(lengths.pop()[0]), row_bytes
