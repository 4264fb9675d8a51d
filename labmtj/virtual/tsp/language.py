"""What every TSP box has in its tree: printing, the error queue, time, the front panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmtj.virtual.tsp.buffers import columns
from labmtj.virtual.tsp.complaints import TOO_FEW_PARAMETERS, Complaint, Entry
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, number, switch, truth, within

if TYPE_CHECKING:
    from labmtj.virtual.tsp.engine import Engine

LONGEST_DELAY_SECONDS = 100_000.0
PANEL_CALLS = ("clear", "settext", "setcursor", "trigger", "sendkey")


def entry_values(entry: Entry) -> tuple[float, str, float, float]:
    """Return an entry of the error queue as a script sees it; the last is the number of the node."""
    return float(entry.code), entry.text, float(entry.severity), 1.0


class Language:
    """The functions and tables that all boxes share."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._started = 0.0
        self.prompts, self.show_errors = Setting(0.0, switch), Setting(0.0, switch)

    def members(self) -> Members:
        """Return the globals."""
        engine = self._engine
        return {
            "print": self._print,
            "printnumber": self._print_number,
            "printbuffer": self._print_buffer,
            "format": engine.format.group,
            "errorqueue": self._queue(),
            "localnode": self._local_node(),
            "display": Group("display", panel_calls() | {"screen": Setting(0.0, number)}),
            "beeper": Group("beeper", {"enable": Setting(1.0, switch), "beep": nothing}),
            "timer": Group(
                "timer", {"reset": self._restart, "measure": Group("timer.measure", {"t": self._elapsed_seconds})}
            ),
            "status": engine.common.group,
            "delay": self._delay,
            "waitcomplete": self._wait_complete,
            "opc": self._opc,
            "reset": lambda *_: engine.reset(),
        }

    def _queue(self) -> Group:
        errors = self._engine.errors
        count = Reading(lambda: float(len(errors)))
        return Group("errorqueue", {"count": count, "next": lambda: entry_values(errors.next()), "clear": errors.clear})

    def _local_node(self) -> Group:
        nature = self._engine.nature
        return Group(
            "localnode",
            {
                "model": nature.model, "serialno": nature.serial, "revision": nature.firmware,
                "description": f"Keithley {nature.model}", "linefreq": nature.line_hertz,
                "autolinefreq": Setting(default=True, accept=truth), "prompts": self.prompts,
                "prompts4882": Setting(1.0, switch), "showerrors": self.show_errors, "reset": self._engine.reset,
            },
        )  # fmt: skip

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

    def _restart(self) -> None:
        self._started = self._engine.clock.now()

    def _elapsed_seconds(self) -> float:
        return self._engine.clock.now() - self._started


def panel_calls() -> Members:
    """Return the functions of a front panel."""
    return dict.fromkeys(PANEL_CALLS, nothing)


def nothing(*_: object) -> None:
    """Do what a front panel does: nothing that matters here."""
