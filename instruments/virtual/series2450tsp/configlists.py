"""Configuration lists: what source or meter is set to, stored point by point and recalled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from instruments.virtual.series2450tsp.attributes import FUNCTIONS, Attributes
from instruments.virtual.series2450tsp.kinds import refused
from labmtj.virtual.tsp.complaints import UNAVAILABLE, Complaint
from labmtj.virtual.tsp.tree import Group, number, text

Point = tuple[str, dict[str, Any]]
"""function, and its attributes by path"""
FOLLOWS = {"autorange": "range", "autodelay": "delay"}
"""what is recalled first, and what is not recalled while it is on: setting that would switch it off"""


class ConfigLists:
    """The lists of the source, or of the meter.

    Args:
        attributes: of the source or the meter.
        choose: makes a function the present one.
    """

    def __init__(self, attributes: Attributes, choose: Callable[[str], None]) -> None:
        self._attributes, self._choose = attributes, choose
        self.lists: dict[str, list[Point]] = {}
        self._left: list[str] | None = None
        self.partner: ConfigLists | None = None
        """the lists of the other one, which may be recalled along"""
        self.group = Group(
            f"{attributes.table}.configlist",
            {
                "create": self.create, "delete": self._delete, "store": self._store, "storefunc": self._store_function,
                "recall": self._recall, "size": self._size, "query": self._query, "catalog": self._catalog,
            },
        )  # fmt: skip

    def reset(self) -> None:
        """Forget all lists."""
        self.lists.clear()
        self._left = None

    def create(self, name: object) -> None:
        """Make an empty list."""
        named = text(name)
        if not named or named in self.lists:
            raise Complaint(UNAVAILABLE, f"configuration list {named!r} exists already, or has no name")
        self.lists[named] = []

    def snapshot(self, function: str = "") -> Point:
        """Return what is set now."""
        chosen = function or self._attributes.present()
        return chosen, {path: self._attributes.get(path, chosen) for path in self._attributes.specs}

    def point(self, name: object, index: int) -> Point:
        """Return a point of a list; Complaint if there is none."""
        points = self._list(name)
        if not 1 <= index <= len(points):
            raise Complaint(UNAVAILABLE, f"configuration list {name} has no index {index}")
        return points[index - 1]

    def apply(self, point: Point) -> None:
        """Set what a point says, as far as it is otherwise."""
        function, values = point
        if function != self._attributes.present():
            self._choose(function)
        follows = {other for switch, other in FOLLOWS.items() if values.get(switch) == "smu.ON"}
        for path in sorted(values, key=lambda path: path not in FOLLOWS):
            if path not in follows and self._attributes.get(path, function) != values[path]:
                self._attributes.set(path, values[path], function)

    def _list(self, name: object) -> list[Point]:
        found = self.lists.get(name) if isinstance(name, str) else None
        if found is None:
            raise refused(name)
        return found

    def _store(self, name: object, index: object = None) -> None:
        self._place(name, index, self.snapshot())

    def _store_function(self, name: object, function: object, index: object = None) -> None:
        for own, constant in FUNCTIONS.items():
            if function == constant:
                self._place(name, index, self.snapshot(own))
                return
        raise refused(function)

    def _place(self, name: object, index: object, point: Point) -> None:
        points = self._list(name)
        if index is None:
            points.append(point)
            return
        place = int(number(index))
        if not 1 <= place <= len(points) + 1:
            raise refused(index)
        points[place - 1 : place] = [point]

    def _recall(self, name: object, index: object = 1, other: object = None, other_index: object = None) -> None:
        self.apply(self.point(name, int(number(index))))
        if other is not None and self.partner is not None:
            place = index if other_index is None else other_index
            self.partner.apply(self.partner.point(other, int(number(place))))

    def _delete(self, name: object, index: object = None) -> None:
        points = self._list(name)
        if index is None:
            del self.lists[text(name)]
        else:
            self.point(name, int(number(index)))
            del points[int(number(index)) - 1]

    def _size(self, name: object) -> float:
        return float(len(self._list(name)))

    def _query(self, name: object, index: object = 1, separator: object = ", ") -> str:
        function, values = self.point(name, int(number(index)))
        table = self._attributes.table
        settings = [f"{table}.func = {FUNCTIONS[function]}"]
        settings += [f"{table}.{path} = {value}" for path, value in values.items()]
        return text(separator).join(settings)

    def _catalog(self) -> str | None:
        """Return the name of the next list, None after the last one."""
        if self._left is None:
            self._left = list(self.lists)
        name = self._left.pop(0) if self._left else None
        if name is None:
            self._left = None
        return name
