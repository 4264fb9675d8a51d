"""Groups of a kind that no section is registered for, shown by what they say of themselves: units, axes, long names.

Maps of an array are drawn as maps, arrays along one axis with a coordinate as curves, others along one axis as points;
single values stand in a table. What has more axes is named with its shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import DataError
from labmtj.report.blocks import Block, Chapter, Figure, Note, Source, Table, cells, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import MISSING, plural, quantity
from labmtj.report.sections import Section

MAP = ("row", "column")
MOST_GROUPS, MOST_PANELS = 12, 12
_MOST_LINES = 6


@brief
@dataclass(frozen=True)
class Described:
    """One array of a group, with what the file says of it."""

    name: str
    units: str
    long_name: str
    dims: tuple[str, ...]
    values: NDArray[Any]

    @property
    def label(self) -> str:
        """Name and unit."""
        return self.name if self.units == "1" else f"{self.name} ({self.units})"

    @property
    def is_number(self) -> bool:
        """Whether it can be drawn."""
        return self.values.dtype.kind in "biuf"


class Generic(Section):
    """Everything that a run found and no section claims."""

    rank: ClassVar[int] = 90

    def lines(self) -> list[str]:
        """Return a line for each group: what it is and the medians of its arrays."""
        return [_line(self.contents, group) for group in self.groups[:MOST_GROUPS]]

    def chapters(self) -> list[Chapter]:
        """Return a chapter for each group."""
        found = [_chapter(self.contents, group, number) for number, group in enumerate(self.groups[:MOST_GROUPS])]
        if left := self.groups[MOST_GROUPS:]:
            found.append(Chapter("Other groups", "other-groups", [Note(f"Not drawn: {', '.join(left)}.")]))
        return found


def described(contents: Contents, group: str) -> list[Described]:
    """Return the arrays of a group that are no pure axes, as declared."""
    found = []
    for name in contents.tree.get(group, ()):
        path = f"{group}/{name}"
        kind, attributes = contents.data.kind(path), contents.attributes_of(path)
        if "long_name" in attributes:
            units, text = str(attributes.get("units", "1")), str(attributes["long_name"])
            found.append(Described(name, units, text, tuple(kind.dims), contents.read(path)))
    return found


def _line(contents: Contents, group: str) -> str:
    kind = contents.attributes(group).get("labmtj_kind", "arrays")
    parts = [
        f"{each.name} {quantity(_median(each.values), _shown(each.units))}"
        for each in described(contents, group)
        if each.values.dtype.kind == "f" and each.dims != (each.name,)
    ]
    facts = [f"{name} {value}" for name, value in _facts(contents, group)][:_MOST_LINES]
    text = f"{group} ({kind}): {', '.join([*facts, *parts[:_MOST_LINES]]) or 'no numbers'}"
    return text.replace("\u00a0", " ")


def _median(values: NDArray[Any]) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")


def _shown(units: str) -> str:
    return "" if units == "1" else units.replace("ohm", "Ω")


def _facts(contents: Contents, group: str) -> list[tuple[str, object]]:
    attributes = contents.attributes(group)
    return [
        (name, value) for name, value in attributes.items() if not name.startswith("labmtj_") and name not in _LAYOUT
    ]


_LAYOUT = {"NX_class", "signal", "axes"}


def _chapter(contents: Contents, group: str, number: int) -> Chapter:
    arrays = described(contents, group)
    blocks: list[Block] = [tried("Values", partial(_table, contents, group, arrays))]
    drawn = [each for each in arrays if each.is_number and each.dims != (each.name,)]
    if maps := [each for each in drawn if each.dims == MAP][:MOST_PANELS]:
        blocks.append(tried("Maps", partial(_maps, group, maps)))
    if curves := [each for each in drawn if len(each.dims) == 1][:MOST_PANELS]:
        blocks.append(tried("Curves", partial(_curves, group, curves, {each.name: each for each in arrays})))
    kind = contents.attributes(group).get("labmtj_kind", "arrays")
    return Chapter(f"{kind}: {group}", f"group-{number}", blocks)


def _table(contents: Contents, group: str, arrays: Sequence[Described]) -> Table:
    rows = [cells(name, _text(value), "") for name, value in _facts(contents, group)]
    for each in arrays:
        shape = " × ".join(map(str, each.values.shape))
        along = f"{shape} ({', '.join(each.dims)})" if each.dims else quantity(each.values.item(), _shown(each.units))
        middle = (
            f", median {quantity(_median(each.values), _shown(each.units))}" if each.values.dtype.kind == "f" else ""
        )
        rows.append(cells(each.name, along + (middle if each.dims else ""), each.long_name))
    if not rows:
        raise DataError(f"{group} holds nothing")
    return Table("Values", ("name", "value, or shape", "meaning"), rows)


def _text(value: object) -> str:
    if isinstance(value, float):
        return quantity(value, "")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value) or MISSING


def _maps(group: str, arrays: Sequence[Described]) -> Figure:
    from labmtj.report import mapping, style

    figure, axes = mapping.maps(len(arrays), arrays[0].values.shape)
    for panel, each in zip(axes, arrays, strict=True):
        values = np.ma.masked_invalid(each.values.astype(float))
        mapping.scale(mapping.draw_map(panel, values, each.name, cmap="cividis"), _shown(each.units) or "1")
    text = "; ".join(f"{each.name}: {each.long_name}" for each in arrays) + ". Grey: no value."
    sources = [Source.of(group, f".{each.name}.plot()", array=each.name) for each in arrays]
    return Figure("Maps", text, f"Maps of {', '.join(e.name for e in arrays)}.", sources, style.svg(figure))


def _curves(group: str, arrays: Sequence[Described], all_arrays: dict[str, Described]) -> Figure:
    from labmtj.report import style

    figure, axes = style.canvas(min(3, len(arrays)), rows=-(-len(arrays) // 3))
    for panel, each in zip(axes, arrays, strict=False):
        along = all_arrays.get(each.dims[0])
        values = each.values.astype(float)
        if along is not None and along.is_number:
            panel.plot(along.values, values, "o-", markersize=3, color=style.BLUE)
            panel.set_xlabel(along.label)
        else:
            panel.plot(np.arange(len(values)), values, "o", markersize=3, color=style.BLUE)
            panel.set_xlabel(each.dims[0])
        panel.set_title(each.label)
    for panel in axes[len(arrays) :]:
        panel.set_visible(False)
    text = "; ".join(f"{each.name}: {each.long_name}" for each in arrays) + "."
    sources = [Source.of(group, f".{each.name}.plot()", array=each.name) for each in arrays]
    title = f"{plural(len(arrays), 'curve')}"
    return Figure(title, text, f"Curves of {', '.join(e.name for e in arrays)}.", sources, style.svg(figure))
