"""What a page is made of, before it is HTML: chapters of notes, tables and figures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from labmtj.errors import LabmtjError, LabmtjWarning

T = TypeVar("T")

Mark = Literal["", "strong", "faint", "published", "typical", "fitted", "assumed"]


@dataclass(frozen=True)
class Source:
    """Where in data.h5 something comes from, and an expression of xarray that loads it."""

    path: str
    """of a group or an array"""
    expression: str

    @classmethod
    def of(cls, group: str, expression: str, *, array: str = "") -> Source:
        """Return the source for `xr.open_dataset(group)` followed by `expression`."""
        opened = f'xr.open_dataset("data.h5", group="{group}", engine="h5netcdf")'
        return cls(f"{group}/{array}" if array else group, opened + expression)


@dataclass(frozen=True)
class Cell:
    """One field of a table."""

    text: str
    mark: Mark = ""
    share: float | None = None
    """length of the bar drawn under the text, -1 to 1"""
    span: int = 1
    """columns it covers"""
    below: str = ""
    """a second, quieter line"""


@dataclass(frozen=True)
class Table:
    """A table; the first column names the rows."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    sources: Sequence[Source] = ()
    folded: bool = False
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Figure:
    """A drawing with its legend; `svg` scales, dense parts in it are pixels."""

    title: str
    text: str
    alt: str
    sources: Sequence[Source]
    svg: bytes
    kind: Literal["figure"] = "figure"


@dataclass(frozen=True)
class Note:
    """A paragraph."""

    text: str
    mark: Literal["", "lead", "caveat", "missing"] = ""
    kind: Literal["note"] = "note"


Block = Table | Figure | Note
BLOCKS = (Table, Figure, Note)


@dataclass(frozen=True)
class Chapter:
    """A titled part of the page; `anchor` is unique on it."""

    title: str
    anchor: str
    blocks: Sequence[Block]


def tried(what: str, make: Callable[[], Block]) -> Block:
    """Return the block, or a note that says why it is missing: one bad array must not hide the rest of a record."""
    try:
        return make()
    except (LabmtjError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        why = f"{what}: cannot be shown: {error}"
        expected = isinstance(error, LabmtjError)  # what is not there, or not yet
        return left_out("report", "" if expected else why, Note(why, "missing"))


def left_out(where: str, why: str, instead: T) -> T:
    """Return what stands instead of a part that raised, with a warning: who starts a command may never see the page.

    Args:
        where: it is left out, or what follows from that.
        why: names the part; "" for no warning.
        instead: is returned.
    """
    if why:
        warnings.warn(f"{where}: {why}", LabmtjWarning, stacklevel=2)
    return instead


def cells(*texts: object) -> list[Cell]:
    """Return unmarked fields."""
    return [Cell(str(text)) for text in texts]
