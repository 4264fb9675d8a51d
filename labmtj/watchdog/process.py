"""Another process, identified with certainty: whether it lives, whether it computes, its end; and who holds a pipe."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import Self


class KnownProcess:
    """A process that lives when this object is made, and is never mistaken for a later one with its number.

    Where the system has pidfds (Linux), one is held. Elsewhere a child trusts that the number is its parent's for as
    long as the system says so; another process can only be looked for, not ended.

    Args:
        pid: of the process.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._pidfd = -1
        if hasattr(os, "pidfd_open"):
            with suppress(OSError):
                self._pidfd = os.pidfd_open(pid)

    @classmethod
    def parent(cls) -> Self:
        """Return the parent of this process; if it ends meanwhile, the process that takes it over."""
        while True:
            found = cls(os.getppid())
            if os.getppid() == found.pid:  # still, so that the number was its own when it was looked up
                return found

    @property
    def descriptor(self) -> int:
        """A descriptor that is readable once the process has ended and closed its files; -1 without pidfds."""
        return self._pidfd

    def wait(self, seconds: float) -> None:
        """Return when it has ended, or after some seconds; at once where the system has no pidfds."""
        if self._pidfd >= 0:
            select.select([self._pidfd], [], [], seconds)

    @property
    def alive(self) -> bool:
        """Whether it has not ended; a process that the kernel cannot end is alive."""
        return self._signalled(0)

    def kill(self) -> None:
        """End it with SIGKILL; if it is in a call to a dead disk, it ends when that call does."""
        self._signalled(signal.SIGKILL)

    def _signalled(self, number: int) -> bool:
        try:
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, number)  # type: ignore[attr-defined,unused-ignore]
            elif number == 0 or os.getppid() == self.pid:
                os.kill(self.pid, number)
        except PermissionError:
            return True
        except OSError:
            return False
        return not self._is_zombie()

    def _is_zombie(self) -> bool:
        return _stat(self.pid)[:1] == ["Z"]

    @property
    def cpu_seconds(self) -> float | None:
        """Processor time that it has used, None where the system does not say."""
        fields = _stat(self.pid)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if len(fields) > 12 else None


def holding(pipe: int) -> list[KnownProcess]:
    """Return the other processes that hold a pipe which this process holds, too, as far as the system says."""
    here, found = Path("/proc/self/fd", str(pipe)), []
    with suppress(OSError):
        name = here.readlink()  # pipe:[its number]
        for pid in [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]:
            if pid != os.getpid() and _holds(pid, name):
                known = KnownProcess(pid)
                if _holds(pid, name):  # still, so that it is no later one with its number
                    found.append(known)
    return found


def _holds(pid: int, name: Path) -> bool:
    with suppress(OSError):  # another user's, or ended since
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed since
                if file.readlink() == name:
                    return True
    return False


def is_stopped(pid: int) -> bool:
    """Return whether a process is held by SIGSTOP or a debugger, as far as the system says."""
    return _stat(pid)[:1] in (["T"], ["t"])


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; none where there is no such file."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
