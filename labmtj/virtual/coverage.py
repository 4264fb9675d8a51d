"""What a virtual instrument knows of the names in its maker's manual: `labmtj coverage`.

How an instrument contributes: its class, in a module of the package `virtual` next to the drivers, has

    @classmethod
    def coverage(cls) -> Coverage: ...

which returns the list of names (commands, attributes, functions) that the manual prints, and which of these the
instrument knows, from its own tables. Classes that return the same `instrument` share one line of the list; a class
without the method, or that inherits one which returns None, is left out. The core knows no brand: the packages are
those next to the drivers that bench files name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import NamedTuple

from labmtj import library, yamlfile
from labmtj.errors import UsageError


class Coverage(NamedTuple):
    """The names of one manual, and those of them that are known."""

    instrument: str
    """model or series, such as "Series 2600B" """
    source: str
    """where the list of names is from"""
    names: frozenset[str]
    known: frozenset[str]

    @property
    def missing(self) -> list[str]:
        """The names of the manual that are not known, in order."""
        return sorted(self.names - self.known)


def coverages() -> list[Coverage]:
    """Return what every virtual instrument says of itself, one for each `instrument`."""
    found: dict[str, Coverage] = {}
    for package in sorted(_packages()):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if not module.ispkg:
                for each in _of_module(f"{package}.{module.name}"):
                    found.setdefault(each.instrument, each)
    return sorted(found.values())


def coverage_text(which: str = "") -> str:
    """Return a table of all instruments; or, of those whose name contains `which`, also the names that are missing.

    Raises:
        UsageError: no instrument is called so.
    """
    every = coverages()
    chosen = [each for each in every if which.lower() in each.instrument.lower()]
    if not chosen:
        raise UsageError(f"no virtual instrument {which!r}; there are {', '.join(each.instrument for each in every)}")
    lines = [f"{'instrument':<20} {'names':>6} {'known':>6} {'':>6}  list of names"]
    for each in chosen:
        known = len(each.names & each.known)
        lines.append(
            f"{each.instrument:<20} {len(each.names):>6} {known:>6} {known / len(each.names):>6.1%}  {each.source}"
        )
    if which:
        lines += [
            f"\nnot known of {each.instrument}:\n  " + "\n  ".join(each.missing) for each in chosen if each.missing
        ]
    return "\n".join(lines)


def _of_module(name: str) -> Iterator[Coverage]:
    for member in vars(importlib.import_module(name)).values():
        if isinstance(member, type) and member.__module__ == name and hasattr(member, "coverage"):
            coverage: Coverage | None = member.coverage()
            if coverage is not None:
                yield coverage


def _packages() -> set[str]:
    """Return the packages of virtual instruments next to the drivers that the benches of the library name."""
    packages = set()
    for path in sorted((library.folder() / "benches").glob("*.yaml")):
        instruments = yamlfile.load(path).content.get("instruments")
        for instrument in (instruments or {}).values() if isinstance(instruments, dict) else ():
            driver = str(instrument.get("driver", ""))
            packages.add(f"{driver.rpartition('.')[0].rpartition('.')[0]}.virtual")
    return packages
