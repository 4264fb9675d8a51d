"""The trigger model of a 2450: blocks that are set one by one, or all by a template, and run by `:INIT`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from instruments.virtual.series2450.buffers import at_least
from instruments.virtual.series2450.sweeps import Sweeping
from instruments.virtual.series2450.tables import MOST_POINTS
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, command
from labmtj.virtual.scpi.values import Switch, Whole, number, quoted

MOST_BLOCKS, MOST_STEPS = 255, 10_000_000
Block = Callable[[], int | None]
"""does what a block does; returns the number of the block to go on with, None for the next, -1 to wait"""
NODES = (
    "BRANch:ALWays", "BRANch:COUNter", "BRANch:COUNter:RESet", "BRANch:ONCE", "BRANch:ONCE:EXCLuded", "BUFFer:CLEar",
    "CONFig:NEXT", "CONFig:PREVious", "CONFig:RECall", "DELay:CONStant", "DELay:DYNamic", "DIGital:IO", "LOG:EVENt",
    "MEASure", "NOP", "NOTify", "SOURce:STATe", "WAIT",
)  # fmt: skip


class Triggering(Sweeping):
    """A 2450 with trigger blocks."""

    def reset(self) -> None:
        """Have no block."""
        self._empty()
        super().reset()

    def _empty(self) -> None:
        self._blocks: dict[int, tuple[str, Block]] = {}
        self._counts: dict[int, int] = {}
        self._once: set[int] = set()
        self._places: dict[str, int] = {}
        self._waits = False

    @command(*(f":TRIGger:BLOCk:{node}" for node in NODES))
    def _set_block(self, call: Call) -> None:
        place = Whole(1, MOST_BLOCKS).read(at_least(call, 1)[:1], 1)
        node = next(each for each in sorted(NODES, key=len, reverse=True) if _short(each) == _shortened(call.header))
        self._blocks[place] = (node, self._block(node, place, call))
        self._plan_by(self._run_blocks)

    def _block(self, node: str, place: int, call: Call) -> Block:  # noqa: C901 # one line a block
        arguments = call.arguments[1:]
        match node:
            case "BRANch:ALWays":
                return partial(self._target, _whole(arguments, 0, MOST_BLOCKS))
            case "BRANch:COUNter":
                count, target = _whole(arguments, 0, MOST_STEPS), _whole(arguments, 1, MOST_BLOCKS)
                return partial(self._branch_by_count, place, count, target)
            case "BRANch:COUNter:RESet":
                return partial(self._reset_count, _whole(arguments, 0, MOST_BLOCKS))
            case "BRANch:ONCE" | "BRANch:ONCE:EXCLuded":
                return partial(self._branch_once, place, _whole(arguments, 0, MOST_BLOCKS), node.endswith("EXCLuded"))
            case "BUFFer:CLEar":
                return partial(self._clear, self._buffer_of(arguments, 0))
            case "CONFig:NEXT" | "CONFig:PREVious":
                return partial(self._step_configuration, quoted(_at(arguments, 0)), 1 if "NEXT" in node else -1)
            case "CONFig:RECall":
                index = _whole(arguments, 1, MOST_POINTS) if len(arguments) > 1 else 1
                return partial(self._recall_at, quoted(_at(arguments, 0)), index)
            case "DELay:CONStant":
                return partial(self._spend, number(_at(arguments, 0)))
            case "DELay:DYNamic":
                return partial(self._wait_user, _at(arguments, 0).upper())
            case "DIGital:IO":
                return partial(self._write_lines, _whole(arguments, 0, 63))
            case "LOG:EVENt":
                return partial(self._log, quoted(_at(arguments, 1)))
            case "MEASure":
                buffer = self._buffer_of(arguments, 0)
                return partial(self._measure, buffer, _whole(arguments, 1, MOST_POINTS) if len(arguments) > 1 else 1)
            case "SOURce:STATe":
                return partial(self._switch, Switch().read(arguments, default=False))
            case "WAIT":
                return lambda: -1
        return lambda: None  # NOP, and NOTify, which nothing listens to

    # What blocks do

    @staticmethod
    def _target(block: int) -> int:
        return block

    def _branch_by_count(self, place: int, count: int, target: int) -> int | None:
        self._counts[place] = self._counts.get(place, 0) + 1
        return target if self._counts[place] < count else None

    def _reset_count(self, place: int) -> None:
        self._counts.pop(place, None)

    def _branch_once(self, place: int, target: int, excluded: bool) -> int | None:  # noqa: FBT001 # by partial
        first = place not in self._once
        self._once.add(place)
        return target if first != excluded else None

    def _clear(self, buffer: str) -> None:
        self.buffers[buffer] = []

    def _step_configuration(self, name: str, step: int) -> None:
        self._places[name] = max(self._places.get(name, 1) + step, 1)
        self.recall_configuration(name, self._places[name])

    def _recall_at(self, name: str, index: int) -> None:
        self._places[name] = index
        self.recall_configuration(name, index)

    def _spend(self, seconds: float) -> None:
        self.box.time.spend(min(max(seconds, 0.0), 1e4), "settle")

    def _wait_user(self, which: str) -> None:
        values = self.values[1]
        name = f"{self.measured} user delay {which[-1]}"
        self._spend(values.get(name, 0.0) if which.startswith("MEAS") else self._user_delay(which[-1]))

    def _user_delay(self, which: str) -> float:
        node = {"VOLT": "VOLTage", "CURR": "CURRent"}[self.values[1]["function"]]
        return float(self.values[1].get(f"[:SOURce#]:{node}:DELay:USER{which}", 0.0))

    def _write_lines(self, bits: int) -> None:
        self.write_port(bits)

    def _log(self, text: str) -> None:
        self._posted.append(text)

    def _measure(self, buffer: str, count: int) -> None:
        self.measure_into(buffer, count)

    def _switch(self, on: bool) -> None:  # noqa: FBT001 # by partial
        self.values[1]["output"] = self.check_output("output", 1, on)
        self.apply(1)

    def _buffer_of(self, arguments: tuple[str, ...], place: int) -> str:
        return self.buffer(arguments[place]) if len(arguments) > place else "defbuffer1"

    # Running them

    def _run_blocks(self) -> None:
        self._counts, self._once = {}, set()
        place = 1
        for _ in range(MOST_STEPS):
            if self.stopped.is_set() or place > max(self._blocks):
                return
            _, block = self._blocks.get(place, ("NOP", lambda: None))
            target = block()
            if target == -1:
                self._waits = True
                return
            place = place + 1 if target is None else target

    @command(":TRIGger:BLOCk:LIST?")
    def _list_blocks(self) -> str:
        return '"' + "; ".join(f"{place}) {node.upper()}" for place, (node, _) in sorted(self._blocks.items())) + '"'

    @command(":TRIGger:LOAD")
    def _load(self, call: Call) -> None:
        """Load a template: "SimpleLoop",count,delay,buffer; "DurationLoop",seconds,delay,buffer; "Empty"."""
        name, *arguments = at_least(call, 1)
        which = quoted(name).upper()
        if which == "EMPTY":
            self._empty()
            self._plan_by(None)
            return
        if which not in ("SIMPLELOOP", "DURATIONLOOP"):
            raise SCPIError(-224)
        delay = number(arguments[1]) if len(arguments) > 1 else 0.0
        buffer = self._buffer_of(tuple(arguments), 2)
        if not 0 <= delay <= 1e4:
            raise SCPIError(-222)
        if which == "SIMPLELOOP":
            count = Whole(1, MOST_POINTS).read(arguments[:1], 1)
            self._plan_by(lambda: self._loop(count, None, delay, buffer))
        else:
            seconds = number(_at(tuple(arguments), 0))
            if not 0 < seconds <= 1e5:
                raise SCPIError(-222)
            self._plan_by(lambda: self._loop(MOST_POINTS, seconds, delay, buffer))

    def _loop(self, count: int, seconds: float | None, delay: float, buffer: str) -> None:
        """Measure some times, or for some seconds; the output is switched on, and off again, by the template."""
        self.buffers[buffer] = []
        begun, on = self.box.time.now(), self.values[1]["output"]
        self._switch(on=True)
        for _ in range(count):
            passed = self.box.time.now() - begun
            if self.stopped.is_set() or (seconds is not None and passed >= seconds):
                break
            self.box.time.spend(delay, "settle")
            self.keep(buffer, self.take())
        self._switch(on=on)

    @command(":TRIGger:STATe?")
    def _trigger_state(self) -> str:
        return "WAITING;WAITING;1" if self._waits else "IDLE;IDLE;0"

    @command(":ABORt", ":TRIGger:PAUSe", ":TRIGger:RESume")
    def _abort(self) -> None:
        self._waits = False  # between two messages nothing else runs that could be stopped


def _at(arguments: tuple[str, ...], place: int) -> str:
    if len(arguments) <= place:
        raise SCPIError(-109)
    return arguments[place]


def _whole(arguments: tuple[str, ...], place: int, most: int) -> int:
    return Whole(0, most).read((_at(arguments, place),), 0)


def _short(node: str) -> str:
    return "".join(each for each in node if not each.islower())


def _shortened(header: str) -> str:
    """Return the nodes of a header after `:TRIGger:BLOCk:` in their short forms."""
    parts = {part.upper(): _short(part) for node in NODES for part in node.split(":")}
    return ":".join(parts.get(part, part) for part in header.split(":")[3:])
