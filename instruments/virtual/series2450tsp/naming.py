"""The names of a 2450: those of older boxes only are removed; source and meter settings can be printed as a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from instruments.virtual.series2450tsp.attributes import Attribute, ReadOnly
from labmtj.virtual.tsp.config_script import literal
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.names import read_table
from labmtj.virtual.tsp.tree import Group

NAMES = Path(__file__).with_name("names.tsv")
KEPT = (
    "bit", "format", "makegetter", "makesetter", "os",
    "localnode.execute", "localnode.getglobal", "localnode.setglobal",  # of node[N], which is the box itself
)  # fmt: skip
"""what is not in the table, or has members that are not"""
LASTING = ("smu.source.level", "smu.source.output", "smu.measure.autorangehigh")
"""are not written into a script of settings"""
OTHER_NAMES = ("smu.source.ilimit", "smu.source.vlimit", "smu.measure.terminals")
FIRST = ("smu.source.func", "smu.measure.func")
"""are written first: all others belong to the functions"""
AUTOMATIC = ("smu.source.autorange", "smu.measure.autorange", "smu.source.autodelay")
"""are written last: a range or a delay that is set switches them off"""


def trim(engine: Engine) -> None:
    """Take away what is not in the table of names; `format`, whose constants are numbers, stays."""
    names = (re.sub(r"\[\w+\]|\(\)", "", row.name) for row in read_table(NAMES))
    known = {name[:place] for name in names for place in [*_dots(name), len(name)]}
    for name in _trim(engine.root, "", known):
        engine.define(name, None)


def _trim(group: Group, path: str, known: set[str]) -> list[str]:
    """Take away what is below a group and not known; return what went."""
    gone = []
    for key, member in list(group.members.items()):
        name = path if isinstance(key, int) else f"{path}.{key}".lstrip(".")
        if name in KEPT:
            continue
        if name not in known:
            del group.members[key]
            gone.append(name)
        elif isinstance(member, Group):
            _trim(member, name, known)
    return gone


def _dots(name: str) -> list[int]:
    return [place for place, sign in enumerate(name) if sign == "."]


def settings_of_smu(root: Group) -> list[str]:
    """Return the lines of a script that bring source and meter to their present settings."""
    return sorted(_assignments(root.members["smu"], "smu"), key=_order)


def _order(line: str) -> int:
    name = line.split(" ", 1)[0]
    return 0 if name in FIRST else 2 if name in AUTOMATIC else 1


def _assignments(group: Group, path: str) -> Iterator[str]:
    for key, member in group.members.items():
        name = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"
        if isinstance(member, Group):
            yield from _assignments(member, name)
        elif isinstance(member, Attribute) and not isinstance(member, ReadOnly) and _is_written(name):
            yield f"{name} = {literal(member.read())}"


def _is_written(name: str) -> bool:
    return name not in LASTING and not name.startswith(OTHER_NAMES)
