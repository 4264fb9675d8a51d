"""The help of `labmtj run`: its own options, the experiments, and the settings of one with choices, units, defaults."""

from __future__ import annotations

import argparse
import shutil
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from labmtj import library
from labmtj.run.experiment import procedures_of_plugins
from labmtj.run.options import settings_of
from labmtj.run.settings import option_of, walk

_UNITS = {"volts": "V", "seconds": "S", "amperes": "A", "ohms": "OHM", "hertz": "HZ", "joules": "J", "metres": "M"}
"""what stands for a value, by the last word of a setting's name: the unit that it is in"""
_KINDS = {"int": "N", "float": "X", "bool": "{true,false}", "str": "TEXT"}
_WIDEST_CHOICE = 60


def run_help() -> str:
    """Return the options of `run` and the experiments that come with labmtj, with what each does."""
    lines = [_parser("labmtj run [EXPERIMENT]").format_help(), "experiments:"]
    for path in sorted((library.folder() / "experiments").glob("*.yaml")):
        text = f"  {path.stem:<14}{purpose_of(path)}"
        lines.append(textwrap.fill(text, _columns(), subsequent_indent=" " * 16))
    if brought := procedures_of_plugins():
        lines += ["", "procedures of plug-ins:"]
        lines += [f"  {name:<14}{plugin.distribution}" for name, plugin in brought.items()]
    return "\n".join(
        [*lines, "", "`labmtj run EXPERIMENT --help` lists the settings of one; a path names your own file"]
    )


def _columns() -> int:
    return shutil.get_terminal_size().columns - 2  # as argparse


def purpose_of(path: Path) -> str:
    """Return the first sentence of the comment at the head of an experiment's file, "" if there is none."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if "yaml-language-server:" not in line:  # that is for editors
            lines.append(line.lstrip("# "))
    text = " ".join(lines)
    ends = [at for mark in (". ", "? ") if (at := text.find(mark)) >= 0]
    return text[: min(ends) + 1] if ends else text


def experiment_help(experiment: str) -> str:
    """Return the options of `run` and every setting of an experiment."""
    parser = _parser(f"labmtj run {experiment}")
    settings = parser.add_argument_group("settings of the experiment")
    for key, field in walk(settings_of(experiment)):
        settings.add_argument(
            f"--{option_of(key)}", metavar=_metavar(key, field.annotation), help=_text(field).replace("%", "%%")
        )
    return parser.format_help().rstrip()


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, add_help=False, usage=f"{program} [OPTION VALUE] ...",
        description="Run an experiment. Settings given here replace those in its file.",
    )  # fmt: skip
    run = parser.add_argument_group("run")
    run.add_argument("--bench", metavar="FILE", help="bench file, instead of the experiment's")
    run.add_argument("--out", metavar="FOLDER", help="where the run's folder is made (default: runs)")
    run.add_argument("--seed", metavar="N", help="seed, instead of the experiment's")
    run.add_argument("--tag", metavar="WORD", action="append", help="a word to find the run by: labmtj ls --tag")
    run.add_argument("--record-traffic", action="store_true", help="keep what goes over the wire in traffic.jsonl")
    run.add_argument("--over-budget", action="store_true", help="go on where a cell or a relay has used up its budget")
    run.add_argument("--workers", metavar="N", help="worker processes (default: 2)")
    run.add_argument(
        "--rehearse", action="store_true", help="run a part on the simulation, print what the whole would take"
    )
    return parser


def _text(field: FieldInfo) -> str:
    """Return what a setting is and its default, where it has one that says something."""
    default = "" if field.is_required() else _shown(field.get_default(call_default_factory=True))
    return f"{field.description or ''}{f' (default: {default})' if default else ''}"


def _shown(default: Any) -> str:
    """Return a default as an option takes it; nothing for none, nor for a group of settings that has its own lines."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, int | float | str):
        return f"{default}"
    if isinstance(default, list | tuple):
        return f"[{', '.join(map(_shown, default))}]"
    return ""


def _metavar(key: str, annotation: Any) -> str:
    """Return what stands for the value: its choices, its unit, or its kind."""
    kinds = list(_kinds_of(annotation))
    choices = [str(choice) for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    others = [kind for kind in kinds if get_origin(kind) is not Literal and kind is not type(None)]
    word = key.rpartition("_")[2].rpartition(".")[2]
    names = ["[...]" if get_origin(kind) in (list, tuple) else _kind_name(kind, word) for kind in others]
    text = ",".join([*choices, *names])
    if not choices:
        return "|".join(dict.fromkeys(names)) or "VALUE"
    return f"{{{text}}}" if len(text) <= _WIDEST_CHOICE else f"{{{text[:_WIDEST_CHOICE].rpartition(',')[0]},...}}"


def _kind_name(kind: Any, word: str) -> str:
    if kind is float:
        return _UNITS.get(word, "X")
    return _KINDS.get(getattr(kind, "__name__", ""), "null")


def _kinds_of(annotation: Any) -> Iterator[Any]:
    """Yield what an annotation allows, one by one."""
    if get_origin(annotation) in (Union, types.UnionType):
        for inner in get_args(annotation):
            yield from _kinds_of(inner)
    else:
        yield annotation
