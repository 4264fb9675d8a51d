"""The health map of a real chip, kept next to its counts: one file per chip, read by every later run on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from labmtj.errors import DataError, LabmtjError, Overstressed, RecordError
from labmtj.filing import private_folder, read_plain, write_whole
from labmtj.health import Health, HealthMap
from labmtj.safety import ledger_path
from labmtj.timestamps import Timestamp

_LARGEST_BYTES = 1 << 20


def health_path(chip_id: str) -> Path:
    """Return the file of a chip."""
    return ledger_path("health", chip_id).with_suffix(".json")


def kept_health(chip_id: str, shape: tuple[int, int]) -> HealthMap | None:
    """Return what was kept of a chip, None if no run has examined it.

    Raises:
        DataError: if the file is damaged, or of a chip of another shape.
    """
    path = health_path(chip_id)
    if not path.exists():
        return None
    try:
        content = read_plain(path, _LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise ValueError("it is too large")
        found = json.loads(content.decode("utf-8"))
        states, why = np.array(found["states"], np.uint8), np.array(found["why"], np.intp)
        health = HealthMap(chip_id, states, tuple(map(str, found["evidence"])), why, str(found["dated"]))
        if states.shape != shape or not np.isin(states, list(Health)).all():
            raise ValueError(f"it is of {states.shape} cells, the chip has {shape}")
    except (
        OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError, LabmtjError
    ) as error:  # fmt: skip
        raise DataError(
            f"{path}: is not a health map of chip {chip_id} ({error}); set it aside, and check the chip again: "
            "labmtj run health"
        ) from error
    return health


def keep_overstress(chip_id: str, error: Overstressed) -> Path:
    """Mark cells of a chip that got more than the limits allow in what is kept of it; raise as `keep_health`."""
    shape = error.cells.shape
    dated = Timestamp.now().utc
    found = replace(HealthMap.overstressed(error.cells, f"{error.problem} ({dated[:10]})"), dated=dated)
    return keep_health((kept_health(chip_id, shape) or HealthMap.unknown(chip_id, shape)).updated(found))


def keep_health(health: HealthMap) -> Path:
    """Replace what is kept of a chip, whole: a crash leaves the old map or the new one; return the file.

    Raises:
        RecordError: if it cannot be written.
    """
    path = health_path(health.chip_id)
    content = {
        "chip": health.chip_id, "dated": health.dated, "evidence": list(health.evidence),
        "states": health.states.tolist(), "why": health.why.tolist(),
    }  # fmt: skip
    try:
        private_folder(path.parent)
        write_whole(path, json.dumps(content).encode())
    except OSError as error:
        raise RecordError(f"{path}: the health of the chip cannot be kept: {error.strerror or error}") from error
    return path
