"""Events of a box and what waits for them: timers, blenders, generators, and the trigger lines that lead nowhere here.

Every part is a table of a script with a stimulus or two, an EVENT_ID, and `wait`, `clear`, `reset` and `overrun` as far
as the manual has them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.ports import Port
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, number, truth, whole, within

if TYPE_CHECKING:
    from labmtj.virtual.tsp.engine import Engine

TIMERS, BLENDERS, GENERATORS, BLENDED = 8, 6, 2, 4
LINES = {"digio": 14, "tsplink": 3, "lan": 8}
FIRST_EVENT = 101
"""number of the first event; below are those that manuals print, such as 28 and 50 of the scan of a 3700A"""
ENDLESS = 5_000
"""events of a timer whose count is 0, each time that it is started: all timers together stay within what a message may
take, also on a busy machine"""
LONGEST_WAIT_SECONDS = 100_000.0
LONGEST_LIST = 512
"""delays of a timer [assumed]"""


class Stimulus(Setting):
    """The number of the event that something waits for; 0 for none."""

    def __init__(self, triggers: Triggers, noticed: Callable[[], None], *, kept: bool = False) -> None:
        super().__init__(0.0, number, kept=kept)
        self.noticed, self._triggers = noticed, triggers
        triggers.stimuli.append(self)

    def keep(self, value: Any) -> None:
        """Wait for another event; who waits for what is sorted out at the next one."""
        super().keep(value)
        self._triggers.listeners = None


class Triggers:
    """All events of a box, and who waits for them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.numbers = count(FIRST_EVENT)
        self.stimuli: list[Stimulus] = []
        self.listeners: dict[float, list[Stimulus]] | None = None
        """stimuli by event, or None once one of them has changed"""
        self.command = Latch(self)
        engine.triggered = self.command.happen
        self.timers = [Timer(self, f"trigger.timer[{place}]") for place in range(1, TIMERS + 1)]
        self.blenders = [Blender(self, f"trigger.blender[{place}]") for place in range(1, BLENDERS + 1)]
        generators = {place: self._generator(place) for place in range(1, GENERATORS + 1)}
        self.group = Group(
            "trigger",
            {
                "EVENT_ID": self.command.event, "EVENT_NONE": 0, "wait": self.command.wait, "clear": self.command.clear,
                "timer": _numbered("trigger.timer", [each.group for each in self.timers]),
                "blender": _numbered("trigger.blender", [each.group for each in self.blenders]),
                "generator": Group("trigger.generator", generators),
            },
        )  # fmt: skip
        panel = Latch(self)
        names = {"EVENT_ID": panel.event, "wait": panel.wait, "clear": panel.clear, "overrun": panel.overrun}
        engine.extend({"trigger": self.group})
        engine.extend({"display": Group("display", {"trigger": Group("display.trigger", names)})})
        engine.extend({name: self._lines(name, number_of) for name, number_of in LINES.items()})
        ports = {name: Port(LINES[name]).members() for name in ("digio", "tsplink")}
        engine.extend({name: Group(name, members) for name, members in ports.items()})
        engine.resets.append(self.reset)

    def emit(self, event: int) -> None:
        """Let an event happen."""
        if self.listeners is None:
            self.listeners = {}
            for stimulus in self.stimuli:
                if stimulus.value:
                    self.listeners.setdefault(stimulus.value, []).append(stimulus)
        for stimulus in self.listeners.get(event, ()):
            stimulus.noticed()

    def reset(self) -> None:
        """Forget what has happened, and stop the timers."""
        self.command.clear()
        for timer in self.timers:
            timer.clear()
        for blender in self.blenders:
            blender.clear()

    def _generator(self, place: int) -> Group:
        event = next(self.numbers)
        return Group(f"trigger.generator[{place}]", {"EVENT_ID": event, "assert": partial(self.emit, event)})

    def _lines(self, name: str, number_of: int) -> Group:
        lines = {place: self._line(f"{name}.trigger[{place}]") for place in range(1, number_of + 1)}
        return Group(name, {"trigger": Group(f"{name}.trigger", lines)})

    def _line(self, name: str) -> Group:
        """Return a line that can be driven, and on which nothing ever arrives."""
        latch = Latch(self)
        group = Group(
            name,
            {
                "EVENT_ID": latch.event, "wait": latch.wait, "clear": latch.clear, "overrun": latch.overrun,
                "assert": lambda: None, "release": lambda: None, "stimulus": Stimulus(self, lambda: None),
            },
        )  # fmt: skip

        def reset() -> None:
            latch.clear()
            group.reset(everything=True)

        group.members["reset"] = reset
        return group


class Latch:
    """Remembers that its event has happened until a script has waited for it."""

    def __init__(self, triggers: Triggers) -> None:
        self._triggers, self.event = triggers, next(triggers.numbers)
        self._seen = self._overrun = False
        self.overrun = Reading(lambda: self._overrun)

    def happen(self) -> None:
        """Emit the event; a second one before the first was waited for is an overrun."""
        self._overrun, self._seen = self._overrun or self._seen, True
        self._triggers.emit(self.event)

    def wait(self, seconds: object = None) -> bool:
        """Let time pass until the event has happened; False if it has not within some seconds."""
        longest = within(0.0, LONGEST_WAIT_SECONDS)(seconds)
        seen = self._triggers.engine.clock.wait(longest, "wait", lambda: self._seen)
        self._seen = self._seen and not seen
        return seen

    def clear(self) -> None:
        """Forget what has happened."""
        self._seen = self._overrun = False


