"""The runs in a folder, one line each: quick for a thousand of them, and nothing in a folder can make it fail."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labmtj.run.folder import RunFolder

_NAME = re.compile(r"\d{8}T\d{6}Z_[0-9a-f]{4}")
_HEAD_BYTES = _TAIL_BYTES = 2000
_LINE = "{name:<24}  {experiment:<18}  {ending:<8}  {blocks:>11}  {size:>9}"


def list_runs(folder: Path) -> str:
    """Return a table of the runs in a folder, newest first, in 80 columns: what, how it ended, how far it got."""
    runs = sorted((each for each in folder.iterdir() if _is_run(each)), key=lambda path: path.name, reverse=True)
    if not runs:
        return f"no runs in {folder}"
    lines = [_LINE.format(name="run", experiment="experiment", ending="ended", blocks="blocks", size="size")]
    for path in runs:
        line = RunLine.of(RunFolder(path))
        lines.append(
            _LINE.format(
                name=_fitted(path.name, 24), experiment=_fitted(line.experiment, 18), ending=line.ending,
                blocks=line.blocks, size=line.size,
            ).rstrip()
        )  # fmt: skip
    return "\n".join(lines)


@dataclass(frozen=True)
class RunLine:
    """What the list says about a run."""

    experiment: str
    ending: str
    blocks: str
    size: str

    @classmethod
    def of(cls, run: RunFolder) -> RunLine:
        """Look into the folder of a run; a question mark stands for what cannot be read."""
        try:
            return cls(_experiment(run.run_yaml), run.condition, _blocks(run.log), _size(run.path))
        except OSError:
            return cls("?", "?", "?", "?")


def _is_run(path: Path) -> bool:
    return path.is_dir() and (_NAME.fullmatch(path.name) is not None or (path / "run.yaml").is_file())


def _fitted(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _experiment(run_yaml: Path) -> str:
    """Return the experiment from the first line alone: the file holds whole arrays and takes a while to parse."""
    if not run_yaml.is_file():
        return "?"
    with run_yaml.open("rb") as file:
        head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
    found = re.match(r"experiment: ([^\n]+)", head)
    return "".join(letter if letter.isprintable() else "?" for letter in found[1]) if found else "?"


def _blocks(log: Path) -> str:
    """Return how many blocks are kept, and of how many: the last that run.log says about it."""
    if not log.is_file():
        return "?"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    for line in reversed(lines):
        event = _event(line)
        if isinstance(event.get("done"), int) and isinstance(event.get("total"), int):
            return f"{event['done']}/{event['total']}"
    return "?"


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _size(folder: Path) -> str:
    with os.scandir(folder) as entries:
        size = sum(
            entry.stat(follow_symlinks=False).st_size for entry in entries if entry.is_file(follow_symlinks=False)
        )
    return f"{size / 1e6:.1f} MB"
