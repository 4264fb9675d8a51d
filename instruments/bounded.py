"""Calls that may hang: each is waited for until a deadline of the monotonic clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

Answer = TypeVar("Answer")


class BoundedCalls:
    """Makes calls one at a time, each in a thread of its own; one that hangs is left in its thread.

    The timeouts of VISA libraries are no deadlines: PyVISA-py looks at its own only while nothing arrives, and at the
    time of day; a vendor's library, a name server or a kernel may not come back at all. A thread costs about 0.1 ms.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def call(self, seconds: float, function: Callable[[], Answer]) -> Answer:
        """Return what a function returns, or raise what it raises.

        Raises:
            TimeoutError: it did not come back in time, or the one before it still has not.
        """
        end = time.monotonic() + seconds
        if self._thread is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():
                raise TimeoutError("an earlier call has not come back yet")
        outcome: list[tuple[bool, Any]] = []
        self._thread = threading.Thread(target=_noted, args=(function, outcome), name="bounded call", daemon=True)
        self._thread.start()
        self._thread.join(max(0.0, end - time.monotonic()))
        if not outcome:
            raise TimeoutError(f"did not come back within {seconds:.3g} s")
        succeeded, value = outcome[0]
        if not succeeded:
            raise value
        return cast(Answer, value)


def _noted(function: Callable[[], object], outcome: list[tuple[bool, Any]]) -> None:
    try:
        outcome.append((True, function()))
    except BaseException as error:  # noqa: BLE001 - it is raised again where the call was made
        outcome.append((False, error))
