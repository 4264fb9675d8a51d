"""What a procedure found, declared once: every quantity says its unit, its axes and its meaning where it is defined.

    class Drift(Result, kind="drift", signal="siemens"):
        seconds: Annotated[FloatArray, Quantity("s", "time of the read", ("read",))]
        siemens: Annotated[FloatArray, Quantity("S", "conductance of the cell", ("read", "row", "column"))]
        read_volts: Annotated[float, Fact("V", "on the row")]

    record(log, "drift", Drift(...))

writes the group with its axes, units and long names. The report and `labmtj compare` read these from the file, and so
does any other program. A property is recorded as well if what it returns is annotated so. A field of None is left out,
and so is an array without any value; a field without an annotation stays in memory, and one that is a dataclass with
annotations of its own is taken in. Of a field that holds something else, such as a fit, several parts may be declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum, IntFlag
from functools import cached_property
from operator import attrgetter
from typing import Annotated, Any, ClassVar, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

import numpy as np

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.schema import Attribute, Variable, meanings_of
from labmtj.verbs import Log


@dataclass(frozen=True)
class Quantity:
    """An array of a result.

    Args:
        units: "1" if it has none.
        long_name: what it is; {names} of attributes of the result are filled in.
        dims: names of its axes; an array named like an axis is its coordinate.
        codes: what whole numbers mean: an IntEnum, an IntFlag, or values by meaning.
        name: in the file, if it is not that of the part or the field.
        part: the attribute that holds the array, where the value is another object; of a tuple, those of its members.
        dtype: in the file, such as "f4", if it is not that of the value.
    """

    units: str
    long_name: str
    dims: tuple[str, ...] = ()
    codes: type[IntEnum | IntFlag] | Mapping[str, int] | None = None
    name: str = ""
    part: str = ""
    dtype: str = ""

    def variables(self, name: str, value: Any, texts: Mapping[str, object]) -> Iterator[tuple[str, Variable]]:
        """Yield what is recorded, by name."""
        values = np.asarray(_part(value, self.part), self.dtype or None)
        text = self.long_name.format_map(texts)
        yield name, Variable(values, self.units, text, self.dims, **_meanings(self.codes))


@dataclass(frozen=True)
class Estimate(Quantity):
    """A value with an interval, of which three arrays are recorded.

    Args:
        ends: names of the ends, with {} for "low" and "high"; those of the value with _low and _high if it is "".
        of: what the interval is about, such as a mean over the family of cells.
        level: of the interval.
        parts: attributes of the object that hold the value, the lower and the upper end; of a tuple, of its members.
    """

    ends: str = ""
    of: str = ""
    level: str = "95 %"
    parts: tuple[str, str, str] = ("value", "low", "high")

    def variables(self, name: str, value: Any, texts: Mapping[str, object]) -> Iterator[tuple[str, Variable]]:
        """Yield the value and the ends of its interval; the ends alone if the long name is ""."""
        long_name = self.long_name.format_map(texts)
        middle, *ends = (np.asarray(_part(value, part)) for part in self.parts)
        if long_name:
            yield name, Variable(middle, self.units, long_name, self.dims)
        whose, about = "its" if long_name else "a", f", {self.of}" if self.of else ""
        for end, which, values in zip(("low", "high"), ("lower", "upper"), ends, strict=True):
            text = f"{which} end of {whose} {self.level} interval{about}"
            yield (self.ends or f"{name}_{{}}").format(end), Variable(values, self.units, text, self.dims)


@dataclass(frozen=True)
class Fact:
    """One value of a result, kept as an attribute of its group.

    Args:
        units: "1" if it has none.
        long_name: what it is.
        name: in the file, if it is not that of the part or the field.
        per: what the value is divided by first: 3600 for a time in hours.
        part: as of a quantity.
    """

    units: str
    long_name: str
    name: str = ""
    per: float = 0.0
    part: str = ""

    def attribute(self, value: Any) -> Attribute:
        """Return the value as it is recorded."""
        value = _part(value, self.part)
        if isinstance(value, np.generic):
            value = value.item()
        recorded: Attribute = list(value) if isinstance(value, tuple) else value / self.per if self.per else value
        return recorded


def _part(value: Any, part: str) -> Any:
    if not part:
        return value
    return [_part(each, part) for each in value] if type(value) is tuple else attrgetter(part)(value)


Declared = Quantity | Fact
_Kind = TypeVar("_Kind", Quantity, Fact)


@dataclass_transform(frozen_default=True, eq_default=False)
class Result:
    """Base of what procedures return and record. Its `kind` finds the section of the report that shows it.

    A subclass is a frozen dataclass, compared by identity, with a repr of one line.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    kind: ClassVar[str] = ""
    signal: ClassVar[str] = ""
    """the array that a viewer plots first"""

    def __init_subclass__(cls, *, kind: str = "", signal: str = "") -> None:
        super().__init_subclass__()
        cls.kind, cls.signal = kind or cls.kind, signal or cls.signal
        brief(dataclass(frozen=True, eq=False)(cls))


