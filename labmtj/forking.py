"""What a forked child must not keep: pipes, sockets and locks whose end tells others that this process has died.

A procedure may fork, and its child may outlive it. An instrument would go on waiting for it, and so would the watchdog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from labmtj.system import after_fork

_closers: list[Callable[[], None]] = []


@contextmanager
def closed_in_forks(close: Callable[[], None]) -> Iterator[None]:
    """Call `close` in every child that is forked meanwhile; whatever it raises there is of no interest."""
    _closers.append(close)
    try:
        yield
    finally:
        _closers.remove(close)


def _close_all() -> None:
    for close in _closers:
        with suppress(Exception):
            close()
    _closers.clear()


after_fork(_close_all)
