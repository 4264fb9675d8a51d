"""Case F13: what the system refuses, and slips of the pen, are sentences; no bug is blamed."""

import errno
import resource
import signal
import subprocess
import sys

import pytest

from labmtj import cli
from labmtj.errors import UsageError
from labmtj.quantities import ReadSettings
from labmtj.refusals import refusal_of_the_system


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, "Too many open files", "x"), "x: Too many open files; raise the limit of open files"),
        (caused(ValueError("x"), OSError(errno.ENOMEM, "Cannot allocate memory")), "Cannot allocate memory"),
        (caused(ImportError("libx.so: Too many open files"), None), "Too many open files"),
        (RuntimeError("can't start new thread"), "no further thread"),
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (MemoryError("Unable to allocate 1 TiB"), "not enough memory"),
        (OSError(errno.ENOSYS, "Function not implemented"), "--workers 1"),
        (ValueError("odd"), ""),
        (OSError(errno.EACCES, "Permission denied"), ""),
    ],
)
def test_what_the_system_refuses_is_a_sentence(error, said):
    shown = refusal_of_the_system(error)
    assert said in shown
    assert bool(said) == bool(shown)


@pytest.mark.parametrize(
    "arguments", [["run", "wine", "--out", "a\0b"], ["check", "\0"], ["run", "wine", "--count", "1\0"]]
)
def test_a_nul_in_an_argument_is_refused(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "holds a NUL character" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("times", [{"aperture_seconds": 1e308}, {"settle_seconds": 1e308}, {"repeats": 10**9}])
def test_a_reading_ends(times):
    with pytest.raises(UsageError, match=next(iter(times))):
        ReadSettings(**times)


def test_too_few_files_are_the_systems_doing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (12, before[1]))
        code = cli.main(["run", "read-map", "--out", "runs"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    said = capsys.readouterr().err
    assert code in (1, 2)
    assert "Too many open files" in said
    assert "bug" not in said


def test_no_shared_memory_is_said_with_the_way_out(capsys, tmp_path, monkeypatch):
    import multiprocessing.synchronize

    def refused(*given, **more):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(multiprocessing.synchronize, "Lock", refused)
    monkeypatch.setattr(multiprocessing.synchronize, "BoundedSemaphore", refused)
    code = cli.main(["run", "patterns", "--workers", "2", "--out", "runs"])
    said = capsys.readouterr().err
    assert code in (1, 2)
    assert "--workers 1" in said
    assert "bug" not in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_every_command_with_its_exit_code(number, code, tmp_path):
    """In the report of a run, too: at dd97226 SIGTERM kills the process there, without a word."""
    script = (
        "import os, signal, sys; from labmtj import cli, commands\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # ignored where the tests run under nohup
        f"def write_report(*given, **more): os.kill(os.getpid(), {int(number)})\n"
        "import labmtj.report; labmtj.report.write_report = write_report\n"
        "sys.exit(cli.main())"
    )
    run = tmp_path / "run"
    run.mkdir()
    (run / "data.h5").write_bytes(b"")
    ended = subprocess.run(
        [sys.executable, "-c", script, "report", str(run / "data.h5")], capture_output=True, text=True, check=False
    )
    assert ended.returncode == code, ended.stderr
    assert f"labmtj report {run}" in ended.stderr
