"""Is the bench wired as its file says? Measured before the first run: open and shorted lines, relays that do not move.

Every finding follows from one question: how much current does a channel give while every line but one lies on ground?
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from labmtj.bench.checks.contact import Expected
from labmtj.bench.crossbar import BenchCrossbar
from labmtj.bench.files.wiring import Channel
from labmtj.bench.routing.routes import OPEN, Buses
from labmtj.safety import line_name


@dataclass(frozen=True)
class Finding:
    """Something that is not as the bench file says."""

    text: str
    on_chip: bool
    """whether the chip or its contact explains it: a line that is open, or lines that are shorted to each other"""

    def __str__(self) -> str:
        return self.text


def wiring_check(bench: BenchCrossbar, expected: Expected) -> list[Finding]:
    """Return what is wrong with relays, cables and lines, each by its name; empty if the bench is as its file says.

    The bench is armed. Takes a reading per line and bus, and two per line for the ground relays; more where something
    is wrong. A ground mode is taken at its word.
    """
    return list(_WiringCheck(bench, expected).findings())


class _WiringCheck:
    """One check in progress."""

    def __init__(self, bench: BenchCrossbar, expected: Expected) -> None:
        self.bench, self.router, self.wiring, self.expected = bench, bench.router, bench.wiring, expected
        self.rest = bench.router.rest()
        self.lines = range(len(bench.wiring.lines))
        self.suspects: set[int] = set()
        """lines that something was found about"""

    def findings(self) -> Iterator[Finding]:
        """Iterate over the findings; one that makes a bus unusable comes first and ends the check."""
        stuck = [found for bus in self.router.driving if (found := self._stuck_on(bus))]
        yield from (Finding(text, on_chip=False) for text in stuck)
        if not stuck:
            for line in self.lines:
                yield from self._line(line)
            for line in np.flatnonzero(self.rest != OPEN).tolist():
                yield from self._ground(line)

    # -- readings ----------------------------------------------------------------------------------------------------

    def _probe(self, buses: Buses, channel: Channel, *also: Channel) -> float:
        """Return the current out of a channel at the read voltage; `also` are other channels at that voltage."""
        volts = dict.fromkeys((channel, *also), self.expected.read_volts)
        return self.bench.probe(buses, volts, channel, self.expected.aperture_seconds)

    def _on(self, line: int, bus: int, buses: Buses) -> Buses:
        """Return the routing with a line on another bus; a line that is wired to its channel stays."""
        changed = buses.copy()
        if self.router.switched[line]:
            changed[line] = bus
        return changed

    def _channel(self, bus: int) -> Channel:
        channel = self.wiring.buses[bus].channel
        assert channel is not None, "only buses with a channel drive"
        return channel

    def _excess(self, amperes: float) -> bool:
        """Return whether a current is more than any line can carry."""
        return amperes > self.expected.most_amperes(max(self.bench.shape))

    def _culprit(self, buses: Buses, channel: Channel) -> int | None:
        """Return the line that must leave ground for the excess of current to end, or None."""
        for line in np.flatnonzero(self.router.switched & (buses == self.rest)).tolist():
            free, also = self._lifted(buses, line, channel)
            if free is not None and not self._excess(self._probe(free, channel, *also)):
                return int(line)
        return None

    def _lifted(self, buses: Buses, line: int, channel: Channel) -> tuple[Buses | None, list[Channel]]:
        """Return a routing with a line off ground: open, or in a ground mode on another channel at the read voltage."""
        if self.rest[line] != OPEN:
            return self._on(line, OPEN, buses), []
        for bus in self.router.driving:
            if self._channel(bus) != channel:
                return self._on(line, bus, buses), [self._channel(bus)]
        return None, []

    # -- findings ----------------------------------------------------------------------------------------------------

    def _stuck_on(self, bus: int) -> str:
        """Say which line lies on a bus that no line was put on, or "": a bus with nothing on it gives no current."""
        channel, name = self._channel(bus), self.wiring.buses[bus].name
        if abs(self._probe(self.rest, channel)) < self.expected.least_amperes(1):
            return ""
        line = self._culprit(self.rest, channel)
        if line is None:
            return f"bus {name}: carries current without a line; several relays do not open, or it is shorted to ground"
        return f"{self.wiring.name(line)}: its relay to bus {name} does not open"

    def _line(self, line: int) -> Iterator[Finding]:
        """Drive a line alone through every bus in turn, or through the channel that it is wired to."""
        end = self.wiring.lines[line].end
        if end is None:
            return
        cells = self.bench.shape[1 if line < self.bench.shape[0] else 0]
        if isinstance(end, Channel):
            amperes = {f"channel {end}": self._probe(self.rest, end)}
        else:
            amperes = {
                f"bus {self.wiring.buses[bus].name}": self._probe(self._on(line, bus, self.rest), self._channel(bus))
                for bus in self.router.driving
            }
        dead = [name for name, value in amperes.items() if value < self.expected.least_amperes(1) * cells]
        if dead:
            self.suspects.add(line)
        if len(dead) == len(amperes):
            text = f"{self.wiring.name(line)}: is open on every route; no contact, or a broken cable or line"
            yield Finding(text, on_chip=True)
        else:
            texts = (f"{self.wiring.name(line)}: its relay to {name} does not close" for name in dead)
            yield from (Finding(text, on_chip=False) for text in texts)
        if any(map(self._excess, amperes.values())):
            yield self._short(line)

    def _short(self, line: int) -> Finding:
        """Say what a line that carries too much is shorted to."""
        self.suspects.add(line)
        end, name = self.wiring.lines[line].end, self.wiring.name(line)
        bus = self.router.driving[0] if self.router.driving else OPEN
        channel = end if isinstance(end, Channel) else self._channel(bus)
        partner = self._culprit(self._on(line, bus, self.rest), channel)
        if partner is None:
            return Finding(
                f"{name}: is shorted to ground; or its relay to ground does not open, or it is shorted to several "
                "lines",
                on_chip=False,
            )
        cell = (line < self.bench.shape[0]) != (partner < self.bench.shape[0])
        return Finding(
            f"{name}: is shorted to {line_name(partner, self.bench.shape)}"
            + (", which a shorted cell may do as well" if cell else ""),
            on_chip=True,
        )

    def _ground(self, line: int) -> Iterator[Finding]:
        """Drive all lines that cross this one: what it carries must go missing when it leaves ground.

        One crossing line alone would not do: its current finds another way through the floating line.
        """
        if line in self.suspects:
            return
        driven, channels = self.rest.copy(), []
        for each in set(self._crossing(line)) - self.suspects:
            end = self.wiring.lines[each].end
            if isinstance(end, Channel):
                channels.append(end)
            elif end is not None and self.router.driving:
                driven[each] = self.router.driving[0]
        if (driven != self.rest).any():
            channels.insert(0, self._channel(self.router.driving[0]))
        if channels:
            fall = self._probe(driven, *channels) - self._probe(self._on(line, OPEN, driven), *channels)
            if not fall > self.expected.least_amperes(1):
                yield Finding(f"{self.wiring.name(line)}: its relay to ground does not close", on_chip=False)

    def _crossing(self, line: int) -> range:
        rows = self.bench.shape[0]
        return range(rows, len(self.lines)) if line < rows else range(rows)
