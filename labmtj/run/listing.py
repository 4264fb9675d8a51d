"""The runs in a folder, one line each: fast for 1000 runs, and no content of a folder can make it fail."""

from __future__ import annotations

import math
from pathlib import Path

from labmtj.escaped import escaped
from labmtj.run.choice import Choice
from labmtj.run.glance import NAME, Glance

_LINE = "{name:<21}  {experiment:<15}  {ended:<8}  {blocks:>9}  {size:>9}  {accuracy:>6}"
EVERY = Choice()


def list_runs(folder: Path, choice: Choice = EVERY) -> str:
    """Return a table of the runs in a folder, newest first, in 80 columns: what, how it ended, how far it got.

    The accuracy is the highest median among the arrays of a run, in percent; "-" if it has none, "?" if its folder
    does not say.
    """
    paths = sorted((each for each in folder.iterdir() if _is_run(each)), key=lambda path: path.name, reverse=True)
    glances = [Glance.at(path) for path in paths]
    answers = [choice.takes(glance) for glance in glances]
    shown = [glance for glance, taken in zip(glances, answers, strict=True) if taken]
    undecided = answers.count(None)
    left = f"{undecided} more do not say: they are damaged, or of an older labmtj" if undecided else ""
    if not shown:
        none = f"no runs in {folder}" if choice == EVERY else f"none of the {len(paths)} runs matches"
        return "\n".join(filter(None, (none, left)))
    head = _LINE.format(
        name="run", experiment="experiment", ended="ended", blocks="blocks", size="size", accuracy="acc. %"
    )
    return "\n".join(filter(None, (head, *map(_line, shown), left)))


def _is_run(path: Path) -> bool:
    return path.is_dir() and (NAME.fullmatch(path.name) is not None or (path / "run.yaml").is_file())


def _line(run: Glance) -> str:
    return _LINE.format(
        name=_fitted(run.name, 21), experiment=_fitted(run.experiment or "?", 15), ended=run.ended or "?",
        blocks="{}/{}".format(*run.blocks) if run.blocks else "?", size=_size(run.size_bytes),
        accuracy=_percent(run.accuracy),
    )  # fmt: skip


def _fitted(text: str, width: int) -> str:
    shown = escaped(text, keep="")
    return shown if len(shown) <= width else f"{shown[: width - 3]}..."


def _size(size_bytes: int | None) -> str:
    return "?" if size_bytes is None else f"{size_bytes / 1e6:.1f} MB"


def _percent(accuracy: float | None) -> str:
    return "?" if accuracy is None else "-" if math.isnan(accuracy) else f"{100 * accuracy:.1f}"
