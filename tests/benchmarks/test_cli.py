"""How long the command line takes to answer: `--help` of a fresh process, and the list of a thousand runs."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from labmtj.run.choice import Choice
from labmtj.run.listing import list_runs

ROOT = Path(__file__).resolve().parents[2]


def test_help(capsys):
    seconds = []
    for _ in range(7):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "labmtj", "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begun)
    with capsys.disabled():
        print(f"\nlabmtj --help: {1000 * statistics.median(seconds):.0f} ms, median of {len(seconds)} processes")


def test_ls(capsys, tmp_path):
    for number in range(1000):
        path = tmp_path / f"20260101T000000Z_{number:04x}"
        path.mkdir()
        (path / "run.yaml").write_text("experiment: wine\nprocedure: a.B\ntags:\n- cold\n" + "# arrays\n" * 3000)
        events = [{"chips": ["a"]}, *({"done": n, "total": 1204} for n in range(1204)), {"found": {"accuracy": 0.953}}]
        (path / "run.log").write_text("".join(json.dumps(event) + "\n" for event in events))
        (path / "journal.lmj").write_bytes(bytes(1000))
        (path / "DONE").touch()
    begun = time.perf_counter()
    text = list_runs(tmp_path, Choice(chip="a", tags=("cold",), accuracy=(">=", 0.95)))
    seconds = time.perf_counter() - begun
    assert len(text.splitlines()) == 1001
    begun = time.perf_counter()
    command = [sys.executable, "-m", "labmtj", "ls", str(tmp_path), "--accuracy", ">=95"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    whole = time.perf_counter() - begun
    with capsys.disabled():
        print(f"\nlist of 1000 runs: {1000 * seconds:.0f} ms; labmtj ls, process and all: {1000 * whole:.0f} ms")
