"""What a procedure found, declared once: every quantity says its unit, its axes and its meaning where it is defined.

    @dataclass(frozen=True, eq=False)
    class Drift(Result, kind="drift", signal="siemens"):
        seconds: Annotated[FloatArray, Quantity("s", "time of the read", ("read",))]
        siemens: Annotated[FloatArray, Quantity("S", "conductance of the cell", ("read", "row", "column"))]
        read_volts: Annotated[float, Fact("V", "on the row")]

    record(log, "drift", Drift(...))

writes the group with its axes, units and long names. The report and `labmtj compare` read these from the file, and so
does any other program. A property is recorded as well if what it returns is annotated so. A field of None is left out,
a field without an annotation stays in memory, and one that is a dataclass with annotations of its own is taken in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum, IntFlag
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

import numpy as np

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
        name: in the file, if it is not that of the field.
    """

    units: str
    long_name: str
    dims: tuple[str, ...] = ()
    codes: type[IntEnum | IntFlag] | Mapping[str, int] | None = None
    name: str = ""

    def variables(self, name: str, value: Any, texts: Mapping[str, object]) -> Iterator[tuple[str, Variable]]:
        """Yield what is recorded, by name."""
        yield (
            self.name or name,
            Variable(value, self.units, self.long_name.format_map(texts), self.dims, **_meanings(self.codes)),
        )


@dataclass(frozen=True)
class Estimate(Quantity):
    """A value with an interval: an object with arrays `value`, `low` and `high`, of which three arrays are recorded.

    Args:
        ends: beginning of the names of the ends, `<ends>_low` and `<ends>_high`; that of the value if it is "".
        of: what the interval is about, such as a mean over the family of cells.
        level: of the interval.
    """

    ends: str = ""
    of: str = ""
    level: str = "95 %"

    def variables(self, name: str, value: Any, texts: Mapping[str, object]) -> Iterator[tuple[str, Variable]]:
        """Yield the value and the ends of its interval; the ends alone if the long name is ""."""
        name, long_name = self.name or name, self.long_name.format_map(texts)
        if long_name:
            yield name, Variable(value.value, self.units, long_name, self.dims)
        whose, about = "its" if long_name else "a", f", {self.of}" if self.of else ""
        for end, which in (("low", "lower"), ("high", "upper")):
            text = f"{which} end of {whose} {self.level} interval{about}"
            yield f"{self.ends or name}_{end}", Variable(getattr(value, end), self.units, text, self.dims)


@dataclass(frozen=True)
class Fact:
    """One value of a result, kept as an attribute of its group.

    Args:
        units: "1" if it has none.
        long_name: what it is.
        name: in the file, if it is not that of the field.
        per: what the value is divided by first: 3600 for a time in hours.
    """

    units: str
    long_name: str
    name: str = ""
    per: float = 0.0

    def attribute(self, name: str, value: Any) -> tuple[str, Attribute]:
        """Return name and value as they are recorded."""
        if isinstance(value, np.generic):
            value = value.item()
        return self.name or name, value / self.per if self.per else value


Declared = Quantity | Fact


class Result:
    """Base of what procedures return and record. Its `kind` finds the section of the report that shows it."""

    kind: ClassVar[str] = ""
    signal: ClassVar[str] = ""
    """the array that a viewer plots first"""

    def __init_subclass__(cls, *, kind: str = "", signal: str = "") -> None:
        super().__init_subclass__()
        cls.kind, cls.signal = kind or cls.kind, signal or cls.signal


def record(log: Log, path: str, result: Result, **facts: Attribute) -> None:
    """Write a result to the group at `path`, with further facts about it as attributes.

    Raises:
        UsageError: for an array whose axes are not the declared ones, or a result without any array.
    """
    attributes = dict(_attributes(result)) | facts
    try:
        variables = dict(_variables(result))
        log.put(path, variables, signal=result.signal if result.signal in variables else "", kind=result.kind)
    except UsageError as error:
        raise UsageError(f"{type(result).__name__}: {error}") from None
    if attributes:
        log.attributes(path, attributes)


def declared(kind: type[Any]) -> Mapping[str, Declared | type[Any]]:
    """Return what a class declares, by the names of its fields and properties: how each is recorded, or its own class.

    In the order of the class; of a field that holds another dataclass with declarations, that class.
    """
    if kind not in _DECLARED:
        hints = get_type_hints(kind, include_extras=True)
        found = {each.name: _declaration(hints[each.name]) for each in fields(kind)} if is_dataclass(kind) else {}
        for name, member in _properties(kind):
            found[name] = _declaration(get_type_hints(member.fget, include_extras=True).get("return"))
        _DECLARED[kind] = {name: each for name, each in found.items() if each is not None}
    return _DECLARED[kind]


_DECLARED: dict[type[Any], Mapping[str, Declared | type[Any]]] = {}
"""what was found out of each class"""


def quantities(kind: type[Any], prefix: str = "") -> Iterator[tuple[str, Quantity | Fact]]:
    """Yield everything that results of a class record, by the names that it has in the file."""
    for name, each in declared(kind).items():
        if isinstance(each, type):
            yield from quantities(each, prefix)
        else:
            yield prefix + (each.name or name), each


def _properties(kind: type[Any]) -> Iterator[tuple[str, property]]:
    for base in reversed(kind.__mro__):
        for name, member in vars(base).items():
            if isinstance(member, property) and member.fget is not None:
                yield name, member


def _declaration(hint: Any) -> Declared | type[Any] | None:
    if get_origin(hint) is Annotated:
        return next((each for each in get_args(hint)[1:] if isinstance(each, Quantity | Fact)), None)
    of = next((each for each in (hint, *get_args(hint)) if is_dataclass(each)), None)
    return of if isinstance(of, type) and declared(of) else None


def _variables(result: object) -> Iterator[tuple[str, Variable]]:
    texts = _Texts(result)
    for name, each in declared(type(result)).items():
        if isinstance(each, Fact) or (value := getattr(result, name)) is None:
            continue
        if isinstance(each, Quantity):
            yield from each.variables(name, value, texts)
        else:
            yield from _variables(value)


def _attributes(result: object) -> Iterator[tuple[str, Attribute]]:
    for name, each in declared(type(result)).items():
        if isinstance(each, Quantity) or (value := getattr(result, name)) is None:
            continue
        if isinstance(each, Fact):
            yield each.attribute(name, value)
        else:
            yield from _attributes(value)


class _Texts(dict[str, object]):
    """The attributes of a result, for long names."""

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
