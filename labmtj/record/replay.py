"""Reading a journal: the good frames from the first to the last, and what follows them.

A file head (magic, version, crc32), then frames. Every commit begins with a frame that holds its own offset and how
many bytes of frames follow. It is written only after the commit before it was acknowledged, so a bad frame with a later
commit after it is damage of acknowledged data, and a bad frame with none after it is the torn tail that a crash
leaves. A writer that goes on with a journal cuts a last commit that is not whole: all of it is there, or nothing.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from labmtj.errors import DataError
from labmtj.filing import open_plain
from labmtj.record import frames
from labmtj.record.frames import HEAD, Record

VERSION = 1
_MAGIC = b"\x89LMJ\r\n\x1a\n"  # its line ends show a transfer in text mode
_FILE_HEAD = struct.Struct("<8sII")
START = _FILE_HEAD.size
"""Offset of the first frame."""

_FIRST_BLOCK = 1 << 9
_COMMIT_BEGINS = re.compile(
    rb"(?=%s.{%d}.\xa4kind\xa6commit)" % (re.escape(frames.MAGIC), HEAD.size - len(frames.MAGIC)), re.DOTALL
)
_COMMIT_BYTES = 64  # more than a commit frame has; keeps the search for one linear, even in a file made to be slow


class JournalReader:
    """Iterates (offset, record) up to the first frame that is torn, garbage or damaged; needs the memory of one frame.

    Args:
        path: the journal; DataError if it is none or was written by a newer labmtj.
        start, stop: offsets between frames to begin and end at.
        check: the `check` of the reader that came to `start`.
        skip_damage: go on at the next commit after a damaged stretch, see `skipped`.
    """

    def __init__(
        self, path: Path, *, start: int = START, stop: int | None = None, check: int = 0, skip_damage: bool = False
    ) -> None:
        self.path = path
        try:
            with open_plain(path) as file:
                self.size = os.fstat(file.fileno()).st_size
                _check_file_head(path, file.read(START + 1))
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error
        self.stop = self.size if stop is None else stop
        if not START <= start <= self.stop <= self.size:
            raise DataError(f"{path} has {self.size} bytes; bytes {start} to {self.stop} were asked for")
        self.valid_bytes = start
        """end of the last good frame so far"""
        self.check = check
        """crc32 over the heads of all frames so far: journals with the same offset and check hold the same"""
        self.skipped: list[tuple[int, int]] = []
        """damaged stretches that were passed over"""
        self._skip_damage = skip_damage

    @property
    def torn_bytes(self) -> int:
        """Bytes after the last good frame, once iterated to the end."""
        return self.stop - self.valid_bytes

    def __iter__(self) -> Iterator[tuple[int, Record]]:
        for offset, payload in self.payloads():
            if not frames.has_kind(payload, "commit"):
                yield offset, self.decoded(offset, payload)

    def decoded(self, offset: int, payload: bytes) -> Record:
        """Return the record of a payload; DataError, naming file and byte, if a foreign writer put something else."""
        try:
            return frames.decode(payload)
        except ValueError as error:
            raise DataError(f"{self.path} does not hold a record at byte {offset}: {error}") from error

    def payloads(self) -> Iterator[tuple[int, bytes]]:
        """Iterate (offset, undecoded payload) of every frame, commits among them."""
        with open_plain(self.path) as file:
            while self.valid_bytes < self.stop:
                offset = self.valid_bytes
                frame = _read_frame(file, offset, self.stop)
                if frame is not None:
                    self.check = zlib.crc32(frame[0], self.check)
                    self.valid_bytes += HEAD.size + len(frame[1])
                    yield offset, frame[1]
                elif self._skip_damage and (resumed := _next_commit(file, offset, self.stop)) is not None:
                    self.skipped.append((offset, resumed))
                    self.valid_bytes = resumed
                else:
                    return

    def damage(self) -> int | None:
        """Return where acknowledged data go on after the last good frame, None if only a torn tail is there."""
        with open_plain(self.path) as file:
            return _next_commit(file, self.valid_bytes, self.stop)


def is_unborn(head: bytes) -> bool:
    """Return whether a crash cut off the making of a file that begins so; `head` is its first START + 1 bytes or fewer.

    The first bytes are missing, or were claimed and never filled; and there are no others.
    """
    return (len(head) < START and file_head().startswith(head)) or (len(head) <= START and not any(head))


def file_head() -> bytes:
    """Return the first bytes of a journal."""
    return _FILE_HEAD.pack(_MAGIC, VERSION, zlib.crc32(_MAGIC + VERSION.to_bytes(4, "little")))


def good_end(path: Path, truncate_to: int | None = None) -> int:
    """Return where writing may go on: after the last whole commit, or at `truncate_to`.

    Raises:
        DataError: if the journal is damaged before its end, or `truncate_to` is not the end of a good frame.
    """
    reader = JournalReader(path)
    ends, begun, wanted = {START}, START, START
    for offset, payload in reader.payloads():
        ends.add(reader.valid_bytes)
        if frames.has_kind(payload, "commit"):
            begun, wanted = offset, reader.valid_bytes + _promised(reader.decoded(offset, payload))
    if (resumed := reader.damage()) is not None:
        raise DataError(
            f"{path} is damaged between bytes {reader.valid_bytes} and {resumed}, with acknowledged rows after them; "
            f"nothing was changed: copy the file, then recover from the copy with damaged stretches skipped"
        )
    if truncate_to is not None and truncate_to not in ends:
        raise DataError(f"{path} has no frame that ends at byte {truncate_to} (good up to {reader.valid_bytes})")
    if truncate_to is not None:
        return truncate_to
    return reader.valid_bytes if reader.valid_bytes >= wanted else begun


def _promised(commit: Record) -> int:
    """Return how many bytes of frames belong to a commit; 0 if it was written before commits said so."""
    promised = commit.get("bytes")
    return promised if isinstance(promised, int) else 0


def fingerprint(path: Path, offset: int) -> int | None:
    """Return the `check` of a reader at the offset, from the heads alone; None if no frame ends there."""
    check, position = 0, START
    with open_plain(path, buffering=0) as file:
        while position < offset:
            file.seek(position)
            head = file.read(HEAD.size)
            if len(head) < HEAD.size or not head.startswith(frames.MAGIC):
                return None
            check = zlib.crc32(head, check)
            position += HEAD.size + HEAD.unpack(head)[1]
    return check if position == offset else None


def last_states(path: Path, names: Container[str] | None = None) -> tuple[dict[str, Mapping[str, Any]], int]:
    """Return the values of the last state of each name, and where the last of all ends (`START` if there is none).

    With `names`, states of other names do not count.

    Raises:
        DataError: for an invalid snapshot.
    """
    found: dict[str, Mapping[str, Any]] = {}
    end = START
    reader = JournalReader(path)
    for offset, payload in reader.payloads():
        if frames.has_kind(payload, "state"):
            record = reader.decoded(offset, payload)
            name, values = record.get("name"), record.get("values")
            if not (isinstance(name, str) and isinstance(values, dict)):
                raise DataError(f"{path} holds an invalid snapshot at byte {offset}; no labmtj wrote it")
            if names is None or name in names:
                found[name], end = values, reader.valid_bytes
    return found, end


def split_frames(encoded: bytes) -> Iterator[bytes]:
    """Iterate the payloads of frames that stand one after the other; DataError if one is not whole."""
    offset = 0
    while offset < len(encoded):
        payload = _whole(encoded[offset : offset + HEAD.size], encoded, offset)
        if payload is None:
            raise DataError(f"frames handed to the journal are not whole at byte {offset}; nothing of them was taken")
        yield payload
        offset += HEAD.size + len(payload)


def _whole(head: bytes, encoded: bytes, offset: int) -> bytes | None:
    if len(head) < HEAD.size:
        return None
    magic, length, check = HEAD.unpack(head)
    payload = encoded[offset + HEAD.size : offset + HEAD.size + length]
    whole = magic == frames.MAGIC and len(payload) == length and frames.checksum(payload) == check
    return payload if whole else None


def _read_frame(file: BinaryIO, offset: int, stop: int) -> tuple[bytes, bytes] | None:
    """Return head and payload of the frame at the offset, None if there is no whole one before `stop`."""
    file.seek(offset)
    head = file.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    magic, length, check = HEAD.unpack(head)
    if magic != frames.MAGIC or length > min(frames.MAX_PAYLOAD, stop - offset - HEAD.size):
        return None
    payload = file.read(length)
    return (head, payload) if len(payload) == length and frames.checksum(payload) == check else None


def _next_commit(file: BinaryIO, offset: int, stop: int) -> int | None:
    """Search after the offset for a commit frame that stands where it says it stands."""
    position, size = offset + 1, _FIRST_BLOCK
    while position < stop:
        file.seek(position)
        block = file.read(min(size, stop - position))
        size = min(2 * size, 1 << 20)  # short stretches of damage, one after the other, cost no more than a long one
        for found in _COMMIT_BEGINS.finditer(block):
            if _is_commit(block[found.start() : found.start() + _COMMIT_BYTES], position + found.start()):
                return position + found.start()
        if len(block) <= _COMMIT_BYTES:
            return None
        position += len(block) - _COMMIT_BYTES  # one that is cut by the end of this block is whole in the next
    return None


def _is_commit(encoded: bytes, offset: int) -> bool:
    payload = _whole(encoded[: HEAD.size], encoded, 0)
    return payload is not None and frames.has_kind(payload, "commit") and frames.decode(payload).get("offset") == offset


def _check_file_head(path: Path, head: bytes) -> None:
    if is_unborn(head):
        raise DataError(f"{path} was being made when its writer died: nothing was recorded in it; start a new run")
    if len(head) < START or not head.startswith(_MAGIC):
        raise DataError(f"{path} is not a journal of labmtj")
    _, version, check = _FILE_HEAD.unpack_from(head)
    if check != zlib.crc32(head[: START - 4]):
        raise DataError(
            f"{path} has a damaged head; restore its first {START} bytes from another journal of this version"
        )
    if version != VERSION:
        raise DataError(f"{path} is of version {version}; this labmtj reads version {VERSION}: install a newer one")
