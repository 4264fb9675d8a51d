"""What Linux and macOS have and another system, or a file system, lacks: locks, signals, ways to open a file.

Reading and simulating need none of it; a run and a bench do, and say so in one sentence.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labmtj.errors import UsageError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

CLOEXEC: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)  # Windows: else it changes line ends
NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
STOPS: tuple[int, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""signals that end a command"""
PAUSE: int = getattr(signal, "SIGTSTP", 20)
"""Ctrl+Z"""
NEEDED = "labmtj needs Linux or macOS to run experiments and to open benches; here it reads runs and simulates chips"
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def check_system() -> None:
    """Raise UsageError on a system without what a run and a bench need."""
    if fcntl is None:
        raise UsageError(NEEDED)


def user() -> int:
    """Return the number of the user, 0 where users have none."""
    return os.geteuid() if hasattr(os, "geteuid") else 0


def after_fork(do: Callable[[], None]) -> None:
    """Have something done in every child that is forked from now on."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=do)


def lock(descriptor: int, path: Path, remedy: str, *, wait: bool = False) -> None:
    """Become the only one who has the file locked, until the descriptor is closed.

    Args:
        descriptor: of the file.
        path: of the file, for the message.
        remedy: what to do where its file system has no locks.
        wait: until its holder leaves it.

    Raises:
        BlockingIOError: if another process has it and is not waited for.
        UsageError: if the file system, or the system, has no locks.
    """
    check_system()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        why = error.strerror
    raise UsageError(f"{path}: this file system has no locks ({why}); {remedy}")  # not from it: this is no other error


def is_locked(descriptor: int) -> bool:
    """Return whether a process has the file locked; False where there are no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        return error.errno not in _NO_LOCKS
    return False
