"""Single readings of a 2450: of the function that is chosen, into a buffer."""

from __future__ import annotations

from instruments.virtual.series2450.buffers import Buffers, Reading
from instruments.virtual.series2450.tables import (
    AUTO_DELAY_SECONDS,
    FUNCTIONS,
    PER_FUNCTION,
)
from labmtj.virtual.meter_commands import function_named
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import Call, after, command, one
from labmtj.virtual.sourcemeter import names
from labmtj.virtual.unit import NO_VALUE


class Measuring(Buffers):
    """A 2450 that can take a reading."""

    def reset(self) -> None:
        """Measure amperes."""
        self.measured = "CURR"
        super().reset()

    def apply(self, channel: int) -> None:
        """Bring the terminals to the settings of the present functions."""
        values = self.values[channel]
        for name in PER_FUNCTION:
            values[name] = values[f"{self.measured} {name}"]
        values["off mode"] = values[f"{values['function']} off mode"]
        super().apply(channel)

    @after(
        *(f"{function} {name}" for function in FUNCTIONS for name in ("nplc", "autozero", "four wires")),
        *names("q off mode"),
    )
    def _reapply(self, _name: str, channel: int) -> None:
        self.apply(channel)

    @command("[:SENSe#]:FUNCtion[:ON]")
    def _choose_function(self, call: Call) -> None:
        self.measured = function_named(one(call))
        self.apply(1)

    @command("[:SENSe#]:FUNCtion[:ON]?")
    def _chosen_function(self) -> str:
        return FUNCTIONS[self.measured]

    @command("[:SENSe#]:AZERo:ONCE")
    def _zero_once(self) -> None:
        self.box.time.spend(2 * self.aperture(1), "autozero")

    def take(self, level: float | None = None) -> Reading:
        """Take one reading at the present level, or at one that a sweep has set."""
        values, function = self.values[1], self.values[1]["function"]
        delay = AUTO_DELAY_SECONDS if values[f"{function} delay auto"] else values[f"{function} delay"]
        self.box.time.spend(delay, "settle")
        seconds, count = self.box.time.now(), values[f"{self.measured} filter count"]
        shown = self.measure(1, count if values[f"{self.measured} filter"] else 1)
        ohms = shown.volts / shown.amperes if shown.amperes else NO_VALUE
        found = {"VOLT": shown.volts, "CURR": shown.amperes, "RES": ohms}
        programmed = values[f"{function} level"] if level is None else level
        source = found[function] if values[f"{function} read back"] else programmed
        return Reading(found[self.measured], self.measured, source, function, seconds, shown.limited)

    def measure_into(self, name: str) -> None:
        """Take as many readings as are set, into a buffer."""
        for _ in range(self.values[1]["count"]):
            if self.stopped.is_set():
                break
            self.keep(name, self.take())

    @command(":READ?", ":MEASure?")
    def _read(self, call: Call) -> str | None:
        name, elements = self.buffer_and_elements(call.arguments)
        self.measure_into(name)
        return None if self.stopped.is_set() else self.show(self.buffers[name][-1:], elements)

    @command(*(f":MEASure:{function}?" for function in ("VOLTage[:DC]", "CURRent[:DC]", "RESistance")))
    def _measure_function(self, call: Call) -> str | None:
        self.measured = next(each for each in FUNCTIONS if f":{each}" in call.header)
        self.apply(1)
        return self._read(call)

    @command(":FETCh?")
    def _fetch(self, call: Call) -> str:
        name, elements = self.buffer_and_elements(call.arguments)
        if not self.buffers[name]:
            raise SCPIError(-230)
        return self.show(self.buffers[name][-1:], elements)

    @command(":TRACe:TRIGger")
    def _measure_to_buffer(self, call: Call) -> None:
        self.measure_into(self.buffer_or_default(call))
