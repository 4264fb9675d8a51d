"""The chapter of one station: maps, windows, tuning, metrics."""

from __future__ import annotations

from functools import partial

from labmtj.report.blocks import Chapter, Note, tried
from labmtj.report.digits import plural
from procedures.classify.maps import history_maps, solution_maps
from procedures.classify.metrics import metrics_table
from procedures.classify.misses import misses_table
from procedures.classify.scatter import predictors
from procedures.classify.station import StationRecord, WineRun
from procedures.classify.tuning import tuning_and_confusion
from procedures.classify.verify import verify_panel
from procedures.common.windows import windows


def station_chapter(contents: WineRun, station: StationRecord, number: int) -> Chapter:
    """Return the chapter of a station."""
    blocks = [
        tried("Maps of one solution", partial(solution_maps, station)),
        tried("Windows", partial(windows, contents, station.label, station.chips, partial(verify_panel, station))),
        tried("Maps of pulses and misses", partial(history_maps, station)),
        tried("Cells that will not write", partial(misses_table, station)),
    ]
    if station.analysed:
        blocks += [
            tried("Tuning curve", partial(tuning_and_confusion, station)),
            tried("What predicts the accuracy", partial(predictors, station)),
            tried("Candidate metrics", partial(metrics_table, station)),
        ]
    else:
        blocks.append(
            Note(
                "Tuning curve, confusions and metrics follow from the analysis, which this run has not reached.",
                "missing",
            )
        )
    described = (
        f"Chips {', '.join(station.chips)}; {plural(station.count, 'solution')}, nominal conductance step "
        f"{1e6 * station.delta_siemens:.4g} µS{_modes(contents, station)}."
    )
    return Chapter(f"{station.label} junctions", f"size-{number}", [Note(described), *blocks])


def _modes(contents: WineRun, station: StationRecord) -> str:
    """Say how products were measured, if the file says so."""
    told = contents.attributes(f"wine/{station.name}")
    modes = [str(told[name]) for name in ("layer1_mode", "layer2_mode") if name in told]
    if len(modes) == 2 and modes[0] == modes[1]:
        return f"; products of both layers measured in mode {modes[0]}"
    return f"; products of layers 1 and 2 measured in modes {' and '.join(modes)}" if modes else ""
