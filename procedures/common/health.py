"""What is recorded of the health of a chip, by a health check or by a procedure that comes upon bad cells."""

from __future__ import annotations

import numpy as np

from labmtj.cost import Cost
from labmtj.health import Health, HealthMap
from labmtj.quantities import BoolArray
from labmtj.results import Result, record
from labmtj.verbs import Log


class HealthRecord(Result, kind="health", signal="state"):
    """What is recorded of the health of a chip: a `Health` per cell, which evidence decided, and what it took."""

    health: HealthMap
    cost: Cost


def record_finding(log: Log, cells: BoolArray, state: Health, text: str, cost: Cost, path: str) -> None:
    """Record in `path`/health that cells (rows, columns) were found in a state; of all others nothing is said."""
    if cells.any():
        health = HealthMap.unknown("", cells.shape).with_evidence(np.full(cells.shape, state, np.uint8), cells, text)
        record(log, f"{path}/health", HealthRecord(health, cost))
