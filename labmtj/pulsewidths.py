"""For which pulse widths the switching law holds: in figures; a warning below 1 us, a refusal below 100 ns.

The law is thermal activation over a barrier with a constant attempt time. A short pulse drives a macrospin
ballistically and needs more than Vc0: the law then switches far too easily. The figures compare it with the
Fokker-Planck equation of a macrospin (alpha 0.01, mu0 Hk 0.3 T, Delta 50); see `docs/switching-law.md`.
"""

from __future__ import annotations

import logging

from labmtj.errors import UsageError

WARNED_SECONDS = 1e-6
SHORTEST_SECONDS = 1e-7
V50_OVER_TRUTH = {
    1e-9: 0.15, 5e-9: 0.47, 1e-8: 0.65, 2e-8: 0.79, 1e-7: 0.91, 1e-6: 0.96, 1e-4: 0.98, 1e-3: 0.99,
}  # fmt: skip
"""by width in seconds, V50 of the law over that of the Fokker-Planck macrospin"""
_FIGURES = ", ".join(f"{ratio:g} at {seconds:g} s" for seconds, ratio in V50_OVER_TRUTH.items())
_WARNED: set[tuple[str, float]] = set()
_SHOWN: set[tuple[str, float]] = set()
_LOG = logging.getLogger(__name__)


def width_problem(seconds: float) -> str:
    """Return what is wrong with the law at a width, "" from 1 us on."""
    if seconds >= WARNED_SECONDS * (1 - 1e-9):
        return ""
    return (
        f"pulses of {seconds:g} s: below {WARNED_SECONDS:g} s the switching law of a simulation switches too easily; "
        f"its V50 over that of a macrospin is {_FIGURES}"
    )


def width_refusal(seconds: float, *, allowed: bool) -> str:
    """Return why a simulation refuses a width, "" if it does not: below 100 ns, unless that is `allowed`."""
    if allowed or seconds >= SHORTEST_SECONDS * (1 - 1e-9):
        return ""
    return (
        f"{width_problem(seconds)}; below {SHORTEST_SECONDS:g} s it is refused: give longer pulses, or set "
        "short_pulses: true in the array file to simulate them all the same"
    )


def check_width(seconds: float, *, allowed: bool, where: str) -> None:
    """Raise UsageError for a width that a simulation refuses; warn of one below 1 us, once for each place and width."""
    if refusal := width_refusal(seconds, allowed=allowed):
        raise UsageError(refusal)
    if (problem := width_problem(seconds)) and (where, seconds) not in _WARNED:
        _LOG.warning("%s: %s", where, problem, extra={"shown": (where, seconds) in _SHOWN})
        _WARNED.add((where, seconds))
        _SHOWN.add((where, seconds))


def warn_anew() -> None:
    """Warn again of what was warned of: a run keeps in its log what was warned of before it had one."""
    _WARNED.clear()
