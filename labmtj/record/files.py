"""Every call by which the record changes a file: one small module, so that a test can put a failing disk in its place.

The rest of the record calls these functions through the module (`files.write(...)`), never the operating system.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from labmtj import filing, system

_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file, copied when one of the two changes


def create(path: Path) -> int:
    """Return a descriptor for writing a new file; FileExistsError if there is one: a record is never overwritten."""
    return filing.create(path)


def make_folder(path: Path) -> None:
    """Make a new folder, with its parents where they are missing; they would survive a power cut when it returns."""
    above = [path.parent, *(parent.parent for parent in path.parents if not parent.exists())]
    path.mkdir(parents=True)
    for folder in above:
        sync_folder(folder)


def open_existing(path: Path) -> int:
    """Return a descriptor for changing a file that exists; OSError for a link and for what is no plain file."""
    return filing.open_to_change(path, make=False)


def lock(descriptor: int, path: Path) -> None:
    """Become the only writer of the file, until the descriptor is closed; BlockingIOError if another process is.

    UsageError where the file system has no locks.
    """
    system.lock(descriptor, path, "choose another place with --out")


def is_locked(path: Path) -> bool:
    """Return whether a process is the writer of the file; False if there is no file."""
    if not path.is_file():
        return False
    descriptor = os.open(path, os.O_RDONLY | system.CLOEXEC | system.NONBLOCK)
    try:
        return system.is_locked(descriptor)
    finally:
        os.close(descriptor)


def is_elsewhere(descriptor: int, path: Path, size: int) -> str:
    """Say what happened to a file that is being written, "" if it is still at the path and not cut below `size`."""
    mine = os.fstat(descriptor)
    try:
        there = path.lstat()
    except OSError:
        return "was deleted or moved"
    if (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
        return "was replaced by another file"
    return "was cut short" if mine.st_size < size else ""


def write(descriptor: int, data: memoryview, offset: int) -> int:
    """Write some of the data at the offset and return how many bytes were taken: fewer on a nearly full disk."""
    return os.pwrite(descriptor, data, offset)


def truncate(descriptor: int, size: int) -> None:
    """Cut the file to `size` bytes."""
    os.ftruncate(descriptor, size)


def sync_data(descriptor: int) -> None:
    """Return when the contents of the file, and its size, would survive a power cut."""
    getattr(os, "fdatasync", os.fsync)(descriptor)  # macOS has no fdatasync


def sync(descriptor: int) -> None:
    """Return when contents and metadata of the file would survive a power cut."""
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Return when the names in the folder would survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | system.CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename(source: Path, target: Path) -> None:
    """Give the file its final name in one step, replacing the file that had it."""
    source.replace(target)


def remove(path: Path) -> None:
    """Remove a file if it is there."""
    path.unlink(missing_ok=True)


def close(descriptor: int) -> None:
    """Close the descriptor."""
    os.close(descriptor)


def free_bytes(path: Path) -> int:
    """Return the space left on the disk of the path."""
    return shutil.disk_usage(path if path.exists() else path.parent).free


def write_all(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of the data at the offset, in as many calls as it takes; OSError when the disk takes no more."""
    rest = memoryview(data)
    while rest:
        taken = write(descriptor, rest, offset)
        if taken <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest, offset = rest[taken:], offset + taken


def reserve(path: Path, size: int) -> None:
    """Reserve `size` bytes of disk for the file, for a library that cannot handle a full disk."""
    descriptor = open_existing(path)
    try:
        if size > os.fstat(descriptor).st_size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # a file system that cannot reserve: go on without
            raise
    finally:
        close(descriptor)


def clone(source: Path, target: Path) -> None:
    """Copy a file: its blocks are shared where the file system can (btrfs, XFS), else copied by the kernel."""
    remove(target)
    with filing.open_plain(source) as old, os.fdopen(create(target), "wb") as new:
        try:
            system.fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, 1 << 20)


def write_whole(final: Path, data: bytes) -> None:
    """Write a small file: after a power cut there is all of it, or what was there before."""
    temporary = final.with_name(f".{final.name}.part")
    remove(temporary)
    descriptor = create(temporary)
    try:
        write_all(descriptor, data, 0)
    finally:
        close(descriptor)
    replace_whole(temporary, final)


def replace_whole(temporary: Path, final: Path) -> None:
    """Replace `final` by a finished file: after a power cut there is the old file or the new one, whole."""
    descriptor = open_existing(temporary)
    try:
        sync(descriptor)
    finally:
        close(descriptor)
    rename(temporary, final)
    sync_folder(final.parent)
