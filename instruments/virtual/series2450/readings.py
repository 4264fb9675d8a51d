"""Single readings of a 2450: of the function that is chosen, into a buffer."""

from __future__ import annotations

from instruments.virtual.series2450.buffers import Buffers, Reading
from instruments.virtual.series2450.tables import (
    AUTO_DELAY_SECONDS,
    AUTO_OHMS,
    FOUR_WIRES,
    FUNCTIONS,
    LIMIT_TESTS,
    LIMITED,
    OHMS_LIMIT_VOLTS,
    OUTPUT_ON,
    OWN_UNITS,
    PER_FUNCTION,
    PROTECTED,
    READ_BACK,
)
from labmtj.virtual.network.unit import NO_VALUE, Measured
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import function_named
from labmtj.virtual.scpi.sourcemeter import names
from labmtj.virtual.scpi.table import Call, after, check, command, one


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
        *names("q protection"),
    )
    def _reapply(self, _name: str, channel: int) -> None:
        self.apply(channel)

    @after(*names("q delay"))
    def _delay_by_hand(self, name: str, channel: int) -> None:
        self.values[channel][f"{name} auto"] = False  # a delay that is set ends the automatic one

    @after("RES range")
    def _fixed_ohms(self, _name: str, channel: int) -> None:
        self.values[channel]["RES autorange"] = False

    @check("RES range")
    def _check_ohms(self, _name: str, _channel: int, value: float) -> float:
        return next(scale for scale, _ in AUTO_OHMS if value <= scale * 1.05)

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
        if self.measured == "RES" and values["output"]:
            self._source_ohms()
        delay = AUTO_DELAY_SECONDS if values[f"{function} delay auto"] else values[f"{function} delay"]
        self.box.time.spend(delay, "settle")
        seconds, count = self.box.time.now(), values[f"{self.measured} filter count"]
        shown = self.measure(1, count if values[f"{self.measured} filter"] else 1)
        value, unit = self._value(shown)
        programmed = values[f"{function} level"] if level is None else level
        found = {"VOLT": shown.volts, "CURR": shown.amperes}
        source = found[function] if values[f"{function} read back"] else programmed
        return Reading(self._worked_out(value), self.measured, source, function, seconds, self._status(shown), unit)

    def _value(self, shown: Measured) -> tuple[float, str]:
        """Return what the chosen function makes of a reading, and its unit."""
        ohms = shown.volts / shown.amperes if shown.amperes else NO_VALUE
        if self.measured == "RES":
            return ohms, "RES"
        unit = self.values[1][f"{self.measured} unit"]
        if unit == OWN_UNITS[self.measured]:
            return (shown.volts if self.measured == "VOLT" else shown.amperes), unit
        return (ohms if unit == "OHM" else shown.volts * shown.amperes), unit

    def _worked_out(self, value: float) -> float:
        """Return a reading less the relative offset, and with the math on it."""
        values, name = self.values[1], self.measured
        if abs(value) > 9e37:
            return value
        if values[f"{name} relative on"]:
            value -= values[f"{name} relative"]
        if not values[f"{name} math"]:
            return value
        if values[f"{name} math kind"] == "MXB":
            return float(values[f"{name} math m"] * value + values[f"{name} math b"])
        if values[f"{name} math kind"] == "REC":
            return 1 / value if value else NO_VALUE
        reference = values[f"{name} math reference"]
        return float((value - reference) / reference * 100) if reference else NO_VALUE

    def _status(self, shown: Measured) -> int:
        values = self.values[1]
        bits = (
            (PROTECTED, self.protected(1)),
            (READ_BACK, values[f"{values['function']} read back"]),
            (LIMITED, shown.limited),
            (FOUR_WIRES, values["four wires"]),
            (OUTPUT_ON, values["output"]),
        )
        return sum(bit for bit, holds in bits if holds)

    def _source_ohms(self) -> None:
        """Hold the test current of the lowest range that holds the resistance, or of the range that is set."""
        values, unit = self.values[1], self.units[1]
        for scale, amperes in reversed(AUTO_OHMS):
            if not values["RES autorange"] and scale > values["RES range"]:
                continue
            values |= {"function": "CURR", "CURR level": amperes, "CURR range": amperes, "sense VOLT autorange": True}
            values |= {"VOLT limit": OHMS_LIMIT_VOLTS}
            self.hold(1, amperes)
            if not values["RES autorange"] or abs(unit.look(0.0).volts) > amperes * scale / 12:
                values["RES range"] = scale
                return

    def measure_into(self, name: str, count: int | None = None) -> None:
        """Take as many readings as are set, or a number of them, into a buffer."""
        for _ in range(self.values[1]["count"] if count is None else count):
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

    # Offset and limits

    @command(*(f"[:SENSe#]:{node}:RELative:ACQuire" for node in ("VOLTage[:DC]", "CURRent[:DC]", "RESistance")))
    def _acquire_offset(self, call: Call) -> None:
        self.measured = _function_in(call)
        self.apply(1)
        self.values[1][f"{self.measured} relative on"] = self.values[1][f"{self.measured} math"] = False
        self.values[1][f"{self.measured} relative"] = self.take().value
        self.values[1][f"{self.measured} relative on"] = True

    _limits = tuple(
        f":CALCulate2:{node}:LIMit{test}"
        for node in ("VOLTage[:DC]", "CURRent[:DC]", "RESistance")
        for test in LIMIT_TESTS
    )

    @command(*(f"{limit}:FAIL?" for limit in _limits))
    def _limit_fails(self, call: Call) -> str:
        name, values = f"{_function_in(call)} limit {_test_in(call)}", self.values[1]
        last = self.buffers["defbuffer1"][-1:]
        if not values[name] or not last:
            return "NONE"
        if last[0].value > values[f"{name} upper"]:
            return "HIGH"
        return "LOW" if last[0].value < values[f"{name} lower"] else "NONE"

    @command(*(f"{limit}:CLEar[:IMMediate]" for limit in _limits))
    def _clear_limit(self) -> None:
        """Nothing is kept: a limit is compared with the last reading."""


def _function_in(call: Call) -> str:
    return next(each for each in FUNCTIONS if f":{each}" in call.header)


def _test_in(call: Call) -> str:
    return call.header.rpartition("LIM")[2].removeprefix("IT")[0]
