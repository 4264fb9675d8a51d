"""Summary of a run from its folder, without its large files; no content of the folder can make that fail."""

from __future__ import annotations

import datetime
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labmtj.escaped import escaped
from labmtj.run.folder import RunFolder

NAME = re.compile(r"(\d{8}T\d{6})Z_[0-9a-f]{4}")
_HEAD_BYTES = _TAIL_BYTES = 4000


@dataclass(frozen=True)
class Glance:
    """What a list says about a run; None where the folder does not say, as those of an older labmtj may not."""

    name: str
    experiment: str | None = None
    procedure: str | None = None
    tags: tuple[str, ...] = ()
    chips: tuple[str, ...] | None = None
    ended: str | None = None
    blocks: tuple[int, int] | None = None
    """kept, and of how many"""
    size_bytes: int | None = None
    created: datetime.datetime | None = None
    accuracy: float | None = None
    """highest median accuracy among its arrays, as a fraction; NaN if the run has none"""

    @classmethod
    def at(cls, path: Path) -> Glance:
        """Look into the folder of a run."""
        run = RunFolder(path)
        try:
            head, log = _head(run.run_yaml), _lines(run.log)
            return cls(
                path.name, _value(head, "experiment"), _value(head, "procedure"), _tags(head), _chips(log),
                run.condition, _blocks(log), _size(path), _created(path.name), _accuracy(log, run.condition),
            )  # fmt: skip
        except OSError:
            return cls(path.name, created=_created(path.name))


def _head(path: Path) -> str:
    """Return the beginning of run.yaml: the whole holds whole arrays and takes a while to parse."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES).decode("utf-8", "replace")


def _value(head: str, key: str) -> str | None:
    found = re.search(rf"^{key}: ([^\n]+)", head, re.MULTILINE)
    return escaped(found[1], keep="") if found else None


def _tags(head: str) -> tuple[str, ...]:
    found = re.search(r"^tags:\n((?:- [^\n]*\n)+)", head, re.MULTILINE)
    return tuple(line[2:].strip("'\"") for line in found[1].splitlines()) if found else ()


def _lines(log: Path) -> list[str]:
    """Return the first and the last lines of run.log."""
    if not log.is_file():
        return []
    with log.open("rb") as file:
        content = file.read(_HEAD_BYTES)
        if (size := os.fstat(file.fileno()).st_size) > _HEAD_BYTES:
            file.seek(max(_HEAD_BYTES, size - _TAIL_BYTES))
            content += b"\n" + file.read()
    return content.decode("utf-8", "replace").splitlines()


def _last(lines: list[str], key: str, kind: type) -> dict[str, Any] | None:
    """Return the last event with such a value; most lines are not even parsed."""
    for line in reversed(lines):
        if f'"{key}"' in line and isinstance((event := _event(line)).get(key), kind):
            return event
    return None


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _chips(lines: list[str]) -> tuple[str, ...] | None:
    event = _last(lines, "chips", list)
    return tuple(map(str, event["chips"])) if event else None


def _blocks(lines: list[str]) -> tuple[int, int] | None:
    event = _last(lines, "total", int)
    return (event["done"], event["total"]) if event and isinstance(event.get("done"), int) else None


def _accuracy(lines: list[str], ended: str) -> float | None:
    if ended != "done":
        return float("nan")
    event = _last(lines, "found", dict)
    accuracy = event["found"].get("accuracy", float("nan")) if event else None
    return float(accuracy) if isinstance(accuracy, int | float) else None


def _size(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(
            entry.stat(follow_symlinks=False).st_size for entry in entries if entry.is_file(follow_symlinks=False)
        )


def _created(name: str) -> datetime.datetime | None:
    found = NAME.fullmatch(name)
    try:
        return datetime.datetime.strptime(f"{found[1]}+0000", "%Y%m%dT%H%M%S%z") if found else None
    except ValueError:
        return None
