"""Attributes of source and meter: kept for each function, read and written by name or by `getattribute`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from instruments.virtual.series2450tsp.core import Core
from instruments.virtual.series2450tsp.kinds import Kind, refused
from labmtj.virtual.tsp.complaints import ScriptFault
from labmtj.virtual.tsp.tree import Group, Members, Reading

FUNCTIONS = {"VOLT": "smu.FUNC_DC_VOLTAGE", "CURR": "smu.FUNC_DC_CURRENT", "RES": "smu.FUNC_RESISTANCE"}


@dataclass(frozen=True)
class Spec:
    """One attribute.

    Args:
        path: below `smu.measure` or `smu.source`, such as "autozero.enable".
        attr: the constant that stands for it, without "smu.ATTR_"; "" if there is none.
        kind: what it takes.
        core: the setting of its meter, by function; a function that is absent keeps the value here.
        default: by function, of one that is kept here; "" stands for all of them.
        shared: whether all functions have it in common.
        after: called with the function once it was set.
    """

    path: str
    attr: str
    kind: Kind
    core: Mapping[str, str] | None = None
    default: Mapping[str, Any] | None = None
    shared: bool = False
    after: Callable[[str], None] | None = None


class Attribute(Reading):
    """A name that is read and written anew each time."""

    def __init__(self, read: Callable[[], object], write: Callable[[object], None]) -> None:
        super().__init__(read)
        self.write = write


class ReadOnly(Attribute):
    """An attribute that cannot be written."""


class Table(Group):
    """A group that may hold attributes."""

    def write(self, key: object, value: object) -> None:
        """Write an attribute, or a setting."""
        member = self.members.get(key) if isinstance(key, str | int) else None
        if isinstance(member, Attribute):
            member.write(value)
        else:
            super().write(key, value)


class Attributes:
    """All attributes of the source, or of the meter.

    Args:
        core: source and meter.
        table: "smu.source" or "smu.measure".
        specs: what there is.
        present: returns the present function.
    """

    def __init__(self, core: Core, table: str, specs: Iterable[Spec], present: Callable[[], str]) -> None:
        self.core, self.table, self.present = core, table, present
        self.specs = {spec.path: spec for spec in specs}
        self._kept: dict[tuple[str, str], Any] = {}
        self._by_constant = {f"smu.ATTR_{spec.attr}": spec for spec in self.specs.values() if spec.attr}
        self.readings: dict[str, Callable[[], object]] = {}
        """what can only be read, by the constant without "smu.ATTR_" """

    def reset(self) -> None:
        """Forget what is kept here."""
        self._kept.clear()

    def get(self, path: str, function: str = "") -> Any:
        """Return a value as a script reads it."""
        spec, function = self.specs[path], function or self.present()
        name = (spec.core or {}).get(function)
        if name is not None:
            return spec.kind.shown(self.core.get(name))
        key = "" if spec.shared else function
        if (key, path) in self._kept:
            return self._kept[key, path]
        default = spec.default or {}
        return default.get(function, default.get(""))

    def set(self, path: str, value: object, function: str = "") -> None:
        """Change a value; Complaint if it is not taken."""
        spec, function = self.specs[path], function or self.present()
        wanted = spec.kind.accept(value)
        name = (spec.core or {}).get(function)
        if name is not None:
            self.core.set(name, spec.kind.word(wanted))
        else:
            self._kept["" if spec.shared else function, path] = wanted
        if spec.after is not None:
            spec.after(function)

    def constants(self) -> Members:
        """Return the constants of the attributes."""
        named = [*(spec.attr for spec in self.specs.values() if spec.attr), *self.readings]
        return {f"ATTR_{name}": f"smu.ATTR_{name}" for name in named}

    def get_attribute(self, function: object, constant: object) -> Any:
        """Do what `getattribute` does."""
        reading = self.readings.get(constant.removeprefix("smu.ATTR_")) if isinstance(constant, str) else None
        if reading is not None:
            self._function(function)
            return reading()
        return self.get(self._chosen(constant).path, self._function(function))

    def set_attribute(self, function: object, constant: object, value: object = None) -> None:
        """Do what `setattribute` does."""
        self.set(self._chosen(constant).path, value, self._function(function))

    def _function(self, constant: object) -> str:
        for function, name in FUNCTIONS.items():
            if constant == name and (function != "RES" or self.table == "smu.measure"):
                return function
        raise refused(constant)

    def _chosen(self, constant: object) -> Spec:
        spec = self._by_constant.get(constant) if isinstance(constant, str) else None
        if spec is None:
            raise refused(constant)
        return spec

    def tree(self) -> Table:
        """Return the attributes as tables within tables; a number is a key of its own."""
        root = Table(self.table, {})
        for path in self.specs:
            group, (*way, last) = root, path.split(".")
            for part in way:
                group = self._below(group, part)
            name, _, index = last.partition("[")
            if index:
                group = self._below(group, name)
            key: str | int = int(index.rstrip("]")) if index else name
            group.members[key] = Attribute(_reader(self, path), _writer(self, path))
        return root

    def _below(self, group: Table, part: str) -> Table:
        name, _, index = part.partition("[")
        found = group.members.setdefault(name, Table(f"{group.name}.{name}", {}))
        if index:
            key = int(index.rstrip("]"))
            found = found.members.setdefault(key, Table(f"{found.name}[{key}]", {}))
        assert isinstance(found, Table)
        return found


def read_only(read: Callable[[], object], name: str) -> ReadOnly:
    """Return an attribute that cannot be written."""

    def write(_: object) -> None:
        raise ScriptFault(f"attempt to write read-only field `{name}'")

    return ReadOnly(read, write)


def _reader(attributes: Attributes, path: str) -> Callable[[], object]:
    return lambda: attributes.get(path)


def _writer(attributes: Attributes, path: str) -> Callable[[object], None]:
    return lambda value: attributes.set(path, value)
