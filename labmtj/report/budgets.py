"""What cells and relays have used up of their budgets, over all runs where the counts are kept."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from labmtj.report.blocks import Cell, Source, Table, cells
from labmtj.report.contents import Contents
from labmtj.report.digits import counted

RELAYS = "bench/closures"


def budget_table(contents: Contents) -> Table:
    """Return the largest count of every chip, and of the relays, beside the budget."""
    groups = [group for chip in contents.chips[:60] if contents.has(f"{(group := f'arrays/{chip}/pulsed')}/count")]
    rows = [list(_row(contents, group, group.split("/")[1], _cell(contents, group))) for group in groups]
    if contents.has(f"{RELAYS}/count"):
        worst = int(contents.read(f"{RELAYS}/count").argmax())
        rows.append(list(_row(contents, RELAYS, "relays", str(contents.read(f"{RELAYS}/relay")[worst]))))
    return Table(
        "Budgets of cells and relays",
        ("what", "most used", "its count", "budget", "used", "counts since"),
        rows,
        "A pulse counts for a cell that sees more than half of limits.cell_volts; a closure counts for the relay that "
        "closes. The counts of real chips and relays are kept with the bench and go on from run to run.",
        [Source.of(group, ".count.plot()", array="count") for group in groups[:1]],
    )


def _cell(contents: Contents, group: str) -> str:
    counts = contents.read(f"{group}/count")
    row, column = np.unravel_index(int(counts.argmax()), counts.shape)
    return f"cell ({row}, {column})"


def _row(contents: Contents, group: str, what: str, most_used: str) -> Iterator[Cell]:
    told = contents.attributes(group)
    most, budget = int(contents.read(f"{group}/count").max()), int(told["budget"])
    beyond = " (went on by decision)" if most > budget and told["over_budget"] else ""
    since = "the first run on it" if told["kept"] else "the beginning of this run"
    yield from cells(what, most_used, counted(most), counted(budget), f"{100 * most / budget:.2g} %{beyond}", since)
