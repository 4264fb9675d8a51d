"""No test counts on the user's own chips, nor holds, or waits for, the user's own instruments."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep counts of chips and relays, and locks, apart for every test, and for the processes it starts.

    A watchdog never gives up: one whose virtual instruments have ended with the test is ended here.
    """
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "locks"))
    yield
    if (tmp_path / "locks").exists():
        for pid in watchdogs_of(tmp_path / "locks"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def watchdogs_of(locks: Path) -> list[int]:
    """Return the processes of watchdogs whose locks are in a folder, where the system says."""
    marker, pids = f"XDG_RUNTIME_DIR={locks}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            is_watchdog = b"labmtj.watchdog" in (process / "cmdline").read_bytes().split(b"\0")
            if is_watchdog and marker in (process / "environ").read_bytes().split(b"\0"):
                pids.append(int(process.name))
    return pids
