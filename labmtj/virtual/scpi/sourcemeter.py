"""What SCPI source-measure units have in common: levels, ranges, limits and outputs, whatever their headers are.

A brand's table of settings uses the names below; `q` is "VOLT" or "CURR".

    function            "VOLT" or "CURR": what is sourced
    q level             of the source, when that is its function
    q range             of the source: full scale             q autorange         whether it follows the level
    q limit             most of q that the channel gives
    sense q range       of the meter: full scale              sense q autorange   whether it follows the reading
    nplc                aperture in power-line cycles         autozero            whether each reading takes three
    output              on or off                             off mode            NORM, ZERO, GUAR, HIMP
    four wires          remote sense                         terminals          FRON or REAR, if it has both
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from labmtj.simulated.meter import MeterModel
from labmtj.virtual.network.converter import Converter
from labmtj.virtual.network.terminals import Box, Sensed
from labmtj.virtual.network.unit import Measured, Quantity, Scales, Span, Unit
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.instrument import SCPIInstrument
from labmtj.virtual.scpi.table import after, check
from labmtj.virtual.scpi.values import Number

QUANTITIES: tuple[Quantity, Quantity] = ("VOLT", "CURR")
AUTOZERO_APERTURES = 2
"""conversions in addition to the reading itself: reference and zero"""

POWER_SETTINGS = {"VOLT": ("VOLT range", "CURR limit"), "CURR": ("VOLT limit", "CURR range")}
"""what a source sets, by its function, that decides how much power it may give"""


@dataclass(frozen=True)
class Sheet:
    """What a data sheet says of a model."""

    meter: MeterModel
    sourced: dict[Quantity, Scales]
    measured: dict[Quantity, Scales]

    @classmethod
    def of(cls, meter: MeterModel, source_reach: float, measure_reach: float) -> Self:
        """Return the sheet of a model that sources and measures on the same ranges."""
        volts = tuple(each.full_scale_volts for each in meter.voltage_ranges)
        amperes = tuple(each.full_scale_amperes for each in meter.ranges)
        return cls(
            meter,
            {"VOLT": Scales(volts, source_reach), "CURR": Scales(amperes, source_reach)},
            {"VOLT": Scales(volts, measure_reach), "CURR": Scales(amperes, measure_reach)},
        )


@dataclass(frozen=True)
class Range(Number):
    """A range: asked for by any value within its reach; shown as its full scale times `shown`."""

    shown: float = 1.0

    def show(self, value: Any, style: str) -> str:
        """Show it."""
        return str(style % (value * self.shown))


def other(quantity: Quantity) -> Quantity:
    """Return the quantity that is limited when this one is sourced."""
    return "CURR" if quantity == "VOLT" else "VOLT"


def _quantity(name: str) -> Quantity:
    return "VOLT" if "VOLT" in name else "CURR"


def names(pattern: str) -> tuple[str, str]:
    """Return the names of a setting for both quantities; `q` in the pattern stands for them."""
    return pattern.replace("q", "VOLT"), pattern.replace("q", "CURR")


class SourceMeter(SCPIInstrument):
    """Channels that source and measure; numeric suffix 1 is the first."""

    sheet: ClassVar[Sheet]
    interlock_closed = True
    """a fault may open it"""

    def __init__(self, box: Box) -> None:
        meter = replace(self.sheet.meter, line_hertz=box.line_hertz)
        self.units = {
            channel: Unit(
                box.channels[str(channel)],
                Converter(meter, box.seed, box.name, str(channel), noise=box.noise),
                self.sheet.measured["VOLT"].full,
                self.sheet.measured["CURR"].full,
            )
            for channel in sorted(self.suffixes)
        }
        super().__init__(box)

    @classmethod
    def channel_names(cls) -> tuple[str, ...]:
        """Return the channels of the model."""
        return tuple(str(channel) for channel in sorted(cls.suffixes))

    def reset(self) -> None:
        """Bring settings and terminals to their defaults."""
        super().reset()
        for channel in self.units:
            self.apply(channel)

    def restore(self, values: dict[int, dict[str, Any]]) -> None:
        """Bring settings and terminals to those of a saved set-up."""
        super().restore(values)
        for channel in self.units:
            self.apply(channel)

    # What is held

    @after(
        "function", "output", "off mode", "four wires",
        *names("q level"), *names("q range"), *names("q autorange"), *names("q limit"),
        *names("sense q range"), *names("sense q autorange"),
    )  # fmt: skip
    def _changed(self, name: str, channel: int) -> None:
        values, quantity = self.values[channel], _quantity(name)
        if name.endswith(" range"):
            values[name.replace("range", "autorange")] = False
        elif not name.startswith("sense") and values[f"{quantity} autorange"]:
            values[f"{quantity} range"] = self._holding(self.sheet.sourced[quantity], values[f"{quantity} level"])
        self.apply(channel)

    def apply(self, channel: int) -> None:
        """Bring the terminals to what the settings say."""
        values, unit = self.values[channel], self.units[channel]
        unit.remote_sense(on=values["four wires"])
        if values["output"]:
            self.hold(channel, self.level(channel))
        elif values["off mode"] in ("HIMP", "HIZ") or not self.wired(channel):
            unit.release()
        else:
            unit.ground(values["CURR limit"])

    def level(self, channel: int) -> float:
        """Return the level that is held while no sequence runs."""
        values = self.values[channel]
        return float(values[f"{values['function']} level"])

    def hold(self, channel: int, level: float) -> None:
        """Hold a level of the present function."""
        values = self.values[channel]
        function: Quantity = values["function"]
        if not self.wired(channel):
            self.units[channel].release()
            return
        limit, most = self.limit(channel), self.protection(channel)
        if function == "CURR":
            limit = min(limit, most)
        elif abs(level) > most:
            level = math.copysign(most, level)
        self.units[channel].drive(function, level, values[f"{function} range"], limit)

    def wired(self, channel: int) -> bool:
        """Whether the terminals in use are those with the cable on: the front ones."""
        terminals: str = self.values[channel].get("terminals", "FRON")
        return terminals == "FRON"

    def protection(self, channel: int) -> float:  # noqa: ARG002
        """Return the most volts that the protection lets out; a brand knows."""
        return math.inf

    def protected(self, channel: int) -> bool:
        """Whether the protection holds the output now."""
        most = self.protection(channel)
        if most == math.inf or not self.values[channel]["output"]:
            return False
        values = self.values[channel]
        if values["function"] == "VOLT":
            return abs(self.level(channel)) > most
        return bool(values["VOLT limit"] > most and self.units[channel].limited())

    def limit(self, channel: int) -> float:
        """Return the limit that holds: the one that is set, or the end of a fixed measure range if that is lower."""
        values = self.values[channel]
        limited = other(values["function"])
        limit: float = values[f"{limited} limit"]
        if values[f"sense {limited} autorange"]:
            return limit
        return min(limit, float(values[f"sense {limited} range"]) * self.sheet.sourced[limited].reach)

    # What is accepted

    @check(*names("q level"))
    def check_level(self, name: str, channel: int, level: float) -> float:
        """Refuse a level beyond a fixed range; an automatic range will follow it."""
        quantity, values = _quantity(name), self.values[channel]
        scales = self.sheet.sourced[quantity]
        if values[f"{quantity} autorange"]:
            self.check_power(channel, **{f"{quantity} range": self._holding(scales, level)})
        elif abs(level) > values[f"{quantity} range"] * scales.reach * (1 + 1e-9):
            raise SCPIError(-222)
        return level

    @check(*names("q range"))
    def check_range(self, name: str, channel: int, value: float) -> float:
        """Take the smallest range that reaches a value."""
        quantity = _quantity(name)
        scales = self.sheet.sourced[quantity]
        chosen = self._holding(scales, value)
        if abs(self.values[channel][f"{quantity} level"]) > chosen * scales.reach * (1 + 1e-9):
            raise SCPIError(-221)
        self.check_power(channel, **{name: chosen})
        return chosen

    @check(*names("q limit"))
    def check_limit(self, name: str, channel: int, limit: float) -> float:
        """Refuse a limit that the power does not allow."""
        self.check_power(channel, **{name: limit})
        return limit

    @check(*names("sense q range"))
    def check_sense_range(self, name: str, _channel: int, value: float) -> float:
        """Take the smallest range that reaches a value."""
        return self._holding(self.sheet.measured[_quantity(name)], value)

    def check_power(self, channel: int, **changed: float) -> None:
        """Refuse settings that together ask for more power than the model has; a brand knows how much that is."""

    def power_of(self, channel: int, changed: Mapping[str, float]) -> tuple[float, float]:
        """Return the volts and amperes that range and limit allow once some of them are changed."""
        values = self.values[channel]
        volts, amperes = POWER_SETTINGS[values["function"]]
        return changed.get(volts, values[volts]), changed.get(amperes, values[amperes])

    @check("output")
    def check_output(self, _name: str, _channel: int, on: bool) -> bool:  # noqa: FBT001 (called by position)
        """Refuse to switch on while the interlock is open."""
        if on and not self.interlock_closed:
            raise SCPIError(self.interlock_error)
        return on

    interlock_error: ClassVar[int] = 802

    def _holding(self, scales: Scales, value: float) -> float:
        found = scales.holding(value)
        if found is None:
            raise SCPIError(-222)
        return found

    # What is measured

    def aperture(self, channel: int) -> float:
        """Return the seconds of one conversion."""
        return float(self.values[channel]["nplc"]) / self.box.line_hertz

    def measure(self, channel: int, conversions: int = 1) -> Measured:
        """Read a channel; an automatic range is left where the reading put it."""
        seconds = self.aperture(channel) * conversions
        true = self.units[channel].look(seconds)
        if self.values[channel]["autozero"]:
            self.box.time.spend(AUTOZERO_APERTURES * seconds, "autozero")
        return self.convert(channel, true, seconds)

    def convert(self, channel: int, true: Sensed, seconds: float) -> Measured:
        """Return what the meter of a channel shows."""
        values = self.values[channel]
        shown = self.units[channel].show(true, seconds, self._span(channel, "VOLT"), self._span(channel, "CURR"))
        for quantity, full_scale in (("VOLT", shown.range_volts), ("CURR", shown.range_amperes)):
            if values[f"sense {quantity} autorange"]:
                values[f"sense {quantity} range"] = full_scale
        return shown

    def _span(self, channel: int, quantity: Quantity) -> Span:
        values, scales = self.values[channel], self.sheet.measured[quantity]
        if values["function"] == quantity:  # what is sourced is measured on the source's range
            nearest = scales.holding(values[f"{quantity} range"]) or scales.full[-1]
            return Span(nearest, nearest)
        if not values[f"sense {quantity} autorange"]:
            return Span(values[f"sense {quantity} range"], values[f"sense {quantity} range"])
        highest = scales.holding(values[f"{quantity} limit"]) or scales.full[-1]
        return Span(min(values.get(f"sense {quantity} lowest", 0.0), highest), highest)
