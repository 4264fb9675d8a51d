"""Settings of a procedure on the command line: every field of its model is an option."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from labmtj import library, yamlfile
from labmtj.errors import UsageError
from labmtj.run.experiment import ExperimentFile, procedure_class


def settings_of(experiment: str) -> type[BaseModel]:
    """Return the settings model of an experiment's procedure."""
    file = yamlfile.load(library.find(experiment, "experiments"))
    return procedure_class(file, file.parse(ExperimentFile).procedure)


def settings_from(experiment: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the settings that options such as `--chips 2 --write.max-rounds 3` set, nested; raise UsageError."""
    if not arguments:
        return {}
    fields = dict(walk(settings_of(experiment)))
    changes: dict[str, Any] = {}
    words = list(arguments)
    while words:
        option, equals, value = words.pop(0).partition("=")
        key = option.removeprefix("--").replace("-", "_")
        if not option.startswith("--") or key not in fields:
            close = difflib.get_close_matches(key, fields, 1)
            hint = f"; did you mean --{_option(close[0])}?" if close else "; see `labmtj run --help`"
            raise UsageError(f"unknown option {option}{hint}")
        if not equals:
            if not words:
                raise UsageError(f"{option} needs a value")
            value = words.pop(0)
        *path, last = key.split(".")
        inner = changes
        for part in path:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise UsageError(f"{option}: --{_option(part)} took the whole of it away; leave one of the two out")
        inner[last] = yamlfile.loads(f"value: {value}", f"option {option}").content["value"]
    return changes


def print_help(experiment: str) -> None:
    """Print the options of `run`, the settings of the experiment among them."""
    parser = argparse.ArgumentParser(
        prog=f"labmtj run {experiment}", add_help=False,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=100),
        description="Run an experiment. Settings given here take the place of those in its file.",
    )  # fmt: skip
    run = parser.add_argument_group("run")
    run.add_argument("--bench", metavar="FILE", help="bench file, in the place of the experiment's")
    run.add_argument("--out", metavar="FOLDER", help="where the run's folder is made (default: runs)")
    run.add_argument("--seed", metavar="N", help="seed, in the place of the experiment's")
    run.add_argument("--tag", metavar="WORD", action="append", help="a word to find the run by: labmtj ls --tag")
    run.add_argument("--record-traffic", action="store_true", help="keep what goes over the wire in traffic.jsonl")
    run.add_argument("--workers", metavar="N", help="worker processes (default: 2)")
    run.add_argument(
        "--rehearse", action="store_true", help="run a part on the simulation, print what the whole would take"
    )
    settings = parser.add_argument_group("settings of the experiment")
    for key, field in walk(settings_of(experiment)):
        default = "" if field.is_required() or _model_in(field.annotation) else f" (default: {field.get_default()})"
        settings.add_argument(
            f"--{_option(key)}", metavar="VALUE", help=f"{field.description or ''}{default}".replace("%", "%%")
        )
    parser.print_help()


def walk(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Iterate (dotted name, field) over the plain fields of a model and of the models inside it."""
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None or field.annotation is not inner:  # one that may be null is an option as a whole, too
            yield prefix + name, field
        if inner is not None:
            yield from walk(inner, f"{prefix}{name}.")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model an annotation names, alone or as `Model | None`."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _option(key: str) -> str:
    return key.replace("_", "-")
