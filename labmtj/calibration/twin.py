"""The procedure of a log on the twin of its chip: predicted against measured, and where the model fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labmtj import yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.brief import brief
from labmtj.calibration.calibrate import Calibration, calibrate
from labmtj.calibration.gains import from_file as gains_of
from labmtj.calibration.noise import shot_noise
from labmtj.calibration.observed import Observed, chips_of, observed
from labmtj.calibration.offsets import FittedOffsets, from_file
from labmtj.calibration.predicted import figures_in_same_states, twin_figures
from labmtj.calibration.rerun import Twin, rerun
from labmtj.calibration.residuals import TOO_FAR, Residuals, residuals
from labmtj.calibration.states import Decoded, decode
from labmtj.device.mtj import CellsDescription
from labmtj.errors import DataError
from labmtj.quantities import BoolArray, FloatArray
from labmtj.reading.opening import open_recorded
from labmtj.report.predictions import TwinFigures
from labmtj.run.experiment import Experiment, experiment_of

MOST_BEYOND = 0.01
"""of a line's values beyond 3 sigma: a line with more of them is reported"""


@brief
@dataclass(frozen=True, eq=False)
class ChipTwin:
    """One chip of a log against its twin."""

    observed: Observed
    description: ArrayDescription
    own: bool
    """whether the twin was calibrated on this very log"""
    residuals: Residuals

    @property
    def within(self) -> float:
        """Part of all values within 3 sigma."""
        return float(1 - self.residuals.beyond.mean())

    def by_line(self) -> tuple[NDArray[np.intp], FloatArray, FloatArray, FloatArray]:
        """Return per line: values, median of the relative residual, rms of z, and the part beyond 3 sigma."""
        lines, found = sum(self.description.shape), self.residuals
        count = np.bincount(found.line, minlength=lines)
        with np.errstate(invalid="ignore", divide="ignore"):
            rms = np.sqrt(np.bincount(found.line, found.z**2, lines) / count)
            beyond = np.bincount(found.line, found.beyond, lines) / count
        size = np.maximum(np.abs(found.predicted_amperes), np.finfo(float).tiny)  # no wires: no current but in cells
        relative = (found.measured_amperes - found.predicted_amperes) / size
        driven = np.abs(found.predicted_amperes) > 10 * np.abs(found.sigma_amperes)
        median = [
            np.median(relative[here]) if (here := (found.line == line) & driven).any() else np.nan
            for line in range(lines)
        ]
        return count, np.array(median), rms, beyond

    def by_cell(self) -> tuple[NDArray[np.intp], FloatArray]:
        """Return per cell the reads of it alone, and the median of their z; (rows, columns) each."""
        shape, found = self.description.shape, self.residuals
        alone = found.cell >= 0
        count = np.bincount(found.cell[alone], minlength=shape[0] * shape[1])
        median = np.full(count.size, np.nan)
        order = np.argsort(found.cell[alone], kind="stable")
        for values in np.split(np.flatnonzero(alone)[order], np.cumsum(count)[:-1]):
            if len(values):
                median[found.cell[values[0]]] = np.median(found.z[values])
        return count.reshape(shape), median.reshape(shape)

    @property
    def failing_lines(self) -> NDArray[np.intp]:
        """Lines with more values beyond 3 sigma than chance leaves there."""
        count, _, _, beyond = self.by_line()
        chance = MOST_BEYOND + 3 * np.sqrt(MOST_BEYOND / np.maximum(count, 1))
        return np.flatnonzero(np.nan_to_num(beyond) > chance)

    @property
    def failing_cells(self) -> BoolArray:
        """Cells whose typical read lies beyond 3 sigma, (rows, columns)."""
        _, median = self.by_cell()
        return np.asarray(np.abs(np.nan_to_num(median)) > TOO_FAR, bool)


@dataclass(frozen=True, eq=False)
class ComparedFigures:
    """Figures of a station against those that the twins of its chips give."""

    measured: TwinFigures
    same_states: Mapping[str, float]
    """of the twins, in the states that were written; empty where these are not recorded"""
    again: Mapping[str, float]
    """of the twins, written again; empty where they were not"""


