"""The test patterns of an array as maps: what was written beside what was wanted."""

from __future__ import annotations

import numpy as np

from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Contents
from labmtj.report.digits import percent, plural
from labmtj.report.mapping import maps
from labmtj.report.states import draw_states, states_key

MOST = 6
"""patterns that are drawn"""


def patterns_group(contents: Contents, chip: str) -> str:
    """Return the group of the patterns that were written to a chip, "" if none was."""
    group = f"patterns/{chip.rpartition('-')[0]}/written"
    return group if contents.has(f"{group}/fidelity") and contents.read(f"{group}/fidelity").size else ""


def pattern_maps(contents: Contents, group: str) -> Figure:
    """Return wanted and written states of the patterns, or of those with the lowest fidelity."""
    number, target, achieved, fidelity = (
        contents.read(f"{group}/{name}") for name in ("number", "target", "achieved", "fidelity")
    )
    driven = contents.read(f"{group}/outcome") != contents.meanings(f"{group}/outcome").get("outside", -1)
    names = list(contents.meanings(f"{group}/target")) or ["AP", "P"]
    shown = np.sort(np.argsort(fidelity, kind="stable")[:MOST])
    wrong = target != achieved
    figure, axes = maps(2 * len(shown), target.shape)
    for left, right, index in zip(axes[::2], axes[1::2], shown.tolist(), strict=True):
        name = _name(contents, int(number[index]))
        draw_states(left, target[index], np.zeros_like(wrong[index]), driven[index], f"{name}: wanted", names)
        draw_states(right, achieved[index], wrong[index], driven[index], f"{name}: written", names)
        states_key(right, names)
    axes[0].set_ylabel("row")
    kept = "" if len(shown) == len(fidelity) else f", the {len(shown)} of {len(fidelity)} patterns of lowest fidelity"
    cells = "; ".join(
        f"{_name(contents, int(number[index]))} {percent(float(fidelity[index]), 2)} %" for index in shown.tolist()
    )
    between = f", {', '.join(names[1:-1])} between" if names[1:-1] else ""
    missed = int((wrong & driven)[shown].sum())
    text = (
        f"Left of each pair: the state wanted; right: the state at the last verify read{kept}. "
        f"{names[-1]} blue, {names[0]} sand{between}; × "
        f"marks cells that differ, {missed} in all; faint: cells on rows that the bench cannot drive, which do not "
        f"count. Write fidelity: {cells}."
    )
    alt = f"Pairs of maps of the cells, wanted and written, of {plural(len(shown), 'test pattern')}."
    first = int(shown[0])
    source = Source.of(
        group, f".pipe(lambda d: d.achieved != d.target)[{first}].plot()", array="achieved"
    )  # fmt: skip
    return Figure("Test patterns as written", text, alt, (source,), style.svg(figure))


def _name(contents: Contents, number: int) -> str:
    """Return what the settings call a pattern."""
    names = contents.setting("settings", "patterns")
    return str(names[number]) if isinstance(names, list) and 0 <= number < len(names) else f"pattern {number}"
