"""The cells that a campaign has marked, one by one: what is wrong with each, and how often that was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import DataError
from labmtj.report.blocks import Source, Table, cells, left_out
from labmtj.report.contents import Contents
from labmtj.report.kinds import kind_words
from labmtj.report.sections import Section, asked

MOST = 200
"""cells that are listed"""


@dataclass(frozen=True)
class Marked:
    """One cell of a chip."""

    chip: str
    row: int
    column: int
    kind: str
    """as last found"""
    writes: int
    """writes that ended with a mark on the cell"""
    of: int
    """writes to the chip"""
    from_the_start: bool
    """by the reference reads already"""


def marked_cells(contents: Contents, found: Sequence[Section]) -> list[Marked]:
    """Return every cell that reads before the first write, or a write, found stuck, shorted, open or unstable."""
    return [cell for chip, paths in _outcomes(contents, found).items() for cell in _marked(contents, chip, paths)]


def _outcomes(contents: Contents, found: Sequence[Section]) -> dict[str, list[str]]:
    """Return the arrays of codes by chip, those of writes before those of reads."""
    paths: dict[str, list[str]] = {}
    for section in found:
        of_section: list[tuple[str, str] | str] = asked(section, partial(_of, section), lambda why: [why], (tuple, str))
        for said in of_section:
            if isinstance(said, str):
                raise DataError(left_out("report", said, said))
            chip, path = said
            if contents.has(path):
                paths.setdefault(chip, []).append(path)
    return paths


def _of(section: Section) -> list[tuple[str, str] | str]:
    return [(str(chip), str(path)) for chip, path in section.outcomes()]


def _marked(contents: Contents, chip: str, paths: list[str]) -> Iterator[Marked]:
    codes = [contents.read(path) for path in paths]
    writes, first = [each for each in codes if each.ndim == 3], [each for each in codes if each.ndim != 3]
    if not writes or not first:
        return
    before, after = first[0], np.concatenate(writes)
    kinds = {value: kind_words(name) for name, value in contents.meanings(paths[0]).items()}
    marked = (before != 0) | (after != 0).any(axis=0)
    for row, column in np.argwhere(marked).tolist():
        course = after[:, row, column]
        kind = kinds.get(int(_last(course[course != 0], before[row, column])), "unknown")
        yield Marked(
            chip, row, column, kind, int((course != 0).sum()), len(course), bool(before[row, column])
        )  # fmt: skip


def _last(values: NDArray[Any], otherwise: int) -> int:
    return int(values[-1]) if len(values) else int(otherwise)


def marked_table(contents: Contents, sections: Sequence[Section]) -> Table:
    """Return one line per marked cell, the first `MOST`."""
    found = marked_cells(contents, sections)
    paths = [path for each in _outcomes(contents, sections).values() for path in each]
    first = [path.rpartition("/") for path in paths if len(contents.data.kind(path).shape) == 2]
    rows = [
        cells(
            each.chip, f"({each.row}, {each.column})", each.kind, f"{each.writes} of {each.of}",
            "reference reads" if each.from_the_start else "a write",
        )
        for each in found[:MOST]
    ]  # fmt: skip
    beyond = f" {len(found) - MOST} more are not listed." if len(found) > MOST else ""
    return Table(
        "Cells that are marked",
        ("chip", "cell (row, column)", "as last found", "writes that ended so", "first found by"),
        rows or [cells("none", "", "", "", "")],
        "A marked cell was not written within the bounded number of tries, or does not read as a working cell; the "
        "run went on without it." + beyond,
        [Source.of(group, f".{name}.plot()", array=name) for group, _, name in first[:1]],
        folded=len(rows) > 20,
    )
