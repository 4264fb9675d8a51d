"""The result: one sentence, and accuracies by device size next to the published one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labmtj.report import style
from labmtj.report.blocks import Cell, Source, Table
from labmtj.report.digits import MISSING, fixed, percent
from labmtj.report.provenance import stated_provenances
from procedures.classify.station import StationRecord, WineRun
from procedures.common.networks.samples import TRAIN

if TYPE_CHECKING:
    from labmtj.report.canvas import Axes

PUBLISHED = 0.953
"""median accuracy after tuning"""
PUBLISHED_TEXT = (
    "Published for comparison: Goodwill et al., Phys. Rev. Applied 18, 014039 (2022), whose TMRC 2022 abstract "
    "gives a median accuracy of 95.3 % after tuning of network parameters, on passive 15 x 15 arrays of a range of "
    "device sizes; very probably on the 148 samples (141/148 = 95.27 %)."
)
TRAINED = "labmtj train"
"""how the origin of a set begins that labmtj itself has trained"""
_COLUMNS = (
    ("software", "software"), ("measured", "g = 1, both measured"), ("untuned", "g = 1, layer 2 by matrix"),
    ("common", "common g"), ("per_layer", "g per layer"), ("per_solution", "g per solution"),
    ("refit_gain", "+ gains"), ("refit_bias", "+ biases"), ("refit_both", "+ both"),
)  # fmt: skip


def published_line(axes: Axes) -> None:
    """Mark the published accuracy; it joins the legend."""
    dashes = (0, (4, 3))
    axes.axhline(100 * PUBLISHED, color=style.INK, linewidth=0.9, linestyle=dashes, zorder=1, label="published 95.3 %")


def result_sentence(contents: WineRun) -> str:
    """Return the experiment and its result, in one or two sentences."""
    stations = contents.stations
    sizes = _listed([station.label for station in stations[:8]]) + (" and others" if len(stations) > 8 else "")
    kind = "simulated" if contents.simulated else "measured"
    written = [station.count for station in stations]
    count = f"{min(written)}" if min(written) == max(written) else f"{min(written)} to {max(written)}"
    what = (
        f"{count} of {contents.planned} trained solutions of the two-layer Wine perceptron were written to {kind} "
        f"arrays of {sizes} junctions."
    )
    analysed = contents.analysed
    if not analysed:
        return f"{what} The run stopped before the analysis: there are no accuracies after tuning yet."
    common = [float(np.median(station.accuracy("common"))) for station in analysed]
    before = [float(np.median(station.accuracy("measured"))) for station in analysed]
    return (
        f"{what} On the {contents.samples[TRAIN]}, one common gain g per device size takes the "
        f"median accuracy from {_span(before)} % (g = 1) to {_span(common)} %; published, after tuning: 95.3 %."
    )


def origin_text(contents: WineRun) -> str:
    """Return what the record says about where arrays and solutions come from, and no more."""
    attrs = contents.attributes("solutions")
    name, origin, checksum = (str(attrs.get(key, "")) for key in ("name", "origin", "sha256"))
    if not checksum:
        solutions = "The file does not say where the solutions come from."
    elif origin.startswith(TRAINED):
        solutions = f"The solutions are the set {name}, trained by labmtj ({origin}): they are not the published ones."
    else:
        solutions = (
            f"The solutions are the set {name}, described as: {origin or 'unknown'}; sha256 {checksum[:12]}. Whether "
            "they are the published ones is not recorded."
        )
    return (
        f"The arrays here are simulated, with {_parameters(contents)} (listed at the end). {solutions} What can be "
        "compared with the paper is the procedure, not the devices: agreement in a number says nothing about its "
        "junctions."
    )


def _parameters(contents: WineRun) -> str:
    kinds = stated_provenances(contents)
    return f"{_listed(kinds)} parameters" if kinds else "parameters that the file does not state"


def missing_notes(contents: WineRun) -> list[str]:
    """Return what a complete campaign would have and this file has not."""
    short = [
        f"{each.label} ({each.count} of {contents.planned})"
        for each in contents.stations
        if each.count < contents.planned
    ]
    if short:
        return [f"Not all solutions were written: {_listed(short[:8])}. `labmtj resume RUN` goes on where it stopped."]
    if waiting := [each.label for each in contents.stations if not each.analysed]:
        return [f"The analysis is missing for {_listed(waiting[:8])}; `labmtj resume RUN` does it."]
    return []


def accuracy_table(contents: WineRun, split: str) -> Table:
    """Return the accuracies of all analysed stations on the samples of a split, median and 5th percentile."""
    rows = [_row(station, split) for station in contents.analysed[:60]]
    if split == TRAIN:
        published = Cell("95.3, median after tuning; by which of these is not known", span=6, mark="strong")
        rows.append([Cell("published", "strong"), Cell("range of sizes", span=2), Cell(""), published, Cell("")])
    note = (
        "Median and, below it, the 5th percentile over solutions. From “g = 1, layer 2 by matrix” on, layer 1 is "
        "as measured and layer 2 its measured transfer matrix, so tuning costs no array time. Gains and biases per "
        "neuron are fitted from each solution's own g."
    )
    source = Source.of("wine/summary", f'.median_accuracy.sel(split="{split}").to_pandas()', array="median_accuracy")
    return Table(
        f"Accuracy in % on the {contents.samples[split]}",
        ("device size", "write fidelity, mean", *(text for _, text in _COLUMNS)),
        rows,
        note if split == TRAIN else "",
        (source,) if contents.has("wine/summary/median_accuracy") else (),
    )


def _row(station: StationRecord, split: str) -> list[Cell]:
    gains = station.gains
    found = {
        "common": f"g {fixed(gains['common'])}",
        "per_layer": f"g {fixed(gains['layer1'])}, {fixed(gains['layer2'])}",
    }
    cells = [Cell(station.label, "strong"), Cell(percent(float(station.fidelity.mean()), 2))]
    for name, _ in _COLUMNS:
        median, low = (percent(float(value)) for value in np.percentile(station.accuracy(name, split), (50, 5)))
        cells.append(
            Cell(median, "strong" if name == "common" else "", below=" · ".join(filter(None, (low, found.get(name)))))
        )
    return cells


def _span(values: list[float]) -> str:
    low, high = percent(min(values)), percent(max(values))
    return low if low == high else f"{low}–{high}"


def _listed(words: list[str]) -> str:
    return MISSING if not words else words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
