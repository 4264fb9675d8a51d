"""`trigger.model`: blocks that are done one after another in the background, while the script goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from instruments.virtual.series2450tsp.blocks import MOST_BLOCKS, NOP, Block, block_of, listed
from instruments.virtual.series2450tsp.configlists import ConfigLists
from instruments.virtual.series2450tsp.events import Events
from instruments.virtual.series2450tsp.kinds import FLAG, Between, refused
from instruments.virtual.series2450tsp.measure import Meter
from instruments.virtual.series2450tsp.source import Source
from instruments.virtual.series2450tsp.templates import template
from labmtj.virtual.tsp.background import REST, Background
from labmtj.virtual.tsp.clock import Course, Wait
from labmtj.virtual.tsp.complaints import UNAVAILABLE, Complaint
from labmtj.virtual.tsp.engine import Engine
from labmtj.virtual.tsp.tree import Group, number

MOST_BLOCKS_AT_ONCE = 20_000
"""after which the model rests until a script asks for its state: every message ends"""
STATE = "trigger.STATE_{}"


class TriggerModel:
    """The trigger model of the box.

    Args:
        engine: of the box.
        events: that blocks wait for, and notify.
        source: of the box.
        meter: of the box.
        lists: of the source and of the meter.
        digital: sets digital lines to a pattern of bits.
        log: writes an entry of a kind ("INFO", "WARN", "ERROR") into the event log.
    """

    def __init__(
        self, engine: Engine, events: Events, source: Source, meter: Meter, lists: tuple[ConfigLists, ConfigLists],
        digital: Callable[[int], None], log: Callable[[str, str], None],
    ) -> None:  # fmt: skip
        self._engine, self._source, self._meter, self._lists, self._log = engine, source, meter, lists, log
        self._blocks: list[Block] = []
        self._counts: Counter[int] = Counter()
        self._indexes: dict[str, int] = {}
        self._seen: set[str] = set()
        self._place, self._began, self._at_once, self._before = 0, 0.0, 0, float("nan")
        self._once: set[int] = set()
        self._outcome, self._paused, self._awaiting = "IDLE", False, False
        self._background = Background(engine.clock, self._failed)
        self._actions: dict[str, Callable[[Block], None]] = {
            "MEASURE": self._measure, "LOG_EVENT": self._write_log, "RESET_BRANCH_COUNT": self._reset_count,
            "CONFIG_RECALL": self._configure, "CONFIG_NEXT": self._configure, "CONFIG_PREV": self._configure,
            "SOURCE_OUTPUT": lambda block: source.switch(on=FLAG.accept(block.parameters[0]) == "smu.ON"),
            "BUFFER_CLEAR": lambda block: meter.buffer(block.parameter(0)).clear(),
            "DIGITAL_IO": lambda block: digital(int(number(block.parameters[0]))),
            "NOTIFY": lambda block: events.emit(str(block.parameters[0])),
        }  # fmt: skip
        events.listen(self._notice)
        self.group = Group(
            "trigger.model",
            {
                "setblock": self._set_block, "load": self._load, "initiate": self._initiate, "abort": self.abort,
                "pause": self._pause, "resume": self._resume, "state": self._state,
                "getblocklist": lambda: listed(self._blocks), "getbranchcount": self._branch_count,
            },
        )  # fmt: skip

    def reset(self) -> None:
        """End what runs, and have no blocks."""
        self.abort()
        self.replace([])
        self._outcome = "IDLE"

    def replace(self, blocks: list[Block]) -> None:
        """Have other blocks; Complaint while the model runs."""
        if self._background.running:
            raise Complaint(UNAVAILABLE, "the trigger model is running: abort it first")
        self._blocks, self._place = blocks, 0
        self._counts.clear()

    def abort(self) -> None:
        """End it where it is; the output stays as it is."""
        if self._background.running:
            self._background.stop()
            self._outcome = "ABORTED"

    # What scripts do

    def _set_block(self, place: object, constant: object, *parameters: object) -> None:
        where, block = int(Between(1, MOST_BLOCKS).accept(place)), block_of(constant, parameters)
        blocks = [*self._blocks, *[NOP] * (where - len(self._blocks))]
        blocks[where - 1] = block
        self.replace(blocks)

    def _load(self, name: object, *parameters: object) -> None:
        self.replace(template(name, parameters))

    def _initiate(self) -> None:
        if self._background.running:
            raise Complaint(UNAVAILABLE, "the trigger model is running already")
        if not self._blocks:
            raise Complaint(UNAVAILABLE, "the trigger model has no blocks")
        self._counts.clear()
        self._indexes.clear()
        self._seen.clear()
        self._once.clear()
        self._at_once, self._paused, self._outcome = 0, False, "IDLE"
        self._began = self._engine.clock.now()
        self._background.start(self._running())

    def _pause(self) -> None:
        self._paused = self._background.running

    def _resume(self) -> None:
        self._paused = False
        self._background.wake()

    def _state(self) -> tuple[object, ...]:
        if not self._blocks:
            name = "EMPTY"
        elif self._background.running:
            waits = self._background.resting and self._awaiting
            name = "PAUSED" if self._paused else "WAITING" if waits else "RUNNING"
            if self._at_once >= MOST_BLOCKS_AT_ONCE:
                self._at_once = 0
                self._background.wake()
        else:
            name = self._outcome
        state = STATE.format(name)
        return state, state, float(self._place)

    def _branch_count(self, place: object) -> float:
        return float(self._counts[int(number(place))])

    def _notice(self, event: str) -> None:
        self._seen.add(event)
        if self._awaiting:
            self._background.wake()

    def _failed(self, complaint: Complaint) -> None:
        self._outcome = "FAILED"
        self._engine.complain(complaint.entry)

    # Running

    def _running(self) -> Course[None]:
        self._place = 1
        while self._place <= len(self._blocks):
            while self._paused:
                yield REST
            block, place = self._blocks[self._place - 1], self._place
            after = yield from self._do(block, place)
            self._at_once += 1
            if self._at_once >= MOST_BLOCKS_AT_ONCE:
                yield REST
            self._place = after if after is not None else place + 1
        self._place = len(self._blocks)
        self._outcome = "IDLE"

    def _do(self, block: Block, place: int) -> Course[int | None]:
        """Do a block; return the block to go to, None for the next."""
        if block.kind in ("DELAY_CONSTANT", "DELAY_DYNAMIC"):
            constant = block.kind == "DELAY_CONSTANT"
            given = block.parameters[0]
            yield Wait(Between(0.0, 1e5).accept(given) if constant else self._user_delay(given), "delay")
        elif block.kind == "WAIT":
            yield from self._wait(block)
        elif block.kind in self._actions:
            self._actions[block.kind](block)
            if block.kind == "MEASURE":
                yield Wait(0.0, "measure")  # events that fell due meanwhile
        else:
            return self._branch(block, place)
        return None

    def _measure(self, block: Block) -> None:
        count = int(number(block.parameter(1, self._meter.attributes.get("count"))))
        self._before = self._meter.last
        self._meter.measure(self._meter.buffer(block.parameter(0)), count)

    def _write_log(self, block: Block) -> None:
        self._log(str(block.parameters[0]).removeprefix("trigger.LOG_").rstrip("1234"), str(block.parameters[1]))

    def _reset_count(self, block: Block) -> None:
        self._counts[int(number(block.parameters[0]))] = 0

    def _user_delay(self, constant: object) -> float:
        name = str(constant).removeprefix("trigger.USER_DELAY_")
        if len(name) != 2 or name[0] not in "MS" or not name[1].isdigit():
            raise refused(constant)
        attributes = self._meter.attributes if name[0] == "M" else self._source.attributes
        return float(attributes.get(f"userdelay[{name[1]}]"))

    def _wait(self, block: Block) -> Course[None]:
        """Wait for one event, or for all or any of up to three."""
        events = {str(block.parameters[0]), *(str(each) for each in block.parameters[3:])}
        any_of = block.parameter(2) == "trigger.WAIT_OR"
        if block.parameter(1) == "trigger.CLEAR_ENTER":
            self._seen -= events
        while not (self._seen & events if any_of else events <= self._seen):
            self._awaiting = True
            yield REST
        self._awaiting = False
        self._seen -= events

    def _configure(self, block: Block) -> None:
        """Recall a point of one list, and one of another; the source may be named first or second."""
        names = [block.parameters[0], block.parameter(2 if block.kind == "CONFIG_RECALL" else 1)]
        starts = [block.parameter(1, 1.0), block.parameter(3, block.parameter(1, 1.0))]
        for name, start in zip(names, starts, strict=True):
            if name is None:
                continue
            lists = next((each for each in self._lists if name in each.lists), None)
            if lists is None:
                raise refused(name)
            size, before = len(lists.lists[str(name)]), self._indexes.get(str(name), 0)
            if block.kind == "CONFIG_RECALL":
                index = int(number(start))
            elif block.kind == "CONFIG_NEXT":
                index = before % max(size, 1) + 1
            else:
                index = (before - 2) % max(size, 1) + 1
            self._indexes[str(name)] = index
            lists.apply(lists.point(name, index))

    def _branch(self, block: Block, place: int) -> int | None:
        """Return where a branch goes; None for on."""
        if block.kind == "NOP":
            return None
        target = int(number(block.parameters[-1])) if block.target is None else block.target
        return target if self._branches(block, place) else None

    def _branches(self, block: Block, place: int) -> bool:
        match block.kind:
            case "BRANCH_COUNTER":
                self._counts[place] += 1
                if self._counts[place] < number(block.parameters[0]):
                    return True
                self._counts[place] = 0
                return False
            case "BRANCH_ONCE" | "BRANCH_ONCE_EXCLUDED":
                first = place not in self._once
                self._once.add(place)
                return first == (block.kind == "BRANCH_ONCE")
            case "BRANCH_ON_EVENT":
                event = str(block.parameters[0])
                happened = event in self._seen
                self._seen.discard(event)
                return happened
            case "BRANCH_DELTA":
                return abs(self._meter.last - self._before) < number(block.parameters[0])
            case "BRANCH_LIMIT_CONSTANT":
                low, high = number(block.parameters[1]), number(block.parameters[2])
                return _within(str(block.parameters[0]), self._meter.last, low, high)
            case "BRANCH_LIMIT_DYNAMIC":
                low, high = self._meter.limit(int(Between(1, 2).accept(block.parameters[1])))
                return _within(str(block.parameters[0]), self._meter.last, low, high)
            case "BRANCH_ELAPSED":
                return self._engine.clock.now() - self._began < number(block.parameters[0])
            case "BRANCH_LAST":
                return self._more_points(block)
            case _:
                return True

    def _more_points(self, block: Block) -> bool:
        """Go on to the next points of both lists; whether there were any."""
        measure, source = block.parameters[0], block.parameters[1]
        sizes = [len(each.lists[str(name)]) for each in self._lists for name in (measure, source) if name in each.lists]
        done = max(self._indexes.get(str(name), 1) for name in (measure, source))
        if done >= max(sizes, default=0):
            return False
        self._configure(Block("CONFIG_NEXT", (measure, source)))
        return True


def _within(kind: str, value: float, low: float, high: float) -> bool:
    """Return whether a reading stands to the limits as a branch asks."""
    tests = {
        "trigger.LIMIT_ABOVE": value > high, "trigger.LIMIT_BELOW": value < low,
        "trigger.LIMIT_INSIDE": low <= value <= high, "trigger.LIMIT_OUTSIDE": not low <= value <= high,
    }  # fmt: skip
    if kind not in tests:
        raise refused(kind)
    return tests[kind]
