"""Which experiment records what: named in the error if a run lacks the group that is asked for."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from labmtj import library, plugins

PROVIDERS = {
    "reads": "every experiment with a read",
    "pulses": "every experiment with a pulse",
    "contact": "every experiment on a bench of instruments",
}
"""of what the core records itself, by the last part of the path"""


def absent(path: str, groups: Collection[str]) -> str:
    """Return the message for a missing group: similar names, and the experiment that records it."""
    name = path.rpartition("/")[2]
    same = [group for group in groups if group.rpartition("/")[2] == name]
    close = same[:3] or difflib.get_close_matches(path, [group for group in groups if group], 3, 0.5)
    near = f"; did you mean {', '.join(close)}?" if close else ""
    provider = PROVIDERS.get(name) or _experiment(name)
    return f"no group {path!r}{near}" + (f"; {provider} records it" if provider and not same else "")


def _experiment(name: str) -> str:
    """Return the command that runs an experiment that comes with labmtj and records a group of this name, or ""."""
    known = {path.stem.replace("-", "_"): path.stem for path in (library.folder() / "experiments").glob("*.yaml")}
    kinds = (kind for kind, section in plugins.load_all("labmtj.sections") if name in _records(section))
    found = known.get(name if name in known else next(kinds, ""))
    return f"labmtj run {found}" if found else ""


def _records(section: object) -> Collection[str]:
    records = getattr(section, "records", ())
    return records if isinstance(records, list | tuple) else ()
