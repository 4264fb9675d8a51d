"""What the command line says of benches that are not known to be safe, and of runs that a watchdog has ended."""

import json
import os

import pytest

from labmtj import instrumentlocks as ownership
from labmtj.cli import main

HUNG = "the run did not come back from pulsing within its lease of 12 s"


def test_ls_names_what_is_not_known_to_be_safe(tmp_path, capsys):
    """Case F2. Fails without `unsafe` in the command: the list says nothing of it."""
    owner = {
        "pid": os.getpid(), "host": "here", "run": "r", "unsafe_since": "2026-11-30T12:00:00+00:00", "unsafe": ["smu: x"],
    }  # fmt: skip
    (ownership.folder() / "0.lock").write_text(json.dumps(owner))
    (tmp_path / "runs").mkdir()
    assert main(["ls", str(tmp_path / "runs")]) == 0
    said = capsys.readouterr().out
    assert "the bench of run r is not known to be safe since 2026-11-30 12:00:00 UTC (smu: x); its watchdog has" in said


@pytest.mark.parametrize(("events", "said"), [([HUNG, "safe"], True), ([HUNG, "safe", "the run has died"], False)])
def test_resume_says_why_the_watchdog_ended_a_run(tmp_path, capsys, events, said):
    """Fails without `why_ended` in the command: a run that was ended for hanging looks like any other."""
    lines = [{"event": event} | ({"pid": 7} if event.startswith("the run") else {}) for event in events]
    (tmp_path / "watchdog.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "run.yaml").write_text("nothing: of use\n")
    assert main(["resume", str(tmp_path)]) == 2
    assert (f"labmtj: the watchdog has ended this run: {HUNG}" in capsys.readouterr().err) == said
