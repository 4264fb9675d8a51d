"""Front and rear terminals of a Keithley source-measure unit: to which of them the chip is connected."""

from __future__ import annotations

from instruments.relied_on import ReliedOn
from labmtj.errors import UsageError

SIDES = {"front": "FRON", "rear": "REAR"}


def terminals(who: str, side: str) -> ReliedOn:
    """Return that the box must use the terminals of one side; UsageError for a side that it does not have.

    They are asked, not set: switching them connects other cables and takes the output off.
    """
    if side not in SIDES:
        raise UsageError(f"{who}: terminals {side!r} are not known; choose {' or '.join(SIDES)}")
    other = next(each for each in SIDES if each != side)
    return ReliedOn(
        "front or rear terminals", f":ROUT:TERM {SIDES[other]}", ask=":ROUT:TERM?", wanted=SIDES[side],
        advice=f"press FRONT/REAR on the box, or write options: {{terminals: {other}}} in the bench file",
    )  # fmt: skip
