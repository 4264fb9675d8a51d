"""The longest time that work on a bench takes, for leases. Pure; the timeout of a silent instrument is not included.

The factors are upper bounds of the time that drivers wait for a box. So a slow box is handled by its driver, and the
watchdog acts only if the run hangs.
"""

from __future__ import annotations

MESSAGE_SECONDS = 0.1
"""a message and its answer on a slow bus (a choice): GPIB with a long line, a busy network"""
SHOT_SECONDS = 0.05
"""of a box for a shot, beyond its settle time and apertures (a choice)"""
APERTURE_FACTOR = 6.0
"""autozero and autorange take apertures of their own; drivers wait for 5 at most"""
SETTLE_FACTOR = 5.0
PULSE_FACTOR = 8.0
"""a box may hold 0 V between two pulses for the width of a pulse; drivers wait 4 times the sum"""
BOX_SECONDS = 1.0
"""to arm or confirm a box or a channel, every setting read back (a choice)"""
MESSAGES_OF_A_PULSE = 6
"""to each box that takes part in a pulse that messages time: levels up and down, a look at its compliance"""


def reading(shots: int, units: int, settle_seconds: float, aperture_seconds: float) -> float:
    """Return the seconds that a sequence of shots takes at most, on one box or by messages to several."""
    aperture = APERTURE_FACTOR * aperture_seconds
    if units == 1:
        return MESSAGE_SECONDS + shots * (SHOT_SECONDS + SETTLE_FACTOR * settle_seconds + aperture)
    return shots * (settle_seconds + units * (2 * MESSAGE_SECONDS + aperture))


def pulsing(pulses: int, units: int, seconds: float) -> float:
    """Return the seconds that pulses take at most, on one box or by messages to several."""
    if units == 1:
        return MESSAGE_SECONDS + pulses * (SHOT_SECONDS + PULSE_FACTOR * seconds)
    return pulses * (PULSE_FACTOR * seconds + units * MESSAGES_OF_A_PULSE * MESSAGE_SECONDS)


def routing(boxes: int, channels: int, settle_seconds: float) -> float:
    """Return the seconds that it takes at most to move relays and to limit every channel anew."""
    return settle_seconds + MESSAGE_SECONDS * (4 * boxes + channels)
