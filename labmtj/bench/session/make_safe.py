"""A bench made safe, however wrong its file is: sources to 0 V and off, then relays to rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from labmtj import library, yamlfile
from labmtj.bench.files.laboratory import InstrumentFile, LaboratoryFile
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.sessions import driver_class, open_sessions
from labmtj.errors import ConfigError, InstrumentError, LabmtjError
from labmtj.filing import read_plain
from labmtj.instrumentlocks import owner_of
from labmtj.safety import HOLD, OPEN, RelaysWithoutSources, Step, shut_down
from labmtj.watchdog.spec import send_safe

ANSWER_SECONDS = 2.0
"""longest wait for one answer; what a script on a box delays is aborted before"""
BOX_SECONDS = 10.0
"""longest wait for all sources together, which are made safe at the same time, and then for all matrices"""


def make_safe(name: str) -> list[str]:
    """Bring every source of a bench file to 0 V and off, then every relay to rest; works with a file that is wrong.

    All sources at the same time, then all matrices, each for `BOX_SECONDS` at most, whatever becomes of the others.
    Relays stay as they are while a source is not known to be off, unless the file says `relays_without_sources: open`.
    Returns what was done, instrument by instrument. Locks are not asked for: safety comes before ownership.

    Raises:
        InstrumentError: what was done, and every instrument that is not known to be safe, with the process that has it.
        ConfigError: if the file names no instrument at all, or a bench whose instruments are virtual.
    """
    instruments, relays = _read(library.find(name, "benches"))
    done: dict[str, str] = {}
    steps = {unit: Step(unit, each.resource, partial(_secure, unit, each, done)) for unit, each in instruments.items()}
    sources = [step for unit, step in steps.items() if not _is_matrix(unit, instruments[unit])]
    matrices = [step for step in steps.values() if step not in sources]
    failed = shut_down(sources, matrices, relays_without_sources=relays, seconds=BOX_SECONDS)
    safe = [done[unit] for unit in (step.instrument for step in [*sources, *matrices]) if unit in done]
    if failed:
        report = "\n  ".join([*safe, *map(_with_owner, failed)])
        unknown = "not everything is known to be safe: outputs may be on, relays closed; switch these off by hand:"
        raise InstrumentError("bench", name, f"{unknown}\n  {report}")
    return safe


def _secure(name: str, instrument: InstrumentFile, done: dict[str, str]) -> None:
    """Make an instrument safe in a session of its own: unasked, then verified."""
    hasty = instrument.model_copy(update={"timeout_seconds": min(instrument.timeout_seconds, ANSWER_SECONDS)})
    with open_sessions({name: hasty}, before=lambda drivers: send_safe(drivers[name])) as sessions:
        (driver,) = {**sessions.units, **sessions.matrices}.values()
        with driver.bounded_wait(2 * ANSWER_SECONDS):
            driver.make_safe()
        state = "relays at rest" if name in sessions.matrices else "0 V, outputs off"
    done[name] = f"{name} at {instrument.resource}: safe ({state})"


def _is_matrix(name: str, instrument: InstrumentFile) -> bool:
    """Say whether an instrument moves relays; one whose driver cannot be loaded counts as a source."""
    try:
        return hasattr(driver_class(name, instrument), "crosspoint")
    except LabmtjError:
        return bool(instrument.cards)


def _with_owner(error: LabmtjError) -> str:
    """Return what went wrong, and who has the instrument, if it is a process on this computer."""
    owner = owner_of(error.address) if isinstance(error, InstrumentError) else ""
    return f"{error}\n    it is in use by {owner}" if owner else str(error)


def _read(path: Path) -> tuple[dict[str, InstrumentFile], RelaysWithoutSources]:
    """Return the instruments that a file names, and what it says of relays, however wrong the rest of it is."""
    try:
        file = load_any(str(path))
    except ConfigError:
        found, relays = _as_far_as_readable(path)
        if not found:
            raise
        return found, relays
    if not isinstance(file, LaboratoryFile):
        raise ConfigError(
            f"{path}: a bench of kind {file.kind} has no output that could be left on: what it simulates ends with the "
            "command that uses it. `labmtj safe` takes a bench of kind instruments"
        )
    return dict(file.instruments), file.relays_without_sources


def _as_far_as_readable(path: Path) -> tuple[dict[str, InstrumentFile], RelaysWithoutSources]:
    """Return every pair of a driver and a resource in a file that cannot be used otherwise."""
    try:
        content: Mapping[str, Any] = yamlfile.load(path).content
        virtual = content.get("kind") in ("virtual", "simulated", "replay")
        entries = None if virtual else content.get("instruments")
        relays: RelaysWithoutSources = OPEN if content.get("relays_without_sources") == OPEN else HOLD
    except ConfigError:
        text = _text_of(path)
        drivers = re.findall(r"driver:\s*['\"]?([\w.]+)", text)
        resources = re.findall(r"resource:\s*['\"]?([^'\"\s,}]+)", text)
        pairs = enumerate(zip(drivers, resources, strict=False), 1)
        entries = {f"instrument {number}": {"driver": driver, "resource": where} for number, (driver, where) in pairs}
        relays = OPEN if re.search(r"(?m)^relays_without_sources:\s*['\"]?open\b", text) else HOLD
    return _instruments(entries), relays


def _text_of(path: Path) -> str:
    try:
        return read_plain(path, yamlfile.MAX_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; check the path") from error


def _instruments(entries: object) -> dict[str, InstrumentFile]:
    """Return what can be reached of the instruments of a file."""
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
