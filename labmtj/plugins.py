"""What is found by name through entry points: drivers, virtual instruments, procedures, sections, devices, data sets.

A distribution that is installed adds to each group without a change here. Names are read from the metadata of what is
installed; the code of a name is loaded when the name is used. A plug-in that cannot be loaded is a warning that
names it, and the rest goes on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import TracebackType
from typing import Any

from labmtj.dottednames import CannotLoad, did_you_mean, loaded
from labmtj.errors import ConfigError, LabmtjWarning
from labmtj.escaped import escaped
from labmtj.extras import what_is_missing

GROUPS: Mapping[str, str] = {
    "labmtj.drivers": "drivers of instruments, for bench files",
    "labmtj.virtual": "virtual instruments, by the name of their driver",
    "labmtj.procedures": "procedures, for experiment files",
    "labmtj.sections": "sections of the report, by the kind of the group that they show",
    "labmtj.devices": "models of devices, for array files",
    "labmtj.datasets": "data sets, for experiment files",
}

_NEEDED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "labmtj.drivers": ("a driver", ("identify", "make_safe")),
    "labmtj.virtual": ("a virtual instrument", ("power_cycle",)),
    "labmtj.procedures": ("a procedure: a pydantic model with `execute` or `block`", ("model_fields", "execute|block")),
    "labmtj.sections": ("a Section", ("headline", "lines", "chapters")),
    "labmtj.devices": ("a model of a device", ("states", "family", "draw", "nominal_ohms")),
    "labmtj.datasets": ("a function that returns Samples", ()),
}
"""of each group, what its names stand for, and what such a class has; nothing of a function"""


class PluginWarning(LabmtjWarning):
    """A plug-in that is not used: it cannot be loaded, is of the wrong kind, or another has its name."""


class WrongKind(ConfigError):
    """A plug-in stands for something else than its group asks for."""

    def __init__(self, plugin: str, why: str) -> None:
        super().__init__(plugin, why)
        self.plugin, self.why = plugin, why

    def __str__(self) -> str:
        return f"{self.plugin} {self.why}"


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

    @property
    def dotted(self) -> str:
        """The dotted name of what it stands for."""
        return f"{self.entry.module}.{self.entry.attr}"

    @property
    def is_own(self) -> bool:
        """Whether labmtj brings it."""
        return self.distribution.partition(" ")[0] == "labmtj"

    @property
    def called(self) -> str:
        """Its group, name and distribution, for messages."""
        return f"{self.group}: {self.name!r} of {self.distribution}"

    def load(self) -> Any:
        """Return what the name stands for; ConfigError if it cannot be imported, WrongKind if it is something else."""
        try:
            found = self.entry.load()
            why = _wrong(self.group, found)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may raise anything
            raise ConfigError(
                f"{self.called} cannot be loaded from {self.target}: "
                f"{what_is_missing(error) or f'{type(error).__name__}: {escaped(str(error))}'}"
            ) from error
        if why:
            raise WrongKind(self.called, f"{why}: {self.target}")
        return found


def _wrong(group: str, found: Any) -> str:
    """Return what is wrong with what a name of a group stands for, "" if nothing is."""
    what, parts = _NEEDED[group]
    kind = "None" if found is None else "a class" if isinstance(found, type) else f"of type {type(found).__name__}"
    if not parts:
        return "" if callable(found) and not isinstance(found, type) else f"is not {what}: it is {kind}"
    if not isinstance(found, type):
        return f"is not {what}: it is {kind}{'' if found is None else ', not a class'}"
    lacking = [part.replace("|", " or ") for part in parts if not any(hasattr(found, one) for one in part.split("|"))]
    return f"is not {what}: it lacks {', '.join(lacking)}" if lacking else ""


@cache
def installed(group: str) -> tuple[Plugin, ...]:
    """Return every plug-in of a group, by name, then labmtj's own before those of other distributions."""
    return tuple(sorted(_entries(group), key=lambda plugin: (plugin.name, not plugin.is_own, plugin.distribution)))


@cache
def plugins(group: str) -> Mapping[str, Plugin]:
    """Return the plug-ins of a group by name; of two with one name labmtj's own or the first, with a warning."""
    by_name: dict[str, Plugin] = {}
    for plugin in installed(group):
        first = by_name.setdefault(plugin.name, plugin)
        if first is not plugin:
            warn(
                f"{group}: two plug-ins are called {plugin.name!r}: {first.target} of {first.distribution} is used, "
                f"{plugin.target} of {plugin.distribution} is not; uninstall one"
            )
    return by_name


def _entries(group: str) -> Iterator[Plugin]:
    for entry in dict.fromkeys(entry_points(group=group)):
        of = entry.dist
        yield Plugin(group, entry.name, entry.value, f"{of.name} {of.version}" if of else "unknown", entry)


def forget() -> None:
    """Read anew what is installed, when it is next asked for; what was warned of is said again."""
    for each in (installed, plugins, warn):
        each.cache_clear()


@cache
def warn(text: str) -> None:
    """Warn of a plug-in, once."""
    warnings.warn(text, PluginWarning, stacklevel=3)


def find(group: str, name: str) -> Any:
    """Return what a name stands for.

    Raises:
        ConfigError: if there is no such name in the group, or it cannot be loaded.
    """
    known = plugins(group)
    if name not in known:
        listed = ", ".join(known) or "none are installed"
        raise ConfigError(f"{name!r} is not among the {GROUPS[group]}: {listed}{did_you_mean(name, known)}")
    return known[name].load()


def named(group: str, name: str, fits: Callable[[Any], bool]) -> Any:
    """Return what a file names: by a dotted name, or by a name of the group, which has no dot.

    Args:
        group: where a name without a dot is looked up.
        name: as in the file.
        fits: says which objects of a module may have been meant by a dotted name.

    Raises:
        CannotLoad: there is nothing of that name, or it cannot be imported, which is then its cause.
    """
    if "." in name:
        return loaded(name, fits)
    try:
        return find(group, name)
    except ConfigError as error:
        raise CannotLoad(str(error)) from error.__cause__


def dotted(group: str, name: str) -> str:
    """Return the dotted name of what a file names; a name that the group does not have is returned as it is."""
    plugin = None if "." in name else plugins(group).get(name)
    return plugin.dotted if plugin else name


def culprit(error: BaseException) -> str:
    """Return which plug-in of another distribution an unexpected error came from, "" if from none.

    That is the innermost frame of the trace in a package that another distribution brings plug-ins from.
    """
    packages = {
        each.entry.module.partition(".")[0]: each for group in GROUPS for each in installed(group) if not each.is_own
    }
    own = {each.entry.module.partition(".")[0] for group in GROUPS for each in installed(group) if each.is_own}
    found: Plugin | None = None
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        found = packages.get(package, found) if package not in own else found
        trace = trace.tb_next
    if found is None:
        return ""
    return f"this comes from a plug-in of {found.distribution} ({found.group}: {found.name!r}): report it there"


def load_all(group: str) -> Iterator[tuple[str, Any]]:
    """Yield every name that can be loaded with what it stands for; one warning names each that cannot."""
    for name, plugin in plugins(group).items():
        if (found := loaded_or_warned(plugin)) is not None:
            yield name, found


def loaded_or_warned(plugin: Plugin) -> Any:
    """Return what a plug-in stands for; None, and one warning that names it, if it cannot be loaded."""
    try:
        return plugin.load()
    except ConfigError as error:
        warn(str(error))
        return None
