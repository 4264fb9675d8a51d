"""What of a run can be compared with another: values by name, with what each value belongs to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.quantities import FloatArray
from labmtj.report.contents import Contents

_MOST_VALUES = 1 << 20


@brief
@dataclass(frozen=True, eq=False)
class Measure:
    """A quantity of which a run has several values."""

    where: str
    """station or chip"""
    name: str
    unit: str
    values: FloatArray
    """(values,)"""
    keys: tuple[str, ...]
    """what each value belongs to, such as a solution: values of one key in two runs make a pair"""
    of: str
    """what a key is: a solution, a pattern, a cell, a voltage"""
    paired_only: bool = False
    """whether values of other keys say nothing about these, as those of another voltage"""


def generic_measures(contents: Contents, groups: Iterable[str]) -> Iterator[Measure]:
    """Yield every array of numbers with axes that a procedure found out about a chip: what its groups declare."""
    for group in groups:
        if "labmtj_row" not in contents.attributes(group):
            for name in contents.tree.get(group, ()):
                if (found := _map(contents, group, name)) is not None:
                    yield found


def _map(contents: Contents, group: str, name: str) -> Measure | None:
    """Return an array as a measure; None for one of whole numbers or text, an axis of others, or a very large one."""
    path = f"{group}/{name}"
    kind, attributes = contents.data.kind(path), contents.attributes_of(path)
    if kind.dtype.kind != "f" or not kind.dims or name in kind.dims or math.prod(kind.shape) > _MOST_VALUES:
        return None
    axes = [_axis(contents, group, dim, length) for dim, length in zip(kind.dims, kind.shape, strict=True)]
    keys = tuple(" ".join(place) for place in itertools.product(*axes))
    of = "cell" if kind.dims == ("row", "column") else " and ".join(kind.dims)
    _, chip, *rest = path.split("/")
    values = np.asarray(contents.read(path), float).ravel()
    return Measure(chip, "/".join(rest), str(attributes.get("units", "1")), values, keys, of, paired_only=True)


def _axis(contents: Contents, group: str, dim: str, length: int) -> list[str]:
    """Return what labels the places on an axis: its coordinate, or their numbers."""
    known = dim in contents.tree[group]
    return [str(each) for each in (contents.read(f"{group}/{dim}").tolist() if known else range(length))]
