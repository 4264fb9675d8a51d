"""Which experiment records what: said where somebody asks a run for a group that it does not hold."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from labmtj import library

PROVIDERS = {
    "reads": "every experiment with a read",
    "pulses": "every experiment with a pulse",
    "written": "labmtj run patterns",
    "solutions": "labmtj run wine",
    "accuracy": "labmtj run wine",
    "tuning": "labmtj run wine",
    "metrics": "labmtj run wine",
    "correlations": "labmtj run wine",
    "confusion": "labmtj run wine",
    "contact": "every experiment on a bench of instruments",
}
"""by the last part of the path, where that is not the name of an experiment that comes with labmtj"""


def absent(path: str, groups: Collection[str]) -> str:
    """Return what to say about a group that is not there: what comes near, and what would make it."""
    name = path.rpartition("/")[2]
    same = [group for group in groups if group.rpartition("/")[2] == name]
    close = same[:3] or difflib.get_close_matches(path, [group for group in groups if group], 3, 0.5)
    near = f"; did you mean {', '.join(close)}?" if close else ""
    provider = PROVIDERS.get(name) or _experiment(name)
    return f"no group {path!r}{near}" + (f"; {provider} records it" if provider and not same else "")


def _experiment(name: str) -> str:
    """Return the command that runs the experiment named as a group is, "" if there is none."""
    known = {path.stem.replace("-", "_"): path.stem for path in (library.folder() / "experiments").glob("*.yaml")}
    return f"labmtj run {known[name]}" if name in known else ""
