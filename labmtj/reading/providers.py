"""Which experiment records what: said where somebody asks a run for a group that it does not hold."""

from __future__ import annotations

import difflib
from collections.abc import Collection

PROVIDERS = {
    "reads": "every experiment with a read",
    "pulses": "every experiment with a pulse",
    "reference": "labmtj run reference",
    "amplitude": "labmtj run amplitude",
    "written": "labmtj run patterns",
    "solutions": "labmtj run wine",
    "accuracy": "labmtj run wine",
    "tuning": "labmtj run wine",
    "metrics": "labmtj run wine",
    "correlations": "labmtj run wine",
    "confusion": "labmtj run wine",
    "contact": "every experiment on a bench of instruments",
}
"""by the last part of the path"""


def absent(path: str, groups: Collection[str]) -> str:
    """Return what to say about a group that is not there: what comes near, and what would make it."""
    name = path.rpartition("/")[2]
    same = [group for group in groups if group.rpartition("/")[2] == name]
    close = same[:3] or difflib.get_close_matches(path, [group for group in groups if group], 3, 0.5)
    near = f"; did you mean {', '.join(close)}?" if close else ""
    provider = f"; {PROVIDERS[name]} records it" if not same and name in PROVIDERS else ""
    return f"no group {path!r}{near}{provider}"
