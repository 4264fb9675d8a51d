"""The `bit` table of a script: logic on whole numbers of 32 bits, as Lua 5.0 has none."""

from __future__ import annotations

from labmtj.virtual.tsp.tree import Group, whole

MOST = 2**32 - 1
BITS = 32

_word = whole(-(2**31), MOST)
_place = whole(1, BITS)


def bits() -> Group:
    """Return the table; indexes count from 1."""
    return Group(
        "bit",
        {
            "bitand": lambda a, b: float(_of(a) & _of(b)),
            "bitor": lambda a, b: float(_of(a) | _of(b)),
            "bitxor": lambda a, b: float(_of(a) ^ _of(b)),
            "clear": lambda value, index: float(_of(value) & ~_mask(index)),
            "set": lambda value, index: float(_of(value) | _mask(index)),
            "toggle": lambda value, index: float(_of(value) ^ _mask(index)),
            "get": lambda value, index: float(_of(value) & _mask(index)),
            "test": lambda value, index: bool(_of(value) & _mask(index)),
            "getfield": lambda value, index, width: float((_of(value) >> _shift(index)) & _field(width)),
            "setfield": _set_field,
        },
    )


def _set_field(value: object, index: object, width: object, field: object) -> float:
    mask = _field(width) << _shift(index)
    return float((_of(value) & ~mask | (_of(field) << _shift(index)) & mask) & MOST)


def _of(value: object) -> int:
    return int(_word(value)) & MOST


def _shift(index: object) -> int:
    return int(_place(index)) - 1


def _mask(index: object) -> int:
    return 1 << _shift(index)


def _field(width: object) -> int:
    return (1 << int(_place(width))) - 1
