"""The tests of the package keithley2600 once more, with the last version of its first kind: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

OLDER = Path(sys.prefix, "clients", "keithley2600-1.4.1")
TESTS = Path(__file__).with_name("test_keithley2600.py")


@pytest.mark.skipif(not OLDER.is_dir(), reason="make .venv/clients.stamp installs the clients")
@pytest.mark.skipif(not TESTS.is_file(), reason="there are no tests of this client")
def test_the_older_version():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(TESTS)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(OLDER)}, capture_output=True, text=True, timeout=300, check=False,
        cwd=TESTS.parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "skipped" not in done.stdout
