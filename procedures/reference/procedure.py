"""Reference maps: every array driven all-P and all-AP, and every cell read in both."""

from __future__ import annotations

from labmtj.results import record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.reference import ReferenceSettings, reference_maps


class ReferenceMap(ReferenceSettings):
    """The reference maps as a procedure of their own."""

    def execute(self, crossbar: Crossbar, log: Log) -> None:
        """Make the maps of an array and record them; leaves the array all-AP."""
        with log.tagged(purpose=Purpose.CHARACTERISE):
            record(log, "reference", reference_maps(crossbar, self))
