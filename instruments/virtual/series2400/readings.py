"""Readings of a 2400: one, or as many as arm and trigger layers ask for, along the levels of a sweep or a list."""

from __future__ import annotations

from collections.abc import Iterator

from instruments.virtual.series2400.buffer import Buffered
from instruments.virtual.series2400.tables import (
    AUTO_DELAY_SECONDS,
    MOST_READINGS,
)
from labmtj.virtual.meter_commands import spaced
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import command
from labmtj.virtual.terminals import Box


class Measuring(Buffered):
    """A 2400 that can be triggered."""

    def __init__(self, box: Box) -> None:
        self._readings: list[list[float]] = []
        super().__init__(box)

    @command(":INITiate[:IMMediate]")
    def _initiate(self) -> None:
        values = self.values[1]
        if not (values["output"] or values["clear auto"]):
            raise SCPIError(803)
        levels = list(self._levels())
        self._readings = []
        for level in levels:
            if self.stopped.is_set():
                break
            self._readings.append(self._read_at(level))
        self.store(self._readings)

    @command(":FETCh?")
    def _fetch(self) -> str | None:
        if not self._readings:
            raise SCPIError(-230)
        return self.show(self._readings)

    @command(":READ?")
    def _read(self) -> str | None:
        self._initiate()
        return None if self.stopped.is_set() else self.show(self._readings)

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
        if function != "RES":
            self.values[1][f"sense {function} autorange"] = True

    def _levels(self) -> Iterator[float | None]:
        values = self.values[1]
        count = values["trigger count"] * values["arm count"]
        if count > MOST_READINGS:
            raise SCPIError(-221)
        mode = values[f"{values['function']} mode"]
        points: list[float] = self._points() if mode == "SWE" else list(values[f"{values['function']} list"])
        for index in range(count):
            yield None if mode == "FIX" else points[index % len(points)]

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
        self.hold(1, values[f"{function} level"] if level is None else level)
        delay = AUTO_DELAY_SECONDS if values["delay auto"] else values["delay"]
        self.box.time.spend(delay + values["trigger delay"], "settle")
        started = self.box.time.now()
        shown = self.measure(1, values["filter count"] if values["filter"] else 1)
        if values["clear auto"]:
            values["output"] = False
            self.apply(1)
        return self.row(shown, level, started)
