"""The health of the chips of a run: which cells are fit for use, and why not."""

from __future__ import annotations

import numpy as np

from labmtj.health import Health
from labmtj.report.blocks import Source, Table, cells
from labmtj.report.contents import Contents
from labmtj.report.kinds import kind_words

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
            told = str(evidence[number]) if 0 <= number < len(evidence) else "nobody has looked"
            rows.append(cells(chip, f"({row}, {column})", _name(int(state[row, column])), told))
    return Table(
        "Health of the cells",
        ("chip", "cell", "is", "because of"),
        rows or [cells("all", "all", "usable", "every cell switches to and fro, none is noisy")],
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
