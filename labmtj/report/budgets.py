"""Used parts of the budgets of cells and relays, over all runs where the counts are kept."""

from __future__ import annotations

import numpy as np

from labmtj.report.blocks import Cell, Source, Table, cells
from labmtj.report.contents import Contents
from labmtj.report.digits import counted

RELAYS = "bench/closures"


def budget_table(contents: Contents) -> Table:
    """Return the largest count of every chip, and of the relays, next to the budget."""
    chips = [chip for chip in contents.chips[:60] if contents.has(f"arrays/{chip}/pulsed/pulses")]
    rows = [_chip_row(contents, chip) for chip in chips]
    if contents.has(f"{RELAYS}/closures"):
        rows.append(_relay_row(contents))
    return Table(
        "Budgets of cells and relays",
        ("what", "most used", "its count", "budget", "used", "counts since"),
        rows,
        "A pulse counts for a cell that sees more than half of limits.cell_volts; a closure counts for the relay that "
        "closes. The counts of real chips and relays are kept with the bench and go on from run to run.",
        [Source.of(f"arrays/{chip}/pulsed", ".pulses.plot()", array="pulses") for chip in chips[:1]],
    )


def _chip_row(contents: Contents, chip: str) -> list[Cell]:
    group = f"arrays/{chip}/pulsed"
    pulses = contents.read(f"{group}/pulses")
    row, column = np.unravel_index(int(pulses.argmax()), pulses.shape)
    return _row(contents, group, f"chip {chip}", f"cell ({row}, {column})", int(pulses.max()))


def _relay_row(contents: Contents) -> list[Cell]:
    closures = contents.read(f"{RELAYS}/closures")
    relay = str(contents.read(f"{RELAYS}/relay")[int(closures.argmax())])
    return _row(contents, RELAYS, "relays", relay, int(closures.max()))


def _row(contents: Contents, group: str, what: str, most_used: str, most: int) -> list[Cell]:
    counts = contents.attributes(group)
    budget = int(counts["budget"])
    beyond = " (went on by decision)" if most > budget and counts["over_budget"] else ""
    since = "the first run on it" if counts["kept"] else "the beginning of this run"
    return cells(what, most_used, counted(most), counted(budget), f"{100 * most / budget:.2g} %{beyond}", since)
