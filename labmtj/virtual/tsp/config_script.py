"""`createconfigscript`: the settings of a box that are not at their defaults, written down as a script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from labmtj.virtual.tsp.tree import Group, Setting


def config_script(root: Group, more: Iterable[str] = ()) -> str:
    """Return a script that brings a box to its present settings.

    Args:
        root: its globals.
        more: lines for what is kept otherwise.
    """
    return "\n".join(["reset()", *_assignments(root, ""), *more])


def literal(value: object) -> str:
    """Return a value as a script writes it; text that is the name of a constant stands for that."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if re.fullmatch(r"[a-z]+\.[A-Z0-9_]+", value) else f'"{value}"'
    return repr(value)


def _assignments(group: Group, path: str) -> Iterator[str]:
    for key, member in group.members.items():
        name = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
        if isinstance(member, Group):
            yield from _assignments(member, name)
        elif isinstance(member, Setting) and _is_written(member):
            yield f"{name} = {literal(member.value)}"


def _is_written(setting: Setting) -> bool:
    plain = isinstance(setting.value, bool | float | str)
    return plain and not setting.kept and bool(setting.value != setting.default)
