"""The procedure of a log repeated on the twins of its chips, with new random numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from labmtj.arrays import ArrayDescription, LimitDescription
from labmtj.bench import BenchFile
from labmtj.bench.files.protecting import protected
from labmtj.bench.files.simulated import crossbar_of
from labmtj.bench.files.wiring import wiring_of
from labmtj.bench.routing.routes import Router
from labmtj.bench.session.standing import laboratory_of
from labmtj.brief import brief
from labmtj.calibration.noise import UNTOLD, ShotNoise
from labmtj.layer import Layer
from labmtj.quantities import ArrayInfo, Bias, ChipGroup, Refusal
from labmtj.run.experiment import Experiment
from labmtj.run.rehearse import ScratchRecord
from labmtj.run.stations import ChipGroupAtWork
from labmtj.run.workers import limit_threads
from labmtj.safety import Safety
from labmtj.simulated import MeterModel, MeterRange, Timing, VirtualClock
from labmtj.verbs import Crossbar

RANGES = (1e-3, 1e-2, 1e-1, 1.0)
"""of the twin's meter beyond those that were used"""


@brief
@dataclass(frozen=True)
class Twin:
    """The twin of one chip, and the noise of its meter."""

    description: ArrayDescription
    noise: ShotNoise


class TwinBench:
    """The twins of a run's chips, on simulated crossbars that can do what the bench of the run can."""

    def __init__(self, experiment: Experiment, twins: Mapping[str, Twin], seed: int) -> None:
        self.experiment, self.twins, self.seed = experiment, twins, seed

    def arrays(self) -> list[ArrayInfo]:
        """Return what was known by design of the run's arrays: a procedure sees no more than it did then."""
        bench = Experiment.connect(self.experiment)
        return bench.arrays()

    def check(self, stations: list[ChipGroup]) -> None:
        """Let every campaign pass: its run has."""

    def protected(self, station: ChipGroup, name: str, crossbar: Crossbar) -> Safety:  # noqa: ARG002
        """Return the layer around a twin."""
        return protected(crossbar, self.twins[name].description, chip_id=name)

    @contextmanager
    def opened(self, station: ChipGroup) -> Iterator[dict[str, Crossbar]]:
        """Return the twins of a station for a while, on one clock."""
        clock = VirtualClock()
        yield {name: self._crossbar(name, clock) for name in station.arrays}

    def _crossbar(self, name: str, clock: VirtualClock) -> Crossbar:
        file, twin = self.experiment.bench, self.twins[name]
        if isinstance(file, BenchFile):
            timing = Timing(file.timing.source_seconds, file.timing.transfer_seconds)
            return crossbar_of(
                twin.description, seed=self.seed, name=name, clock=clock, meter=file.meter.model(), timing=timing
            )
        of = laboratory_of(file)
        limits = LimitDescription(**asdict(of.bench_limits))
        described = twin.description.model_copy(update={"limits": limits})
        meter = _meter(twin.noise)
        return Routed(
            crossbar_of(described, seed=self.seed, name=name, clock=clock, meter=meter), Router(wiring_of(of))
        )


class Routed(Layer):
    """A crossbar that can give what the channels and relays of a bench can."""

    def __init__(self, crossbar: Crossbar, router: Router) -> None:
        super().__init__(crossbar)
        self._router = router

    def refusal(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Refuse what the bench would have no channel for."""
        if refusal := super().refusal(bias, seconds):
            return refusal
        for volts in {self._router.pattern(volts): volts for volts in bias.line_volts}.values():
            if refusal := self._router.refusal(volts):
                return refusal
        return None


def _meter(noise: ShotNoise) -> MeterModel:
    """Return a meter with the noise that was found; its offsets come with the array file."""
    found = dict(zip(noise.ranges.tolist(), noise.fractions.tolist(), strict=True))
    scales = sorted({*found, *(scale for scale in RANGES if not any(abs(scale / each - 1) < 0.01 for each in found))})
    usual = float(np.median(noise.fractions)) if len(noise.fractions) else UNTOLD
    return MeterModel(tuple(MeterRange(scale, 0.0, 0.0, found.get(scale, usual) * scale) for scale in scales))


@brief
@dataclass(frozen=True)
class TwinExperiment(Experiment):
    """An experiment on the twins of its chips."""

    twins: Mapping[str, Twin] | None = None

    @property
    def on_instruments(self) -> bool:
        """Whether the bench is one of instruments: never here."""
        return False

    def connect(self) -> TwinBench:  # type: ignore[override]
        """Return the bench."""
        assert self.twins is not None
        return TwinBench(self, self.twins, self.seed)


@contextmanager
def rerun(experiment: Experiment, twins: Mapping[str, Twin], seed: int) -> Iterator[Path]:
    """Run an experiment on the twins of its chips and return its data.h5, which is deleted after the `with`.

    Stations without a twin for each of their chips are left out.
    """
    limit_threads()
    known = {each.name: getattr(experiment, each.name) for each in fields(Experiment)} | {"seed": seed}
    again = TwinExperiment(**known, twins=twins)
    stations = [each for each in again.stations() if all(name in twins for name in each.arrays)]
    with tempfile.TemporaryDirectory(prefix="labmtj-") as folder:
        record = ScratchRecord(Path(folder))
        try:
            again.declare(stations, record.log)
            record.log.attributes("", {"run": f"{experiment.run or experiment.name}, on its twin", "seed": seed})
            _worked(again, stations, record)
            yield record.data
        finally:
            record.close()


def _worked(experiment: TwinExperiment, stations: list[ChipGroup], record: ScratchRecord) -> None:
    for station in stations:
        work = ChipGroupAtWork(experiment, stations, station)
        try:
            record.take([work.run_block(index) for index in range(experiment.campaign.blocks())])
            record.sizes()
            record.take([work.conclude(record.data)])
        finally:
            work.close()
    record.sizes()
