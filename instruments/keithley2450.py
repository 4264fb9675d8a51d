"""Keithley 2450 in its SCPI language: one channel, sequences as list sweeps into its buffer."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np
from pymeasure.instruments import Instrument
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from instruments.frontrear import terminals as _terminals
from instruments.relied_on import ReliedOn, settings
from instruments.scpi import text
from instruments.sequences import SequencedUnit, list_commands
from instruments.smumodel import Commands, Model
from labmtj.quantities import Flag
from labmtj.shots import Identity, ShotReadings, Shots, UnitFacts

MODEL = Model(
    UnitFacts(
        highest_volts=210.0,
        highest_amperes=1.05,
        range_amperes=(1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0),  # SPEC-2450
        over_range=1.05,  # from memory, unverified
        shortest_pulse_seconds=0.01,  # from memory, unverified
        times_pulses=False,
        aperture_seconds=(nan, nan),
        line_hertz=nan,
        source_settle_seconds=0.001,  # from memory, unverified
    ),
    apertures_in_line_cycles=(0.01, 10.0),
    source_ranges_volts=(0.02, 0.2, 2.0, 20.0, 200.0),
    source_reach=1.05,  # from memory, unverified
    longest_sequence=2500,  # from memory, unverified
    point_seconds=0.003,  # from memory, unverified
    status={2: Flag.COMPLIANCE, 5: Flag.COMPLIANCE},  # of the source, 8-29: protection, limit
)
RELIED_ON = settings(
    ReliedOn("running trigger model", ':TRIG:LOAD "SimpleLoop",10,1;:INIT', ":ABOR"),
    # the source
    ("source function", ":SOUR:FUNC", "CURR", "VOLT"),
    ("source range", ":SOUR:VOLT:RANG", "200"),
    ("source autorange", ":SOUR:VOLT:RANG:AUTO", "1"),
    ("source read-back", ":SOUR:VOLT:READ:BACK", "1", "0"),
    # the levels are limited by the fixed source range, which is read back
    ("voltage protection", ":SOUR:VOLT:PROT", "PROT2", "NONE"),
    ("high capacitance mode", ":SOUR:VOLT:HIGH:CAP", "1", "0"),
    ("output-off state", ":OUTP:VOLT:SMOD", "HIMP", "NORM"),
    # times
    ("automatic source delay", ":SOUR:VOLT:DEL:AUTO", "1", "0"),
    ("source delay", ":SOUR:VOLT:DEL", "2", "0"),
    ("aperture", ":SENS:CURR:NPLC", "10"),
    ("autozero", ":SENS:CURR:AZER", "1"),
    ReliedOn("filter", ":SENS:CURR:AVER:COUN 50;:SENS:CURR:AVER 1", ":SENS:CURR:AVER 0"),
    ("readings per trigger", ":SENS:COUN", "5", "1"),
    # the meter
    ("measured function", ":SENS:FUNC", '"VOLT"', '"CURR"'),
    ("unit of a current", ":SENS:CURR:UNIT", "OHM", "AMP"),
    ("remote sense", ":SENS:CURR:RSEN", "1", "0"),
    ReliedOn("relative offset", ":SENS:CURR:REL 1e-6;:SENS:CURR:REL:STAT 1", ":SENS:CURR:REL:STAT 0"),
    ReliedOn("math on a current", ":CALC:CURR:MATH:FORM PERC;STAT 1", ":CALC:CURR:MATH:STAT 0"),
    ("current limit", ":SOUR:VOLT:ILIM", "1e-6"),
    ("current range", ":SENS:CURR:RANG", "1e-6"),
    ("lowest range of autorange", ":SENS:CURR:RANG:AUTO:LLIM", "1e-2", "1e-8"),
    # answers
    ("data format", ":FORM", "REAL", "ASC"),
    ("digits of a number", ":FORM:ASC:PREC", "3", "16"),
    ("size of the buffer", ":TRAC:POIN", '10, "defbuffer1"', '100000, "defbuffer1"'),
    ("fill mode of the buffer", ":TRAC:FILL:MODE", 'ONCE, "defbuffer1"', 'CONT, "defbuffer1"'),
    ("service request mask", "*SRE", "36", "0"),
)
COMMANDS = Commands(
    function=":SOUR:FUNC", level=":SOUR:VOLT", current_level=":SOUR:CURR",
    source_range=":SOUR:VOLT:RANG", limit=":SOUR:VOLT:ILIM", output=":OUTP",
    relied_on=RELIED_ON,
    current_range=":SENS:CURR:RANG",
    end_sequence=(":ABOR",),
    abort=":ABOR",
    limited=":SOUR:VOLT:ILIM:TRIP?",
)  # fmt: skip
LIST_POINTS = 100
"""levels that one command can append to the list; from memory, unverified"""
SHORTEST_DELAY_SECONDS = 50e-6
"""of a sweep, other than none; from memory, unverified"""
ELEMENTS = "READ,REL,SOURSTAT"
OFF_IN_TSP = (
    "return", "do end", "endscript", "trigger.model.abort()", "smu.source.level = 0", "smu.source.output = smu.OFF",
)  # fmt: skip
"""switch it off should an earlier user have left it in its other language; in SCPI these are complaints and no more"""


class Keithley2450(SequencedUnit):
    """Represents the Keithley 2450 SourceMeter, which must be in its SCPI language.

    Args:
        terminals: "front" or "rear": to which the chip is connected.
    """

    models = ("2450",)
    model = MODEL
    commands = COMMANDS

    language = Instrument.measurement(
        "*LANG?", """Get the command language that the box was set to (str): "SCPI", "TSP" or "SCPI2400".""",
        cast=str,
    )  # fmt: skip
    source_voltage = Instrument.control(
        ":SOUR:VOLT?", ":SOUR:VOLT %s",
        """Control the source voltage in volts (float strictly from -210 to 210).""",
        validator=strict_range, values=[-210, 210], set_process=text, check_set_errors=True,
    )  # fmt: skip
    source_voltage_range = Instrument.control(
        ":SOUR:VOLT:RANG?", ":SOUR:VOLT:RANG %s",
        """Control the source range in volts (float strictly from -200 to 200); the smallest that holds it is taken.""",
        validator=strict_range, values=[-200, 200], set_process=text, check_set_errors=True,
    )  # fmt: skip
    current_limit = Instrument.control(
        ":SOUR:VOLT:ILIM?", ":SOUR:VOLT:ILIM %s",
        """Control the current limit of the voltage source in amperes (float strictly from 1e-9 to 1.05).""",
        validator=strict_range, values=[1e-9, 1.05], set_process=text, check_set_errors=True,
    )  # fmt: skip
    current_limit_tripped = Instrument.measurement(
        ":SOUR:VOLT:ILIM:TRIP?", """Get whether the current limit holds the source now (bool).""",
        values={True: 1, False: 0}, map_values=True,
    )  # fmt: skip
    current_range = Instrument.control(
        ":SENS:CURR:RANG?", ":SENS:CURR:RANG %s",
        """Control the current range in amperes (float strictly from 1e-8 to 1); autorange goes off.""",
        validator=strict_range, values=[1e-8, 1], set_process=text, check_set_errors=True,
    )  # fmt: skip
    current_nplc = Instrument.control(
        ":SENS:CURR:NPLC?", ":SENS:CURR:NPLC %s",
        """Control the aperture of current readings in line cycles (float strictly from 0.01 to 10).""",
        validator=strict_range, values=[0.01, 10], set_process=text, check_set_errors=True,
    )  # fmt: skip
    source_enabled = Instrument.control(
        ":OUTP?", ":OUTP %d",
        """Control whether the output is on (bool).""",
        validator=strict_discrete_set, values={True: 1, False: 0}, map_values=True, check_set_errors=True,
    )  # fmt: skip

    def __init__(self, adapter: Any, name: str = "Keithley 2450", *, terminals: str = "front", **kwargs: Any) -> None:
        self._terminals = _terminals(name, terminals)
        super().__init__(adapter, name, **kwargs)

    def relied_on(self) -> tuple[ReliedOn, ...]:
        """Return what the driver relies on."""
        return (*super().relied_on(), self._terminals)

    def _unasked(self) -> list[str]:
        return [*super()._unasked(), *OFF_IN_TSP]

    def identify(self) -> Identity:
        """Ask who answers; raise InstrumentError for another model, or another language than SCPI."""
        language = self.ask_plainly("*LANG?").upper()
        if language != "SCPI":
            raise self.complaint(
                "speaks another language; set Menu > System > Settings > Command Set to SCPI and restart it",
                command="*LANG?", reply=language,
            )  # fmt: skip
        return super().identify()

    def _spot(self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None) -> ShotReadings:
        shots = Shots(self.channels, np.zeros((1, 1)), tuple(channels), 0.0, aperture_seconds, range_amperes)
        with self._autozero.due("1", aperture_seconds) as stale:
            meter = self._meter(shots, zeroing="1" in stale)
            reply = self.exchange(*meter, f':READ? "defbuffer1",{ELEMENTS}', self._rest_command("1"))[0]
        return self._readings(shots, reply)

    def _sequence(self, shots: Shots) -> ShotReadings:
        if not self.outputs()["1"]:  # its sweep would switch the output on by itself
            raise self.complaint("has its output off; switch it on first")
        *first, last = list_commands(":SOUR:LIST:VOLT", shots.volts[:, 0], LIST_POINTS)
        for command in first:  # errors of these wait in the queue
            self.write(command)
        delay = max(shots.settle_seconds, SHORTEST_DELAY_SECONDS) if shots.settle_seconds else 0.0
        with self._autozero.due("1", shots.aperture_seconds) as stale:
            reply, level = self.exchange(
                last, *self._meter(shots, zeroing="1" in stale),
                f':SOUR:SWE:VOLT:LIST 1,{text(delay)},1,OFF,"defbuffer1"', ":INIT", "*WAI",
                f':TRAC:DATA? 1,{len(shots)},"defbuffer1",{ELEMENTS}',
                # the sweep switches the output off after its last point
                ":SOUR:VOLT 0", ":OUTP 1", self._rest_command("1"), ":SOUR:VOLT?",
            )  # fmt: skip
        self._compare("level", "V", 0.0, self.number(level))
        return self._readings(shots, reply)

    def _meter(self, shots: Shots, *, zeroing: bool) -> list[str]:
        """Return the commands for aperture, range and buffer; autozero is off, or done once now."""
        cycles = shots.aperture_seconds * self.facts.line_hertz
        return [
            f":SENS:CURR:NPLC {text(cycles)}", self._range_command("1", shots),
            *([":SENS:AZER:ONCE"] if zeroing else []), ":SENS:CURR:AZER 0", ':TRAC:CLE "defbuffer1"',
        ]  # fmt: skip

    def _readings(self, shots: Shots, reply: str) -> ShotReadings:
        currents, stamps, status = np.split(self.table(reply, len(shots), 3), 3, axis=1)
        return self._answer(shots, currents, status, stamps[:, 0] - stamps[0] + shots.settle_seconds)
