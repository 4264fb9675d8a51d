"""What is found by name through entry points: drivers, virtual instruments, procedures, sections and devices.

A distribution that is installed adds to each group without a change here. Names are read from the metadata of what is
installed; the code of a name is loaded when the name is used. A plug-in that cannot be loaded is a warning that
names it, and the rest goes on.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from labmtj.errors import ConfigError
from labmtj.escaped import escaped

GROUPS: Mapping[str, str] = {
    "labmtj.drivers": "drivers of instruments, for bench files",
    "labmtj.virtual": "virtual instruments, by the name of their driver",
    "labmtj.procedures": "procedures, for experiment files",
    "labmtj.sections": "sections of the report, by the kind of the group that they show",
    "labmtj.devices": "models of devices, for array files",
}


@dataclass(frozen=True)
class Plugin:
    """One name of a group."""

    group: str
    name: str
    target: str
    """module:attribute"""
    distribution: str
    """name and version of what brings it"""
    entry: EntryPoint

    def load(self) -> Any:
        """Return what the name stands for; ConfigError if it cannot be imported."""
        try:
            return self.entry.load()
        except (Exception, SystemExit) as error:
            raise ConfigError(
                f"{self.group}: {self.name!r} of {self.distribution} cannot be loaded from {self.target}: "
                f"{type(error).__name__}: {escaped(str(error))}"
            ) from error


@cache
def plugins(group: str) -> Mapping[str, Plugin]:
    """Return the plug-ins of a group by name; of two with one name the first by distribution, with a warning."""
    found: dict[str, Plugin] = {}
    for each in sorted(_installed(group), key=lambda plugin: (plugin.name, plugin.distribution)):
        first = found.setdefault(each.name, each)
        if (first.distribution, first.target) != (each.distribution, each.target):
            warnings.warn(
                f"{group}: two plug-ins are called {each.name!r}: {first.target} of {first.distribution} is used, "
                f"{each.target} of {each.distribution} is not; uninstall one",
                stacklevel=2,
            )
    return found


def _installed(group: str) -> Iterator[Plugin]:
    for entry in entry_points(group=group):
        of = entry.dist
        yield Plugin(group, entry.name, entry.value, f"{of.name} {of.version}" if of else "unknown", entry)


def find(group: str, name: str) -> Any:
    """Return what a name stands for.

    Raises:
        ConfigError: if there is no such name in the group, or it cannot be loaded.
    """
    known = plugins(group)
    if name not in known:
        raise ConfigError(f"{name!r} is not among the {GROUPS[group]}: {', '.join(known) or 'none are installed'}")
    return known[name].load()


def load_all(group: str) -> Iterator[tuple[str, Any]]:
    """Yield every name that can be loaded with what it stands for; a warning names each that cannot."""
    for name, plugin in plugins(group).items():
        try:
            loaded = plugin.load()
        except ConfigError as error:
            warnings.warn(str(error), stacklevel=2)
            continue
        yield name, loaded
