"""Results of the analysis of a run if the chips were their twins, in the same written states.

The section of what was recorded gives the twins' values instead of the reads; these go through the analysis of the
campaign itself. So results differ from the log only because the twins' currents do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from numpy.typing import NDArray

from labmtj.arrays import ArrayDescription
from labmtj.calibration.predict import Model
from labmtj.errors import DataError
from labmtj.quantities import ChipGroup
from labmtj.record import DataFile, MemoryLog
from labmtj.report.blocks import left_out
from labmtj.report.contents import Contents
from labmtj.report.predictions import TwinFigures
from labmtj.report.sections import Section, asked, sections
from labmtj.run.experiment import Experiment
from labmtj.verbs import Data

T = TypeVar("T")


class PredictedData:
    """The data of a run with other values at some paths."""

    def __init__(self, data: DataFile, values: Mapping[str, NDArray[Any]]) -> None:
        self._data, self._values = data, values

    def read(self, path: str) -> NDArray[Any]:
        """Return what is predicted at the path, or what the file holds."""
        return self._values[path] if path in self._values else self._data.read(path)

    def attributes(self, path: str = "") -> dict[str, Any]:
        """Return the attributes of a group."""
        return self._data.attributes(path)


def twin_figures(data: DataFile) -> list[TwinFigures]:
    """Return what the sections of a data file compare with twins."""
    return [each for section in sections(Contents(data)) for each in _figures_of(section, data)]


def _figures_of(section: Section, data: Data) -> list[TwinFigures]:
    return _said(section, lambda: [*section.twin_figures(data)], [])


def _predicted(
    section: Section, settings: Mapping[str, Any], station: ChipGroup, models: Mapping[str, Model]
) -> dict[str, NDArray[Any]]:
    return _said(section, lambda: {**section.predicted(settings, station, models)}, {})


def _said(section: Section, ask: Callable[[], T], nothing: T) -> T:
    """Return what a section says; `nothing`, with a warning, if it raises: the others are compared."""
    return asked(section, ask, lambda why: left_out("twin", why, nothing))


def figures_in_same_states(
    experiment: Experiment, station: ChipGroup, data: DataFile, chips: Mapping[str, ArrayDescription]
) -> list[TwinFigures]:
    """Return the figures of a station that the twins of its chips give in the states that were written.

    Raises:
        DataError: for a station with a chip that has no twin.
    """
    if missing := [name for name in station.arrays if name not in chips]:
        raise DataError(f"{data.path}: there is no twin of chip {missing[0]}")
    models = {name: Model(chips[name]) for name in station.arrays}
    settings = experiment.settings.model_dump(mode="json")
    found = []
    for section in sections(Contents(data)):
        if values := _predicted(section, settings, station, models):
            log = MemoryLog()
            experiment.campaign.conclude(station, PredictedData(data, values), log)
            concluded = PredictedData(data, {**values, **log.arrays()})
            found += [each for each in _figures_of(section, concluded) if each.station == station.name]
    return [each for each in found if each.same_states]
