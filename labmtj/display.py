"""Progress of a run, for people who wait: on a terminal, or in a file that somebody reads later."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labmtj.run import Progress


class Display:
    """Progress: one line that renews itself on a terminal, a plain line now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = -1e9

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._terminal:
            print(file=sys.stderr)

    def __call__(self, progress: Progress) -> None:
        """Show the progress, unless it was shown a moment ago."""
        last = progress.done == progress.total
        if progress.seconds - self._shown < (0.2 if self._terminal else 5.0) and not (last and self._terminal):
            return
        self._shown = progress.seconds if not last else -1e9
        text = progress_text(progress)
        with suppress(OSError, ValueError):  # nobody may be looking any more; the run goes on
            print(
                f"\r{text:<78}" if self._terminal else text,
                end="" if self._terminal else "\n",
                file=sys.stderr,
                flush=True,
            )


def progress_text(progress: Progress) -> str:
    """Return one line: what, how far, how fast, how much longer."""
    share = progress.done / progress.total
    rate = (progress.done - progress.done_before) / progress.seconds if progress.seconds > 0 else 0.0
    left = (progress.total - progress.done) / rate if rate > 0 else 0.0
    text = f"{progress.phase:<9}{share:>5.0%}  {progress.done}/{progress.total}"
    return text if rate == 0 else f"{text}  {rate:.1f}/s  {_minutes(left)} left"


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
