"""Progress of a run, shown on a terminal, or written to a file that is read later."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from labmtj.escaped import escaped

if TYPE_CHECKING:
    from labmtj.run import Progress

_RENEW_SECONDS = {True: 0.2, False: 5.0}
"""a line is shown at most so often: on a terminal, elsewhere"""
_REPEAT_SECONDS = {True: 1.0, False: 30.0}
"""and again after so long, though nothing new is known: what goes on is no hang"""


_SOON_SECONDS = 1.0


class Display:
    """Progress: one line that renews itself on a terminal, a plain line now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._what = ""
        self._begun = self._shown = time.monotonic()
        self._rate = Rate()

    def __enter__(self) -> Display:
        threading.Thread(target=self._repeat, name="display", daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        with self._lock:
            if self._terminal:
                self._write("\n")

    def phase(self, what: str) -> None:
        """Say what begins, before there is any progress of it; in a file only of what takes over a second."""
        with self._lock:
            self._what, self._begun = what, time.monotonic()
            if self._terminal:
                self._line(what)
            else:
                self._shown = self._begun + _SOON_SECONDS - _REPEAT_SECONDS[False]

    def run(self, folder: Path, remark: str = "") -> None:
        """Name the run that begins, and what is known of it beforehand."""
        with self._lock:
            self._permanent(f"run {folder}{remark}")
        self.phase("at work")

    def __call__(self, progress: Progress) -> None:
        """Show the progress, unless it was shown a moment ago."""
        with self._lock:
            if progress.phase == "paused":
                self._what = ""
                self._permanent("paused: the bench is safe and free; `fg` goes on")
                return
            changed = progress.phase != self._rate.phase
            self._what = progress_text(progress, self._rate.left_seconds(progress))
            self._begun = time.monotonic() - progress.seconds
            last = progress.done == progress.total
            recent = time.monotonic() - self._shown < _RENEW_SECONDS[self._terminal]
            if changed or not recent or (last and self._terminal):
                self._line(self._what)

    def _repeat(self) -> None:
        """Show now and then how long it has been: a block may take hours."""
        while not self._ended.wait(_SOON_SECONDS / 2):
            with self._lock:
                now = time.monotonic()
                if self._what and now - self._shown >= _REPEAT_SECONDS[self._terminal] and not self._ended.is_set():
                    self._line(f"{self._what}  {_minutes(now - self._begun)} so far")

    def _line(self, text: str) -> None:
        self._shown, text = time.monotonic(), escaped(text, keep="")
        self._write(f"\r{text[:78]:<78}" if self._terminal else f"{text}\n")

    def _permanent(self, text: str) -> None:
        """Show a line that stays."""
        start = "\r" if self._terminal else ""
        self._write(f"{start}{escaped(text, keep=''):<{78 if self._terminal else 0}}\n")

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # the terminal may be closed; the run goes on
            sys.stderr.write(text)
            sys.stderr.flush()


class Rate:
    """Estimates what is left from the later half of what was done: the first blocks of a run take longer."""

    def __init__(self) -> None:
        self.phase = ""
        self._history: list[tuple[int, float]] = []

    def left_seconds(self, progress: Progress) -> float | None:
        """Return the seconds left, None while nothing can be said."""
        if progress.phase != self.phase:
            self.phase, self._history = progress.phase, [(progress.done, progress.seconds)]
            return None
        self._history.append((progress.done, progress.seconds))
        begun = self._history[0][0]
        done, seconds = next(point for point in reversed(self._history) if point[0] <= (begun + progress.done) / 2)
        if done - begun < progress.slow or done == progress.done or progress.done == progress.total:
            return None
        return (progress.seconds - seconds) / (progress.done - done) * (progress.total - progress.done)


def progress_text(progress: Progress, left_seconds: float | None) -> str:
    """Return one line: what, how far, how much longer, how large the journal will be."""
    text = f"{progress.phase:<9}{progress.done / progress.total:>5.0%}  {progress.done}/{progress.total}"
    if left_seconds is not None:
        text += f"  {_minutes(left_seconds)} left"
    if progress.final_bytes is not None and progress.done < progress.total:
        from labmtj.run.size import megabytes

        text += f"  journal.lmj {megabytes(progress.final_bytes)} in the end"
    return text


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
