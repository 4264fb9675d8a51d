"""The `scan` table of a TSP matrix: steps that close channels one after another, each when its event has come.

After the Series 3700A reference (web help), scan.*; the numbers of events other than 28 and 50 are from memory,
unverified. Without a multimeter a step measures nothing ("nofunction").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import NamedTuple

from instruments.virtual.tspmatrix.matrix import Matrix
from instruments.virtual.tspmatrix.names import BAD_CHANNEL
from labmtj.virtual.network.terminals import Crosspoint
from labmtj.virtual.tsp.background import REST, Background
from labmtj.virtual.tsp.clock import Course
from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, UNAVAILABLE, Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, number, one_of, switch, whole
from labmtj.virtual.tsp.triggers import Stimulus, Triggers

OPEN_ALL, OPEN_SELECTIVE, FIXED_ABR = 0, 1, 2
SCAN_READY, SCAN_START, CHANNEL_READY, MEASURE_COMPLETE, SEQUENCE_COMPLETE, SCAN_COMPLETE, IDLE = (
    26, 27, 28, 49, 50, 51, 52,
)  # fmt: skip
EVENTS = {
    "EVENT_SCAN_READY": SCAN_READY, "EVENT_SCAN_START": SCAN_START, "EVENT_CHANNEL_READY": CHANNEL_READY,
    "EVENT_MEASURE_COMP": MEASURE_COMPLETE, "EVENT_SEQUENCE_COMP": SEQUENCE_COMPLETE,
    "EVENT_SCAN_COMP": SCAN_COMPLETE, "EVENT_IDLE": IDLE,
}  # fmt: skip
OWN_EVENTS = frozenset(EVENTS.values())
"""that the scan brings about itself as it goes on: no script waits for one of them"""
MOST_STEPS_AT_ONCE = 500
"""of a background scan, after which it rests until a script asks for its state: every message ends"""
MOST_SCANS, MOST_MEASUREMENTS = 2_147_483_647, 450_000


class State(IntEnum):
    """What `scan.state()` answers first."""

    EMPTY = 0
    BUILDING = 1
    RUNNING = 2
    ABORTED = 3
    FAILED = 4
    FAILED_INIT = 5
    SUCCESS = 6


class Step(NamedTuple):
    """One step of a scan list."""

    name: str
    relays: tuple[Crosspoint, ...]
    action: Callable[[], None] | None = None
    """what is done at a step of ports: it moves no relay"""


class Gate:
    """An event detector of the trigger model: it lets the scan pass once its event has come."""

    def __init__(self, triggers: Triggers, name: str, stimulus: float, opened: Callable[[], None]) -> None:
        self._seen, self._opened = False, opened
        self.stimulus = Stimulus(triggers, self.set)
        self.stimulus.default = self.stimulus.value = float(stimulus)
        self.group = Group(name, {"stimulus": self.stimulus, "set": self.set, "clear": self.clear})

    def passes(self) -> bool:
        """Return whether one may pass now."""
        free = not self.stimulus.value or self.stimulus.value in OWN_EVENTS or self._seen
        self._seen = self._seen and not free
        return free

    def set(self) -> None:
        """Let the next pass."""
        self._seen = True
        self._opened()

    def clear(self) -> None:
        """Forget what has happened."""
        self._seen = False


class Scan:
    """The scan of one mainframe.

    Args:
        engine: of the box.
        matrix: its relays.
        port_step: returns what a step does with a channel that has no relay; None for a relay.
    """

    def __init__(
        self,
        engine: Engine,
        matrix: Matrix,
        port_step: Callable[[Crosspoint, float | None, int], Callable[[], None] | None],
    ) -> None:
        self._engine, self._matrix, self._port_step, self._emit = engine, matrix, port_step, engine.triggers.emit
        self._background, self._at_once = Background(engine.clock, self._failed), 0
        self._bypass, self._mode = Setting(1.0, switch), Setting(0.0, one_of(OPEN_ALL, OPEN_SELECTIVE, FIXED_ABR))
        self._scans = Setting(1.0, whole(1, MOST_SCANS))
        self._measurements = Setting(1.0, whole(1, MOST_MEASUREMENTS), self._again_built)
        self._arm = Gate(engine.triggers, "scan.trigger.arm", 0.0, self._background.wake)
        self._channel = Gate(engine.triggers, "scan.trigger.channel", SEQUENCE_COMPLETE, self._background.wake)
        self._sequence = Gate(engine.triggers, "scan.trigger.sequence", CHANNEL_READY, self._background.wake)
        self._measure = Gate(engine.triggers, "scan.trigger.measure", 0.0, self._background.wake)
        self._gates = (self._arm, self._channel, self._sequence, self._measure)
        self._steps: list[Step] = []
        self._state, self._done_scans, self._done_steps = State.EMPTY, 0, 0
        self.group = Group("scan", self._members())

    def reset(self) -> None:
        """End a scan that runs, empty the list, bring every setting to its default."""
        self._abort()
        self._build([], State.EMPTY)
        self.group.reset()
        for gate in self._gates:
            gate.clear()

    def changed(self, channels: Iterable[Crosspoint]) -> None:
        """Lose a list that has one of these channels: a setting of it has changed."""
        affected = set(channels)
        if any(affected.intersection(step.relays) for step in self._steps):
            self._abort()
            self._build([], State.EMPTY)

    # The list

    def _create(self, given: object = "", configuration: object = None) -> None:
        self._no_measurement(configuration)
        self._not_while_running()
        self._build([], State.EMPTY)
        self._append(given)

    def _add(self, given: object, configuration: object = None) -> None:
        width = int(configuration) if isinstance(configuration, int | float) else 1
        if not isinstance(configuration, int | float):
            self._no_measurement(configuration)
        self._not_while_running()
        self._append(given, width=width)

    def _add_image(self, given: object, configuration: object = None) -> None:
        self._no_measurement(configuration)
        self._not_while_running()
        channels = self._matrix.names.channels(given, groups=False)
        if not channels:
            raise Complaint(BAD_CHANNEL, "parameter 1 is invalid: a step has at least one channel")
        name = ",".join(map(self._matrix.names.text, channels))
        self._build([*self._steps, Step(name, tuple(self._matrix.closable(channels)))], State.BUILDING)

    def _add_write(self, given: object, value: object = None, width: object = 1) -> None:
        self._not_while_running()
        written, wide = number(value), int(whole(1, 4)(width))
        for channel in self._matrix.names.channels(given, groups=False):
            action = self._port_step(channel, written, wide)
            if action is None:
                raise Complaint(BAD_CHANNEL, "parameter 1 is invalid: a relay takes no value")
            self._build([*self._steps, Step(self._matrix.names.text(channel), (), action)], State.BUILDING)

    def _append(self, given: object, *, width: int = 1) -> None:
        """Append a step for each channel or pattern; forbidden channels of a range are passed over."""
        names = self._matrix.names
        for item in names.split(given):
            (channels,) = names.items(item, groups=True)
            if item in names.patterns:
                self._build([*self._steps, Step(item, tuple(self._matrix.closable(channels)))], State.BUILDING)
                continue
            for channel in channels:
                action = self._port_step(channel, None, width)
                if action is None and names.is_group(item) and channel in self._matrix.forbidden:
                    continue
                relays = () if action is not None else tuple(self._matrix.closable([channel]))
                self._build([*self._steps, Step(names.text(channel), relays, action)], State.BUILDING)

    def _build(self, steps: list[Step], state: State) -> None:
        self._steps, self._state = steps, state
        self._done_scans = self._done_steps = 0

    def _again_built(self) -> None:
        self._not_while_running()

    def _no_measurement(self, configuration: object) -> None:
        if configuration not in (None, "nofunction", ""):
            raise Complaint(INVALID_PARAMETER, f"parameter 2 is invalid: no multimeter for {configuration!r}")

    def _not_while_running(self) -> None:
        self._notice_clear()
        if self._state is State.RUNNING:
            raise Complaint(UNAVAILABLE, "command unavailable: a scan is running")

    def _list(self) -> str:
        """Return the list as the box shows it: what opens and what closes at each step."""
        if not self._steps:
            return "Empty Scan"
        lines, before = ["Init) OPEN..."], set[Crosspoint]()
        for index, step in enumerate(self._steps, 1):
            lines.append(f"{index}) STEP: {step.name}")
            for verb, relays in (("OPEN", before - set(step.relays)), ("CLOSE", set(step.relays) - before)):
                if relays:
                    lines.append(f"{verb}: {' '.join(map(self._matrix.names.text, sorted(relays)))}")
            lines.append(f"MEASURE: nofunction COUNT: {int(self._measurements.value)}")
            before = set(step.relays) or before
        return "\n".join(lines)

    # Running

    def _execute(self, buffer: object = None) -> tuple[float, ...]:
        """Run in the foreground; an event that cannot come any more ends it."""
        self._begin(buffer)
        for wait in self._running():
            if wait is REST:
                self._state = State.ABORTED
                raise Complaint(UNAVAILABLE, "the scan waits for an event that nothing will bring about: it is ended")
            self._engine.clock.spend(*wait)
        return self._status()

    def _run_in_background(self, buffer: object = None) -> tuple[float, ...]:
        self._begin(buffer)
        self._background.start(self._running())
        return self._status()

    def _begin(self, buffer: object) -> None:
        if buffer is not None:
            raise Complaint(INVALID_PARAMETER, "parameter 1 is invalid: a reading buffer of the multimeter is expected")
        self._not_while_running()
        if not self._steps:
            self._state = State.FAILED_INIT
            raise Complaint(UNAVAILABLE, "command unavailable: the scan list is empty")
        self._state, self._done_scans, self._done_steps, self._at_once = State.RUNNING, 0, 0, 0

    def _failed(self, complaint: Complaint) -> None:
        self._state = State.FAILED
        self._engine.complain(complaint.entry)

    def _running(self) -> Course[None]:
        """Open what must be open, then close the channels of each step instead of those of the step before."""
        matrix, steps = self._matrix, self._steps
        opening = matrix.closed() if self._mode.value == OPEN_ALL else {each for step in steps for each in step.relays}
        yield from matrix.moving(sorted(opening), [])
        self._emit(SCAN_READY)
        before: tuple[Crosspoint, ...] = ()
        while self._done_scans < self._scans.value:
            yield from self._until(self._arm)
            self._emit(SCAN_START)
            for index, step in enumerate(steps):
                if index or not self._bypass.value:
                    yield from self._until(self._channel)
                if step.action is not None:
                    step.action()
                else:
                    yield from matrix.replacing(before, list(step.relays))
                    before = step.relays
                self._emit(CHANNEL_READY)
                yield from self._until(self._sequence)
                for _ in range(int(self._measurements.value) if self._measure.stimulus.value else 1):
                    yield from self._until(self._measure)
                self._done_steps = index + 1
                self._at_once += 1
                self._emit(SEQUENCE_COMPLETE)
                if self._background.running and self._at_once >= MOST_STEPS_AT_ONCE:
                    yield REST
            self._done_scans += 1
            self._emit(SCAN_COMPLETE)
        self._state = State.SUCCESS
        self._emit(IDLE)

    def _until(self, gate: Gate) -> Course[None]:
        while not gate.passes():
            yield REST

    def _abort(self) -> None:
        self._background.stop()
        if self._state is State.RUNNING:
            self._state = State.ABORTED

    def _notice_clear(self) -> None:
        """Take note that a device clear or an aborted script has ended what ran in the background."""
        if self._state is State.RUNNING and not self._background.running:
            self._state = State.ABORTED

    def _status(self) -> tuple[float, ...]:
        self._notice_clear()
        return float(self._state), float(self._done_scans), float(self._done_steps)

    def _ask_state(self) -> tuple[float, ...]:
        status = self._status()
        if self._at_once >= MOST_STEPS_AT_ONCE:
            self._at_once = 0
            self._background.wake()
        return status

    def _clear_triggers(self) -> None:
        for gate in self._gates:
            gate.clear()

    def _members(self) -> Members:
        trigger = {gate.group.name.rpartition(".")[2]: gate.group for gate in self._gates}
        return {
            **{state.name: int(state) for state in State},
            "OFF": 0, "ON": 1,
            "MODE_OPEN_ALL": OPEN_ALL, "MODE_OPEN_SELECTIVE": OPEN_SELECTIVE, "MODE_FIXED_ABR": FIXED_ABR,
            "create": self._create, "add": self._add, "addimagestep": self._add_image, "addwrite": self._add_write,
            "list": self._list, "execute": self._execute, "background": self._run_in_background,
            "nobufferexecute": lambda: self._execute(), "nobufferbackground": lambda: self._run_in_background(),
            "abort": self._abort, "reset": self.reset, "state": self._ask_state,
            "bypass": self._bypass, "mode": self._mode, "scancount": self._scans, "measurecount": self._measurements,
            "stepcount": Reading(lambda: float(len(self._steps))),
            "trigger": Group("scan.trigger", {**EVENTS, **trigger, "clear": self._clear_triggers}),
        }  # fmt: skip
