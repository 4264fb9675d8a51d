"""What report and terminal say of the health of chips."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.health import Health
from labmtj.report.blocks import Block, Source, Table, cells, tried
from labmtj.report.contents import Contents
from labmtj.report.kinds import kind_words
from labmtj.report.sections import Finding, Section
from procedures.common.cell_section import chip_of


class HealthSection(Section):
    """What report and terminal say of the maps of a health check."""

    rank: ClassVar[int] = 40
    places: ClassVar[Mapping[str, str]] = {"arrays/*/health": "state"}

    def finding(self) -> Finding | None:
        """Return how many cells of each chip are usable."""
        states = {chip_of(group): self.contents.read(f"{group}/state") for group in self.groups}
        return "Usable cells", [
            f"{chip} {int((each == Health.USABLE).sum())} of {each.size}" for chip, each in states.items()
        ]

    def lines(self) -> list[str]:
        """Return the maps, a letter a cell."""
        return health_lines(self.contents)

    def result(self) -> list[Block]:
        """Return a row for every cell that is not usable."""
        return [tried("Health of the cells", partial(health_table, self.contents))]


LETTERS = {
    Health.USABLE: ".", Health.STUCK_P: "P", Health.STUCK_AP: "A", Health.SHORT: "S", Health.OPEN: "O",
    Health.NOISY: "n", Health.UNKNOWN: "?", Health.OVERSTRESSED: "!",
}  # fmt: skip
_LEGEND = (
    "  .  usable   P A  stuck in P, in AP   S  shorted   O  open",
    "  n  noisy   !  overstressed   ?  not known",
)


def checked_chips(contents: Contents) -> list[str]:
    """Return the names of the chips whose health was checked."""
    return [chip for chip in contents.chips if contents.has(f"arrays/{chip}/health/state")]


def health_table(contents: Contents) -> Table:
    """Return a row for every cell that is not usable, with the evidence."""
    rows = []
    for chip in checked_chips(contents):
        state, why, evidence = (contents.read(f"arrays/{chip}/health/{name}") for name in ("state", "why", "evidence"))
        for row, column in np.argwhere(state != Health.USABLE)[:200].tolist():
            number = int(why[row, column])
            reason = str(evidence[number]) if 0 <= number < len(evidence) else "not looked at"
            rows.append(cells(chip, f"({row}, {column})", _name(int(state[row, column])), reason))
    return Table(
        "Health of the cells",
        ("chip", "cell", "is", "because of"),
        rows or [cells("all", "all", "usable", "every cell switches back and forth, none is noisy")],
        "Cells that are fit for use are not listed. Noisy cells work, and are avoided where there is a choice.",
        [Source.of(f"arrays/{chip}/health", ".state.plot()", array="state") for chip in checked_chips(contents)[:8]],
    )


def health_lines(contents: Contents) -> list[str]:
    """Return the maps for a terminal of 80 columns: a letter a cell, rows from the top."""
    lines: list[str] = []
    for chip in checked_chips(contents)[:8]:
        state = contents.read(f"arrays/{chip}/health/state")
        counts = [f"{int((state == each).sum())} {_name(each)}" for each in Health if (state == each).any()]
        lines += [f"health of {chip}: {', '.join(counts)}"]
        lines += ["  " + "".join(LETTERS.get(_known(int(each)), "?") for each in row[:76]) for row in state[:64]]
    return [*lines, *_LEGEND] if lines else []


def _known(number: int) -> Health:
    return Health(number) if number in set(Health) else Health.UNKNOWN


def _name(number: int) -> str:
    return kind_words(_known(number).name)
