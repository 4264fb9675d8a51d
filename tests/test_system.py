"""What a system or a file system lacks takes nothing with it that does not need it; runs and benches say what they need."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labmtj.cli import main
from labmtj.instrumentlocks import owning
from labmtj.system import NEEDED

WITHOUT = """
import os, signal, sys, time
for name in ("fcntl", "termios", "resource", "pty", "pwd", "grp"):
    sys.modules[name] = None
for owner, names in {
    signal: "SIGHUP SIGTSTP SIGCONT SIGSTOP SIGALRM SIGUSR1 SIGKILL setitimer pthread_sigmask",
    os: "fork register_at_fork O_CLOEXEC O_NOFOLLOW O_NONBLOCK killpg setsid getuid geteuid posix_fallocate fdatasync "
    "pread pwrite sysconf",
    time: "CLOCK_BOOTTIME clock_gettime",
}.items():
    for name in names.split():
        if hasattr(owner, name):
            delattr(owner, name)
"""
"""as on Windows (case use/28)"""


def without(code, *arguments):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *map(str, arguments)], env=environment, text=True, capture_output=True
    )


def test_a_run_is_read_and_listed_and_a_chip_simulated_without_posix(tmp_path):
    assert (
        main(
            [
                "run",
                "read-map",
                "--out",
                str(tmp_path),
                "--repeats",
                "2",
                "--bench",
                "simulated-3percent",
                "--workers",
                "1",
            ]
        )
        == 0
    )
    (run,) = tmp_path.iterdir()
    done = without(
        """
import labmtj, numpy as np
from labmtj.cli import main
from labmtj.bench import load_array
from labmtj.bench.files.simulated import crossbar_of
from labmtj.network.classifier import BinaryPairPerceptron
with labmtj.open(sys.argv[1]) as run:
    print(sorted(run.chips)[0])
print(crossbar_of(load_array("mtj-50nm"), seed=1, name="c").shape)
codes = [main(["ls", sys.argv[2]]), main(["show", sys.argv[1]]), main(["check", "simulated"])]
codes.append(main(["read", "simulated", "3", "4"]))
sys.exit(max(codes))
""",
        run, tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "mtj-50nm" in done.stdout
    assert "(15, 15)" in done.stdout
    assert run.name in done.stdout


@pytest.mark.parametrize(
    "command",
    [["run", "read-map"], ["read", "virtual-2636b-3706a", "1", "1"], ["serve", "virtual-2636b-3706a"]],
)  # fmt: skip
def test_what_needs_posix_says_so(command, tmp_path):
    done = without(
        "import os; os.chdir(sys.argv.pop()); from labmtj.cli import main; sys.exit(main(sys.argv[1:]))",
        *command,
        tmp_path,
    )
    assert (done.returncode, done.stderr.strip()) == (2, f"labmtj: {NEEDED}")
    assert not list(tmp_path.iterdir())


@pytest.fixture(params=["ENOLCK", "ENOTSUP", "ENOSYS"])
def no_locks(request, monkeypatch):
    number = getattr(errno, request.param)

    def refuse(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_a_file_system_without_locks_is_named_and_no_folder_is_left(no_locks, tmp_path, capsys):
    """Case use/22."""
    assert main(["run", "read-map", "--out", str(tmp_path / "runs"), "--workers", "1"]) == 2
    said = capsys.readouterr().err
    assert "this file system has no locks" in said
    assert said.rstrip().endswith("choose another place with --out\nnothing was recorded, and no folder is left")
    assert not list((tmp_path / "runs").iterdir())


def test_locks_of_a_bench_and_of_a_ledger_say_where_else_they_can_lie(no_locks, tmp_path, monkeypatch, capsys):
    from labmtj.errors import UsageError
    from labmtj.safety.ledgerfile import kept_counts

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert main(["read", "virtual-2636b-3706a", "1", "1"]) == 2
    assert "no locks" in (said := capsys.readouterr().err)
    assert "set XDG_RUNTIME_DIR to a folder on one that has" in said
    with pytest.raises(UsageError, match=r"no locks .*set XDG_STATE_HOME"):
        kept_counts(tmp_path / "ledgers" / "chip.npy", ["1,1"])


def test_a_run_that_is_refused_before_anything_was_recorded_leaves_no_folder(tmp_path, capsys):
    out = ["--out", str(tmp_path), "--workers", "1"]
    assert main(["run", "write-errors", "--bench", "virtual-2636b-3706a", "--pulse-seconds", "1e-9", *out]) == 2
    text = (Path(__file__).resolve().parents[1] / "data/benches/2636b-3706a.yaml").read_text()
    (tmp_path / "real.yaml").write_text(text.replace("192.168.1.20::5025", "127.0.0.1::9"))
    capsys.readouterr()
    with owning({"smu": "TCPIP::127.0.0.1::9::SOCKET"}):
        assert main(["run", "read-map", "--bench", str(tmp_path / "real.yaml"), *out]) == 2
    said = capsys.readouterr().err
    assert "is in use by process" in said
    assert "no folder is left" in said
    assert "resume" not in said
    assert not [path for path in tmp_path.iterdir() if (path / "run.yaml").exists()]
