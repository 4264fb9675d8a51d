"""What report and terminal say of the campaign on the Wine data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from labmtj.edges import edge_name, edges_of
from labmtj.quantities import ChipGroup
from labmtj.report.blocks import Block, Chapter, Note, tried
from labmtj.report.digits import plural
from labmtj.report.measures import Measure
from labmtj.report.predictions import ChipModel, TwinFigures
from labmtj.report.sections import Section
from labmtj.verbs import Data
from procedures.classify import headline
from procedures.classify.lines import held_back_lines, table_lines
from procedures.classify.prediction import PredictedSolutions
from procedures.classify.station import StationRecord, WineRun
from procedures.common.networks.samples import ALL, TEST, TRAIN

_GAINS = {"common": "the common g", "layer1": "g of layer 1", "layer2": "g of layer 2"}
_OF_TWIN = {"measured": "g = 1", "common": "common g", "per_solution": "g per solution", "refit_both": "refitted"}
_SHOWN = ("software", "measured", "common", "per_layer", "per_solution", "refit_both")


class WineSection(Section):
    """What report and terminal say of the stations of a campaign."""

    rank: ClassVar[int] = 10
    places: ClassVar[Mapping[str, str]] = {"wine/*/solutions": "number"}
    records: ClassVar[Sequence[str]] = ("solutions", "accuracy", "tuning", "metrics", "correlations", "confusion")

    @cached_property
    def run(self) -> WineRun:
        """The data file by its stations."""
        return WineRun(self.contents.data)

    def headline(self) -> str:
        """Return the experiment and its result."""
        return headline.result_sentence(self.run) if self.run.stations else ""

    def missing(self) -> list[str]:
        """Return what a complete campaign would have."""
        return headline.missing_notes(self.run)

    def lines(self) -> list[str]:
        """Return the table by device size, and what the held-back samples say."""
        if not self.run.stations:
            return []
        return [*(f" {line}" if line else "" for line in table_lines(self.run)), *held_back_lines(self.run)]

    def remarks(self) -> Iterator[tuple[str, str]]:
        """Yield which gains lie at an end of their scan, and the device size."""
        for station in self.run.analysed:
            for text in _edges(station):
                yield text, station.label

    def covers(self) -> set[str]:
        """Return the reference maps and scans that the chapters show."""
        chips = {chip for station in self.run.stations for chip in station.chips}
        return {f"arrays/{chip}/reference" for chip in chips} if self.run.shown else set()

    def outcomes(self) -> Iterator[tuple[str, str]]:
        """Yield the chips, and the arrays of outcomes of their writes."""
        for station in self.run.stations:
            for layer in (1, 2):
                yield station.chip(layer), f"{station.group}/solutions/layer{layer}_outcome"

    def result(self) -> list[Block]:
        """Return accuracies next to the published one."""
        from procedures.classify import overview

        run, blocks = self.run, list[Block]()
        if run.analysed:
            blocks += [
                tried("Overview", partial(overview.overview_figure, run)),
                tried("Accuracies", partial(headline.accuracy_table, run, TRAIN)),
            ]
        if run.stations:
            blocks.append(Note(headline.PUBLISHED_TEXT))
        if run.stations and run.simulated:
            blocks.append(Note(headline.origin_text(run), "caveat"))
        if run.analysed:
            blocks += [
                tried("What tuning recovers", partial(overview.recovery_figure, run)),
                *(tried("Accuracies", partial(headline.accuracy_table, run, split)) for split in (TEST, ALL)),
            ]
        return blocks

    def chapters(self) -> list[Chapter]:
        """Return a chapter per station."""
        from procedures.classify.chapter import station_chapter

        return [station_chapter(self.run, station, number) for number, station in enumerate(self.run.shown)]

    def bench(self) -> list[Block]:
        """Return the time of every station."""
        from procedures.classify.time import time_table

        return [tried("Time", partial(time_table, self.run))] if self.run.shown else []

    def overview(self) -> bytes | None:
        """Return the first figure as a PNG."""
        from procedures.classify.overview import overview_png

        return overview_png(self.run)

    def twin_figures(self, data: Data) -> Iterator[TwinFigures]:
        """Yield median accuracies, and the mean write fidelity, of every station that has solutions."""
        cells = [math.prod(data.read(f"solutions/w{layer}").shape[1:]) for layer in (1, 2)]
        for name, count in ((each.name, each.count) for each in self.run.stations):
            if not count:
                continue
            if self.contents.has(f"wine/{name}/accuracy/accuracy"):
                found = {k: data.read(f"wine/{name}/accuracy/{k}") for k in ("accuracy", "variant", "split")}
                medians = np.median(found["accuracy"][:, found["split"].astype(str).tolist().index(TRAIN)], axis=-1)
                known = dict(zip(found["variant"].astype(str), 100 * medians, strict=True))
                yield TwinFigures(
                    name, f"accuracy of {name}, median in % on the samples tuned on",
                    {text: float(known.get(variant, np.nan)) for variant, text in _OF_TWIN.items()}, ".1f", "gains",
                    same_states=True,
                )  # fmt: skip
            layers = [data.read(f"wine/{name}/solutions/layer{layer}_fidelity").mean() for layer in (1, 2)]
            fidelity = float((layers[0] * cells[0] + layers[1] * cells[1]) / sum(cells))
            yield TwinFigures(name, f"write fidelity of {name}", {"": fidelity}, ".4f")

    def predicted(
        self, settings: Mapping[str, Any], station: ChipGroup, models: Mapping[str, ChipModel]
    ) -> Mapping[str, NDArray[Any]]:
        """Return the table of solutions as the twins would have filled it."""
        if not self.contents.has(path := f"wine/{station.name}/solutions/number") or not len(self.contents.read(path)):
            return {}
        return PredictedSolutions(self.contents, settings, station, models).values()

    def measures(self) -> Iterator[Measure]:
        """Yield accuracies and write fidelity of every station, in percent."""
        origin = str(self.contents.attributes("solutions").get("sha256", ""))
        for station in self.run.analysed:
            keys = tuple(f"{origin} {number}" for number in station.column("number").tolist())
            known = {variant for variant, _ in station.known}
            for variant in (name for name in _SHOWN if name in known):
                values = 100 * station.accuracy(variant)
                yield Measure(station.name, f"accuracy, {variant}", "%", values, keys, "solution")
            yield Measure(station.name, "write fidelity", "%", 100 * station.metric("write_fidelity"), keys, "solution")


def _edges(station: StationRecord) -> Iterator[str]:
    grid = station.tuning[0]
    reach = f"{grid[0]:.2f} to {grid[-1]:.2f}"
    for name, text in _GAINS.items():
        if edge := edge_name(station.gains[name], grid):
            yield f"{text} = {station.gains[name]:.2f} is the {edge} of its scan ({reach}); a better one may lie beyond"
    path = f"{station.group}/accuracy/per_solution_gain"
    if station.contents.has(path) and (count := np.count_nonzero(edges_of(station.contents.read(path), grid))):
        yield f"g of {plural(int(count), 'solution')} at an end of the scan ({reach})"
