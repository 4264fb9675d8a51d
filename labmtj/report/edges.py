"""What was found at the edge of a scan, in sentences: the best may lie beyond, or the value is only a bound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from labmtj.edges import edge_name, edges_of
from labmtj.report.blocks import Block, Note, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import plural
from labmtj.report.station import Station

_MOST, _NAMED = 12, 4
_GAINS = {"common": "the common g", "layer1": "g of layer 1", "layer2": "g of layer 2"}


def edge_lines(contents: Contents) -> list[str]:
    """Return a sentence for every result that lies at the edge of its scan, the first dozen."""
    subjects: dict[str, list[str]] = {}
    for station in contents.analysed:
        for text in _gains(station):
            subjects.setdefault(text, []).append(station.label)
    for chip in contents.chips:
        for text in (text for part in (_amplitudes, _medians, _loops) for text in part(contents, chip)):
            subjects.setdefault(text, []).append(chip)
    lines = [f"{_listed(names)}: {text}" for text, names in subjects.items()]
    return lines[:_MOST] + ([f"and {len(lines) - _MOST} more at the edge of a scan"] if len(lines) > _MOST else [])


def _listed(names: list[str]) -> str:
    """Return the names, or the first few and how many more."""
    return ", ".join(names) if len(names) <= _NAMED else f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def edge_blocks(contents: Contents) -> list[Block]:
    """Return the sentences as one note, if there are any; a note that they are missing where the file is damaged."""
    note = tried("Edges of scans", lambda: Note(". ".join(edge_lines(contents)), "caveat"))
    return [note] if not isinstance(note, Note) or note.text else []


def _gains(station: Station) -> Iterator[str]:
    grid = station.tuning[0]
    reach = f"{grid[0]:.2f} to {grid[-1]:.2f}"
    for name, text in _GAINS.items():
        if edge := edge_name(station.gains[name], grid):
            yield f"{text} = {station.gains[name]:.2f} is the {edge} of its scan ({reach}); a better one may lie beyond"
    path = f"{station.group}/accuracy/per_solution_gain"
    if station.contents.has(path) and (count := np.count_nonzero(edges_of(station.contents.read(path), grid))):
        yield f"g of {plural(int(count), 'solution')} at an end of the scan ({reach})"


def _amplitudes(contents: Contents, chip: str) -> Iterator[str]:
    path = f"arrays/{chip}/amplitude"
    if not contents.has(f"{path}/volts"):
        return
    volts, found = contents.read(f"{path}/volts"), contents.attributes(path)
    edges = {name: str(found.get(f"{state}_edge", "")) for state, name in (("parallel", "P"), ("antiparallel", "AP"))}
    for edge in dict.fromkeys(filter(None, edges.values())):
        names = " and ".join(name for name, each in edges.items() if each == edge)
        yield (
            f"the amplitudes that write {names} reach the {edge} of their scan ({volts[0]:.3g} to {volts[-1]:.3g} V); "
            "the window may be wider"
        )


def _medians(contents: Contents, chip: str) -> Iterator[str]:
    path = f"arrays/{chip}/switching/outside"
    outside = contents.read(path) if contents.has(path) else np.zeros(0)
    for side, name in ((1, "above"), (-1, "below")):
        if count := int((outside == side).sum()):
            yield f"V50 of {count} of {outside.size} curves lies {name} the amplitudes tried: a bound, not a value"


def _loops(contents: Contents, chip: str) -> Iterator[str]:
    path = f"arrays/{chip}/hysteresis"
    if not contents.has(f"{path}/volts"):
        return
    first = np.abs(contents.read(f"{path}/volts")).min()
    switched = [np.abs(contents.read(f"{path}/to_{state}_volts")) for state in ("parallel", "antiparallel")]
    if count := int((np.array(switched) <= first * (1 + 1e-9)).sum()):
        yield f"{plural(count, 'switching voltage')} at the first step of the staircase, {first:.3g} V, or below it"
