"""Pipes, sockets and locks that a forked child must not keep: their end shows others that this process has died.

A procedure may fork, and its child may outlive it. An instrument would go on waiting for it, and so would the watchdog.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from labmtj.errors import UsageError
from labmtj.system import after_fork

_closers: list[Callable[[], None]] = []


@contextmanager
def closed_in_forks(close: Callable[[], None]) -> Iterator[None]:
    """Call `close` in every child that is forked meanwhile; whatever it raises there is of no interest."""
    _closers.append(close)
    try:
        yield
    finally:
        with suppress(ValueError):  # in a child, where all have been called
            _closers.remove(close)


@contextmanager
def held_here(descriptor: int) -> Iterator[int]:
    """Hold a descriptor that every child forked meanwhile closes at once; close it at the end."""
    owner = Owner()
    try:
        with closed_in_forks(partial(os.close, descriptor)):
            yield descriptor
    finally:
        if owner.is_here:  # in a child it is closed, and its number may be another's by now
            os.close(descriptor)


class Owner:
    """The process that has something to itself: the one that makes this object."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def is_here(self) -> bool:
        """Whether it is this process, and not one that was forked from it."""
        return os.getpid() == self._pid

    def check(self) -> None:
        """Raise UsageError in a process that was forked from it."""
        if not self.is_here:
            raise UsageError(
                f"a bench belongs to the process that opened it, {self._pid}: this one, {os.getpid()}, was forked from "
                "it and has closed its connections. Nothing was applied; use the bench in that process"
            )


def _close_all() -> None:
    for close in _closers:
        with suppress(Exception):
            close()
    _closers.clear()


after_fork(_close_all)
