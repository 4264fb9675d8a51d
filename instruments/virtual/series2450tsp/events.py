"""Events of the 2450 and what waits for them: timers, blenders, lines that lead nowhere, `trigger.wait`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from instruments.virtual.series2450tsp.attributes import Attribute, Table
from instruments.virtual.series2450tsp.constants import EVENTS
from instruments.virtual.series2450tsp.kinds import Between, OneOf
from labmtj.virtual.tsp.clock import Clock
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, number, truth, within

TIMERS, BLENDERS, BLENDED = 4, 2, 4
LONGEST_SECONDS = 100_000.0
ENDLESS = 5_000
"""events of a timer whose count is 0, for each time that it is started"""
STIMULUS = OneOf({f"EVENT_{name}": name for name in EVENTS}, "trigger")
FLAG = OneOf({"OFF": False, "ON": True}, "trigger")
NONE = "trigger.EVENT_NONE"
LINES = {"digin": ("DIGIO", 6), "tsplinkin": ("TSPLINK", 3), "lanin": ("LAN", 8)}


class Events:
    """All events of a box, and who listens."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._listeners: list[Callable[[str], None]] = []
        self._command = Latch(self, "trigger.EVENT_COMMAND")
        self.timers = [Timer(self, n) for n in range(1, TIMERS + 1)]
        self.blenders = [Blender(self, n) for n in range(1, BLENDERS + 1)]
        lines = {name: self._lines(name, *what) for name, what in LINES.items()}
        self.members: Members = {
            "wait": self._command.wait, "clear": self._command.clear, **lines,
            "timer": _numbered("trigger.timer", self.timers), "blender": _numbered("trigger.blender", self.blenders),
        }  # fmt: skip

    def listen(self, listener: Callable[[str], None]) -> None:
        """Have a function called with the name of every event."""
        self._listeners.append(listener)

    def emit(self, event: str) -> None:
        """Let an event happen."""
        for listener in self._listeners:
            listener(event)

    def command(self) -> None:
        """Execute *TRG: emit its event, and resume what waited for it."""
        self.emit("trigger.EVENT_COMMAND")
        self.clock.finish()

    def reset(self) -> None:
        """Bring timers and blenders to their defaults."""
        self._command.clear()
        for timer in self.timers:
            timer.reset()
        for blender in self.blenders:
            blender.reset()

    def _lines(self, name: str, event: str, count: int) -> Group:
        groups = {
            n: Latch(self, f"trigger.EVENT_{event}{n}").group(f"trigger.{name}[{n}]") for n in range(1, count + 1)
        }
        return Group(f"trigger.{name}", dict(groups))


class Latch:
    """Remembers that an event has happened until a script has waited for it."""

    def __init__(self, events: Events, event: str) -> None:
        self._events, self._event = events, event
        self._seen = self.overrun = False
        events.listen(self._notice)

    def wait(self, seconds: object = None) -> bool:
        """Let time pass until the event has happened, or some seconds are over."""
        longest = within(0.0, LONGEST_SECONDS)(seconds)
        seen = self._events.clock.wait(longest, "wait", lambda: self._seen)
        self._seen = self._seen and not seen
        return seen

    def clear(self) -> None:
        """Forget it."""
        self._seen = self.overrun = False

    def group(self, name: str) -> Group:
        """Return a table that waits for it."""
        return Group(name, {"wait": self.wait, "clear": self.clear, "overrun": Reading(lambda: self.overrun)})

    def _notice(self, event: str) -> None:
        if event == self._event:
            self.overrun, self._seen = self.overrun or self._seen, True


