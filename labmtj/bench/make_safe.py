"""A bench made safe, however wrong its file is: sources to 0 V and off, then relays to rest."""

from __future__ import annotations

import re
from pathlib import Path

from labmtj import library, yamlfile
from labmtj.bench.laboratory import InstrumentFile, LaboratoryFile
from labmtj.bench.loading import load_any
from labmtj.bench.sessions import open_sessions
from labmtj.errors import ConfigError, InstrumentError, LabmtjError


def make_safe(name: str) -> list[str]:
    """Bring every source of a bench file to 0 V and off, then every relay to rest; works with a file that is wrong.

    Returns what was done, instrument by instrument. Locks are not asked for: safety comes before ownership.

    Raises:
        InstrumentError: telling every instrument that could not be made safe.
        ConfigError: if the file names no instrument at all, or a bench whose instruments are virtual.
    """
    instruments = _instruments_named(library.find(name, "benches"))
    done: dict[str, list[str]] = {"units": [], "matrices": []}
    failed: list[LabmtjError] = []
    for unit, instrument in instruments.items():
        try:
            with open_sessions({unit: instrument}) as sessions:
                for kind in ("units", "matrices"):
                    for each in getattr(sessions, kind).values():
                        each.make_safe()
                        done[kind].append(f"{unit} at {instrument.resource}: safe")
        except LabmtjError as error:
            failed.append(error)
    if failed:
        told = "\n  ".join([*(line for lines in done.values() for line in lines), *map(str, failed)])
        raise InstrumentError("bench", name, f"not everything is safe, see to it by hand:\n  {told}")
    return done["units"] + done["matrices"]


def _instruments_named(path: Path) -> dict[str, InstrumentFile]:
    """Return the instruments that a file names, sources first, however wrong the rest of it is."""
    try:
        file = load_any(str(path))
        if not isinstance(file, LaboratoryFile):
            raise ConfigError(
                f"{path}: is a bench of kind {file.kind}; it ends, and is safe, with the run that uses it"
            )
        found = dict(file.instruments)
    except ConfigError:
        found = _as_far_as_readable(path)
        if not found:
            raise
    return dict(sorted(found.items(), key=lambda item: bool(item[1].cards)))


def _as_far_as_readable(path: Path) -> dict[str, InstrumentFile]:
    """Return every pair of a driver and a resource in a file that cannot be used otherwise."""
    try:
        content = yamlfile.load(path).content
        entries = content.get("instruments") if content.get("kind") not in ("virtual", "simulated", "replay") else None
    except ConfigError:
        text = path.read_text(encoding="utf-8", errors="replace")
        drivers = re.findall(r"driver:\s*['\"]?([\w.]+)", text)
        resources = re.findall(r"resource:\s*['\"]?([^'\"\s,}]+)", text)
        pairs = enumerate(zip(drivers, resources, strict=False), 1)
        entries = {f"instrument {number}": {"driver": driver, "resource": where} for number, (driver, where) in pairs}
    found: dict[str, InstrumentFile] = {}
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        known = {key: value for key, value in entry.items() if key in InstrumentFile.model_fields}
        try:
            found[str(name)] = InstrumentFile.model_validate(known)
        except ValueError:
            minimal = {key: known.get(key) for key in ("driver", "resource")}
            if all(isinstance(value, str) for value in minimal.values()):
                found[str(name)] = InstrumentFile.model_validate(minimal)
    return found
