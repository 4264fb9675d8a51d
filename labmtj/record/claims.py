"""How much of a reader's time and disk the records of a journal may claim: more than any run of that size needs.

Values that repeat are stored once: a frame of 100 bytes can claim 1 GB of rows. A forged journal would fill the disk,
or keep `labmtj recover` busy for hours.
"""

from __future__ import annotations

from pathlib import Path

from labmtj.errors import DataError
from labmtj.record.frames import Record

BYTES, BYTES_PER_BYTE = 1 << 28, 64
"""of arrays written out: least allowance, and per byte of the journal; runs need about 5"""
OBJECTS, ATTRIBUTES = 20_000, 50_000
"""arrays, and attributes of groups: least allowance; runs of 100 chips have about 12 000 and 1000"""
BYTES_PER_OBJECT = 1000
"""of the journal, for each one more"""
MOST_COLUMNS = 1000
"""of a table, or arrays of a group: HDF5 takes the square of it in time"""


class Claims:
    """Adds up what records claim.

    Args:
        path: of the journal.
        size: its bytes.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        more = size // BYTES_PER_OBJECT
        self._left = {
            "bytes of arrays": BYTES + BYTES_PER_BYTE * size, "arrays": OBJECTS + more, "attributes": ATTRIBUTES + more,
        }  # fmt: skip

    def take(self, offset: int, record: Record) -> None:
        """Count a record; DataError, naming its byte, if it exceeds the limit."""
        match record["kind"]:
            case "rows":
                self._spend(offset, "bytes of arrays", sum(each.nbytes for each in record["columns"].values()))
            case "table":
                self._spend_columns(offset, len(record["columns"]) + len(record["coordinates"]) + len(record["sizes"]))
            case "put":
                values = [each["values"] for each in record["variables"].values()]
                self._spend(offset, "bytes of arrays", sum(getattr(each, "nbytes", 0) for each in values))
                self._spend_columns(offset, len(values) + sum(len(getattr(each, "shape", ())) for each in values))
            case "attributes":
                self._spend(offset, "attributes", len(record["values"]))

    def _spend_columns(self, offset: int, count: int) -> None:
        if count > MOST_COLUMNS:
            raise DataError(
                f"{self._path} holds a group of {count} arrays and axes at byte {offset}; no labmtj wrote it"
            )
        self._spend(offset, "arrays", count)

    def _spend(self, offset: int, what: str, count: int) -> None:
        self._left[what] -= count
        if self._left[what] < 0:
            raise DataError(
                f"{self._path} claims more {what} than a run of its size holds, at byte {offset}; no labmtj wrote it"
            )
