"""For which pulse widths the switching law of a device holds: a warning below one width, a refusal below another."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from labmtj.errors import UsageError

_ROUNDING = 1e-9
_WARNED: set[tuple[str, float]] = set()
_SHOWN: set[tuple[str, float]] = set()
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PulseWidths:
    """The widths that a law holds for, and what is wrong with shorter ones."""

    doubted_seconds: float = 0.0
    """below it pulses are warned of"""
    shortest_seconds: float = 0.0
    """below it they are refused, unless the array file allows them"""
    why: str = ""
    """how wrong the law is below"""

    def problem(self, seconds: float) -> str:
        """Return what is wrong with the law at a width, "" if nothing is."""
        if seconds >= self.doubted_seconds * (1 - _ROUNDING):
            return ""
        return f"pulses of {seconds:g} s: below {self.doubted_seconds:g} s {self.why}"

    def refusal(self, seconds: float, *, allowed: bool) -> str:
        """Return why a simulation refuses a width, "" if it does not, or if short ones are `allowed`."""
        if allowed or seconds >= self.shortest_seconds * (1 - _ROUNDING):
            return ""
        return (
            f"{self.problem(seconds)}; below {self.shortest_seconds:g} s it is refused: give longer pulses, or set "
            "short_pulses: true in the array file to simulate them nevertheless"
        )

    def check(self, seconds: float, *, allowed: bool, where: str) -> None:
        """Raise UsageError for a width that is refused; warn of a doubted one, once for each place and width."""
        if refusal := self.refusal(seconds, allowed=allowed):
            raise UsageError(refusal)
        if (problem := self.problem(seconds)) and (where, seconds) not in _WARNED:
            _LOG.warning("%s: %s", where, problem, extra={"shown": (where, seconds) in _SHOWN})
            _WARNED.add((where, seconds))
            _SHOWN.add((where, seconds))


ANY_WIDTH = PulseWidths()
"""a law that holds for all"""


def warn_anew() -> None:
    """Warn again of what was warned of: a run keeps in its log what was warned of before it had one."""
    _WARNED.clear()
