"""Clean-up with deadlines: every step is tried, whatever the result of the others, and none is waited for longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from labmtj.errors import InstrumentError, LabmtjError

STEP_SECONDS = 5.0
"""what a clean-up may take after a link is lost (a requirement); far beyond what any box needs to obey"""


@dataclass(eq=False)
class Step:
    """One thing to do to one instrument."""

    instrument: str
    address: str
    do: Callable[[], None]
    ended: bool = field(default=False, init=False)
    failed: LabmtjError | None = field(default=None, init=False)

    def run(self) -> None:
        """Do it, and remember what it raised."""
        try:
            self.do()
        except LabmtjError as error:
            self.failed = error
        except BaseException as error:  # noqa: BLE001 - whatever it is, the others have to be made safe
            self.failed = InstrumentError(self.instrument, self.address, f"{type(error).__name__}: {error}")
        self.ended = True

    def outcome(self, seconds: float) -> LabmtjError | None:
        """Return the errors so far; a step that has not ended is one."""
        if not self.ended:
            return InstrumentError(self.instrument, self.address, f"did not end within {seconds:g} s")
        return self.failed


def attempt(steps: Sequence[Step], seconds: float = STEP_SECONDS) -> list[LabmtjError]:
    """Do all steps at the same time and return what failed.

    At the same time, so that an instrument that does not answer leaves no other one at its voltage for that long. What
    has not ended after `seconds` goes on in its thread, is no longer waited for, and counts as failed.
    """
    threads = [threading.Thread(target=step.run, name=f"safe {step.instrument}", daemon=True) for step in steps]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return [failed for step in steps if (failed := step.outcome(seconds)) is not None]