@brief
@dataclass(frozen=True, eq=False)
class TwinResult:
    """A log against its twins."""

    run: str
    source: str
    """where the twins come from"""
    chips: tuple[ChipTwin, ...]
    figures: tuple[ComparedFigures, ...]
    """nothing where the procedure writes and computes nothing"""

    @property
    def within(self) -> float:
        """Part of all values of all chips within 3 sigma."""
        counts = [len(each.residuals.line) for each in self.chips]
        return float(np.average([each.within for each in self.chips], weights=counts))


def twin(
    path: Path, on: ArrayDescription | None = None, *, chip: str | None = None, seed: int = 1, again: bool = True
) -> TwinResult:
    """Return how well the twin of a chip predicts a log.

    Args:
        path: the data file.
        on: the twin, as `labmtj calibrate` has written it; None: the log's own, calibrated on it.
        chip: the chip to look at; default all of the log, or the one that it holds.
        seed: of what is drawn when the procedure is run again.
        again: whether to run it again.

    Raises:
        DataError: as `calibrate`; for an array file of another chip, and one without cells.
    """
    with open_recorded(path) as data:
        names = [chip] if chip is not None else chips_of(data)
    if on is not None:
        _check_twin(on, path, names)
    chips = [_chip_twin(path, name, on) for name in names]
    if not chips:
        raise DataError(f"{path} holds no reads of any chip; `labmtj run reference` makes the first ones")
    source = "calibrated on this run itself" if on is None else f"array file {on.name}: {_source(on)}"
    twins = {each.observed.chip: Twin(each.description, shot_noise(each.observed)) for each in chips}
    return TwinResult(chips[0].observed.run, source, tuple(chips), tuple(_figures(path, twins, seed, again)))


def _source(description: ArrayDescription) -> str:
    assert description.cells is not None
    return description.cells.source


def _check_twin(on: ArrayDescription, path: Path, names: Sequence[str]) -> None:
    if on.cells is None:
        raise DataError(
            f"array file {on.name} holds a family, not the cells of a chip; `labmtj calibrate RUN` writes one"
        )
    if len(names) != 1:
        raise DataError(
            f"{path} holds {len(names)} chips; name the one of the array file with --chip: {', '.join(names[:20])}"
        )


def _chip_twin(path: Path, name: str, on: ArrayDescription | None) -> ChipTwin:
    if on is None:
        own = calibrate(path, name)
        return _compared(own, own.observed, own.description, own.offsets)
    seen = gains_of(on.offsets, sum(on.shape)).corrected(observed(path, name, on))
    return _compared(None, seen, on, from_file(on.offsets))


def _compared(
    own: Calibration | None, seen: Observed, description: ArrayDescription, offsets: FittedOffsets | None
) -> ChipTwin:
    states = _decoded(seen, description) if own is None else own.decoded
    return ChipTwin(seen, description, own is not None, residuals(seen, states, description, offsets))


def _decoded(seen: Observed, description: ArrayDescription) -> Decoded:
    """Return the states of a log; cells that the array file knows for defective have one only."""
    found = decode(seen)
    cells = CellsDescription.of(description.cells)
    defective = np.zeros(description.shape, bool)
    for each in (cells.defects if cells else None) or ():
        defective[each.row, each.column] = True
    return found.stuck(defective.ravel())


def _figures(path: Path, twins: Mapping[str, Twin], seed: int, again: bool) -> list[ComparedFigures]:  # noqa: FBT001
    with open_recorded(path) as data:
        measured = twin_figures(data)
        if not measured:  # a procedure that writes nothing and computes nothing is compared by its reads alone
            return []
        experiment = _experiment(path, str(data.attributes("provenance")["run_yaml"]))
        stations = [each for each in experiment.stations() if all(name in twins for name in each.arrays)]
        described = {name: each.description for name, each in twins.items()}
        same = [found for each in stations for found in figures_in_same_states(experiment, each, data, described)]
    anew: list[TwinFigures] = []
    if again:
        with rerun(experiment, twins, seed) as second, open_recorded(second) as data:
            anew = twin_figures(data)
    in_same, written_anew = ({(each.station, each.what): each.values for each in found} for found in (same, anew))
    return [
        ComparedFigures(each, *(found.get((each.station, each.what), {}) for found in (in_same, written_anew)))
        for station in stations
        for each in measured
        if each.station == station.name
    ]


def _experiment(path: Path, text: str) -> Experiment:
    return replace(experiment_of(yamlfile.loads(text, f"run.yaml in {path}")), run=path.parent.name)
