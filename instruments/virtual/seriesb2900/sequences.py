"""Sequences of a B2900: levels and apertures of its channels on one clock, as the trigger system times them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from instruments.virtual.seriesb2900.buffer import Buffered
from instruments.virtual.seriesb2900.tables import TRIGGERS
from labmtj.simulated.clock import nanoseconds
from labmtj.virtual.meter_commands import spaced
from labmtj.virtual.schedule import CLOSE, LEVEL, OPEN, Aperture, Event, Schedule
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import Call, command
from labmtj.virtual.scpi_values import channel_list, digits, only


class Sequencing(Buffered):
    """A B2900 that runs lists, stairs and pulses."""

    @command(":INITiate[:IMMediate][:ALL]", ":INITiate[:IMMediate]:ACQuire", ":INITiate[:IMMediate]:TRANsient")
    def initiate(self, call: Call) -> None:
        """Run the sequences of the channels."""
        self._run(self.channels_named(call))

    @command(":ABORt[:ALL]", ":ABORt:ACQuire", ":ABORt:TRANsient")
    def _abort(self, call: Call) -> None:
        self.channels_named(call)  # between two messages nothing runs that could be stopped

    @command(":IDLE#[:ALL]?", ":IDLE#:ACQuire?", ":IDLE#:TRANsient?")
    def _idle(self, _call: Call) -> str:
        return "1"

    def interrupt(self, message: str) -> bool:
        """Stop a running sequence for `:ABOR`, whatever channels it names."""
        return super().interrupt(message.partition("(")[0]) if ";" not in message else False

    def channels_named(self, call: Call) -> list[int]:
        """Return the channels that a query names; the first if it names none."""
        if not call.arguments:
            return [1]
        found: list[int] = []
        for first, last in channel_list(only(call.arguments)):
            if not (digits(first, 2) and digits(last, 2)):
                raise SCPIError(-222)
            found.extend(range(int(first), int(last) + 1))
        if not found or not self.suffixes.issuperset(found) or len(set(found)) < len(found):
            raise SCPIError(-222)
        return found

    def _switch_on(self, channels: Sequence[int]) -> None:
        for channel in channels:
            values = self.values[channel]
            if not values["output"] and values["on auto"]:
                values["output"] = self.check_output("output", channel, True)  # noqa: FBT003 (as the engine calls it)
                self.apply(channel)
            elif not values["output"]:
                raise SCPIError(-221)

    def _run(self, channels: Sequence[int]) -> None:
        """Step levels and read, all channels on one clock."""
        plans = {channel: self._plan(channel) for channel in channels}
        self._switch_on(channels)
        for channel in channels:
            self.readings[channel] = []
        pulsing = any(self.values[channel]["shape"] == "PULS" for channel in channels)
        events = [event for channel in channels for event in self._schedule(channel, plans[channel])]
        self._play(channels, events, "pulse" if pulsing else "settle")
        for channel in channels:  # back to the immediate level (a continuous trigger output is not modelled)
            if self.values[channel]["off auto"]:
                self.values[channel]["output"] = False
            self.apply(channel)
            self.feed(channel)

    def _play(self, channels: Sequence[int], events: Sequence[Event], purpose: str) -> None:
        schedule = Schedule(self.units, self.box.time, self.hold, self._read_aperture, purpose)
        schedule.play(events, {channel: self.level(channel) for channel in channels}, self.stopped)

    def _plan(self, channel: int) -> list[float]:
        """Return the level of every trigger."""
        values = self.values[channel]
        function, count = values["function"], values["transient count"]
        mode = values[f"{function} mode"]
        if mode == "FIX":
            points = [values[f"{function} peak"] if values["shape"] == "PULS" else values[f"{function} level"]]
        else:
            points = self._stairs(channel) if mode == "SWE" else list(values[f"{function} list"])
        if values[f"{function} autorange"]:  # the range that holds them all
            values[f"{function} range"] = self._holding(self.sheet.sourced[function], max(points, key=abs))
        for point in points:
            self.check_level(f"{function} level", channel, point)
        return [points[index % len(points)] for index in range(max(count, values["acquire count"]))]

    def _stairs(self, channel: int) -> list[float]:
        values = self.values[channel]
        start, stop, count = (values[f"{values['function']} {part}"] for part in ("start", "stop", "points"))
        if values["spacing"] == "LOG" and start * stop <= 0:
            raise SCPIError(-221)
        points = spaced(start, stop, count, logarithmic=values["spacing"] == "LOG")
        if values["stairs"] == "DOUB":
            points += points[::-1]
        return points if values["direction"] == "UP" else points[::-1]

    def _schedule(self, channel: int, plan: Sequence[float]) -> Iterator[Event]:
        values, aperture = self.values[channel], nanoseconds(self.aperture(channel))
        base, pulsed = values[f"{values['function']} level"], values["shape"] == "PULS"
        begin = nanoseconds(values["transient delay"] + (values["pulse delay"] if pulsed else 0.0))
        end = begin + nanoseconds(values["pulse width"])
        delay = nanoseconds(values["acquire delay"])
        busy = {"transient": end if pulsed else begin, "acquire": delay + aperture}
        steps = {
            trigger: max(nanoseconds(values[f"{trigger} timer"]), busy[trigger])
            if values[f"{trigger} source"] == "TIM"
            else max(busy.values())
            for trigger in TRIGGERS
        }
        for index in range(values["transient count"]):
            start = index * steps["transient"]
            yield Event(start + begin, LEVEL, channel, plan[index])
            if pulsed:
                yield Event(start + end, LEVEL, channel, base)
        for index in range(values["acquire count"]):
            start = index * steps["acquire"] + delay
            yield Event(start, OPEN, channel)
            yield Event(start + aperture, CLOSE, channel)

    def _read_aperture(self, channel: int, aperture: Aperture) -> None:
        shown = self.convert(channel, aperture.mean, aperture.seconds)
        self.readings[channel].append(self.row(channel, shown, aperture.level, aperture.opened))

    def spot(self, channels: Sequence[int]) -> None:
        """Read every channel once at its present level, all at the same time."""
        self._switch_on(channels)
        for channel in channels:
            self.readings[channel] = []
        events = [Event(0, OPEN, channel) for channel in channels]
        events += [Event(nanoseconds(self.aperture(channel)), CLOSE, channel) for channel in channels]
        self._play(channels, events, "settle")
