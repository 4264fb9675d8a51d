"""Nodes of a TSP-Link: a box that is alone is node 1, and every other node is out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmtj.virtual.tsp.complaints import Complaint
from labmtj.virtual.tsp.tree import Group, Members, Setting, text, whole

if TYPE_CHECKING:
    from labmtj.virtual.tsp.engine import Engine

MOST_NODES = 64
INACCESSIBLE, INVALID_NODE = 1211, 1212


class Node(Group):
    """localnode, and node[N] of the box itself: it also has every global of the box."""

    def __init__(self, engine: Engine, members: Members) -> None:
        super().__init__("localnode", members)
        self._engine = engine

    def element(self, key: object) -> object:
        """Return a global of the box."""
        found = self._engine.root.members.get(key) if isinstance(key, str) else None
        return super().element(key) if found is None else found


class Nodes(Group):
    """node[N]: the box itself at its own number."""

    def __init__(self, engine: Engine, itself: Node, first: int) -> None:
        super().__init__("node", {})
        self._engine, self._itself = engine, itself
        self.number = Setting(float(first), whole(1, MOST_NODES), kept=True)
        itself.extend(
            {
                "execute": lambda code: engine.run_text(text(code)),
                "getglobal": lambda name: engine.sandbox.look_up(text(name)),
                "setglobal": lambda name, value=None: engine.sandbox.define(text(name), value),
            }
        )

    def element(self, key: object) -> object:
        """Return the box itself; Complaint for any other node."""
        if key == self.number.value:
            return self._itself
        if isinstance(key, int) and 1 <= key <= MOST_NODES:
            raise Complaint(INACCESSIBLE, f"Node {key} is inaccessible")
        raise Complaint(INVALID_NODE, f"Invalid node ID {key}")
