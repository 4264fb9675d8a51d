"""Writing the journal `journal.lmj`: a row counts as kept when `commit` has returned, and then no crash loses it."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from labmtj.errors import DataError, RecordError, UsageError
from labmtj.record import files, frames
from labmtj.record.joining import RowJoiner
from labmtj.record.replay import START, JournalReader, file_head, good_end, split_frames
from labmtj.system import after_fork

__all__ = ["JournalReader", "JournalWriter"]


class JournalWriter:
    """Appends frames to a journal. One writer per file; a forked child neither writes nor keeps the file locked."""

    def __init__(self, path: Path, descriptor: int, acknowledged_bytes: int) -> None:
        self.path = path
        self.acknowledged_bytes = acknowledged_bytes
        """size of the journal that would survive a power cut now"""
        self._descriptor = descriptor
        self._pending: list[bytes] = []
        self._joiner = RowJoiner()
        self._broken = ""
        _open_writers.add(self)

    @classmethod
    def create(cls, path: Path) -> Self:
        """Begin a journal in a file that does not exist yet; RecordError if it does or cannot be made."""
        try:
            descriptor = files.create(path)
        except FileExistsError:
            raise RecordError(
                f"{path} exists; a journal is never overwritten: resume it or choose another folder"
            ) from None
        except OSError as error:
            raise RecordError(
                f"{path} cannot be made: {error.strerror}; choose a folder that can be written"
            ) from error
        try:
            files.lock(descriptor, path)
            files.write_all(descriptor, file_head(), 0)
            files.sync(descriptor)
            files.sync_folder(path.parent)
        except OSError as error:
            files.close(descriptor)
            files.remove(path)
            raise RecordError(f"{path} cannot be begun: {_why(error, path)}") from error
        except UsageError:  # no locks here
            files.close(descriptor)
            files.remove(path)
            raise
        return cls(path, descriptor, START)

    @classmethod
    def reopen(cls, path: Path, truncate_to: int | None = None) -> Self:
        """Go on with a journal after its last whole commit, or cut back to the end of an earlier frame.

        Raises:
            DataError: if it is no journal, is damaged before its end, or no frame ends at `truncate_to`.
            RecordError: if another process writes it, or it cannot be written.
        """
        try:
            descriptor = files.open_existing(path)
        except OSError as error:
            raise RecordError(
                f"{path} cannot be opened for writing: {error.strerror}; check the folder of the run"
            ) from error
        try:
            files.lock(descriptor, path)
            end = good_end(path, truncate_to)
            if end < os.fstat(descriptor).st_size:
                files.truncate(descriptor, end)
            files.sync(descriptor)  # a commit that is whole but was never acknowledged counts as kept from here on
        except BlockingIOError:
            files.close(descriptor)
            raise RecordError(f"{path} is being written by another process; stop that run first") from None
        except OSError as error:
            files.close(descriptor)
            raise RecordError(f"{path} cannot be cut after its last good frame: {_why(error, path)}") from error
        except (DataError, UsageError):
            files.close(descriptor)
            raise
        return cls(path, descriptor, end)

    def append(self, record: Mapping[str, object]) -> None:
        """Take a record, a mapping with a `kind`, into the next commit; UsageError for what a journal cannot hold."""
        self._pending.extend(map(frames.encode, self._joiner.take(record)))

    def append_encoded(self, encoded: bytes) -> None:
        """Take frames that another process encoded into the next commit; DataError if they changed on the way."""
        for _ in split_frames(encoded):
            pass
        self._pending.extend(map(frames.encode, self._joiner.rest()))
        self._pending.append(encoded)

    @property
    def bytes(self) -> int:
        """Size with all that was appended, durable or not."""
        return self.acknowledged_bytes + sum(map(len, self._pending))

    def commit(self) -> None:
        """Return when everything appended would survive a power cut.

        Raises:
            RecordError: the disk refused, and nothing of this commit counts as kept. After a full disk `commit` may be
                called again; after a failed sync the journal has to be reopened.
        """
        if self._broken:
            raise RecordError(self._broken)
        self._pending.extend(map(frames.encode, self._joiner.rest()))
        if not self._pending:
            return
        self._check_place()
        size = sum(map(len, self._pending))
        head = frames.encode({"kind": "commit", "offset": self.acknowledged_bytes, "bytes": size})
        data = b"".join((head, *self._pending))
        try:
            files.write_all(self._descriptor, data, self.acknowledged_bytes)
        except OSError as error:
            self._cut_back()
            raise RecordError(f"{self.path} could not take {len(data)} bytes: {_why(error, self.path)}") from error
        try:
            files.sync_data(self._descriptor)
        except OSError as error:
            # The kernel may have dropped the pages it could not write, so a second sync would prove nothing.
            self._broken = f"{self.path} could not be synced: {_why(error, self.path)}"
            self._cut_back()
            raise RecordError(self._broken) from error
        # In one statement without a call, so that no Ctrl-C comes between and has the rows written twice.
        self.acknowledged_bytes, self._pending = self.acknowledged_bytes + len(data), []

    def _check_place(self) -> None:
        """Raise RecordError if the file was deleted, replaced or cut since the last commit; two calls of the system."""
        problem = files.is_elsewhere(self._descriptor, self.path, self.acknowledged_bytes)
        if problem:
            self._broken = (
                f"{self.path} {problem} while this run writes it; what was acknowledged since is lost with it. Put it "
                "back and resume, or begin a new run"
            )
            raise RecordError(self._broken)

    def close(self) -> None:
        """Commit what is pending and close; closing again does nothing."""
        if self._descriptor < 0:
            return
        try:
            if not self._broken:
                self.commit()
        finally:
            files.close(self._descriptor)
            self._descriptor = -1
            self._broken = f"{self.path} is closed; reopen the journal to go on"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _cut_back(self) -> None:
        try:
            files.truncate(self._descriptor, self.acknowledged_bytes)
        except OSError as error:  # whole frames may stand there unacknowledged, and must not come a second time
            self._broken = self._broken or f"{self.path} could not be cut back: {_why(error, self.path)}"

    def leave(self) -> None:
        """Release the file without touching it: what a forked child does."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._pending.clear()
        self._joiner = RowJoiner()
        self._broken = f"{self.path} belongs to the process that opened it; hand rows over with a FrameLog"


_open_writers: weakref.WeakSet[JournalWriter] = weakref.WeakSet()


def _leave_all() -> None:
    for writer in list(_open_writers):
        writer.leave()


after_fork(_leave_all)


def _why(error: OSError, path: Path) -> str:
    """Say what the disk said, how much is free, and what to do."""
    try:
        free = f"{files.free_bytes(path) / 1e6:.1f} MB free"
    except OSError:
        free = "free space unknown"
    return f"{error.strerror} ({free}); make room or repair the disk, then resume: what was acknowledged is kept"
