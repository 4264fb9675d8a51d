"""What the brands of SCPI source-measure units word alike: line frequency, terminals, functions, levels of a sweep."""

from __future__ import annotations

from labmtj.virtual.network.unit import Quantity
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.sourcemeter import SourceMeter
from labmtj.virtual.scpi.table import Call, check, command, one
from labmtj.virtual.scpi.values import number, quoted, spelling

MIDDLES = tuple(f"{node}:{what}" for node in ("VOLTage", "CURRent") for what in ("CENTer", "SPAN"))


class MeterCommands(SourceMeter):
    """A source-measure unit with what most of them answer to."""

    @command(":SYSTem:LFRequency?")
    def _line_frequency(self) -> str:
        return f"{self.box.line_hertz:.0f}"

    @check("terminals")
    def _switch_terminals(self, _name: str, channel: int, terminals: str) -> str:
        if terminals != self.values[channel]["terminals"]:  # the output goes off first
            self.values[channel]["output"] = False
            self.apply(channel)
        return terminals

    def set_middle(self, call: Call, channel: int) -> None:
        """Set a sweep by its middle or its span instead of its ends."""
        quantity, (middle, span) = self._middle(call, channel)
        value = number(one(call))
        middle, span = (value, span) if ":CENT" in call.header else (middle, value)
        values = self.values[channel]
        values[f"{quantity} start"], values[f"{quantity} stop"] = middle - span / 2, middle + span / 2

    def asked_middle(self, call: Call, channel: int) -> str:
        """Return the middle or the span of a sweep."""
        return self.number_style % self._middle(call, channel)[1][":CENT" not in call.header]

    def _middle(self, call: Call, channel: int) -> tuple[Quantity, tuple[float, float]]:
        quantity = quantity_in(call)
        start, stop = (float(self.values[channel][f"{quantity} {end}"]) for end in ("start", "stop"))
        return quantity, ((start + stop) / 2, stop - start)

    def highest_range(self, call: Call, channel: int, shown: float = 1.0) -> str:
        """Return the highest range of the meter that autorange takes: the one that holds the limit."""
        quantity = quantity_in(call)
        scales = self.sheet.measured[quantity]
        highest = scales.holding(self.values[channel][f"{quantity} limit"]) or scales.full[-1]
        return self.number_style % (highest * shown)

    def tripped(self, channel: int) -> str:
        """Return whether the limit is in control, as it is asked for: "1" or "0"."""
        return "1" if self.values[channel]["output"] and self.units[channel].limited() else "0"


def quantity_in(call: Call) -> Quantity:
    """Return the quantity that a header names."""
    return "VOLT" if ":VOLT" in call.header else "CURR"


def function_named(argument: str) -> str:
    """Return VOLT, CURR or RES for a function in quotation marks, such as "CURR:DC"."""
    found = spelling("VOLTage|CURRent|RESistance", quoted(argument).upper().removesuffix(":DC"))
    if found is None:
        raise SCPIError(-224)
    return found


def spaced(start: float, stop: float, count: int, *, logarithmic: bool = False) -> list[float]:
    """Return levels from start to stop, both included, evenly or by equal ratios; those must not pass zero."""
    fractions = [index / max(count - 1, 1) for index in range(count)]
    if logarithmic:
        return [float(start * (stop / start) ** fraction) for fraction in fractions]
    return [start + (stop - start) * fraction for fraction in fractions]
