"""Row 14: wrong files of every kind. Each is read or refused by name within a second, whatever is wrong with it.

Reading runs in a process with little memory that is killed when it does not answer. Seen to fail: with PyYAML's own
loader ("!!bool x": KeyError; a bomb of brackets), without the cap on what solutions unpack to (too much memory), without
the check of links and sizes in HDF5 files, and without the catch around what h5py raises (RuntimeError).
"""

import json
import re
import select
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from labmtj import library
from labmtj.network import Solutions
from labmtj.run import load_experiment, start

WORKER = Path(__file__).parent / "fuzzing" / "worker.py"
START_SECONDS = 60.0
KILL_SECONDS = 40.0
"""by the clock of the wall, on a busy machine; what counts is the time of the processor"""
PROCESSOR_SECONDS = {"report": 10.0, "resume": 20.0}  # one draws figures, one goes on with a whole run
SAMPLE, TORTURE = 12, 1200
"""cases of each kind"""
FEWER = {"report": 20, "resume": 8}
"""of that many cases one is tried"""
TRAFFIC = [{"recorded": "virtual", "bench": "x"}, {"seconds": 0.1, "instrument": "smu", "write": "*IDN?"}, {"seconds": 0.2, "instrument": "smu", "read": "Keithley,2636B,1,2"},
           {"seconds": 0.3, "instrument": "matrix", "error": "VisaIOError: timeout"}, {"seconds": 0.4, "instrument": "matrix", "write": "\u00b5\u0007"}]  # fmt: skip
QUESTIONS = [
    {"ask": "seconds"},
    {"ask": "wait", "seconds": 0.1},
    {"ask": "fault", "text": "smu:late:3:0.5"},
    {"ask": "events"},
]


class Reader:
    """The process that reads; a new one when the last was killed or died."""

    def __init__(self, scratch):
        self.scratch, self.process = scratch, None

    def answer(self, kind, source, seed, seconds=KILL_SECONDS):
        """Have a mutation read; return what came of it, and how many seconds of the processor it took."""
        if self.process is None or self.process.poll() is not None:
            command = [sys.executable, str(WORKER), str(self.scratch)]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self._line(START_SECONDS)
        self.process.stdin.write(json.dumps({"kind": kind, "source": str(source), "seed": seed}) + "\n")
        self.process.stdin.flush()
        line = self._line(seconds)
        if not line:
            self.close()
            shutil.rmtree(self.scratch)
            self.scratch.mkdir()
            return "hangs, or has died", seconds
        return tuple(json.loads(line).values())

    def _line(self, seconds):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        return self.process.stdout.readline() if ready else ""

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    reader = Reader(tmp_path_factory.mktemp("scratch"))
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Return folders by kind: each with a good file that will be mutated, and what belongs to it."""
    parent, data = tmp_path_factory.mktemp("corpus"), library.folder()
    small = re.sub(r"shape: \[15, 15\]", "shape: [4, 4]", (data / "arrays" / "mtj-50nm.yaml").read_text())
    found = {"array": [_folder(parent / "array", {"mutated.yaml": small})]}
    benches = {each.name: each.read_text() for each in (data / "benches").glob("*.yaml")}
    found["bench"] = [
        _folder(parent / f"bench-{name}", {**benches, "mutated.yaml": text}) for name, text in benches.items()
    ]
    found["experiment"] = [
        _folder(parent / each.stem, {"mutated.yaml": each.read_text()})
        for each in (data / "experiments").glob("*.yaml")
    ]
    for kind, entries in (("traffic", TRAFFIC), ("question", QUESTIONS)):
        found[kind] = [_folder(parent / kind, {"mutated.jsonl": "".join(json.dumps(each) + "\n" for each in entries)})]
    files = {
        "fc1_weight": "1 0 0 1\n0 1 1 0\n",
        "fc2_weight": "1 0\n0 1\n",
        "fc1_bias": "0.5\n-1e-3\n",
        "fc2_bias": "0.25\n",
    }
    found["texts"] = [
        _folder(parent / "texts", {f"{n}_{name}.txt": text for n in (0, 1) for name, text in files.items()})
    ]
    found["solutions"] = [_folder(parent / "solutions", {})]
    _solutions().save(parent / "solutions" / "mutated.npz")
    run = _run(parent, small, benches["simulated.yaml"])
    return found | {kind: [run] for kind in ("run", "journal", "data", "report", "resume")}


def _folder(path, files):
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def _solutions():
    bits = np.random.default_rng(1).integers(0, 2, (3, 13, 12)), np.random.default_rng(2).integers(0, 2, (3, 6, 6))
    return Solutions(*bits, np.zeros((3, 6)), np.ones((3, 3)), "few", "a test")


def _run(parent, array, bench):
    _folder(parent / "files", {"small.yaml": array, "bench.yaml": re.sub(r"arrays: .*", "arrays: [small.yaml]", bench)})
    experiment = load_experiment("patterns", bench=str(parent / "files" / "bench.yaml"), changes={"amplitude": None})
    return start(experiment, parent / "runs", workers=1, show=lambda progress: None).path


KINDS = (
    "array", "bench", "experiment", "run", "journal", "data", "report", "resume", "traffic", "solutions", "texts", "question",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_file_is_refused_by_name(kind, corpus, reader, tally, torture):
    count = -(-(TORTURE if torture else SAMPLE) // FEWER.get(kind, 1))
    outcomes, wrong = Counter(), []
    for seed in range(count):
        source = corpus[kind][seed % len(corpus[kind])]
        outcome, seconds = reader.answer(kind, source, seed)
        outcomes[outcome if outcome in ("read", "refused") else "wrong"] += 1
        with suppress(AssertionError), tally(14, f"{kind} of {source.name}, seed {seed}"):
            problem = "" if outcome in ("read", "refused") else outcome
            problem = problem or ("" if seconds < PROCESSOR_SECONDS.get(kind, 1.0) else f"takes {seconds:.1f} s")
            if problem:
                wrong.append(f"{source.name}, seed {seed}: {problem}")
            assert not problem, problem
    assert not wrong, "\n".join(wrong[:20])
    assert outcomes["refused"] or kind in ("question", "report"), "the mutations do no harm"


def test_a_reader_that_hangs_or_breaks_is_seen(corpus, reader):
    """The test above can fail."""
    assert reader.answer("endless", corpus["array"][0], 0, seconds=1.0)[0] == "hangs, or has died"
    assert reader.answer("broken", corpus["array"][0], 0)[0].startswith("ZeroDivisionError")
    assert reader.answer("greedy", corpus["array"][0], 0)[0] == "takes too much memory"
