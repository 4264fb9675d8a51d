"""The script by which bash or zsh completes labmtj's commands, options, experiments, benches, runs and files."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from labmtj import library

if TYPE_CHECKING:
    from pydantic import BaseModel

_BASH = """\
_labmtj() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    local words
    if (( COMP_CWORD == 1 )); then
        words="{commands}"
    elif [[ $previous == --bench ]] || [[ $COMP_CWORD == 2 && $word != -* && " {bench_commands} " == *" $command "* ]]
    then
        words="{benches}"
    elif [[ $COMP_CWORD == 2 && $command == run && $word != -* ]]; then
        words="{experiments}"
    elif [[ $word != -* && " {run_places} " == *" $command:$COMP_CWORD "* ]]; then
        words=$(command ls runs 2> /dev/null)
    elif [[ $word == -* ]]; then
        case "$command ${{COMP_WORDS[2]}}" in
{settings}
        esac
        case "$command" in
{options}
        esac
    fi
    COMPREPLY=( $(compgen -W "$words" -- "$word") )
    if [[ " {run_places} " != *" $command:$COMP_CWORD "* || ${{#COMPREPLY[@]}} == 0 ]]; then
        COMPREPLY+=( $(compgen -f -- "$word") )
    fi
}}
complete -o filenames -F _labmtj labmtj"""


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the script for "bash" or "zsh", made from the parser and the files that come with labmtj."""
    commands = _commands(parser)
    experiments = _experiments()
    text = _BASH.format(
        commands=" ".join(commands),
        bench_commands=" ".join(name for name, each in commands.items() if _takes_bench(each)),
        benches=" ".join(_names("benches")),
        run_places=" ".join(f"{name}:{place}" for name, each in commands.items() for place in _places_of_runs(each)),
        experiments=" ".join(experiments),
        options="\n".join(f'            {name}) words+=" {_options(each)}" ;;' for name, each in commands.items()),
        settings="\n".join(f'            "run {name}") words="{words}" ;;' for name, words in experiments.items()),
    )
    return text if shell == "bash" else f"autoload -U +X bashcompinit && bashcompinit\n{text}"


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    subparsers = next(each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return dict(subparsers.choices)


def _takes_bench(parser: argparse.ArgumentParser) -> bool:
    return any(action.dest == "bench" and not action.option_strings for action in parser._actions)


def _places_of_runs(parser: argparse.ArgumentParser) -> list[int]:
    """Return which words of a command name runs, counted from 2 for the first after the command."""
    words = [action for action in parser._actions if not action.option_strings]
    return [number for number, action in enumerate(words, 2) if "run" in (action.dest, str(action.metavar).lower())]


def _options(parser: argparse.ArgumentParser) -> str:
    return " ".join(
        option
        for action in parser._actions
        if action.help != argparse.SUPPRESS
        for option in action.option_strings
        if option.startswith("--")
    )


def _experiments() -> dict[str, str]:
    """Return the options of the settings of every experiment that comes along, and of every procedure of a plug-in."""
    from labmtj.plugins import loaded_or_warned
    from labmtj.run.experiment import procedures_of_plugins
    from labmtj.run.options import settings_of

    models = {name: settings_of(name) for name in _names("experiments")}
    for name, plugin in procedures_of_plugins().items():
        if re.fullmatch(r"[\w.-]+", name) and (model := loaded_or_warned(plugin)):  # others a shell may take for code
            models.setdefault(name, model)
    return {name: _settings(model) for name, model in sorted(models.items())}


def _settings(model: type[BaseModel]) -> str:
    from labmtj.run.settings import option_of, walk

    return " ".join(f"--{option_of(key)}" for key, _ in walk(model))


def _names(kind: str) -> list[str]:
    return sorted(path.stem for path in (library.folder() / kind).glob("*.yaml"))