class Detector:
    """Remembers that its stimulus has happened until a script passes; without a stimulus it is open."""

    def __init__(self, triggers: Triggers) -> None:
        self.stimulus = Stimulus(triggers, self.set)
        self._seen = False
        self.overrun = False
        """whether an event came while one was still remembered"""
        self._engine = triggers.engine
        self._waiting: Callable[[], None] | None = None

    def passes(self, otherwise: Callable[[], None]) -> bool:
        """Return whether one may pass now; if not, have a function called when one may."""
        if not self.stimulus.value or self._seen:
            self._seen = False
            return True
        self._waiting = otherwise
        return False

    def forget(self) -> None:
        """Forget that the stimulus has happened; who waits goes on waiting."""
        self._seen = False

    def clear(self) -> None:
        """Forget what has happened and who waits."""
        self._seen, self.overrun, self._waiting = False, False, None

    def set(self) -> None:
        """Let who waits pass, or else the next who comes."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            self.overrun, self._seen = self.overrun or self._seen, True
        else:
            self._engine.clock.after(0.0, waiting)


class Timer:
    """trigger.timer[N]: emits its event some time after its stimulus, as often as `count` says, by a list of delays."""

    def __init__(self, triggers: Triggers, name: str) -> None:
        self._triggers, self._latch = triggers, Latch(triggers)
        self.event = self._latch.event
        self.delays = Setting([1e-5], _delays, self._first_delay)
        self.delay = Setting(1e-5, within(0.0, LONGEST_WAIT_SECONDS), self._one_delay)
        self.count = Setting(1.0, whole(0, 1_048_575))
        self.passthrough = Setting(default=False, accept=truth)
        self._left = self._place = 0
        self._overrun = False
        self.group = Group(
            name,
            {
                "delay": self.delay, "delaylist": self.delays, "count": self.count, "passthrough": self.passthrough,
                "stimulus": Stimulus(triggers, self._noticed), "EVENT_ID": self.event, "clear": self.clear,
                "reset": self._reset, "wait": self._latch.wait, "overrun": Reading(lambda: self._overrun),
            },
        )  # fmt: skip

    def clear(self) -> None:
        """Stop it, and forget what has happened."""
        self._left, self._overrun = 0, False
        self._latch.clear()

    def _noticed(self) -> None:
        if self._left:
            self._overrun = True
            return
        self._left, self._place = int(self.count.value) or ENDLESS, 0
        if self.passthrough.value:
            self._latch.happen()
        self._start()

    def _start(self) -> None:
        delays = self.delays.value
        self._triggers.engine.clock.after(delays[self._place % len(delays)], self._expire)
        self._place += 1

    def _expire(self) -> None:
        if not self._left:
            return
        self._left -= 1
        if self._left:
            self._start()
        self._latch.happen()

    def _one_delay(self) -> None:
        self.delays.value = [self.delay.value]

    def _first_delay(self) -> None:
        self.delay.value = self.delays.value[0]

    def _reset(self) -> None:
        self.clear()
        self.group.reset(everything=True)


class Blender:
    """trigger.blender[N]: emits its event when all of its stimuli have happened, or any of them."""

    def __init__(self, triggers: Triggers, name: str) -> None:
        self._latch = Latch(triggers)
        self.any = Setting(default=False, accept=truth)
        self._seen: set[int] = set()
        self._overrun = False
        self._stimuli = [
            # a blender keeps its stimuli: only its own reset brings them back
            Stimulus(triggers, partial(self._noticed, place), kept=True)
            for place in range(BLENDED)
        ]
        self.group = Group(
            name,
            {
                "orenable": self.any, "stimulus": _numbered(f"{name}.stimulus", self._stimuli),
                "EVENT_ID": self._latch.event, "wait": self._latch.wait, "clear": self.clear, "reset": self._reset,
                "overrun": Reading(lambda: self._overrun),
            },
        )  # fmt: skip

    def clear(self) -> None:
        """Forget what has happened."""
        self._seen.clear()
        self._overrun = False
        self._latch.clear()

    def _noticed(self, place: int) -> None:
        self._overrun = self._overrun or place in self._seen
        self._seen.add(place)
        wanted = {place for place, stimulus in enumerate(self._stimuli) if stimulus.value}
        if self.any.value or wanted <= self._seen:
            self._seen.clear()
            self._latch.happen()

    def _reset(self) -> None:
        self.clear()
        self.group.reset(everything=True)


def _numbered(name: str, parts: list[Any]) -> Group:
    members: Members = dict(enumerate(parts, 1))
    return Group(name, members)


def _delays(value: object) -> list[float]:
    if not isinstance(value, list) or not 0 < len(value) <= LONGEST_LIST:
        raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a table of delays is expected")
    return [within(0.0, LONGEST_WAIT_SECONDS)(each) for each in value]
