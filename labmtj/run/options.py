"""Settings of a procedure on the command line: every field of its model is an option."""

from __future__ import annotations

import difflib
import types
from collections.abc import Sequence
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from labmtj import library, yamlfile
from labmtj.bench.files.loading import AnyBenchFile, file_with
from labmtj.errors import UsageError
from labmtj.plugins import loaded_or_warned
from labmtj.run.experiment import ExperimentFile, experiment_file, procedure_class, procedures_of_plugins
from labmtj.run.settings import leaves, option_of, settings_of_bench, walk


def settings_of(experiment: str) -> type[BaseModel]:
    """Return the settings model of an experiment's procedure."""
    file = experiment_file(experiment)
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
            hint = f"; did you mean --{option_of(close[0])}?" if close else ""
            kind = "option" if option.startswith("-") else "word"
            raise UsageError(
                f"unknown {kind} {option} for experiment {experiment}{hint}; `labmtj run EXPERIMENT --help` lists the "
                "options of each"
            )
        if not equals:
            if not words:
                raise UsageError(f"{option} needs a value")
            value = words.pop(0)
        *path, last = key.split(".")
        inner = changes
        for part in path:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise UsageError(f"{option}: --{option_of(part)} removed the whole section; leave one of the two out")
        inner[last] = _value(option, value, fields[key].annotation)
    return changes


def _value(option: str, text: str, annotation: Any) -> Any:
    """Return what an option says: text as it is typed, where the setting is text; else as YAML writes it."""
    if _is_text(annotation):
        return None if text == "null" and type(None) in get_args(annotation) else text
    if "#" in text or "\n" in text:
        raise UsageError(
            f"{option} {text!r}: holds {'#' if '#' in text else 'a line break'}, which is not a value; remove it"
        )
    return yamlfile.loads(f"value: {text}", f"option {option}").content["value"]


def _is_text(annotation: Any) -> bool:
    """Return whether a setting takes nothing but text, or text and null."""
    if get_origin(annotation) in (Union, types.UnionType):
        return all(inner is type(None) or _is_text(inner) for inner in get_args(annotation))
    if get_origin(annotation) is Literal:
        return all(isinstance(choice, str) for choice in get_args(annotation))
    return annotation is str


def check_settings(name: str, bench: AnyBenchFile) -> None:
    """Raise ConfigError for a setting of a bench that no procedure of the experiments that come along has."""
    known: set[str] = set()
    for path in (library.folder() / "experiments").glob("*.yaml"):
        known.update(key for key, _ in walk(settings_of(str(path))))
    for plugin in procedures_of_plugins().values():
        if procedure := loaded_or_warned(plugin):
            known.update(key for key, _ in walk(procedure))
    file = file_with(yamlfile.load(library.find(name, "benches")), ("settings",))
    for key, _ in leaves(settings_of_bench(bench)):
        dotted = ".".join(key)
        if dotted not in known:
            close = difflib.get_close_matches(dotted, known, 1)
            raise file.complaint(
                ("settings", *key),
                f"no experiment has such a setting{f'; did you mean {close[0]}?' if close else ''}; "
                "`labmtj run EXPERIMENT --help` lists those of each",
            )
