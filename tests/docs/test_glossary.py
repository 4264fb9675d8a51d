"""The names that the glossary gives are there."""

import re
from pathlib import Path

import pytest

from labmtj.cli import main

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| term |")
]
NAMES = {name: term for term, _, names in ROWS for name in re.findall(r"`([^`]+)`", names)}


def test_a_term_has_one_row_and_a_meaning():
    terms = [term for term, *_ in ROWS]
    assert len(set(terms)) == len(terms)
    assert all(meaning for _, meaning, _ in ROWS)


def test_the_names_are_in_the_code():
    files = [path for folder in ("labmtj", "instruments", "procedures") for path in (ROOT / folder).rglob("*.py")]
    words = {word for path in files for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}
    for name, term in NAMES.items():
        if "/" in name:
            assert (ROOT / name).exists(), (term, name)
        elif not name.startswith("labmtj "):
            assert name.rstrip(":") in words, (term, name)


@pytest.mark.parametrize("command", [name.split()[1:] for name in NAMES if name.startswith("labmtj ")], ids=" ".join)
def test_the_commands_are_commands(command, capsys):
    try:
        status = main([*command, "--help"])
    except SystemExit as ending:
        status = ending.code
    assert status == 0
