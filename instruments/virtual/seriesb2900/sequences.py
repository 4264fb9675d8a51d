"""Sequences of a B2900: levels and apertures of its channels on one clock, as the trigger system times them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from instruments.virtual.seriesb2900.buffer import Buffered
from instruments.virtual.seriesb2900.tables import AUTO_OHMS, BIT_COMPLIANCE, ELEMENTS, OHMS_LIMIT_VOLTS, TRIGGERS
from labmtj.simulated.clock import nanoseconds
from labmtj.virtual.network.schedule import CLOSE, LEVEL, OPEN, Aperture, Event, Schedule
from labmtj.virtual.network.terminals import Box
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import spaced
from labmtj.virtual.scpi.sourcemeter import names
from labmtj.virtual.scpi.table import Call, after, command
from labmtj.virtual.scpi.values import channel_list, digits, only


class Sequencing(Buffered):
    """A B2900 that runs lists, stairs and pulses."""

    def __init__(self, box: Box) -> None:
        self.held: dict[int, float] = {}
        """levels that a continuous triggered output holds on to, by channel"""
        super().__init__(box)

    def reset(self) -> None:
        """Have nothing initiated."""
        self.waiting = []
        self.held = {}
        super().reset()

    @command(":INITiate[:IMMediate][:ALL]", ":INITiate[:IMMediate]:ACQuire", ":INITiate[:IMMediate]:TRANsient")
    def initiate(self, call: Call) -> None:
        """Run the sequences of the channels, now or when their trigger comes."""
        channels = self.channels_named(call)
        self.waiting = [] if all(self._goes_on(channel) for channel in channels) else channels
        if not self.waiting:
            self._run(channels)

    def _goes_on(self, channel: int) -> bool:
        """Say whether no trigger must come from elsewhere."""
        sources = (self.values[channel][f"{layer}{trigger} source"] for layer in ("", "arm ") for trigger in TRIGGERS)
        return all(source in ("AINT", "TIM") for source in sources)

    def trigger(self) -> None:
        """Go on after a trigger of the bus, if it is the one that is waited for."""
        sources = {self.values[channel][f"{layer}acquire source"] for channel in self.waiting for layer in ("", "arm ")}
        if "BUS" in sources:
            self._go_on(None)

    @command(
        *(
            f":{layer}#{node}[:IMMediate]"
            for layer in ("ARM", "TRIGger")
            for node in ("[:ALL]", ":ACQuire", ":TRANsient")
        )
    )
    def _go_on(self, _call: Call | None) -> None:
        channels, self.waiting = self.waiting, []
        if channels:
            self._run(channels)

    def device_clear(self) -> None:
        """Stop what runs or waits."""
        super().device_clear()
        self.waiting = []

    @command(":ABORt[:ALL]", ":ABORt:ACQuire", ":ABORt:TRANsient")
    def _abort(self, call: Call) -> None:
        aborted = self.channels_named(call) if call.arguments else [*self.suffixes]
        self.waiting = [channel for channel in self.waiting if channel not in aborted]

    @command(":IDLE#[:ALL]?", ":IDLE#:ACQuire?", ":IDLE#:TRANsient?")
    def _idle(self, call: Call) -> str:
        return "0" if call.channel in self.waiting else "1"

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
        for channel in channels:
            self._source_ohms(channel)
        plans = {channel: self._plan(channel) for channel in channels}
        self._switch_on(channels)
        for channel in channels:
            self.readings[channel] = []
            self.held.pop(channel, None)
        pulsing = any(self.values[channel]["shape"] == "PULS" for channel in channels)
        events = [event for channel in channels for event in self._schedule(channel, plans[channel])]
        self._play(channels, events, "pulse" if pulsing else "settle")
        for channel in channels:  # back to the immediate level, or not
            if self.values[channel]["continuous"] and self.values[channel]["shape"] == "DC":
                self.held[channel] = plans[channel][self.values[channel]["transient count"] - 1]
            self._end(channel)
            self.feed(channel)

    def _end(self, channel: int) -> None:
        """Leave a sequence: the output goes off by itself, or because it was limited, or stays."""
        values = self.values[channel]
        limited = any(int(row[ELEMENTS.index("STAT")]) & BIT_COMPLIANCE for row in self.readings[channel])
        if values["off auto"] or (values["protection"] and limited):
            values["output"] = False
        self.apply(channel)
        if values["protection"] and limited:
            self.units[channel].release()  # 0 V, then open

    def level(self, channel: int) -> float:
        """Return the level; a continuous triggered output holds the last one of its sequence."""
        return self.held[channel] if channel in self.held else super().level(channel)

    @after(*names("q level"), *names("q mode"), "function", "shape", "continuous")
    def _let_go(self, _name: str, channel: int) -> None:
        if self.held.pop(channel, None) is not None:
            self.apply(channel)

    def _source_ohms(self, channel: int) -> None:
        """Hold the test current of the lowest range that holds the resistance, if resistance chooses its own source."""
        values, unit = self.values[channel], self.units[channel]
        if "RES" not in self.functions[channel] or values["ohms mode"] != "AUTO":
            return
        self._switch_on([channel])
        for scale, amperes in reversed(AUTO_OHMS):
            if not values["ohms autorange"] and scale > values["ohms range"]:
                continue
            values |= {"function": "CURR", "CURR level": amperes, "CURR range": amperes, "CURR autorange": False}
            values |= {"CURR mode": "FIX", "shape": "DC", "VOLT limit": OHMS_LIMIT_VOLTS, "sense VOLT autorange": True}
            self.hold(channel, amperes)
            if not values["ohms autorange"] or abs(unit.look(0.0).volts) > amperes * scale / 12:
                return

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
            first = values[f"{function} list start"] - 1
            points = self._stairs(channel) if mode == "SWE" else list(values[f"{function} list"])[first:]
        if not points:
            raise SCPIError(-221)
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
        before = values["transient delay"] + self._pause(channel, "source")
        begin = nanoseconds(before + (values["pulse delay"] if pulsed else 0.0))
        end = begin + nanoseconds(values["pulse width"])
        delay = nanoseconds(values["acquire delay"] + self._pause(channel, "sense"))
        busy = {"transient": end if pulsed else begin, "acquire": delay + aperture}
        steps = {
            trigger: max(nanoseconds(values[f"{trigger} timer"]), busy[trigger])
            if values[f"{trigger} source"] == "TIM"
            else max(busy.values())
            for trigger in TRIGGERS
        }
        blocks = [values[f"{trigger} count"] * steps[trigger] for trigger in TRIGGERS]
        for arm, opened in self._arms(channel, "transient", max(blocks)):
            for index in range(values["transient count"]):
                start = opened + index * steps["transient"]
                yield Event(start + begin, LEVEL, channel, plan[(arm * values["transient count"] + index) % len(plan)])
                if pulsed:
                    yield Event(start + end, LEVEL, channel, base)
        for _, opened in self._arms(channel, "acquire", max(blocks)):
            for index in range(values["acquire count"]):
                start = opened + index * steps["acquire"] + delay
                yield Event(start, OPEN, channel)
                yield Event(start + aperture, CLOSE, channel)

    def _arms(self, channel: int, trigger: str, block: int) -> Iterator[tuple[int, int]]:
        """Yield the number of every arming and its time in nanoseconds; each holds all triggers of a block."""
        values, opened = self.values[channel], nanoseconds(self.values[channel][f"arm {trigger} delay"])
        step = block
        if values[f"arm {trigger} source"] == "TIM":
            step = max(step, nanoseconds(values[f"arm {trigger} timer"]))
        for index in range(values[f"arm {trigger} count"]):
            yield index, opened + index * step

    def _pause(self, channel: int, which: str) -> float:
        """Return the wait of source or meter in seconds; the automatic one is not modelled."""
        values = self.values[channel]
        return (
            float(values[f"{which} wait offset"])
            if values[f"{which} wait"] and not values[f"{which} wait auto"]
            else 0.0
        )

    def _read_aperture(self, channel: int, aperture: Aperture) -> None:
        shown = self.convert(channel, aperture.mean, aperture.seconds)
        self.readings[channel].append(self.row(channel, shown, aperture.level, aperture.opened))

    def spot(self, channels: Sequence[int]) -> None:
        """Read every channel once at its present level, all at the same time."""
        self._switch_on(channels)
        for channel in channels:
            self.readings[channel] = []
            self._source_ohms(channel)
        events = []
        for channel in channels:
            opened = nanoseconds(self._pause(channel, "sense"))
            events.append(Event(opened, OPEN, channel))
            events.append(Event(opened + nanoseconds(self.aperture(channel)), CLOSE, channel))
        self._play(channels, events, "settle")
        for channel in channels:
            if self.values[channel]["protection"]:
                self._end(channel)
