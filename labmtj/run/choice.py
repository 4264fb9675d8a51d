"""Which runs a list shows: the filters, and whether a run matches."""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from labmtj.errors import UsageError
from labmtj.run.glance import Glance

ENDED = ("done", "stopped", "failed", "running", "killed")
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """Filters for the list of runs; None and empty match every run."""

    procedure: str = ""
    """part of the name of its experiment or procedure"""
    chip: str = ""
    """part of the name of one of its chips"""
    tags: tuple[str, ...] = ()
    """all of them among its own"""
    ended: str = ""
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None
    """the first moment that is too late"""
    accuracy: tuple[str, float] | None = None
    """a comparison and the fraction to compare with"""

    def takes(self, run: Glance) -> bool | None:
        """Return whether a run is to be listed; None if its folder does not say."""
        answers = self._answers(run)
        return False if False in answers else None if None in answers else True

    def _answers(self, run: Glance) -> list[bool | None]:
        names = (run.experiment or "", run.procedure or "")
        answers: list[bool | None] = [set(self.tags) <= set(run.tags)]
        if self.procedure:
            answers.append(None if not any(names) else any(self.procedure.lower() in name.lower() for name in names))
        if self.chip:
            answers.append(None if run.chips is None else any(self.chip.lower() in chip.lower() for chip in run.chips))
        if self.ended:
            answers.append(None if run.ended is None else run.ended == self.ended)
        if self.since or self.until:
            answers.append(None if run.created is None else self._in_time(run.created))
        if self.accuracy:
            sign, bound = self.accuracy
            answers.append(None if run.accuracy is None else _COMPARISONS[sign](run.accuracy, bound))
        return answers

    def _in_time(self, created: datetime.datetime) -> bool:
        return (self.since is None or created >= self.since) and (self.until is None or created < self.until)


def accuracy_from(text: str) -> tuple[str, float]:
    """Return the comparison in text such as ">=95" or "<90%", percent as a fraction; raise UsageError."""
    found = re.fullmatch(r"\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?)\s*%?\s*", text)
    if not found or float(found[2]) > 100:
        raise UsageError(f"--accuracy {text!r}: give a comparison in percent, such as '>=95' (in quotes)")
    return found[1], float(found[2]) / 100


def moment_from(option: str, text: str, *, end: bool = False) -> datetime.datetime:
    """Return the moment of an ISO date or time, UTC unless it names a zone; the `end` of a date is its last moment.

    Raises:
        UsageError: for a text that is neither a date nor a time.
    """
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r}: give a date as 2026-11-25, or a time as 2026-11-25T14:30") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    if not end:
        return moment
    return moment + (datetime.timedelta(days=1) if re.fullmatch(r"[\dW-]+", text) else datetime.timedelta(minutes=1))
