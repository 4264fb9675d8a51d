"""What the brands of SCPI source-measure units word alike: line frequency, terminals, functions, levels of a sweep."""

from __future__ import annotations

from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import check, command
from labmtj.virtual.scpi_values import quoted, spelling
from labmtj.virtual.sourcemeter import SourceMeter


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

    def tripped(self, channel: int) -> str:
        """Return whether the limit is in control, as it is asked for: "1" or "0"."""
        return "1" if self.values[channel]["output"] and self.units[channel].limited() else "0"


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
