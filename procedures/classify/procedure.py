"""The reference campaign: solutions of a two-layer perceptron for Wine, written to arrays of several device sizes.

Each device size has a pair of chips, one per layer (or one chip used in turn), rewritten with solution after solution.
Block 0 of a station characterises its chips; block k writes solution k - 1, reads it as a network and records all.
What the tuning of gains and biases makes of the records is in `procedures/classify/analysis.py`; it needs no array.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from labmtj.network import Solutions, load_wine
from labmtj.quantities import ChipGroup
from labmtj.verbs import Data, Log
from procedures.classify import analysis as wine_analysis
from procedures.common.networks import record
from procedures.common.networks.adaptation import Adaptation
from procedures.common.networks.base import WineBase
from procedures.common.networks.solution import Scene, WrittenSolution


class WineCampaign(WineBase):
    """Settings of the campaign."""

    adapt: Adaptation = Field(Adaptation(), description="what is done with what the reference maps show of the chips")

    @property
    def adaptations(self) -> list[Adaptation]:
        """The one way that solutions are written."""
        return [self.adapt]

    def declare(self, stations: Sequence[ChipGroup], log: Log) -> None:
        """Describe the tables."""
        super().declare(stations, log)
        record.describe(log, stations, self.load(), load_wine(), adapted=not self.adapt.plain)

    def write_one(self, scene: Scene, solutions: Solutions, number: int) -> None:
        """Write, read and record a solution of a station."""
        WrittenSolution(scene, solutions, number, self.adapt).run()

    def conclude(self, station: ChipGroup, data: Data, log: Log) -> None:
        """Tune gains and biases on the records of a station and record every metric."""
        wine_analysis.conclude(station, data, log, self.infer.read_volts, adapted=not self.adapt.plain)

    def summarise(self, stations: Sequence[ChipGroup], data: Data, log: Log) -> None:
        """Record one line per device size."""
        wine_analysis.summarise(stations, data, log)
