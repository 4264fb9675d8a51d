"""Counts that outlive a run: an .npy file of names and counts, mapped to memory, so that even SIGKILL loses none."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from labmtj.errors import DataError, RecordError
from labmtj.safety.ledger import Counts

ENTRY = np.dtype([("name", "S40"), ("count", "<i8")])


def ledger_folder() -> Path:
    """Return the folder of the ledgers of this user's benches."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "labmtj" / "ledgers"


def ledger_path(kind: str, key: str) -> Path:
    """Return the file of a chip or a matrix; the key, an id or an address, may hold anything."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", key)[:40]
    return ledger_folder() / f"{kind}-{readable}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.npy"


def kept_counts(path: Path, names: Sequence[str]) -> Counts:
    """Return the counts kept in a file, (names,), to be changed in place; a new file begins at zero.

    The file may hold more names, of a bench that was wired otherwise; they stay in it.

    Raises:
        DataError: if the file is not a ledger.
        RecordError: if the folder cannot be written.
    """
    assert max(map(len, names), default=0) <= ENTRY["name"].itemsize, "a longer name would be cut"
    wanted = np.array([name.encode() for name in names], ENTRY["name"])
    try:
        with _alone(path.parent):
            found = _found(path)
            if not np.array_equal(found["name"][: len(wanted)], wanted):
                _rewrite(path, _merged(found, wanted))
            kept: Counts = open_memmap(path, mode="r+")["count"][: len(wanted)]
    except (ValueError, EOFError) as error:
        raise DataError(f"{path}: is not a ledger ({error}); set it aside, and the counts begin anew") from error
    except OSError as error:
        raise RecordError(f"{path}: the ledger cannot be kept: {error.strerror or error}; see to the folder") from error
    return kept


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from replacing a ledger that this one is about to map: they would go on in two files."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _found(path: Path) -> NDArray[np.void]:
    """Return the entries of a ledger, none if there is no file; ValueError if it holds something else."""
    found: NDArray[np.void] = np.load(path) if path.exists() else np.empty(0, ENTRY)
    if found.dtype != ENTRY or found.ndim != 1 or (found["count"] < 0).any():
        raise ValueError("it holds something else")
    return found


def _merged(found: NDArray[np.void], wanted: NDArray[np.bytes_]) -> NDArray[np.void]:
    """Return the wanted names first, in their order, then the others."""
    known = dict(zip(found["name"].tolist(), found["count"].tolist(), strict=True))
    first = [(name, known.pop(name, 0)) for name in wanted.tolist()]
    return np.array([*first, *known.items()], ENTRY)


def _rewrite(path: Path, entries: NDArray[np.void]) -> None:
    """Replace the file whole: a crash leaves the old one or the new one."""
    aside = path.with_suffix(f".{os.getpid()}")
    with aside.open("wb") as file:
        np.save(file, entries, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
