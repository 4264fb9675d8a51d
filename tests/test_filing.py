"""Cases F9 and F13: no link that another user planted is followed, and nothing but plain files is opened."""

import contextlib
import os
import socket
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from labmtj import cli, filing, yamlfile
from labmtj.bench.files.healthfile import health_path, keep_health
from labmtj.bench.session.traffic import TrafficRecorder
from labmtj.errors import LabmtjError
from labmtj.health import HealthMap
from labmtj.instrumentlocks import owning
from labmtj.network import Solutions
from labmtj.record import JournalWriter, files
from labmtj.report.writing import write_whole
from labmtj.run.folder import RunFolder
from labmtj.safety import kept_counts, ledger_path

SOLUTIONS = Solutions(np.zeros((1, 13, 12)), np.zeros((1, 6, 6)), np.zeros((1, 6)), np.zeros((1, 3)))


def _lock(path):
    with owning({"smu": "GPIB0::1::INSTR"}):
        pass


WRITERS = {
    "report": ("report.html", lambda path: write_whole(path, b"new")),
    "solutions": ("set.npz", SOLUTIONS.save),
    "journal": ("journal.lmj", lambda path: JournalWriter.create(path).close()),
    "journal resumed": ("journal.lmj", lambda path: JournalWriter.reopen(path).close()),
    "run.yaml": ("run.yaml", lambda path: files.write_whole(path, b"new")),
    "ending": ("DONE", lambda path: RunFolder(path.parent).end("DONE", "text")),
    "log": ("run.log", lambda path: RunFolder(path.parent).note("event")),
    "traffic": ("traffic.jsonl", lambda path: TrafficRecorder(path, "virtual", "bench").close()),
    "ledger": ("a.npy", lambda path: kept_counts(path, ["x"])),
    "ledger's lock": (".lock", lambda path: kept_counts(path.with_name("a.npy"), ["x"])),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_written_through_a_link(tmp_path, name, there):
    """With the name of the file itself, and with every temporary name of dd97226."""
    target, folder = tmp_path / "precious", tmp_path / "shared"
    folder.mkdir(mode=0o700)
    if there:
        target.write_bytes(b"mine")
    final, write = WRITERS[name]
    path = folder / final
    names = {
        path,
        folder / f".{final}.part",
        folder / f"{final}.partial",
        path.with_suffix(f".{os.getpid()}"),
    }
    for each in names:
        each.symlink_to(target)
    with contextlib.suppress(LabmtjError, OSError):
        write(path)
    assert target.exists() == there
    assert not there or target.read_bytes() == b"mine"


def test_nothing_is_left_aside_and_names_cannot_be_foreseen(tmp_path):
    seen = set()
    for _ in range(3):
        with filing.written_aside(tmp_path / "x") as aside:
            seen.add(aside.name)
            assert stat.S_IMODE(aside.stat().st_mode) & 0o022 == 0
            aside.write_text("new")
    with pytest.raises(ZeroDivisionError), filing.written_aside(tmp_path / "x"):
        1 / 0  # noqa: B018
    assert len(seen) == 3
    assert [each.name for each in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "new"


@pytest.mark.parametrize("planted", ["folder", "lock", "writable", "folder of another"])
def test_locks_lie_in_a_folder_that_is_ones_own(tmp_path, monkeypatch, planted):
    """At dd97226 a file linked as the lock in the shared temporary folder was truncated."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder, precious = tmp_path / f"labmtj-{os.getuid()}", tmp_path / "precious"
    precious.write_text("mine")
    if planted == "folder":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        _lock(folder)
        (lock,) = folder.glob("*.lock")
        if planted == "lock":
            lock.unlink()
            lock.symlink_to(precious)
        elif planted == "writable":
            folder.chmod(0o777)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(LabmtjError, match="Nothing was applied"):
        _lock(folder)
    assert precious.read_text() == "mine"


def test_the_health_of_a_chip_is_written_to_no_link(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "precious").write_text("mine")
    path = health_path("A7")
    path.parent.mkdir(parents=True, mode=0o700)
    for each in (path, path.with_suffix(f".{os.getpid()}")):
        each.symlink_to(tmp_path / "precious")
    keep_health(HealthMap.unknown("A7", (2, 2)))
    assert (tmp_path / "precious").read_text() == "mine"


# -- what is no file


def _pipe(path):
    os.mkfifo(path)


def _socket(path):
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(path.parent)  # the name of a socket may be short only
        bound.bind(path.name)


def _folder(path):
    path.mkdir()


KINDS = {"a pipe (FIFO)": _pipe, "a socket": _socket}
COMMANDS = [
    ["check", "X"], ["read", "X", "0", "0"], ["safe", "X"], ["serve", "X"], ["run", "X"], ["run", "wine", "--bench", "X"],
    ["run", "wine", "--solutions", "X"], ["solutions", "import", "X"], ["show", "X"], ["report", "X"], ["resume", "X"],
    ["compare", "X", "X"], ["calibrate", "X"], ["twin", "X"], ["export", "X", "a", "b.csv"],
]  # fmt: skip


@pytest.fixture
def at_once(capsys, monkeypatch, tmp_path):
    """Return a function that runs a command which has to end soon: exit code and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        codes = []

        def run():
            try:
                codes.append(cli.main([str(each) for each in arguments]))
            except SystemExit as exit_:
                codes.append(exit_.code)

        thread = threading.Thread(target=run, daemon=True)  # one that hangs does not keep the test from its end
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), f"{arguments} hangs"
        return codes[0], capsys.readouterr().err

    return call


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_no_file_is_refused_by_name(at_once, tmp_path, kind, command):
    """At dd97226 some wait without end for a process that writes to the pipe."""
    KINDS[kind](tmp_path / "X")
    code, said = at_once(*command)
    assert code == 2
    assert "X" in said
    assert kind in said or "not a" in said, said


@pytest.mark.parametrize("name", ["run.yaml", "journal.lmj", "data.h5", "run.log", "guardian.jsonl", "DONE"])
def test_a_pipe_in_a_run_is_refused_by_name(at_once, tmp_path, name):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.yaml").write_text("seed: 1\n")
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    for command in ("resume", "recover", "show", "report"):
        code, said = at_once(command, run)
        assert code == 2
        assert name in said, said
    assert at_once("ls", tmp_path)[0] == 0


def test_a_device_is_no_yaml(tmp_path):
    with pytest.raises(LabmtjError, match="/dev/zero: cannot be read: it is a device, not a file"):
        yamlfile.load(Path("/dev/zero"))


# -- ledgers that are gone


def test_a_ledger_that_is_gone_does_not_begin_anew_in_silence(tmp_path, monkeypatch, caplog):
    """At dd97226 the budget of a worn chip began at 0 again, and nothing was said."""
    from labmtj.safety import Ledger

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = ledger_path("chip", "A7")

    def ledger():
        return Ledger(["x", "y"], 100, what="pulses", limit="limit", counts=kept_counts(path, ["x", "y"]))

    first = ledger()
    assert "a new ledger: no counts were kept" in caplog.text
    first.add(np.array([70, 3]))
    first.sync()
    caplog.clear()
    assert ledger().counts.tolist() == [70, 3]
    assert caplog.text == ""
    path.unlink()
    assert ledger().counts.tolist() == [70, 70]
    assert "the ledger is gone or an older one: all counts go on from 70" in caplog.text
    again = ledger()
    again.restore(np.array([80, 0]))  # the snapshot of a run that had counted on
    assert again.counts.tolist() == [80, 70]
    assert "the run has counted more than its ledger shows" in caplog.text
