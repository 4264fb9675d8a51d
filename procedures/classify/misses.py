"""Cells that will not write, counted by kind."""

from __future__ import annotations

import numpy as np

from labmtj.report.blocks import Source, Table, cells
from labmtj.report.digits import counted, fixed, plural
from labmtj.report.kinds import kind_words
from procedures.classify.station import StationRecord


def misses_table(station: StationRecord) -> Table:
    """Return per kind of outcome the unusable cells of each chip, and the misses in each layer over all solutions."""
    kinds = station.contents.meanings(f"{station.group}/solutions/layer1_outcome")
    outcomes = {layer: station.column(f"layer{layer}_outcome") for layer in (1, 2)}
    misses = {layer: station.errors(layer)[:, *station.block(layer)] for layer in (1, 2)}
    found = {layer: station.contents.read(f"arrays/{station.chip(layer)}/reference/outcome") for layer in (1, 2)}
    rows = []
    for kind, value in kinds.items():
        unusable = [int(np.count_nonzero(found[layer] == value)) if value else 0 for layer in (1, 2)]
        missed = [int((misses[layer] & (outcomes[layer][:, *station.block(layer)] == value)).sum()) for layer in (1, 2)]
        if any(unusable) or any(missed):
            share = fixed(sum(missed) / station.count, 2)
            rows.append(cells(kind_words(kind), *map(counted, unusable), *map(counted, missed), share))
    return Table(
        "Cells that will not write",
        (
            "kind", f"unusable in {station.chip(1)} (cells)", f"unusable in {station.chip(2)} (cells)",
            "missed in layer 1 (cells)", "missed in layer 2 (cells)", "missed per solution (cells)",
        ),
        rows or [cells("none", 0, 0, 0, 0, 0)],
        "Unusable: by the reference reads, over all cells of a chip. Missed: a cell of the layer's block whose "
        f"state differs from the target after the last round, summed over {plural(station.count, 'solution')}.",
        (Source.of(f"{station.group}/solutions", ".layer1_outcome.plot.hist()", array="layer1_outcome"),),
    )  # fmt: skip
