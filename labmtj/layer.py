"""A crossbar around a crossbar: the base of limits, stop requests and journaling."""

from __future__ import annotations

from labmtj.quantities import Bias, Currents, Limits, Lines, Pulse, ReadSettings, Refusal
from labmtj.verbs import Clock, Crossbar


class Layer:
    """Passes everything on unchanged; a layer overrides what it watches. Batches stay whole."""

    def __init__(self, crossbar: Crossbar) -> None:
        self._crossbar = crossbar

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self._crossbar.shape

    @property
    def limits(self) -> Limits:
        """What cells and lines survive."""
        return self._crossbar.limits

    @property
    def clock(self) -> Clock:
        """The time base of every stamp."""
        return self._crossbar.clock

    def arm(self) -> None:
        """Make ready for the first bias."""
        self._crossbar.arm()

    def refusal(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Say why the bias cannot be given, or None."""
        return self._crossbar.refusal(bias, seconds)

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Measure the currents of the lines."""
        return self._crossbar.measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Apply the bias for `seconds`."""
        return self._crossbar.pulse(bias, seconds)

    def abort(self) -> None:
        """Stop what is running."""
        self._crossbar.abort()

    def make_safe(self) -> None:
        """Bring every source to 0 V and every output off."""
        self._crossbar.make_safe()
