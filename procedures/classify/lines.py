"""The table of a campaign for a terminal of 80 columns."""

from __future__ import annotations

import numpy as np

from labmtj.escaped import escaped
from labmtj.report.digits import percent
from procedures.classify.station import StationRecord, WineRun
from procedures.common.networks.samples import TEST, TRAIN

_WIDTHS = (11, 7, 6, 6, 12, 7, 7, 7, 8, 7)
_HEADS = (
    ("size", "write", "soft-", "g = 1", "common g", "per", "per", "+ both", "write", "bench"),
    ("", "fid. %", "ware", "", "", "layer", "soln.", "refits", "pulses", "hours"),
)


def table_lines(contents: WineRun) -> list[str]:
    """Return heads and a row per station."""
    heads, rows = [_line(*head) for head in _HEADS], [_row(station) for station in contents.stations[:60]]
    if not contents.analysed:
        return [*heads, *rows]
    of = contents.samples[TRAIN]
    return [f"median accuracy in % on the {of} (published, after tuning: 95.3)", "", *heads, *rows]


def held_back_lines(contents: WineRun) -> list[str]:
    """Return what the samples say that nothing was tuned on, in a sentence; none before the analysis."""
    if not contents.analysed:
        return []
    return [f"on the {contents.samples[TEST]}, at the common g: {_held_back(contents)}"]


def _held_back(contents: WineRun) -> str:
    return ", ".join(
        f"{each.label} {percent(float(np.median(each.accuracy('common', TEST))))}" for each in contents.analysed[:8]
    )


def _row(station: StationRecord) -> str:
    name = escaped(station.label if len(station.label) < _WIDTHS[0] else station.name)[: _WIDTHS[0]]
    if not station.count:
        return f"{name:<{_WIDTHS[0]}} nothing written yet"
    medians = [""] * 6
    if station.analysed:
        variants = ("software", "measured", "common", "per_layer", "per_solution", "refit_both")
        medians = [percent(float(np.median(station.accuracy(variant)))) for variant in variants]
        medians[2] += f" {station.gains['common']:5.2f}"
    fidelity = percent(float(station.fidelity.mean()), 2)
    return _line(name, fidelity, *medians, _short(station.pulses), f"{station.bench_hours:.2f}")


def _line(first: str, *rest: str) -> str:
    return f"{first:<{_WIDTHS[0]}}" + "".join(f"{text:>{width}}" for text, width in zip(rest, _WIDTHS[1:], strict=True))


def _short(count: int) -> str:
    return str(count) if count < 100_000 else f"{count / 1000:.0f}k"