def record(log: Log, path: str, result: Result, **others: Attribute) -> None:
    """Write a result to the group at `path`, with further facts about it as attributes.

    Raises:
        UsageError: for an array whose axes are not the declared ones, or a result without any array.
    """
    try:
        arrays = variables(result)
        log.put(path, arrays, signal=result.signal if result.signal in arrays else "", kind=result.kind)
    except UsageError as error:
        raise UsageError(f"{type(result).__name__}: {error}") from None
    if attributes := facts(result) | others:
        log.attributes(path, attributes)


def variables(result: object) -> dict[str, Variable]:
    """Return the arrays of a result, by the names that they have in the file."""
    texts, found = _Texts(result), dict[str, Variable]()
    for name, each, value in _values(result, Quantity):
        found |= {at: array for at, array in each.variables(name, value, texts) if array.array.size}
    return found


def facts(result: object) -> dict[str, Attribute]:
    """Return the attributes of a result, by the names that they have in the file."""
    return {name: each.attribute(value) for name, each, value in _values(result, Fact)}


def declared(kind: type[Any]) -> Mapping[str, tuple[Declared, ...] | type[Any]]:
    """Return what a class declares, by the names of its fields and properties: how each is recorded, or its own class.

    In the order of the class; of a field that holds another dataclass with declarations, that class.
    """
    if kind not in _DECLARED:
        hints = get_type_hints(kind, include_extras=True)
        found = {each.name: _declaration(hints[each.name]) for each in fields(kind)} if is_dataclass(kind) else {}
        for name, getter in _getters(kind):
            found[name] = _declaration(get_type_hints(getter, include_extras=True).get("return"))
        _DECLARED[kind] = {name: each for name, each in found.items() if each}
    return _DECLARED[kind]


_DECLARED: dict[type[Any], Mapping[str, tuple[Declared, ...] | type[Any]]] = {}
"""what was found out of each class"""


def quantities(kind: type[Any]) -> Iterator[tuple[str, Declared]]:
    """Yield everything that results of a class record, by the names that it has in the file."""
    for name, declarations in declared(kind).items():
        if isinstance(declarations, type):
            yield from quantities(declarations)
        else:
            yield from ((each.name or each.part or name, each) for each in declarations)


def _getters(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    for base in reversed(kind.__mro__):
        for name, member in vars(base).items():
            if isinstance(member, property | cached_property):
                yield name, member.fget if isinstance(member, property) else member.func


def _declaration(hint: Any) -> tuple[Declared, ...] | type[Any]:
    if get_origin(hint) is Annotated:
        return tuple(each for each in get_args(hint)[1:] if isinstance(each, Quantity | Fact))
    of = next((each for each in (hint, *get_args(hint)) if is_dataclass(each)), None)
    return of if isinstance(of, type) and declared(of) else ()


def _values(result: object, kind: type[_Kind]) -> Iterator[tuple[str, _Kind, Any]]:
    """Yield what a result holds of a kind of declaration: name in the file, declaration, and the value of the field."""
    for name, declarations in declared(type(result)).items():
        if isinstance(declarations, type):
            if (value := getattr(result, name)) is not None:
                yield from _values(value, kind)
        else:
            for each in declarations:
                if isinstance(each, kind) and (value := getattr(result, name)) is not None:
                    yield each.name or each.part or name, each, value


class _Texts(dict[str, object]):
    """The attributes of a result by name, for long names."""

    def __init__(self, result: object) -> None:
        super().__init__()
        self._result = result

    def __missing__(self, name: str) -> object:
        return getattr(self._result, name)


def _meanings(codes: type[IntEnum | IntFlag] | Mapping[str, int] | None) -> dict[str, Mapping[str, int]]:
    if codes is None:
        return {}
    if isinstance(codes, type):
        return {"flag_masks" if issubclass(codes, IntFlag) else "flag_values": meanings_of(codes)}
    return {"flag_values": codes}
