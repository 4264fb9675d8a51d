"""The files that come with labmtj: arrays, benches, experiments, trained solutions. Copy one and edit it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from labmtj.dottednames import did_you_mean
from labmtj.errors import ConfigError
from labmtj.filing import kind_of

MOST_NAMES = 1000
"""of a folder, among which one is looked for that comes close to a misspelt one"""
_PACKAGE = Path(__file__).resolve().parent


def folder() -> Path:
    """Return the folder `data`: next to the package in a checkout, inside it where labmtj is installed."""
    beside, inside = _PACKAGE.parent / "data", _PACKAGE / "data"
    return beside if (beside / "arrays").is_dir() else inside


def default() -> tuple[str, dict[str, Any]]:
    """Return the experiment that is run where none is named, and the settings of its rehearsal for a bench."""
    from labmtj import yamlfile

    content = yamlfile.load(folder() / "default.yaml").content
    return content["experiment"], content["rehearsal"]


def find(name: str, kind: str, beside: Path | None = None) -> Path:
    """Return the path of a file that a user or another file names.

    Tried in turn: the path as given; relative to the folder of the file that names it (`beside`); the name within the
    library's folder `kind` ("arrays", "benches", ...). The ending .yaml may be left out. Raises ConfigError.
    """
    candidates = [Path(name)]
    if beside is not None:
        candidates += [beside / name, beside / f"{name}.yaml"]
    shelf, folders = folder() / kind, list[Path]()
    candidates += [shelf / name, shelf / f"{name}.yaml"]
    for candidate in candidates:
        with suppress(OSError, ValueError):  # a name longer than names can be, with a NUL, in a folder not to be read
            if candidate.is_file():
                return candidate
            if candidate.is_dir():
                folders.append(candidate)
            elif candidate.exists():
                raise ConfigError(f"{name[:200]}: is {kind_of(candidate.resolve()) or 'no file'}, not a file")
    shipped = sorted(path.name for path in shelf.glob("*.*") if path.suffix in (".yaml", ".npz"))
    close = did_you_mean(name, [*map(_stem, shipped), *_beside(Path(name)), *_beside((beside or Path()) / name)])
    problem = "is a folder, not a file" if folders else "no such file"
    raise ConfigError(
        f"{name[:200]}: {problem}{f'{close} Give' if close else '; give'} a path, or one of the {kind} that come with "
        f"labmtj: {', '.join(shipped)}"
    )


def _stem(name: str) -> str:
    return name.removesuffix(".yaml")


def _beside(path: Path) -> list[str]:
    """Return what else is in the folder of a file that is not there, named as that is."""
    with suppress(OSError, ValueError):
        return [str(path.parent / each.name) for each in path.parent.glob("*.yaml")][:MOST_NAMES]
    return []
