"""What procedures ask for, by ability: anything that can be biased and read is a `Crossbar`."""

from __future__ import annotations

from typing import Protocol

from labmtj.quantities import Bias, Currents, Limits, Lines, Pulse, Reading, Refusal


class Clock(Protocol):
    """Seconds since the run began: monotonic time on a bench, booked time in a simulation."""

    def now(self) -> float:
        """Return the seconds since the clock was started."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, or book the wait."""
        ...


class Crossbar(Protocol):
    """Lines that one can bias and read."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    @property
    def limits(self) -> Limits:
        """What cells and lines survive."""
        ...

    @property
    def clock(self) -> Clock:
        """The time base of every stamp."""
        ...

    def can(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Say why the bias (as a pulse, if `seconds` > 0) cannot be given, or None: ask before planning."""
        ...

    def measure(self, bias: Bias, lines: Lines, how: Reading) -> Currents:
        """Hold the bias, settle, integrate the currents of the lines; a batch is answered as a whole."""
        ...

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Apply the bias for `seconds` and return to zero; a batch is applied in its order."""
        ...

    def abort(self) -> None:
        """Stop what is running, from any thread."""
        ...

    def make_safe(self) -> None:
        """Bring every source to 0 V and every output off."""
        ...
