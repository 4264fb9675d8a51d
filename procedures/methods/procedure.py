"""Ways to use what is known of chips, compared: the same solutions on the same chips at the same write settings.

A station is a die: its chips hold one layer each, and all solutions are written to them in one way, then in the next.
The ways differ in where layers go, whether networks are trained on, and how many copies there are
(`procedures.common.networks.adaptation`). Everything after the array is the same for all: one gain per solution, then
biases, or gains and biases, fitted to the 148. Gains over the plain way are paired by die, with an interval over dies.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from labmtj.errors import UsageError
from labmtj.network import Solutions, forward, load_wine, refit, tuning
from labmtj.network.comparison import PairedGain, paired_gain
from labmtj.quantities import ChipGroup, FloatArray
from labmtj.results import Quantity, record
from labmtj.schema import check_name
from labmtj.verbs import Data, Log
from procedures.common.networks.adaptation import Adaptation
from procedures.common.networks.base import WineBase
from procedures.common.networks.campaign import BySplit, StationRecords
from procedures.common.networks.record import declare, solutions_path
from procedures.common.networks.solution import Scene, WrittenSolution

TUNINGS = ("per_solution", "refit_bias", "refit_both")
"""one gain per solution; from there biases, or biases and gains, fitted per neuron"""
_ACCURACY = ("method", "tuning", "split")
_PerMethod = partial(Quantity, dims=("method",))
METHODS = {
    "plain": Adaptation(),
    "placed": Adaptation(placement="avoid"),
    "hardware_aware": Adaptation(training="hardware_aware"),
    "placed_and_aware": Adaptation(placement="avoid", training="hardware_aware"),
    "statistics_aware": Adaptation(training="statistics_aware"),
    "ensemble": Adaptation(copies=3, best=2),
}


class ByTuning(BySplit):
    """Base of results whose arrays have an axis of tunings, and one of samples."""

    @property
    def tuning(self) -> Annotated[tuple[str, ...], Quantity("1", "how gains and biases were chosen", ("tuning",))]:
        """Names of the tunings."""
        return TUNINGS


class MethodAccuracy(ByTuning, kind="methods.accuracy"):
    """Accuracies of a die in one way."""

    accuracy: Annotated[
        FloatArray, Quantity("1", "fraction of samples classified correctly", ("tuning", "split", "solution"))
    ]


class MethodSummary(ByTuning, kind="methods"):
    """The ways on one device size."""

    method: Annotated[tuple[str, ...], _PerMethod("1", "way")]
    median_accuracy: Annotated[FloatArray, Quantity("1", "median over dies and solutions", _ACCURACY)]
    mean_accuracy: Annotated[FloatArray, Quantity("1", "mean over dies and solutions", _ACCURACY)]
    gain: Annotated[
        FloatArray,
        Quantity(
            "1", "accuracy minus that of the baseline, mean over dies, and its 95 % interval", (*_ACCURACY, "bound")
        ),
    ]
    write_fidelity: Annotated[tuple[float, ...], _PerMethod("1", "mean over dies and solutions")]
    pulses: Annotated[tuple[float, ...], _PerMethod("1", "write pulses per solution, mean")]
    bench_seconds: Annotated[tuple[float, ...], _PerMethod("s", "per solution, mean")]
    chips: Annotated[tuple[int, ...], _PerMethod("1", "per die")]

    @property
    def bound(self) -> Annotated[tuple[str, ...], Quantity("1", "of the gain", ("bound",))]:
        """Names of the parts of a gain."""
        return ("mean", "low", "high")


class MethodCampaign(WineBase):
    """Settings of the campaign."""

    methods: dict[str, Adaptation] = Field(METHODS, min_length=2, max_length=20, description="ways by name")
    baseline: str = Field("plain", description="name of the way that the others are compared with")

    @model_validator(mode="after")
    def _named(self) -> MethodCampaign:
        if self.baseline not in self.methods:
            raise ValueError(f"baseline: {self.baseline!r} is none of the methods {', '.join(self.methods)}")
        for name in self.methods:
            try:
                check_name(name, "methods")
            except UsageError as error:
                raise ValueError(str(error)) from None
        return self

    @property
    def adaptations(self) -> list[Adaptation]:
        """Every way."""
        return list(self.methods.values())

    def blocks(self) -> int:
        """Return the number of blocks: one to characterise, one per way and solution; all of a way, then the next."""
        return 1 + len(self.methods) * len(self.load())

    def declare(self, stations: Sequence[ChipGroup], log: Log) -> None:
        """Describe the tables."""
        super().declare(stations, log)
        for name, how in self.methods.items():
            for station in stations:
                root = f"methods/{name}"
                declare(log, station, self.load(), load_wine(), root, adapted=not how.plain)

    def write_one(self, scene: Scene, solutions: Solutions, number: int) -> None:
        """Write, read and record a solution in one way.

        All solutions of a way follow one another, as in a campaign of that way alone: only cells that change are
        pulsed, and pulses count.
        """
        which, number = divmod(number, len(solutions))
        name = list(self.methods)[which]
        WrittenSolution(scene, solutions, number, self.methods[name], f"methods/{name}").run()

    def conclude(self, station: ChipGroup, data: Data, log: Log) -> None:
        """Tune gains and biases on the records of a station, for every way alike."""
        for name, how in self.methods.items():
            root = f"methods/{name}"
            records = StationRecords.read(data, station, self.infer.read_volts, root, adapted=not how.plain)
            record(log, f"{root}/{station.name}/accuracy", MethodAccuracy(accuracies(records)))

    def summarise(self, stations: Sequence[ChipGroup], data: Data, log: Log) -> None:
        """Record one table per device size."""
        for family in dict.fromkeys(station.info.name for station in stations):
            dies = [station for station in stations if station.info.name == family]
            path = f"methods/summary/{family}"
            summary, count = self._summary(dies, data), len(self.load())
            record(log, path, summary, baseline=self.baseline, dies=len(dies), solutions=count)

    def _summary(self, dies: Sequence[ChipGroup], data: Data) -> MethodSummary:
        found = {
            name: np.array([data.read(f"methods/{name}/{die.name}/accuracy/accuracy") for die in dies])
            for name in self.methods
        }  # each (dies, tunings, splits, solutions)
        gains = [_gains(found[name] - found[self.baseline]) for name in self.methods]
        fidelity, pulses, seconds = zip(*(self._spent(name, dies, data) for name in self.methods), strict=True)
        return MethodSummary(
            tuple(self.methods), np.array([np.median(found[name], axis=(0, 3)) for name in self.methods]),
            np.array([found[name].mean(axis=(0, 3)) for name in self.methods]), np.array(gains), fidelity, pulses,
            seconds, tuple(self._used(how, dies[0]) for how in self.adaptations),
        )  # fmt: skip

    def _spent(self, name: str, dies: Sequence[ChipGroup], data: Data) -> tuple[float, float, float]:
        """Return fidelity, pulses and bench seconds of a solution, means over dies and solutions."""
        tables = [solutions_path(die, f"methods/{name}") for die in dies]

        def mean(column: str) -> float:
            return float(np.mean([data.read(f"{table}/{column}").mean() for table in tables]))

        cells = [self.load().w1[0].size, self.load().w2[0].size]
        fidelity = float(np.average([mean("layer1_fidelity"), mean("layer2_fidelity")], weights=cells))
        return fidelity, mean("layer1_pulses") + mean("layer2_pulses"), mean("bench_seconds")

    def _used(self, how: Adaptation, die: ChipGroup) -> int:
        mapping = self.places(self.load(), die)
        counts = [how.chips(block, die.info.shape) for block in mapping.blocks]
        return max(counts) if mapping.sequential else sum(counts)


def accuracies(records: StationRecords) -> FloatArray:
    """Return the accuracy after each of `TUNINGS` on the training, the test and all samples, (3, 3, solutions)."""
    products, labels = records.products[:, records.train], records.labels[records.train]
    curves = tuning.scan_common(products, records.matrix2, *records.biases, labels)
    start = records.readout(tuning.best_each(curves))
    readouts = [start, *(refit(products, records.matrix2, labels, start, kind) for kind in ("bias", "both"))]
    return np.array([records.accuracies(forward.predictions(records.logits(readout))) for readout in readouts])


def _gains(differences: FloatArray) -> FloatArray:
    """Return mean, low and high end, (tunings, splits, 3), of differences (dies, tunings, splits, solutions)."""
    per_die = differences.mean(axis=3)
    return np.array([[_bounds(paired_gain(per_die[:, i, j])) for j in range(3)] for i in range(3)])


def _bounds(gain: PairedGain) -> tuple[float, float, float]:
    return gain.mean, gain.low, gain.high
