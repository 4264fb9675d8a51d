"""Sweeps of a 2450: planned by one command, run by the next, with the output on, then off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from instruments.virtual.series2450.buffers import at_least
from instruments.virtual.series2450.configurations import Configurations
from instruments.virtual.series2450.tables import MOST_IN_LIST, MOST_POINTS
from labmtj.virtual.network.unit import Quantity
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import spaced
from labmtj.virtual.scpi.table import Call, command
from labmtj.virtual.scpi.values import Numbers, Whole, number, spelling


class Sweeping(Configurations):
    """A 2450 that can sweep."""

    def reset(self) -> None:
        """Have no sweep planned."""
        self._sweep: Callable[[], None] | None = None
        super().reset()

    def forget_sweep(self) -> None:
        """Have no sweep planned."""
        self._sweep = None

    @command("[:SOURce#]:SWEep:VOLTage:LINear", "[:SOURce#]:SWEep:CURRent:LINear")
    def _sweep_linear(self, call: Call) -> None:
        start, stop, count = self._ends(call)
        self._plan(call, spaced(start, stop, count), 3)

    @command("[:SOURce#]:SWEep:VOLTage:LINear:STEP", "[:SOURce#]:SWEep:CURRent:LINear:STEP")
    def _sweep_by_steps(self, call: Call) -> None:
        start, stop = map(number, at_least(call, 3)[:2])
        step = number(call.arguments[2])
        count = round((stop - start) / step) + 1 if step else 0
        if not 1 <= count <= MOST_POINTS:
            raise SCPIError(-222)
        self._plan(call, [start + step * index for index in range(count)], 3)

    @command("[:SOURce#]:SWEep:VOLTage:LOG", "[:SOURce#]:SWEep:CURRent:LOG")
    def _sweep_logarithmic(self, call: Call) -> None:
        start, stop, count = self._ends(call)
        if start * stop <= 0:
            raise SCPIError(-222)
        self._plan(call, spaced(start, stop, count, logarithmic=True), 3)

    @command("[:SOURce#]:SWEep:VOLTage:LIST", "[:SOURce#]:SWEep:CURRent:LIST")
    def _sweep_list(self, call: Call) -> None:
        first = Whole(1, MOST_POINTS).read(call.arguments[:1], 1)
        levels = list(self.values[1][f"{self._swept(call)} list"])[first - 1 :]
        if not levels:
            raise SCPIError(-222)
        self._plan(call, levels, 1)

    def _ends(self, call: Call) -> tuple[float, float, int]:
        start, stop, count = at_least(call, 3)[:3]
        return number(start), number(stop), Whole(2, MOST_POINTS).read((count,), 2)

    def _swept(self, call: Call) -> Quantity:
        return "VOLT" if ":VOLT" in call.header else "CURR"

    def _plan(self, call: Call, levels: list[float], used: int) -> None:
        """Keep a sweep for `:INIT`: after the levels come delay, count, range type and others, and a buffer."""
        quantity, rest = self._swept(call), call.arguments[used:]
        highest = self._holding(self.sheet.sourced[quantity], max(levels, key=abs))
        delay = -1.0 if not rest or spelling("DEFault", rest[0]) else number(rest[0])
        repeats = Whole(1, MOST_POINTS).read(rest[1:2], 1) if len(rest) > 1 else 1
        named = [each for each in rest[2:] if each[:1] in ("'", '"')]
        buffer = self.buffer(named[0]) if named else "defbuffer1"
        if delay < -1 or delay > 1e4 or repeats * len(levels) > MOST_POINTS:
            raise SCPIError(-222)
        self._sweep = lambda: self._run(quantity, levels * repeats, highest, delay, buffer)

    def _run(self, quantity: Quantity, levels: Sequence[float], highest: float, delay: float, buffer: str) -> None:
        """Sweep with the output on, and switch it off after; the buffer is emptied first, as by the box's template."""
        values, self.buffers[buffer] = self.values[1], []
        values["function"] = quantity
        if values[f"{quantity} autorange"]:
            values[f"{quantity} range"] = highest
        values["output"] = self.check_output("output", 1, True)  # noqa: FBT003 (as the engine calls it)
        for level in levels:
            if self.stopped.is_set():
                break
            values[f"{quantity} level"] = level
            self.apply(1)
            if delay > 0:
                self.box.time.spend(delay, "settle")
            self.keep(buffer, self.take(level))
        values["output"] = False
        self.apply(1)

    @command("[:SOURce#]:LIST:VOLTage:APPend", "[:SOURce#]:LIST:CURRent:APPend")
    def _append(self, call: Call) -> None:
        name = f"{self._swept(call)} list"
        extended = self.values[1][name] + Numbers(-210.0, 210.0, MOST_IN_LIST).read(call.arguments, ())
        if len(extended) > MOST_POINTS:
            raise SCPIError(-223)
        self.values[1][name] = extended

    @command("[:SOURce#]:LIST:VOLTage:POINts?", "[:SOURce#]:LIST:CURRent:POINts?")
    def _list_points(self, call: Call) -> str:
        return str(len(self.values[1][f"{self._swept(call)} list"]))

    def _plan_by(self, run: Callable[[], None] | None) -> None:
        """Have something else run by `:INIT`."""
        self._sweep = run

    @command(":INITiate[:IMMediate]")
    def _initiate(self) -> None:
        if self._sweep is None:
            raise SCPIError(-221)
        self._sweep()
