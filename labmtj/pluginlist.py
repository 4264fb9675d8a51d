"""The list of plug-ins: by group and distribution, what each name stands for, and which cannot be loaded and why."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from labmtj.dottednames import did_you_mean
from labmtj.errors import ConfigError, UsageError
from labmtj.escaped import escaped
from labmtj.extras import what_is_missing
from labmtj.plugins import GROUPS, Plugin, WrongKind, installed

COLUMNS = 80
_PREFIX = "labmtj."


def plugins_text(group: str = "") -> str:
    """Return the plug-ins of one group, or of all, 80 columns wide; each is loaded to see whether it can be.

    Args:
        group: such as "drivers" or "labmtj.drivers"; "" for all.

    Raises:
        UsageError: for a group that there is not.
    """
    short = [name.removeprefix(_PREFIX) for name in GROUPS]
    if group and group.removeprefix(_PREFIX) not in short:
        raise UsageError(
            f"there is no group {group!r} of plug-ins; choose {', '.join(short)}{did_you_mean(group, short)}"
        )
    chosen = [name for name in GROUPS if group.removeprefix(_PREFIX) in ("", name.removeprefix(_PREFIX))]
    return "\n\n".join("\n".join(_group(name)) for name in chosen)


def _group(group: str) -> Iterator[str]:
    entries = installed(group)
    yield f"{group}: {GROUPS[group]}"
    if not entries:
        yield "  none is installed"
    first = {plugin.name: plugin for plugin in reversed(entries)}
    width = max((len(plugin.name) for plugin in entries), default=0)
    for distribution, plugins in groupby(sorted(entries, key=lambda plugin: plugin.distribution), _distribution):
        yield f"  {escaped(distribution, keep='')}"
        for plugin in plugins:
            yield from _wrapped(f"    {plugin.name:<{width}}  {plugin.target}", 6)
            if problem := _problem(plugin, first[plugin.name]):
                yield from _wrapped(f"      {problem}", 8)


def _distribution(plugin: Plugin) -> str:
    return plugin.distribution


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(escaped(text, keep=""), COLUMNS, subsequent_indent=" " * indent)


def _problem(plugin: Plugin, first: Plugin) -> str:
    """Return why a plug-in is not used, "" if it is."""
    if first is not plugin:
        return f"not used: {first.distribution} has one of this name; uninstall one"
    try:
        plugin.load()
    except WrongKind as error:
        return error.why
    except ConfigError as error:
        cause = error.__cause__
        return f"cannot be loaded: {what_is_missing(cause) or f'{type(cause).__name__}: {cause}'}"
    return ""
