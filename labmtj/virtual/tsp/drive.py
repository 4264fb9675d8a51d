"""A USB drive in the memory of the helper process: nothing that a script writes reaches a disk of the computer."""

from __future__ import annotations

import posixpath

from labmtj.virtual.tsp.complaints import Complaint

ROOT = "/usb1"
CAPACITY = 8 << 20
"""characters of all files together"""
NO_FOLDER, NO_FILE, DISK_FULL, NOT_EMPTY, EXISTS = 2204, 2205, 2218, 2223, 2220


class Drive:
    """Files by their full path, and the folders that there are."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.folders: set[str] = {ROOT}
        self.place = ROOT
        """the working folder"""

    def path(self, given: str) -> str:
        """Return the full path of a file or folder."""
        return posixpath.normpath(posixpath.join(self.place, given.replace("\\", "/")))

    def read(self, given: str) -> str:
        """Return what is in a file; Complaint if there is none."""
        path = self.path(given)
        if path not in self.files:
            raise Complaint(NO_FILE, f"File not found: {path}")
        return self.files[path]

    def write(self, given: str, content: str) -> None:
        """Replace what is in a file; Complaint without a folder for it, or room."""
        path = self.path(given)
        if posixpath.dirname(path) not in self.folders:
            raise Complaint(NO_FOLDER, f"Directory not found: {posixpath.dirname(path)}")
        others = sum(len(each) for name, each in self.files.items() if name != path)
        if others + len(content) > CAPACITY:
            raise Complaint(DISK_FULL, "Disk full")
        self.files[path] = content

    def remove(self, given: str) -> None:
        """Delete a file."""
        self.read(given)
        del self.files[self.path(given)]

    def rename(self, old: str, new: str) -> None:
        """Give a file another name."""
        content = self.read(old)
        self.write(new, content)
        if self.path(old) != self.path(new):
            del self.files[self.path(old)]

    def enter(self, given: str) -> str:
        """Make a folder the working one, and return it."""
        path = self.path(given)
        if path not in self.folders:
            raise Complaint(NO_FOLDER, f"Directory not found: {path}")
        self.place = path
        return path

    def make_folder(self, given: str) -> str:
        """Make a folder, and return it."""
        path = self.path(given)
        if path in self.folders or path in self.files:
            raise Complaint(EXISTS, f"File already exists: {path}")
        if posixpath.dirname(path) not in self.folders:
            raise Complaint(NO_FOLDER, f"Directory not found: {posixpath.dirname(path)}")
        self.folders.add(path)
        return path

    def inside(self, given: str) -> list[str]:
        """Return the names in a folder; Complaint if there is no such folder."""
        path = self.path(given)
        if path not in self.folders:
            raise Complaint(NO_FOLDER, f"Directory not found: {path}")
        every = [*self.files, *self.folders]
        return sorted(posixpath.basename(each) for each in every if posixpath.dirname(each) == path)

    def remove_folder(self, given: str) -> None:
        """Delete an empty folder."""
        if self.inside(given) or self.path(given) == ROOT:
            raise Complaint(NOT_EMPTY, f"Directory not empty: {given}")
        self.folders.discard(self.path(given))
