"""The time that a campaign took on the clock of the bench, station by station."""

from __future__ import annotations

import numpy as np

from labmtj.report.blocks import Cell, Source, Table, cells
from labmtj.report.digits import counted, fixed, hours
from labmtj.schema import Purpose
from procedures.classify.station import StationRecord, WineRun


def time_table(contents: WineRun) -> Table:
    """Return solutions, pulses and time of every station."""
    rows = [_time_row(contents, station) for station in contents.stations[:60] if station.count]
    sources = [
        Source.of(f"{each.group}/solutions", ".bench_seconds.plot()", array="bench_seconds")
        for each in contents.shown[:1]
    ]
    return Table(
        "Time on the clock of the bench",
        (
            "device size", "solutions (count)", "write pulses (count)", "pulses per solution (count)",
            "time per solution (s)", "time for all solutions", "characterisation before (s)",
        ),
        rows,
        "The clock books source settling, apertures and pulse widths; host and bus latency are not included. "
        "Each pair of chips has its own clock: on one bench the times add up." + _closures(contents),
        sources,
    )  # fmt: skip


def _time_row(contents: WineRun, station: StationRecord) -> list[Cell]:
    seconds = station.column("bench_seconds")
    return cells(
        station.label, counted(station.count), counted(station.pulses), fixed(station.pulses / station.count, 1),
        fixed(float(np.median(seconds)), 1), hours(station.bench_hours), fixed(_first_write(contents, station), 1),
    )  # fmt: skip


def _first_write(contents: WineRun, station: StationRecord) -> float:
    """Return the clock at the first pulse of the first solution, in seconds."""
    begun = []
    for chip in station.chips:
        table = f"arrays/{chip}/pulses"
        if not contents.has(f"{table}/start_seconds"):
            continue
        for block in contents.blocks(table, "start_seconds", "purpose"):
            chosen = block["start_seconds"][block["purpose"] == Purpose.WRITE]
            begun += [float(chosen.min())] if len(chosen) else []
    return min(begun, default=float("nan"))


def _closures(contents: WineRun) -> str:
    return " Relay closures: not applicable, this crossbar has no relays (0 closures)." if contents.simulated else ""
