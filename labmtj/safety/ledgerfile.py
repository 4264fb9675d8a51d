"""Counts that outlive a run: an .npy file of names and counts, mapped to memory, so that even SIGKILL loses none."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from labmtj.errors import DataError, RecordError
from labmtj.filing import open_plain, open_to_change, private_folder, read_plain, write_whole, written_aside
from labmtj.system import lock

_LOG = logging.getLogger(__name__)
Counts = NDArray[np.int64]
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
            _go_on_from_what_was_seen(path, kept, new=not len(found))
    except (ValueError, EOFError) as error:
        raise DataError(f"{path}: is not a ledger ({error}); set it aside, and the counts begin at 0") from error
    except OSError as error:
        raise RecordError(f"{path}: the ledger cannot be kept: {error.strerror or error}; check the folder") from error
    return kept


def note_most(path: Path, most: int) -> None:
    """Note the largest count next to a ledger: if the ledger is deleted, the counts do not restart from 0."""
    with suppress(OSError):  # the ledger itself is what counts
        if _seen(path) != most:
            write_whole(_beside(path), str(most).encode())


def _go_on_from_what_was_seen(path: Path, kept: Counts, *, new: bool) -> None:
    """Raise all counts to the largest that was seen, if the ledger is gone or was replaced by an older one."""
    seen, most = _seen(path), int(kept.max(initial=0))
    if most < seen:
        kept[:] = np.maximum(kept, seen)
        _LOG.warning(
            "%s: the ledger is gone or an older one: all counts go on from %d, the largest that was seen; put the "
            "right one back, or remove %s, too, to begin at 0",
            path, seen, _beside(path).name,
        )  # fmt: skip
    elif new:
        _LOG.warning("%s: a new ledger: no counts were kept of this chip or matrix here, they begin at 0", path)


def _beside(path: Path) -> Path:
    return path.with_suffix(".most")


def _seen(path: Path) -> int:
    try:
        return int(read_plain(_beside(path), 20))
    except (OSError, ValueError):
        return 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from replacing a ledger that this one is about to map: they would go on in two files."""
    path = private_folder(folder) / ".lock"
    descriptor = open_to_change(path, own=True)
    try:
        lock(descriptor, path, "set XDG_STATE_HOME to a folder on one that has. Nothing was applied", wait=True)
        yield
    finally:
        os.close(descriptor)


def _found(path: Path) -> NDArray[np.void]:
    """Return the entries of a ledger, none if there is no file; ValueError if it holds something else."""
    if not path.exists():
        return np.empty(0, ENTRY)
    with open_plain(path, follow=False) as file:
        found: NDArray[np.void] = np.load(file, allow_pickle=False)
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
    with written_aside(path, 0o600) as aside, aside.open("wb") as file:
        np.save(file, entries, allow_pickle=False)
