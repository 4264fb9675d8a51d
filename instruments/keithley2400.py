"""Keithley 2400: one channel, SCPI, sequences as list sweeps; PyMeasure's driver with the verbs of a bench on top."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any, ClassVar

import numpy as np
from pymeasure.instruments import Instrument
from pymeasure.instruments.keithley import Keithley2400 as PyMeasureKeithley2400
from pymeasure.instruments.validators import strict_range

from instruments.frontrear import terminals as _terminals
from instruments.relied_on import ReliedOn, settings
from instruments.scpi import text
from instruments.sequences import SequencedUnit, list_commands
from instruments.smumodel import Commands, Model
from labmtj.quantities import Flag
from labmtj.shots import ShotReadings, Shots, UnitFacts

MODEL = Model(
    UnitFacts(
        highest_volts=210.0,  # SPEC-2400
        highest_amperes=1.05,  # SPEC-2400; 105 mA above 21 V, which the box itself enforces
        range_amperes=(1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0),  # SPEC-2400
        over_range=1.055,  # user's manual 3-4
        shortest_pulse_seconds=0.01,  # from memory, unverified
        times_pulses=False,
        aperture_seconds=(nan, nan),
        line_hertz=nan,
        source_settle_seconds=0.007,  # command to output start on a fixed range; of the sibling 6430, its manual A-3
    ),
    apertures_in_line_cycles=(0.01, 10.0),  # user's manual 18-11
    source_ranges_volts=(0.2, 2.0, 20.0, 200.0),  # SPEC-2400
    source_reach=1.05,  # user's manual 3-4
    longest_sequence=2500,  # trigger count
    point_seconds=0.005,  # from memory, unverified
    status={0: Flag.OVERFLOW, 3: Flag.COMPLIANCE, 4: Flag.COMPLIANCE, 16: Flag.COMPLIANCE},  # user's manual 18-51: 4 is
    # the voltage protection, 16 range compliance
)
ELEMENTS = ":FORM:ELEM VOLT,CURR,RES,TIME,STAT"
RELIED_ON = settings(
    # first what makes others fail: a buffer that stores refuses changes, ohms set the source by themselves
    ReliedOn("running sequence", ":OUTP 1;:ARM:SOUR BUS;:INIT", ":ABOR"),
    ReliedOn("storing buffer", ":TRAC:POIN 2500;FEED:CONT NEXT", ":TRAC:FEED:CONT NEV"),
    ("ohms mode", ":SENS:RES:MODE", "AUTO", "MAN"),
    ("concurrent functions", ":SENS:FUNC:CONC", "1", "0"),
    ReliedOn("measured function", ":SENS:FUNC:CONC 1;:SENS:FUNC:OFF:ALL;:SENS:FUNC 'RES'", ":SENS:FUNC 'CURR'"),
    # the source
    ("source function", ":SOUR:FUNC", "CURR", "VOLT"),
    ("source mode", ":SOUR:VOLT:MODE", "SWE", "FIX"),
    ("sweep direction", ":SOUR:SWE:DIR", "DOWN", "UP"),
    ("sweep ranging", ":SOUR:SWE:RANG", "AUTO"),
    ("source range", ":SOUR:VOLT:RANG", "200"),
    ("source autorange", ":SOUR:VOLT:RANG:AUTO", "1"),
    # the levels are limited by the fixed source range, which is read back
    ("voltage protection", ":SOUR:VOLT:PROT", "20", "210"),
    ("automatic output off", ":SOUR:CLE:AUTO", "1", "0"),
    ("output-off state", ":OUTP:SMOD", "HIMP", "NORM"),  # HIMP would wear its relay
    ("guard", ":SYST:GUAR", "OHMS", "CABL"),
    ("remote sense", ":SYST:RSEN", "1", "0"),
    # times
    ("automatic source delay", ":SOUR:DEL:AUTO", "1", "0"),
    ("source delay", ":SOUR:DEL", "2"),
    ("trigger delay", ":TRIG:DEL", "2", "0"),
    ("trigger source", ":TRIG:SOUR", "TLIN", "IMM"),
    ("trigger count", ":TRIG:COUN", "7"),
    ("arm source", ":ARM:SOUR", "BUS", "IMM"),
    ReliedOn("arm timer", ":ARM:SOUR TIM;TIM 3", ":ARM:SOUR IMM"),
    ("arm count", ":ARM:COUN", "3", "1"),
    ("aperture", ":SENS:CURR:NPLC", "10"),
    ("autozero", ":SYST:AZER", "1"),
    ReliedOn("filter", ":SENS:AVER:COUN 50;:SENS:AVER 1", ":SENS:AVER 0"),
    # ranges of the meter
    ("compliance", ":SENS:CURR:PROT", "1e-6"),
    ("compliance that sets the range", ":SENS:CURR:PROT:RSYN", "1", "0"),
    ("current range", ":SENS:CURR:RANG", "1e-6"),
    ("lowest range of autorange", ":SENS:CURR:RANG:AUTO:LLIM", "1e-2", "1e-6"),
    # answers
    ReliedOn("elements of a reading", ":FORM:ELEM STAT,CURR", ELEMENTS),
    ("data format", ":FORM", "REAL,32", "ASC"),
    ("format of status registers", ":FORM:SREG", "HEX", "ASC"),
    ("service request mask", "*SRE", "36", "0"),
    ("beeper", ":SYST:BEEP:STAT", "1", "0"),
)
COMMANDS = Commands(
    function=":SOUR:FUNC", level=":SOUR:VOLT", current_level=":SOUR:CURR",
    source_range=":SOUR:VOLT:RANG", limit=":SENS:CURR:PROT", output=":OUTP",
    relied_on=RELIED_ON,
    current_range=":SENS:CURR:RANG",
    end_sequence=(":ABOR", ":SOUR:VOLT 0", ":SOUR:VOLT:MODE FIX"),
    abort=":ABOR",
    limited=":SENS:CURR:PROT:TRIP?",
)  # fmt: skip
LIST_POINTS = 100
"""levels that one command can append to the list; from memory, unverified"""


class Keithley2400(SequencedUnit, PyMeasureKeithley2400):
    """Represents the Keithley 2400 SourceMeter as a source-measure unit of a bench.

    The attributes are PyMeasure's, those with `%g` in their commands replaced by ones that lose no digit.

    Args:
        terminals: "front" or "rear": to which the chip is connected.
    """

    models = ("2400", "2401")
    model = MODEL
    commands = COMMANDS
    remedies: ClassVar = {
        802: "close the interlock (output enable) line",
        803: "switch the output on first",
        824: "choose a current range that is not above the compliance",
        826: "21 V and 1.05 A or 210 V and 105 mA is the most it can do",
    }

    source_voltage = Instrument.control(
        ":SOUR:VOLT?", ":SOUR:VOLT %s",
        """Control the source voltage in volts (float strictly from -210 to 210).""",
        validator=strict_range, values=[-210, 210], set_process=text, check_set_errors=True,
    )  # fmt: skip
    source_voltage_range = Instrument.control(
        ":SOUR:VOLT:RANG?", ":SOUR:VOLT:RANG %s",
        """Control the source range in volts (float strictly from -210 to 210); the smallest that holds it is taken.""",
        validator=strict_range, values=[-210, 210], set_process=text, check_set_errors=True,
    )  # fmt: skip
    compliance_current = Instrument.control(
        ":SENS:CURR:PROT?", ":SENS:CURR:PROT %s",
        """Control the compliance in amperes (float strictly from 1e-9 to 1.05).

        The box may silently keep the old value if the new one is below 0.1 % of the current range: read it back.
        """,
        validator=strict_range, values=[1e-9, 1.05], set_process=text, check_set_errors=True,
    )  # fmt: skip
    current_range = Instrument.control(
        ":SENS:CURR:RANG?", ":SENS:CURR:RANG %s",
        """Control the current range in amperes (float strictly from -1.05 to 1.05); autorange goes off.""",
        validator=strict_range, values=[-1.05, 1.05], set_process=text, check_set_errors=True,
    )  # fmt: skip
    current_nplc = Instrument.control(
        ":SENS:CURR:NPLC?", ":SENS:CURR:NPLC %s",
        """Control the aperture of all functions in line cycles (float strictly from 0.01 to 10).""",
        validator=strict_range, values=[0.01, 10], set_process=text, check_set_errors=True,
    )  # fmt: skip
    source_delay = Instrument.control(
        ":SOUR:DEL?", ":SOUR:DEL %s",
        """Control the delay from source to measurement in seconds (float strictly from 0 to 999.9999).""",
        validator=strict_range, values=[0, 999.9999], set_process=text, check_set_errors=True,
    )  # fmt: skip

    plain_numbers = (":FORM:SREG ASC",)

    def __init__(self, adapter: Any, name: str = "Keithley 2400", *, terminals: str = "front", **kwargs: Any) -> None:
        self._terminals = _terminals(name, terminals)
        super().__init__(adapter, name, **kwargs)

    def relied_on(self) -> tuple[ReliedOn, ...]:
        """Return what the driver relies on."""
        return (*super().relied_on(), self._terminals)

    def reset_data_format(self) -> None:
        """Let readings hold voltage, current, resistance, time and status, as the inherited attributes expect."""
        self.write(ELEMENTS)

    def _spot(self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None) -> ShotReadings:
        shots = Shots(self.channels, np.zeros((1, 1)), tuple(channels), 0.0, aperture_seconds, range_amperes)
        with self._autozero.due("1", aperture_seconds) as stale:
            reply = self.exchange(*self._meter(shots, zeroing="1" in stale), ":READ?", self._rest_command("1"))[0]
        return self._readings(shots, reply)

    def _sequence(self, shots: Shots) -> ShotReadings:
        *first, last = list_commands(":SOUR:LIST:VOLT", shots.volts[:, 0], LIST_POINTS)
        for command in first:  # errors of these wait in the queue
            self.write(command)
        with self._autozero.due("1", shots.aperture_seconds) as stale:
            # FIX: the sweep stays on the source range that `limit` chose
            reply, level = self.exchange(
                last, *self._meter(shots, zeroing="1" in stale), ":SOUR:VOLT:MODE LIST", ":SOUR:SWE:RANG FIX", ":READ?",
                ":SOUR:VOLT 0", ":SOUR:VOLT:MODE FIX", self._rest_command("1"), ":SOUR:VOLT?",
            )  # fmt: skip
        self._compare("level", "V", 0.0, self.number(level))
        return self._readings(shots, reply)

    def _meter(self, shots: Shots, *, zeroing: bool) -> list[str]:
        """Return the commands for aperture, range, delay and count.

        Autozero is off, or done once now: with every reading it would take three apertures instead of one.
        """
        cycles = shots.aperture_seconds * self.facts.line_hertz
        return [
            f":SENS:CURR:NPLC {text(cycles)}", self._range_command("1", shots),
            *([":SYST:AZER ONCE"] if zeroing else []), ":SYST:AZER 0",
            f":SOUR:DEL {text(shots.settle_seconds)}", f":TRIG:COUN {len(shots)}", ":SYST:TIME:RES",
        ]  # fmt: skip

    def _readings(self, shots: Shots, reply: str) -> ShotReadings:
        _, currents, _, stamps, status = np.split(self.table(reply, len(shots), 5), 5, axis=1)
        return self._answer(shots, currents, status, stamps[:, 0] - stamps[0] + shots.settle_seconds)
