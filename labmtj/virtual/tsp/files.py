"""The tables `fs`, `io` and `os` of a script, on a drive that is memory only."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from typing import Any

from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.drive import Drive
from labmtj.virtual.tsp.tree import Group, Members, number, text

ACCESS_DENIED, INVALID_HANDLE = 2214, 2215
MODES = ("r", "w", "a")
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")


class File(Group):
    """What io.open returns; its functions are called with a colon, so the file itself comes first."""

    def __init__(self, drive: Drive, path: str, mode: str) -> None:
        self._drive, self.path, self._mode = drive, drive.path(path), mode
        self.is_open = True
        if mode == "w":
            drive.write(path, "")
        elif mode == "a":
            drive.write(path, drive.files.get(self.path, ""))
        content = drive.read(path)
        self._place = len(content) if mode == "a" else 0
        super().__init__(
            f"file {path}",
            {
                "read": lambda _, *wanted: self.take(*wanted), "write": lambda _, *data: self.put(*data),
                "seek": lambda _, whence="cur", offset=0: self.seek(whence, offset),
                "flush": lambda *_: True, "close": lambda *_: self.close(),
            },
        )  # fmt: skip

    def take(self, *formats: object) -> Any:
        """Return a line, or what the formats ask for: "*l", "*n", "*a", or a number of characters."""
        found = tuple(self._read(each) for each in formats or ("*l",))
        return found if len(found) > 1 else found[0]

    def put(self, *data: object) -> bool:
        """Write text and numbers at the present place."""
        content = self._content()
        if self._mode == "r":
            raise Complaint(ACCESS_DENIED, f"File access denied: {self.path} is open for reading")
        for each in data:
            piece = each if isinstance(each, str) else f"{number(each):.14g}"
            content = content[: self._place] + piece + content[self._place + len(piece) :]
            self._place += len(piece)
        self._drive.write(self.path, content)
        return True

    def seek(self, whence: object, offset: object) -> float:
        """Move to a place, and return it."""
        starts = {"set": 0, "cur": self._place, "end": len(self._content())}
        if whence not in starts:
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: set, cur or end is expected")
        self._place = max(0, starts[str(whence)] + int(number(offset)))
        return float(self._place)

    def close(self) -> bool:
        """Close it."""
        self.is_open = False
        return True

    def _content(self) -> str:
        if not self.is_open:
            raise Complaint(INVALID_HANDLE, f"Invalid file handle: {self.path} is closed")
        return self._drive.read(self.path)

    def _read(self, wanted: object) -> str | float | None:
        content = self._content()
        rest = content[self._place :]
        if wanted == "*a":
            self._place = len(content)
            return rest
        if not rest:
            return None
        if wanted == "*n":
            found = _NUMBER.match(rest)
            self._place += found.end() if found else 0
            return float(found[1]) if found else None
        if wanted == "*l":
            line, end, _ = rest.partition("\n")
            self._place += len(line) + len(end)
            return line
        count = int(number(wanted))
        self._place += min(count, len(rest))
        return rest[:count]


class Files:
    """The tables that reach the drive."""

    def __init__(self, drive: Drive, now: Callable[[], float]) -> None:
        self._drive, self._now = drive, now
        self._in: File | None = None
        self._out: File | None = None

    def members(self) -> Members:
        """Return the globals."""
        drive = self._drive
        return {
            "fs": Group(
                "fs",
                {
                    "cwd": lambda: drive.place, "chdir": lambda path: drive.enter(text(path)),
                    "is_dir": lambda path: drive.path(text(path)) in drive.folders,
                    "is_file": lambda path: drive.path(text(path)) in drive.files,
                    "mkdir": lambda path: drive.make_folder(text(path)),
                    "readdir": lambda path: drive.inside(text(path)),
                    "rmdir": lambda path: drive.remove_folder(text(path)),
                },
            ),
            "io": Group(
                "io",
                {
                    "open": self._open, "close": self._close, "flush": lambda: None, "type": _kind,
                    "input": self._input, "output": self._output,
                    "read": lambda *formats: self._in.take(*formats) if self._in else None,
                    "write": lambda *data: self._out.put(*data) if self._out else None,
                },
            ),
            "os": Group(
                "os",
                {"time": self._time, "remove": self._remove, "rename": self._rename},
            ),
        }  # fmt: skip

    def _open(self, path: object, mode: object = "r") -> Any:
        if text(mode)[:1] not in MODES:
            raise Complaint(INVALID_PARAMETER, f"parameter 2 is invalid: mode {mode}")
        try:
            return File(self._drive, text(path), text(mode)[:1])
        except Complaint as complaint:
            return None, complaint.entry.text

    def _close(self, file: object = None) -> bool:
        chosen = file if isinstance(file, File) else self._out
        return chosen.close() if chosen else True

    def _input(self, file: object = None) -> Any:
        if file is not None:
            self._in = file if isinstance(file, File) else File(self._drive, text(file), "r")
        return self._in

    def _output(self, file: object = None) -> Any:
        if file is not None:
            self._out = file if isinstance(file, File) else File(self._drive, text(file), "w")
        return self._out

    def _remove(self, path: object) -> Any:
        return self._done(self._drive.remove, text(path))

    def _rename(self, old: object, new: object) -> Any:
        return self._done(self._drive.rename, text(old), text(new))

    def _done(self, action: Any, *paths: str) -> Any:
        try:
            action(*paths)
        except Complaint as complaint:
            return None, complaint.entry.text
        return True

    def _time(self, when: object = None) -> float:
        if isinstance(when, dict):
            return float(calendar.timegm(tuple(int(number(when.get(key, usual))) for key, usual in _CALENDAR)))
        return float(int(self._now()))


_CALENDAR = (("year", 1970), ("month", 1), ("day", 1), ("hour", 12), ("min", 0), ("sec", 0))


def _kind(value: object) -> str | None:
    if isinstance(value, File):
        return "file" if value.is_open else "closed file"
    return None
