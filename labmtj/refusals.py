"""Refusals of the operating system (memory, files, processes) are reported as such, not as bugs."""

from __future__ import annotations

import errno
from collections.abc import Iterator

_REMEDIES = {
    errno.EMFILE: "raise the limit of open files (`ulimit -n 1024`)",
    errno.ENFILE: "end other programs: the whole system has no file left to open",
    errno.ENOMEM: "end other programs, or take fewer --workers",
    errno.EAGAIN: "raise the limit of processes (`ulimit -u`), or take fewer --workers",
    errno.ENOSYS: "take --workers 1: this system has no shared memory for several processes",
}


def refusal_of_the_system(error: BaseException) -> str:
    """Return a sentence for an error by which the system refused files, memory or processes, "" for any other."""
    for each in _chain(error):
        if isinstance(each, RecursionError):
            return "an input is nested too deeply; check the files that were given"
        if isinstance(each, MemoryError):
            return f"there is not enough memory ({each}); {_REMEDIES[errno.ENOMEM]}"
        if isinstance(each, OSError) and each.errno in _REMEDIES:
            return f"{each.filename or 'the system'}: {each.strerror}; {_REMEDIES[each.errno]}"
        if "Too many open files" in str(each):  # by a library that keeps the text alone
            return f"the system: Too many open files; {_REMEDIES[errno.EMFILE]}"
        if "can't start new thread" in str(each):
            return f"the system: no further thread; {_REMEDIES[errno.EAGAIN]}"
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
