"""What Python prints of a result: one line that names it, its numbers, and the shapes of its arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from enum import Enum
from typing import TypeVar

import numpy as np

LONGEST = 100
"""characters"""
_LONGEST_TEXT = 24
Class = TypeVar("Class", bound=type)


def brief(cls: Class) -> Class:
    """Decorate a dataclass whose fields hold arrays, or what holds arrays, so that its `repr` is one short line.

    Numbers and words stand before arrays, of which the shapes are given; what does not fit is left out, with dots.
    """
    cls.__repr__ = _repr  # type: ignore[assignment]
    return cls


def _repr(self: object) -> str:
    name, shown, length = type(self).__name__, [], 0
    for text in _texts(self):
        length += len(text) + len(", ")
        if len(name) + length + len("(...)") > LONGEST:
            shown.append("...")
            break
        shown.append(text)
    return f"{name}({', '.join(shown)})"


def _texts(item: object) -> Iterator[str]:
    values = {each.name: getattr(item, each.name) for each in dataclasses.fields(item)}  # type: ignore[arg-type]
    plain = {name: value for name, value in values.items() if _is_plain(value)}
    for name, value in plain.items():
        yield f"{name}={_plain(value)}"
    for name, value in values.items():
        if name not in plain:
            yield f"{name}{_shape(value)}"


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | np.generic | Enum)


def _plain(value: object) -> str:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def _shape(value: object) -> str:
    """Return what follows the name of a field: the shape of an array, the length of a collection, else a class."""
    if isinstance(value, np.ndarray):
        return f"[{' x '.join(map(str, value.shape))}]"
    if isinstance(value, Collection):
        return f"[{len(value)}]"
    return f"={type(value).__name__}"
