"""Case F10: what files, folders and instruments hold reaches the terminal escaped, wherever it is printed."""

import ast
import contextlib
import io
import logging
from pathlib import Path

import pytest

import labmtj
from labmtj import cli
from labmtj.calibration import text as calibration
from labmtj.display import Display
from labmtj.escaped import escaped
from labmtj.escapedlogs import escape_logs
from labmtj.report import comparison, summary
from labmtj.run.listing import _fitted
from labmtj.terminal import say
from labmtj.yamlfile import dotted

HOSTILE = "\x1b]0;x\x07\x1b[2J\r\u202eevil\u2066\x9b31m\x7f"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def harmless(text):
    return all(letter.isprintable() or letter in "\n\t" for letter in text)


def test_what_is_printed_as_itself_stays():
    text = "5 µA at 25 °C, Ω and 中\n\tnext"
    assert escaped(text) == text
    assert escaped("a\xa0b") == "a b"


def test_what_moves_a_cursor_or_turns_a_line_is_written_out(capsys):
    assert escaped(HOSTILE) == r"\x1b]0;x\x07\x1b[2J\r\u202eevil\u2066\x9b31m\x7f"
    say("a", HOSTILE)
    assert harmless(capsys.readouterr().out)


def test_logs_that_no_run_takes_are_escaped(capsys, monkeypatch):
    monkeypatch.setattr(logging, "lastResort", None)
    escape_logs()
    record = logging.LogRecord("labmtj", logging.WARNING, "", 0, "box %s", (HOSTILE,), None)
    logging.lastResort.handle(record)
    said = capsys.readouterr().err
    assert said.startswith("box \\x1b]0")
    assert harmless(said)


BENCH = """kind: simulated
arrays: [mtj-50nm]
name: "NAME"
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("ls", HOSTILE), ("check", HOSTILE), ("show", HOSTILE), ("run", HOSTILE), ("run", "wine", f"--{HOSTILE}", "1"),
        (HOSTILE,), ("report", "RUN"), ("resume", "RUN"), ("ls", "RUNS"), ("train", "--count", "0", "--out", HOSTILE),
        ("solutions", "import", HOSTILE), ("export", "RUN", HOSTILE, "x.csv"),
    ],
)  # fmt: skip
def test_every_command_shows_hostile_names_escaped(capsys, tmp_path, monkeypatch, arguments):
    """At dd97226 folder names and identities came through as they are."""
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / f"20260101{HOSTILE}"
    run.mkdir(parents=True)
    (run / "run.yaml").write_text("experiment: x\n")
    places = {"RUN": str(run), "RUNS": str(run.parent)}
    with contextlib.suppress(SystemExit):
        cli.main([places.get(each, each) for each in arguments])
    said = capsys.readouterr()
    assert said.out + said.err
    assert harmless(said.out), said.out
    assert harmless(said.err), said.err


@pytest.mark.parametrize(
    "shown",
    [
        lambda text: summary._wrapped(text)[0], lambda text: summary._shown([f" {text}"])[-1],
        lambda text: comparison._fitted(text)[0], lambda text: calibration._wrapped(text)[0],
        lambda text: dotted(("settings", text)), lambda text: _fitted(text, 80),
    ],
    ids=["sentence", "table", "compare", "calibrate", "key", "ls"],
)  # fmt: skip
def test_what_a_file_holds_is_written_out_in_every_text(shown):
    """Each had "?" for it: a reader could not tell what stands there."""
    assert r"\x1b]0;x\x07" in shown(HOSTILE)


def test_progress_is_shown_escaped(monkeypatch):
    for kind in (io.StringIO, Terminal):
        monkeypatch.setattr("sys.stderr", shown := kind())
        with Display() as display:
            display.phase(f"checking {HOSTILE}")
            display.run(Path(HOSTILE))
        assert "\x1b" not in shown.getvalue()
        assert r"\x1b]0;x" in shown.getvalue()


def test_nothing_else_prints():
    """Everything goes through `say`, but for the progress, which escapes its lines itself."""
    folder = Path(labmtj.__file__).parent
    printing = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if any(
            isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write")
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert printing <= {"terminal.py", "display.py", *PROCESSES}, printing


PROCESSES = {"watchdog/__main__.py", "virtual/tsp/child.py"}
"""that speak to the process which started them, not to a terminal"""
