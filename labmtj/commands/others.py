"""Plug-ins, trained solutions, completion of the shell.

The options of each command stand with what it does; `rest` holds settings of an experiment. Heavy imports happen
inside the commands.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labmtj.commands.options import Add, some_path
from labmtj.errors import UsageError
from labmtj.terminal import say

if TYPE_CHECKING:
    pass


def declare(add: Add) -> None:
    """Add the commands to the parser."""
    its = add("plugins", plugins, "list plug-ins: drivers, procedures, sections, devices")
    its.add_argument("group", nargs="?", default="", help="one group, such as drivers (default: all)")
    its = add("train", train, "train a set of solutions for the Wine data")
    its.add_argument("--count", type=int, default=300, metavar="N", help="networks to train (default: 300)")
    its.add_argument("--seed", type=int, default=0, metavar="N", help="of split and weights (default: 0)")
    its.add_argument(
        "--out", type=some_path, default=Path("solutions.npz"), metavar="FILE", help="default: solutions.npz, here"
    )
    its = add("solutions", solutions, "import trained solutions")
    actions = its.add_subparsers(metavar="ACTION", required=True)
    what = "read a folder of text files or an .npz and save it as labmtj's own .npz"
    importer = actions.add_parser("import", help=what, description=f"{what.capitalize()}.")
    importer.add_argument("path", type=some_path, help="folder of text files, or an .npz")
    importer.add_argument("--out", type=some_path, metavar="FILE", help="default: the name of the source, .npz, here")
    importer.set_defaults(command=solutions)
    its = add("completion", completion, "print a script for the shell to complete commands with")
    its.add_argument(
        "shell", choices=("bash", "zsh"), help='which shell; put eval "$(labmtj completion bash)" in ~/.bashrc'
    )


def plugins(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """List plug-ins."""
    from labmtj.pluginlist import plugins_text

    say(plugins_text(known.group))
    return 0


def train(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Train solutions."""
    from labmtj.network import load_wine, train
    from labmtj.network.describe import accuracy_text

    if not 1 <= known.count <= 100_000:
        raise UsageError(f"--count {known.count}: choose 1 to 100000")
    wine = load_wine()
    trained = train(wine, known.count, known.seed)
    _save(trained, known.out)
    say(accuracy_text(trained, wine))
    return 0


def solutions(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Import solutions."""
    from labmtj.network import import_solutions, load_wine
    from labmtj.network.describe import accuracy_text

    found = import_solutions(known.path)
    _save(found, known.out or Path(f"{known.path.resolve().stem}.npz"))
    say(accuracy_text(found, load_wine()))
    return 0


def _save(solutions: Any, path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path}: exists already; choose another name with --out")
    try:
        solutions.save(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}; choose another place with --out") from error
    say(f"{path}: {len(solutions)} solutions")


def completion(known: argparse.Namespace, rest: Sequence[str]) -> int:  # noqa: ARG001
    """Print the script by which a shell completes commands."""
    from labmtj.completion import script

    say(script(known.shell, known.parser))
    return 0
