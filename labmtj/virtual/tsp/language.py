"""What every TSP box has in its tree: printing, the error queue, time, the front panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmtj.virtual.tsp.bits import bits
from labmtj.virtual.tsp.buffers import columns
from labmtj.virtual.tsp.complaints import TOO_FEW_PARAMETERS, Complaint, Ended, Entry
from labmtj.virtual.tsp.node import Node, Nodes
from labmtj.virtual.tsp.stores import Stores
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, number, one_of, switch, text, truth, within

if TYPE_CHECKING:
    from labmtj.virtual.tsp.engine import Engine

LONGEST_DELAY_SECONDS = 100_000.0
FREE_KILOBYTES, MEMORY_KILOBYTES = 30_000.0, 32_768.0
"""[assumed]"""
FIRST_NODE = 1
"""number of a box on its TSP-Link"""


def entry_values(entry: Entry) -> tuple[float, str, float, float]:
    """Return an entry of the error queue as a script sees it; the last is the number of the node."""
    return float(entry.code), entry.text, float(entry.severity), 1.0


class Language:
    """The functions and tables that all boxes share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._started = 0.0
        self._zone: tuple[str, ...] = ("0",)
        self.prompts, self.show_errors = Setting(0.0, switch, kept=True), Setting(0.0, switch, kept=True)
        self.line_hertz = Setting(engine.nature.line_hertz, one_of(50, 60), self._line_frequency_set, kept=True)
        self._follows_line = Setting(default=True, accept=truth, kept=True)

    def members(self) -> Members:
        """Return the globals."""
        engine = self._engine
        itself = Node(engine, self._local_node())
        nodes = Nodes(engine, itself, FIRST_NODE)
        return {
            "print": engine.sandbox.printing(self._print),
            "printnumber": self._print_number,
            "printbuffer": self._print_buffer,
            "format": engine.format.group,
            "errorqueue": self._queue(),
            "localnode": itself,
            "node": nodes,
            "tsplink": Group("tsplink", {"node": nodes.number}),
            "bit": bits(),
            "timer": Group(
                "timer", {"reset": self._restart, "measure": Group("timer.measure", {"t": self._elapsed_seconds})}
            ),
            "status": engine.common.group,
            "delay": self._delay,
            "waitcomplete": self._wait_complete,
            "opc": self._opc,
            "reset": lambda *_: engine.reset(),
            "exit": _exit,
            "meminfo": lambda: (FREE_KILOBYTES, MEMORY_KILOBYTES),
            "settime": self._set_time,
            "settimezone": self._set_zone,
            "gettimezone": lambda: self._zone,
            **Stores(engine).members(),
        }

    def _queue(self) -> Group:
        errors = self._engine.errors
        count = Reading(lambda: float(len(errors)))
        return Group("errorqueue", {"count": count, "next": lambda: entry_values(errors.next()), "clear": errors.clear})

    def _local_node(self) -> Members:
        nature = self._engine.nature
        return {
            "model": nature.model, "serialno": nature.serial, "revision": nature.firmware,
            "description": Setting(f"Keithley {nature.model}", text, kept=True),
            "linefreq": self.line_hertz,
            "autolinefreq": self._follows_line, "prompts": self.prompts, "showerrors": self.show_errors,
            "reset": self._engine.reset,
        }  # fmt: skip

    def _line_frequency_set(self) -> None:
        self._follows_line.value = False

    def _print(self, *values: object) -> None:
        self._engine.put("\t".join(map(self._engine.format.text, values)))

    def _print_number(self, *values: object) -> None:
        self._engine.put(self._engine.format.numbers(map(number, values)))

    def _print_buffer(self, *parameters: object) -> None:
        if len(parameters) < 3:
            raise Complaint(TOO_FEW_PARAMETERS, "expected at least 3 parameters")
        first, last = int(number(parameters[0])), int(number(parameters[1]))
        found = [each.values(first, last) for each in columns(parameters[2:])]
        self._engine.put(self._engine.format.numbers(value for row in zip(*found, strict=True) for value in row))

    def _delay(self, seconds: object = None) -> None:
        self._engine.clock.spend(within(0.0, LONGEST_DELAY_SECONDS)(seconds), "delay")

    def _wait_complete(self, group: object = 0) -> None:
        number(group)
        self._engine.clock.finish()

    def _opc(self) -> None:
        self._engine.clock.finish()
        self._engine.common.operation_complete()

    def _set_time(self, seconds: object) -> None:
        self._engine.utc_at_zero = number(seconds) - self._engine.clock.now()

    def _set_zone(self, *zone: object) -> None:
        if not zone:
            raise Complaint(TOO_FEW_PARAMETERS, "expected at least 1 parameters")
        self._zone = tuple(map(text, zone))

    def _restart(self) -> None:
        self._started = self._engine.clock.now()

    def _elapsed_seconds(self) -> float:
        return self._engine.clock.now() - self._started


def _exit() -> None:
    """End the script that calls it, without an error."""
    raise Ended
