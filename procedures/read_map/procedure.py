"""Read map: every cell of an array in the state it is in; nothing is written."""

from __future__ import annotations

from labmtj.results import record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.read_map import CellReads, ReadMapSettings, read_map


class ReadMap(ReadMapSettings):
    """The read map as a procedure of its own."""

    def execute(self, crossbar: Crossbar, log: Log) -> CellReads:
        """Read the map and record it in the group `read_map`."""
        with log.tagged(purpose=Purpose.CHARACTERISE):
            found = read_map(crossbar, self)
            record(log, "read_map", found)
        return found