class Timer:
    """trigger.timer[N]: enabled, it counts its delays from its stimulus, or from now if it has none."""

    def __init__(self, events: Events, n: int) -> None:
        self._events, self._event = events, f"trigger.EVENT_TIMER{n}"
        self._latch = Latch(events, self._event)
        self._left = self._place = 0
        self._enabled = self._generate = self._overrun = False
        self._stimulus = NONE
        self._delays = [1e-5]
        self._count = Setting(1.0, lambda value: Between(0, 1_048_575, whole=True).accept(value))
        seconds = Setting(0.0, number), Setting(0.0, within(0.0, 1.0))
        start = Table(
            f"trigger.timer[{n}].start",
            {
                "generate": Attribute(lambda: FLAG.shown(self._generate), self._set_generate),
                "stimulus": Attribute(lambda: self._stimulus, self._set_stimulus),
                "overrun": Reading(lambda: self._overrun), "seconds": seconds[0], "fractionalseconds": seconds[1],
            },
        )  # fmt: skip
        self.group = Table(
            f"trigger.timer[{n}]",
            {
                "enable": Attribute(lambda: FLAG.shown(self._enabled), self._set_enable), "start": start,
                "delay": Attribute(lambda: self._delays[0], self._set_delay),
                "delaylist": Attribute(lambda: list(self._delays), self._set_delays),
                "count": self._count, "wait": self._latch.wait, "clear": self._clear, "reset": self.reset,
            },
        )  # fmt: skip
        events.listen(self._notice)

    def reset(self) -> None:
        """Stop it and bring it to its defaults."""
        self._clear()
        self._enabled = self._generate = False
        self._stimulus, self._delays = NONE, [1e-5]
        self.group.reset()

    def _clear(self) -> None:
        self._left, self._overrun = 0, False
        self._latch.clear()

    def _notice(self, event: str) -> None:
        if self._enabled and event == self._stimulus:
            self._begin()

    def _begin(self) -> None:
        if self._left:
            self._overrun = True
            return
        self._left, self._place = int(self._count.value) or ENDLESS, 0
        if self._generate:
            self._events.emit(self._event)
        self._next()

    def _next(self) -> None:
        self._events.clock.after(self._delays[self._place % len(self._delays)], self._expire)
        self._place += 1

    def _expire(self) -> None:
        if not self._left or not self._enabled:
            return
        self._left -= 1
        if self._left:
            self._next()
        self._events.emit(self._event)

    def _set_enable(self, value: object) -> None:
        self._enabled = FLAG.accept(value) == "trigger.ON"
        if not self._enabled:
            self._left = 0
        elif self._stimulus == NONE:
            self._begin()

    def _set_generate(self, value: object) -> None:
        self._generate = FLAG.accept(value) == "trigger.ON"

    def _set_stimulus(self, value: object) -> None:
        self._stimulus = STIMULUS.accept(value)

    def _set_delay(self, value: object) -> None:
        self._delays = [within(0.0, LONGEST_SECONDS)(value)]

    def _set_delays(self, value: object) -> None:
        if not isinstance(value, list) or not value:
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a table of delays is expected")
        self._delays = [within(0.0, LONGEST_SECONDS)(each) for each in value]


class Blender:
    """trigger.blender[N]: its event happens when all of its stimuli have happened, or any of them."""

    def __init__(self, events: Events, n: int) -> None:
        self._events, self._event = events, f"trigger.EVENT_BLENDER{n}"
        self._latch = Latch(events, self._event)
        self._stimuli = [NONE] * BLENDED
        self._seen: set[int] = set()
        self._any = Setting(default=False, accept=truth)
        name = f"trigger.blender[{n}]"
        stimuli = {place + 1: self._stimulus(place) for place in range(BLENDED)}
        self.group = Group(
            name,
            {
                "orenable": self._any, "stimulus": Table(f"{name}.stimulus", dict(stimuli)), "wait": self._latch.wait,
                "clear": self._clear, "reset": self.reset, "overrun": Reading(lambda: self._latch.overrun),
            },
        )  # fmt: skip
        events.listen(self._notice)

    def reset(self) -> None:
        """Bring it to its defaults."""
        self._clear()
        self._stimuli[:] = [NONE] * BLENDED
        self._any.value = False

    def _clear(self) -> None:
        self._seen.clear()
        self._latch.clear()

    def _stimulus(self, place: int) -> Attribute:
        def write(value: object) -> None:
            self._stimuli[place] = STIMULUS.accept(value)

        return Attribute(lambda: self._stimuli[place], write)

    def _notice(self, event: str) -> None:
        places = {place for place, stimulus in enumerate(self._stimuli) if stimulus == event}
        if not places:
            return
        self._seen |= places
        wanted = {place for place, stimulus in enumerate(self._stimuli) if stimulus != NONE}
        if self._any.value or wanted <= self._seen:
            self._seen.clear()
            self._events.emit(self._event)


def _numbered(name: str, parts: list[Any]) -> Group:
    return Group(name, {place: part.group for place, part in enumerate(parts, 1)})
