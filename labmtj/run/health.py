"""What a run has found of the health of a real chip is kept for the runs after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labmtj.bench.files.healthfile import keep_health, kept_health
from labmtj.bench.files.laboratory import LaboratoryFile
from labmtj.health import BROKEN, HealthMap
from labmtj.record import DataFile
from labmtj.run.experiment import Experiment
from labmtj.run.folder import RunFolder
from labmtj.timestamps import Timestamp


def keep_found_health(folder: RunFolder, experiment: Experiment, data: DataFile) -> None:
    """Keep what a run has recorded of the health of its cells, dated and named, if its chip is a real one.

    Raises:
        RecordError: if the file of the chip cannot be written.
        DataError: if it is damaged.
    """
    groups = [group for group, names in data.tree().items() if group.endswith("/health") and "state" in names]
    if not isinstance(experiment.bench, LaboratoryFile) or not groups:
        return
    chip = experiment.bench.chip
    dated, run = Timestamp.now().utc, folder.path.resolve().name
    before = known = kept_health(chip.id, chip.array.shape) or HealthMap.unknown(chip.id, chip.array.shape)
    for group in sorted(groups):
        found = health_of(data, group, chip.id)
        evidence = tuple(f"{each} (run {run}, {dated[:10]})" for each in found.evidence)
        known = known.updated(replace(found, evidence=evidence, dated=dated))
    again = np.argwhere(before.of(*BROKEN) & known.usable).tolist()
    folder.note("health of the chip kept", chip=chip.id, file=str(keep_health(known)), usable_again=again)


def health_of(data: DataFile, group: str, chip_id: str) -> HealthMap:
    """Return the health map in a group of a data file; DataError if it is none."""
    evidence = tuple(str(each) for each in data.read(f"{group}/evidence").tolist())
    return HealthMap(chip_id, data.read(f"{group}/state"), evidence, data.read(f"{group}/why"), "")
