"""Opens and makes files in folders that other users may write to: links are not followed, pipes not waited for.

What is written appears whole or not at all, under a name that cannot be foreseen until then. In a folder that several
users share, another user may have put a link where a file is about to be written, or a pipe that never ends
where one is read.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from labmtj.system import CLOEXEC, NOFOLLOW, NONBLOCK, user

FOLDER = "a folder"
_KINDS = {
    stat.S_IFIFO: "a pipe (FIFO)", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
    stat.S_IFDIR: FOLDER, stat.S_IFLNK: "a link",
}  # fmt: skip
_WAYS = CLOEXEC | NOFOLLOW
_PRIVATE = 0o700


def kind_of(path: Path) -> str:
    """Return what stands at the path, without opening it, such as "a link"; "" for a plain file and for nothing."""
    try:
        return _KINDS.get(stat.S_IFMT(path.lstat().st_mode), "")
    except OSError:
        return ""


def open_plain(path: Path, *, follow: bool = True, buffering: int = -1) -> BinaryIO:
    """Open a plain file for reading, in binary; nothing is waited for.

    Args:
        path: of the file.
        follow: whether a link to it will do.
        buffering: 0 for none.

    Raises:
        OSError: whose `strerror` says what stands there, if it is no file.
    """
    descriptor = os.open(path, os.O_RDONLY | CLOEXEC | NONBLOCK | (0 if follow else NOFOLLOW))
    try:
        _check_plain(descriptor, path)
        return os.fdopen(descriptor, "rb", buffering)
    except BaseException:
        os.close(descriptor)
        raise


def read_plain(path: Path, most: int = -1) -> bytes:
    """Return what is in a plain file, no more than `most` bytes; raise as `open_plain`."""
    with open_plain(path) as file:
        return file.read(most)


def create(path: Path, mode: int = 0o644) -> int:
    """Return a descriptor of a new file, for reading and writing; FileExistsError if there is anything, even a link."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _WAYS, mode)


def open_to_change(path: Path, *, make: bool = True, append: bool = False, own: bool = False) -> int:
    """Return a descriptor for reading and writing; the file is made if it is not there and `make`.

    Raises:
        OSError: for a link, for what is no plain file, and, where it is to be `own`, for a file of another user.
    """
    ways = (os.O_CREAT if make else 0) | (os.O_APPEND if append else 0)
    descriptor = os.open(path, os.O_RDWR | NONBLOCK | ways | _WAYS, 0o600 if own else 0o644)
    try:
        _check_plain(descriptor, path)
        if own and os.fstat(descriptor).st_uid != user():
            raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def append_to(path: Path) -> TextIO:
    """Return a file to append lines to, each written at once; made if it is not there; raise as `open_to_change`."""
    return os.fdopen(open_to_change(path, append=True), "a", encoding="utf-8", buffering=1)


def new_aside(path: Path, mode: int = 0o644) -> Path:
    """Return a new, empty file next to `path`, under an unpredictable name."""
    aside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
    os.close(create(aside, mode))
    return aside


@contextmanager
def written_aside(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """Give the name of a new, empty file next to `path`; what is written to it replaces `path` at the end.

    A crash leaves the old file or the new one, whole; an error within leaves the old one.
    """
    aside = new_aside(path, mode)
    try:
        yield aside
        descriptor = os.open(aside, os.O_RDWR | _WAYS)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """Write a file: it appears whole or not at all."""
    with written_aside(path) as aside:
        aside.write_bytes(content)


def private_folder(path: Path) -> Path:
    """Return a folder that this user alone can change, made if it is not there.

    Raises:
        OSError: for a link, and for a folder of another user or that others may write to.
    """
    path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, f"is {kind_of(path) or 'no folder'}, not a folder", str(path))
    if found.st_uid != user():
        raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
    if found.st_mode & 0o022:
        raise PermissionError(errno.EPERM, "others may write to it; take that away with chmod go-w", str(path))
    return path


def _check_plain(descriptor: int, path: Path) -> None:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a file", str(path))
