"""One owner per instrument: a lock by its address that ends with the process; the refusal names its owner."""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from labmtj.errors import BenchBusy, UsageError
from labmtj.filing import open_to_change, private_folder
from labmtj.forking import held_here
from labmtj.system import CLOEXEC, NOFOLLOW, NONBLOCK, check_system, is_locked, lock, user
from labmtj.watchdog.process import is_stopped

_LOG = logging.getLogger(__name__)
BRIEFLY_SECONDS = 5.0
"""for which a watchdog that makes a bench safe is only asked to be waited for"""
_MOST_BYTES = 10_000
_SHOWN = 3
"""benches that are named; of more, only how many"""
_LOOK = os.O_RDONLY | CLOEXEC | NOFOLLOW | NONBLOCK


def folder() -> Path:
    """Return the folder of the locks, one per user: it does not outlive the machine's boot where the system has one.

    Raises:
        UsageError: if the folder cannot be made, or others may write to it.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    path = Path(runtime) / "labmtj" if runtime else Path(tempfile.gettempdir()) / f"labmtj-{user()}"
    try:
        return private_folder(path)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot hold the locks of instruments: {error.strerror or error}. Remove it, or set "
            "XDG_RUNTIME_DIR to a folder of yours. Nothing was applied"
        ) from error


@contextmanager
def owning(instruments: Mapping[str, str], run: str = "") -> Iterator[Mapping[str, int]]:
    """Hold the instruments at these VISA resources for this process; give the descriptors of the locks, by resource.

    A process that inherits them holds the instruments until it ends, too.

    Args:
        instruments: VISA resources by name on the bench; case and blanks of a resource do not matter.
        run: name of the run, for the user who is refused.

    Raises:
        BenchBusy: naming the process, host and run that holds one of them. None is held then.
    """
    check_system()
    with ExitStack() as held:
        names = {_canonical(address): name for name, address in instruments.items()}
        yield {address: held.enter_context(_owning(names[address], address, run)) for address in sorted(names)}


def _canonical(resource: str) -> str:
    return "".join(resource.split()).upper()


def _lock_path(address: str) -> Path:
    return folder() / f"{hashlib.sha256(address.encode()).hexdigest()[:24]}.lock"


def owner_of(resource: str) -> str:
    """Return who holds the instrument at a VISA resource and what to do about it, "" if it is free."""
    path = _lock_path(_canonical(resource))
    try:
        return _owner(_text(path)) if _is_held(path) else ""
    except OSError:
        return ""


def unsafe() -> list[str]:
    """Return a sentence for each bench that this user's watchdogs have not made safe: since when, and what to do.

    Also for one whose watchdog has itself ended before it was done.
    """
    sentences: dict[str, str] = {}
    for path in folder().glob("*.lock"):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            owner = json.loads(_text(path))
            if owner["unsafe"]:
                sentences[_not_safe(owner, held=_is_held(path))] = str(owner["unsafe_since"])
    newest = sorted(sentences, key=lambda sentence: sentences[sentence], reverse=True)
    older = f"and {len(newest) - _SHOWN} more benches are not known to be safe, longer ago"
    return newest if len(newest) <= _SHOWN + 1 else [*newest[:_SHOWN], older]


@contextmanager
def _owning(name: str, address: str, run: str) -> Iterator[int]:
    path = _lock_path(address)
    try:
        file = open_to_change(path, own=True)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be the lock of {name} at {address}: {error.strerror or error}; remove it. Nothing was "
            "applied"
        ) from error
    with held_here(file):  # and with it the lock: the file stays, because deleting it would race with the next owner
        try:
            lock(file, path, "set XDG_RUNTIME_DIR to a folder on one that has. Nothing was applied")
        except BlockingIOError:
            raise BenchBusy(f"{name} at {address} is in use by {_owner(_text(path))}") from None
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            if (before := json.loads(_text(path)))["unsafe"]:
                _LOG.warning("%s at %s: %s", name, address, _not_safe(before, held=False))
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "run": run, "address": address}
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(owner).encode(), 0)
        yield file


def _text(path: Path) -> str:
    file = os.open(path, _LOOK)
    try:
        return os.pread(file, _MOST_BYTES, 0).decode("utf-8", "replace")
    finally:
        os.close(file)


def _is_held(path: Path) -> bool:
    file = os.open(path, _LOOK)
    try:
        return is_locked(file)
    finally:
        os.close(file)


def _owner(text: str) -> str:
    """Return who has written this text into a lock (it may be about to), and what to do."""
    try:
        owner = json.loads(text)
        run = f", run {owner['run']}" if owner["run"] else ""
        who = f"process {int(owner['pid'])} on {owner['host']}{run}"
        if owner.get("unsafe"):
            return f"{who}: {_not_safe(owner, held=True)}"
        if is_stopped(int(owner["pid"])):
            return (
                f"{who}, which is stopped; let it go on with `kill -CONT {owner['pid']}`, or end it with `kill -9 "
                f"{owner['pid']}`: its watchdog then makes the bench safe"
            )
        return f"{who}; end that first"
    except (ValueError, KeyError, TypeError, AttributeError):
        return "another process; end that first"


def _not_safe(owner: Mapping[str, Any], *, held: bool) -> str:
    """Say what a watchdog has not made safe yet, and what to do."""
    since, run = str(owner["unsafe_since"]), f" of run {owner['run']}" if owner["run"] else ""
    waited = (datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(since)).total_seconds()
    if held and waited < BRIEFLY_SECONDS:
        return f"the watchdog{run} makes the bench safe: try again in a few seconds"
    left = "; ".join(str(line).replace("\n", " ") for line in owner["unsafe"])
    remedy = (
        f"its watchdog, process {int(owner['pid'])}, goes on trying. Bring these instruments back, or switch "
        f"them off by hand and then `kill -9 {int(owner['pid'])}`"
        if held
        else "its watchdog has ended. Run `labmtj safe BENCH`, or switch them off by hand; the next run does it first"
    )
    return f"the bench{run} is not known to be safe since {since[:19].replace('T', ' ')} UTC ({left}); {remedy}"
