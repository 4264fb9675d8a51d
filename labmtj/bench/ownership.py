"""One owner per instrument: a lock by its address, that ends with the process; the refusal says who has it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from labmtj.bench.forking import closed_in_forks
from labmtj.errors import BenchBusy


def folder() -> Path:
    """Return the folder of the locks, one per user: it does not outlive the machine's boot where the system has one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    path = Path(runtime) / "labmtj" if runtime else Path(tempfile.gettempdir()) / f"labmtj-{os.getuid()}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextmanager
def owning(instruments: Mapping[str, str], run: str = "") -> Iterator[Sequence[int]]:
    """Hold the instruments at these VISA resources for this process; give the descriptors of the locks.

    A process that inherits them holds the instruments as long as it lives, too.

    Args:
        instruments: VISA resources by name on the bench; case and blanks of a resource do not matter.
        run: name of the run, for whoever is refused.

    Raises:
        BenchBusy: naming the process, host and run that holds one of them. None is held then.
    """
    with ExitStack() as held:
        names = {"".join(address.split()).upper(): name for name, address in instruments.items()}
        yield [held.enter_context(_owning(names[address], address, run)) for address in sorted(names)]


@contextmanager
def _owning(name: str, address: str, run: str) -> Iterator[int]:
    file = os.open(_path(address), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BenchBusy(f"{name} at {address} is in use by {_owner(file)}") from None
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "run": run, "address": address}
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(owner).encode(), 0)
        with closed_in_forks(partial(os.close, file)):
            yield file
    finally:
        os.close(file)  # and with it the lock: the file stays, for deleting it would race with the next owner


def _owner(file: int) -> str:
    """Return who wrote into the lock file (it may be about to), and what to do."""
    try:
        owner = json.loads(os.pread(file, 10_000, 0))
        run = f", run {owner['run']}" if owner["run"] else ""
        return f"process {owner['pid']} on {owner['host']}{run}; {owner.get('remedy', 'end that first')}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return "another process; end that first"


def owner_of(address: str) -> str:
    """Return which process on this computer holds the instrument at a VISA resource, and what to do; "" if none."""
    try:
        file = os.open(_path("".join(address.split()).upper()), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return ""
    except OSError:
        return _owner(file)
    finally:
        os.close(file)


def _path(address: str) -> Path:
    return folder() / f"{hashlib.sha256(address.encode()).hexdigest()[:24]}.lock"
