"""The names of a manual as a table: what only keeps a value, or does nothing without hardware, is data.

A table is a file of lines with tabs between its columns; lines that begin with # are comments:

    name                     kind  reset  default  accepts
    digio.trigger[14].mode   rw    reset  0        0..8 !1800
    display.settext()        f                     1

* name: as the manual writes it, with what the box has of it: `[14]` for `[N]`, `smu{a,b}` for `smuX`, `level{i,v}` for
  `levelY`. A name that ends with `.*` stands for a group that is made elsewhere.
* kind: rw, r, w, f (function) or c (constant); - for a name of the manual that the instrument does not know.
* reset: what brings the default back: `reset` (the instrument), `power` (only switching on), `lan`
  (lan.restoredefaults), `status` (status.reset), `own` (a reset function of its own group), or nothing for never.
* default: a number, "text", true, false, nil, or `{}` for what depends on the model; of a function what it returns.
* accepts: what may be written: `0|1|2`, `0..8` (whole), `0.0..1.0`, `number`, `text`, `bool`, with `!1800` for an error
  number of its own; `code` where that is decided elsewhere. Of a function: the least number of parameters.

An instrument builds what has a behaviour of its own first (`Engine.extend`); `complete` adds the rest of the table. So
a name is added to an instrument by one line, and gets code only where something hangs on it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from labmtj.virtual.tsp.complaints import TOO_FEW_PARAMETERS, Complaint
from labmtj.virtual.tsp.tree import (
    Accept,
    Group,
    Members,
    Reading,
    Setting,
    number,
    one_of,
    one_text,
    refusing,
    text,
    truth,
    whole,
    within,
)

SHARED = Path(__file__).with_name("shared.tsv")
"""names that the TSP boxes of this age have in common"""
OBJECTS = ("bufferVar.", "fileVar:", "scriptVar.", "node[N].")
"""what the manual calls things that a script makes, and nodes: their members are no globals"""
FUNCTION, CONSTANT, UNKNOWN = "f", "c", "-"
_PIECE = re.compile(r"[^.\[\]]+|\[\d+\]")
_BRACES = re.compile(r"\{([^}]*)\}")


@dataclass(frozen=True)
class Row:
    """One name of a manual."""

    name: str
    kind: str
    reset: str = ""
    default: str = ""
    accepts: str = ""

    @property
    def manual_name(self) -> str:
        """The name as the manual prints it: smuX, levelY, [N], [M]."""
        name = self.name.replace("smu{", "smuX{", 1) if "smu{" in self.name else self.name
        name = re.sub(r"smuX\{[^}]*\}", "smuX", name)
        name = _BRACES.sub("Y", name)
        name = re.sub(r"\[\d+\]", "[N]", name, count=1)
        return re.sub(r"\[\d+\]", "[M]", name)

    def paths(self) -> Iterator[tuple[str | int, ...]]:
        """Yield every name that the row stands for, as keys from the root."""
        choices = [part.split(",") for part in _BRACES.findall(self.name)]
        plain = _BRACES.sub("{}", self.name).removesuffix("()")
        for chosen in product(*choices):
            pieces = _PIECE.findall(plain.format(*chosen))
            sizes = [range(1, int(piece[1:-1]) + 1) if piece[0] == "[" else (piece,) for piece in pieces]
            yield from product(*sizes)

    def member(self) -> Any:
        """Return what stands at the name where nothing else does."""
        value = parsed(self.default)
        if self.kind == FUNCTION:
            return partial(_harmless, int(self.accepts or 0), value)
        if self.kind == CONSTANT:
            return value
        if self.kind == "r":
            return Reading(lambda: value)
        return Setting(value, accepting(self.accepts), kept=self.reset != "reset")


def read_table(file: Path) -> list[Row]:
    """Return the rows of a table."""
    lines = (line for line in file.read_text(encoding="utf-8").split("\n") if line and not line.startswith("#"))
    return [Row(*line.split("\t")) for line in lines]


def complete(root: Group, rows: Sequence[Row], absent: Collection[str] = ()) -> Members:
    """Add to a tree what a table has and the tree lacks; return the members of the root that are new.

    Args:
        root: the globals of a box.
        rows: the table.
        absent: groups that the model lacks, such as `smub`.
    """
    new: Members = {}
    for row in rows:
        if row.kind == UNKNOWN or row.name.endswith(".*") or row.name.startswith(OBJECTS) or " " in row.name:
            continue
        for path in row.paths():
            if absent and not set(absent).isdisjoint(map(str, path)):
                continue
            if path[0] not in root.members:
                new[path[0]] = None
            _place(root, path, row)
    return {key: root.members[key] for key in new}


def _place(root: Group, path: Sequence[str | int], row: Row) -> None:
    group = root
    for depth, key in enumerate(path[:-1], 1):
        found = group.members.get(key)
        if found is None:
            found = group.members[key] = Group(_written(path[:depth]), {})
        if not isinstance(found, Group):
            return  # made of members that are no settings
        group = found
    if path[-1] not in group.members:
        group.members[path[-1]] = row.member()


def _written(path: Sequence[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def find(root: Group, path: Sequence[str | int]) -> Any:
    """Return the member at a path, or None."""
    found: Any = root
    for key in path:
        if not isinstance(found, Group):
            return None
        found = found.members.get(key)
    return found


def parsed(written: str) -> Any:
    """Return a default as a script sees it."""
    words: dict[str, Any] = {"": None, "nil": None, "{}": None, "true": True, "false": False}
    if written in words:
        return words[written]
    return written[1:-1] if written.startswith('"') else float(written)


def accepting(written: str) -> Accept:
    """Return what a column `accepts` says."""
    rule, _, code = written.partition("!")
    accept = _rule(rule.strip())
    return refusing(accept, int(code)) if code else accept


def _rule(rule: str) -> Accept:
    plain: dict[str, Accept] = {"number": number, "text": text, "bool": truth, "": lambda value: value}
    if rule in plain:
        return plain[rule]
    if "|" in rule:
        choices = [parsed(each) for each in rule.split("|")]
        return one_text(*choices) if isinstance(choices[0], str) else one_of(*choices)
    lowest, _, highest = rule.partition("..")
    if "." in lowest or "e" in lowest:
        return within(float(lowest), float(highest))
    return whole(int(lowest), int(highest))


def _harmless(least: int, answer: Any, *parameters: object) -> Any:
    """Do nothing, with the parameters that the manual asks for."""
    if len(parameters) < least:
        raise Complaint(TOO_FEW_PARAMETERS, f"expected at least {least} parameters")
    return answer
