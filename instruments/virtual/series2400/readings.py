"""Readings of a 2400: one, or as many as arm and trigger layers ask for, along the levels of a sweep or a list."""

from __future__ import annotations

from collections.abc import Iterator

from instruments.virtual.series2400.memory import Remembering
from instruments.virtual.series2400.tables import AUTO_DELAY_SECONDS, AUTO_OHMS, MEMORY_PLACES, MOST_READINGS
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import spaced
from labmtj.virtual.scpi.table import command


class Measuring(Remembering):
    """A 2400 that can be triggered."""

    @command(":INITiate[:IMMediate]")
    def _initiate(self) -> None:
        values = self.values[1]
        if not (values["output"] or values["clear auto"]):
            raise SCPIError(803)
        if self._waits():
            self.waiting = True  # what runs then is what is set then
            return
        self._run()

    def _waits(self) -> bool:
        """Say whether a trigger must come from elsewhere before the first reading."""
        values = self.values[1]
        return values["arm source"] not in ("IMM", "TIM") or values["trigger source"] != "IMM"

    def trigger(self) -> None:
        """Go on after a trigger of the bus, if it is the one that is waited for."""
        if self.waiting and self.values[1]["arm source"] == "BUS":
            self.waiting = False
            self._run()

    def _run(self) -> None:
        values, levels = self.values[1], list(self._levels())
        timed = values["arm source"] == "TIM" and max(len(levels) // values["arm count"], 1)
        self.readings, begun = [], self.box.time.now() if timed else 0.0
        for index, level in enumerate(levels):
            if self.stopped.is_set():
                break
            if timed and index and index % timed == 0:
                due = begun + index // timed * values["arm timer"]
                self.box.time.spend(max(due - self.box.time.now(), 0.0), "settle")
            if self.sweeps_memory:
                self.recall_place((values["memory start"] - 1 + index) % MEMORY_PLACES + 1)
            self.readings.append(self._read_at(level))
        self.store(self.readings)

    @command(":ABORt", ":TRIGger[:SEQuence#]:CLEar")
    def _abort(self) -> None:
        self.waiting = False

    def device_clear(self) -> None:
        """Stop what runs or waits."""
        super().device_clear()
        self.waiting = False

    @command(":FETCh?")
    def _fetch(self) -> str | None:
        if not self.readings:
            raise SCPIError(-230)
        return self.show(self.readings)

    @command("[:SENSe#]:DATA[:LATest]?")
    def _latest(self) -> str | None:
        if not self.readings:
            raise SCPIError(-230)
        return self.show(self.readings[-1:])

    @command(":READ?")
    def _read(self) -> str | None:
        """Read; there is no answer while a trigger is waited for."""
        self._initiate()
        return None if self.stopped.is_set() or self.waiting else self.show(self.readings)

    @command(":MEASure:CURRent[:DC]?")
    def _measure_amperes(self) -> str | None:
        self._configure_amperes()
        return self._read()

    @command(":MEASure:VOLTage[:DC]?")
    def _measure_volts(self) -> str | None:
        self._configure_volts()
        return self._read()

    @command(":MEASure:RESistance?")
    def _measure_ohms(self) -> str | None:
        self._configure_ohms()
        return self._read()

    @command(":MEASure?")
    def _measure(self) -> str | None:
        return self._read()

    @command(":CONFigure:CURRent[:DC]")
    def _configure_amperes(self) -> None:
        self._configure("CURR")

    @command(":CONFigure:VOLTage[:DC]")
    def _configure_volts(self) -> None:
        self._configure("VOLT")

    @command(":CONFigure:RESistance")
    def _configure_ohms(self) -> None:
        self._configure("RES")

    @command(":CONFigure?")
    def _configured(self) -> str:
        return self._measured()

    def _configure(self, function: str) -> None:
        """One reading of one function, on an automatic range."""
        self.functions = {function}
        self.values[1].update({"trigger count": 1, "arm count": 1, "delay auto": True})
        if function == "RES":
            self.values[1] |= {"ohms mode": "AUTO", "ohms autorange": True}
        else:
            self.values[1][f"sense {function} autorange"] = True

    def _levels(self) -> Iterator[float | None]:
        values = self.values[1]
        count = values["trigger count"] * values["arm count"]
        if count > MOST_READINGS:
            raise SCPIError(-221)
        mode = "FIX" if self.sweeps_memory else values[f"{values['function']} mode"]
        points: list[float] = []
        if mode == "SWE":
            points = self._points()
        elif mode == "LIST":
            points = list(values[f"{values['function']} list"][values[f"{values['function']} list start"] - 1 :])
        if mode == "FIX" or not points:
            yield from [None] * count
            return
        for index in range(count):
            yield points[index % len(points)]

    def _points(self) -> list[float]:
        values = self.values[1]
        start, stop = (values[f"{values['function']} {end}"] for end in ("start", "stop"))
        count = values["points"]
        if values["spacing"] == "LOG" and start * stop <= 0:
            raise SCPIError(-221)
        points = spaced(start, stop, count, logarithmic=values["spacing"] == "LOG")
        return points if values["direction"] == "UP" else points[::-1]

    def _read_at(self, level: float | None) -> list[float]:
        values, function = self.values[1], self.values[1]["function"]
        if level is not None:
            self.check_level(f"{function} level", 1, level)
            values["swept"] = level
        if values["clear auto"]:
            values["output"] = True
        if self.ohms_by_itself:
            self._source_ohms()
        else:
            self.hold(1, values[f"{function} level"] if level is None else level)
        delay = AUTO_DELAY_SECONDS if values["delay auto"] else values["delay"]
        self.box.time.spend(delay + values["trigger delay"], "settle")
        started = self.stamp()
        shown = self.measure(1, values["filter count"] if values["filter"] else 1)
        if values["clear auto"]:
            values["output"] = False
            self.apply(1)
        return self.row(shown, level, started)

    def _source_ohms(self) -> None:
        """Hold the test current of the lowest range that holds the resistance, or of the range that is set."""
        values, unit = self.values[1], self.units[1]
        for scale, amperes, volts in reversed(AUTO_OHMS):
            if not values["ohms autorange"] and scale > self.sheet_ohms(values["ohms range"]):
                continue
            values["ohms range"] = scale if values["ohms autorange"] else values["ohms range"]
            values |= {"function": "CURR", "CURR level": amperes, "CURR range": amperes, "VOLT limit": volts}
            values |= {"sense VOLT autorange": True}
            unit.drive("CURR", amperes, amperes, volts)
            if abs(unit.look(0.0).volts) > amperes * scale / 12 or not values["ohms autorange"]:
                return

    @staticmethod
    def sheet_ohms(value: float) -> float:
        """Return the ohms range that holds a value."""
        return next((scale for scale, _, _ in AUTO_OHMS if abs(value) <= scale * 1.05), AUTO_OHMS[-1][0])
