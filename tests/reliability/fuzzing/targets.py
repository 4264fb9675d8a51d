"""What reads each kind of file, as a command would. Returns if the file is good, raises LabmtjError if it is not."""

import contextlib
import io
import re
import shutil

from labmtj import cli, yamlfile
from labmtj.bench import BenchFile, load_any, load_array
from labmtj.bench.checks.text import bench_text
from labmtj.bench.files.simulated import crossbar_of, describe
from labmtj.bench.session.tape import Tape
from labmtj.errors import LabmtjError
from labmtj.network import import_solutions
from labmtj.record import JournalWriter, last_states, open_data
from labmtj.run import load_experiment
from labmtj.run.experiment import load_checked_run
from labmtj.virtual.server.serving import Control

PROGRESS = re.compile(r"\w+ +\d+%|\n|(run|checking|at work|report) ")


class Said(LabmtjError):
    """A command said that something is wrong."""


def _command(*words):
    """Run a command; raise what it said if it failed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main([str(word) for word in words])
    said = "".join(line for line in err.getvalue().splitlines(keepends=True) if not PROGRESS.match(line))
    if code:
        assert said.startswith("labmtj: "), said
        assert cli.FAULT not in said, said
        raise Said(said.removesuffix("\n"))
    assert not said, said


def array(path):
    found = load_array(str(path))
    describe(found)
    crossbar_of(found, seed=1, name="x")


def bench(path):
    """No more is done with a bench of instruments: nothing may be connected to what a wrong file names."""
    found = load_any(str(path))
    yamlfile.loads(yamlfile.dumps(found.model_dump(mode="json")), path)
    if isinstance(found, BenchFile):
        bench_text(found)


def experiment(path):
    load_experiment(str(path))


def run(path):
    load_checked_run(path)


def journal(path):
    last_states(path)
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    _command("recover", path.parent, "--skip-damage")
    _command("recover", path.parent)
    with contextlib.suppress(LabmtjError):
        JournalWriter.reopen(copy).close()


def data(path):
    with open_data(path) as file:
        for group, names in file.tree().items():
            file.attributes(group)
            for name in names:
                file.read(f"{group}/{name}".lstrip("/"))
    _command("ls", path.parent.parent)
    _command("show", path.parent)


def report(path):
    _command("report", path.parent)


def resume(path):
    """Go on with a run that looks killed, one of its files wrong.

    A snapshot that is none, with a right checksum, is forged and no accident: the run fails by name, with its trace in
    run.log. Wherever else that happens it is a bug in labmtj, as it says.
    """
    (path.parent / "DONE").unlink()
    try:
        _command("resume", path.parent, "--workers", "1")
    finally:
        if path.suffix != ".lmj":
            assert "trace" not in (path.parent / "run.log").read_text()


def traffic(path):
    Tape(path)


def solutions(path):
    import_solutions(path)


def texts(path):
    import_solutions(path.parent)


def question(path):
    """The control of a served bench answers whatever it is asked."""
    control = Control({"seconds": lambda: 1.0, "wait": float, "fault": str, "events": list})
    try:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            assert set(control._answer(line)) <= {"answer", "error"}
    finally:
        control.close()


def endless(path):
    """Hang, for the test of this test."""
    while True:
        pass


def broken(path):
    return 1 / 0


def greedy(path):
    return bytes(1 << 40)


READERS = (array, bench, experiment, run, journal, data, report, resume, traffic, solutions, texts, question)
TARGETS = {each.__name__: each for each in (*READERS, endless, broken, greedy)}
