"""What the README shows, works: its example runs, its files exist, its commands are commands."""

import re
from pathlib import Path

import numpy as np
import pytest

from labmtj.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_writes_the_array_and_reads_more_current_on_rows_that_are_driven(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(example, names)
    assert names["result"].fidelity > 0.98
    columns = names["currents"].amperes[0]
    driven = names["checkerboard"][:7].sum(axis=0)
    assert np.corrcoef(columns, driven)[0, 1] > 0.7, "columns with more P cells on driven rows carry more current"
    assert "uA out of the columns" in capsys.readouterr().out


PATHS = r"`((?:data|docs|tests|labmtj|procedures|instruments|examples)/[^` ]*)`|\]\((?!https?:)([^)]*)\)"


@pytest.mark.parametrize("path", sorted({quoted or linked for quoted, linked in re.findall(PATHS, README)}))
def test_files_and_folders_exist(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`labmtj ([a-z]+)", README))))
def test_commands_exist(command, capsys):
    try:
        status = main([command, "--help"])
    except SystemExit as ending:
        status = ending.code
    assert status == 0
    assert "usage:" in capsys.readouterr().out
