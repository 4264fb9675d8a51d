"""Keysight B2900A family: one or two channels, SCPI, list sweeps on all channels together, own pulses from 50 us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, nan
from typing import Any

import numpy as np
from pymeasure.instruments import Channel, Instrument
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from instruments.keysightb2900settings import RELIED_ON
from instruments.pieces import joined
from instruments.scpi import text, texts
from instruments.sequences import SequencedUnit
from instruments.smumodel import Commands, Model
from labmtj.quantities import Flag, FloatArray
from labmtj.shots import DeliveredPulses, Pulses, ShotReadings, Shots, UnitFacts

B2901 = Model(
    UnitFacts(
        highest_volts=210.0,  # from memory, unverified
        highest_amperes=3.03,  # DC, from memory, unverified; both channels together 4 A below 6 V (user's guide 2-14)
        range_amperes=(1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1.5, 3.0),  # user's guide 2-14
        over_range=1.06,  # data sheet p16; 1.02 on 1.5 A and 3 A
        shortest_pulse_seconds=50e-6,  # user's guide 2-20
        times_pulses=True,
        aperture_seconds=(8e-6, 2.0),  # SCPI reference 4-73; the box clamps silently
        line_hertz=nan,
        source_settle_seconds=0.001,  # from memory, unverified
    ),
    apertures_in_line_cycles=None,
    source_ranges_volts=(0.2, 2.0, 20.0, 200.0),
    source_reach=1.05,  # from memory, unverified
    longest_sequence=1000,  # a list holds 2500 points (from memory, unverified); shorter messages are kinder
    point_seconds=200e-6,  # from memory, unverified
    status={1: Flag.COMPLIANCE, 2: Flag.COMPLIANCE, 13: Flag.OVERFLOW},  # SCPI reference 1-14
)
B2911 = replace(B2901, facts=replace(B2901.facts, range_amperes=(1e-8, *B2901.facts.range_amperes)))
PULSE_GAP_SECONDS = 0.001
"""at 0 V between two pulses"""
READ_BEFORE_EDGE_SECONDS = 10e-6
"""from the end of the aperture in a pulse, which shows compliance, to the falling edge"""
COMMANDS = Commands(
    function=":SOUR{ch}:FUNC:MODE", level=":SOUR{ch}:VOLT", current_level=":SOUR{ch}:CURR",
    source_range=":SOUR{ch}:VOLT:RANG", limit=":SENS{ch}:CURR:PROT", output=":OUTP{ch}",
    relied_on=RELIED_ON,
    current_range=":SENS{ch}:CURR:RANG",
    end_sequence=(":ABOR (@{ch})", ":SOUR{ch}:VOLT 0", ":SOUR{ch}:VOLT:MODE FIX", ":SOUR{ch}:FUNC:SHAP DC"),
    abort=":ABOR (@1,2)",
    limited=":SENS{ch}:CURR:PROT:TRIP?",
)  # fmt: skip


class B2900Channel(Channel):
    """A source-measure channel."""

    def ask(self, command: str, query_delay: float | None = None) -> str:
        """Send a query and return the reply."""
        return str(self.parent.ask(self.insert_id(command), query_delay))

    voltage = Channel.control(
        ":SOUR{ch}:VOLT?", ":SOUR{ch}:VOLT %s",
        """Control the source voltage in volts (float strictly from -210 to 210).""",
        validator=strict_range, values=[-210, 210], set_process=text, check_set_errors=True,
    )  # fmt: skip
    voltage_range = Channel.control(
        ":SOUR{ch}:VOLT:RANG?", ":SOUR{ch}:VOLT:RANG %s",
        """Control the source range in volts (float strictly from -200 to 200); the smallest that holds it is taken.""",
        validator=strict_range, values=[-200, 200], set_process=text, check_set_errors=True,
    )  # fmt: skip
    compliance_current = Channel.control(
        ":SENS{ch}:CURR:PROT?", ":SENS{ch}:CURR:PROT %s",
        """Control the compliance in amperes (float strictly from 1e-9 to 3.03).""",
        validator=strict_range, values=[1e-9, 3.03], set_process=text, check_set_errors=True,
    )  # fmt: skip
    compliance_tripped = Channel.measurement(
        ":SENS{ch}:CURR:PROT:TRIP?", """Get whether the compliance holds the source now (bool).""",
        values={True: 1, False: 0}, map_values=True,
    )  # fmt: skip
    current_range = Channel.control(
        ":SENS{ch}:CURR:RANG?", ":SENS{ch}:CURR:RANG %s",
        """Control the current range in amperes (float strictly from 1e-8 to 3); autorange goes off.""",
        validator=strict_range, values=[1e-8, 3], set_process=text, check_set_errors=True,
    )  # fmt: skip
    aperture = Channel.control(
        ":SENS{ch}:CURR:APER?", ":SENS{ch}:CURR:APER %s",
        """Control the aperture of all readings in seconds (float strictly from 8e-6 to 2).""",
        validator=strict_range, values=[8e-6, 2], set_process=text, check_set_errors=True,
    )  # fmt: skip
    pulse_width = Channel.control(
        ":SOUR{ch}:PULS:WIDT?", ":SOUR{ch}:PULS:WIDT %s",
        """Control the width of pulses in seconds (float strictly from 50e-6 to 100000), in steps of 1 us.""",
        validator=strict_range, values=[50e-6, 100000], set_process=text, check_set_errors=True,
    )  # fmt: skip
    output_enabled = Channel.control(
        ":OUTP{ch}?", ":OUTP{ch} %d",
        """Control whether the output is on (bool).""",
        validator=strict_discrete_set, values={True: 1, False: 0}, map_values=True, check_set_errors=True,
    )  # fmt: skip


class KeysightB2902A(SequencedUnit):
    """Represents the Keysight B2902A, two channels: `ch_1` and `ch_2`."""

    models = ("B2902A",)
    model = B2901
    commands = COMMANDS
    channels: tuple[str, ...] = ("1", "2")
    plain_numbers = (":FORM:SREG ASC",)
    units = Instrument.MultiChannelCreator(B2900Channel, ["1", "2"])

    def __init__(self, adapter: Any, name: str = "Keysight B2902A", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)

    def _spot(self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None) -> ShotReadings:
        names = tuple(channels)
        shots = Shots(names, np.zeros((1, len(names))), names, 0.0, aperture_seconds, range_amperes)
        commands = [command for channel in names for command in self._meter(channel, shots)]
        rests = [self._rest_command(channel) for channel in names]
        reply, *others = self.exchange(*commands, f":MEAS? (@{','.join(names)})", *self._of_others(names), *rests)
        return self._noted(self._readings(shots, reply), others)

    def _sequence(self, shots: Shots) -> ShotReadings:
        movers = np.count_nonzero(np.ptp(shots.volts, axis=0))
        if shots.range_amperes is None and movers > 1 and len(shots) > 1:
            return self._one_by_one(shots)
        period = None if shots.range_amperes is None else self._period(shots.settle_seconds + shots.aperture_seconds)
        reply, others = self._run(shots, "DC", shots.settle_seconds, period)
        return self._noted(self._readings(shots, reply), others)

    def _one_by_one(self, shots: Shots) -> ShotReadings:
        """Run every shot alone: with autorange each channel takes its own time, so lists would run apart."""
        each = shots.settle_seconds + shots.aperture_seconds + self.model.point_seconds
        alone = [self._sequence(replace(shots, volts=volts[np.newaxis])) for volts in shots.volts]
        starts = [each * index for index in range(len(alone))]
        return joined(
            [replace(one, start_seconds=one.start_seconds + start) for one, start in zip(alone, starts, strict=True)]
        )

    def _pulse_seconds(self, seconds: float) -> float:
        return self._period(seconds + PULSE_GAP_SECONDS)

    def _pulse_train(self, pulses: Pulses) -> DeliveredPulses:
        width = round(pulses.seconds, 6)  # its resolution
        shortest, longest = self.model.facts.aperture_seconds
        aperture = min(longest, max(shortest, round(width / 4, 6)))
        rests = max(map(self._rest, pulses.channels))
        shots = Shots(pulses.channels, pulses.volts, pulses.channels, 0.0, aperture, rests)
        delay = width - aperture - READ_BEFORE_EDGE_SECONDS
        widths = [f":SOUR{channel}:PULS:{name}" for channel in pulses.channels for name in ("DEL 0", f"WIDT {width!r}")]
        reply, others = self._run(shots, "PULS", delay, self._pulse_seconds(width), *widths)
        read = self._noted(self._readings(shots, reply), others)
        return DeliveredPulses(
            np.full((len(pulses), 1), width), pulses.volts[:, np.newaxis, :], read.flags, read.start_seconds
        )

    def _run(self, shots: Shots, shape: str, delay: float, period: float | None, *more: str) -> tuple[str, list[str]]:
        """Run lists of levels on all channels together, with all levels back at 0 V.

        Return the readings, and whether channels that take no part are limited.

        Both channels step with their timers, which start together; without a period each goes on when it has read.
        """
        pace = ("SOUR AINT",) if period is None else ("SOUR TIM", f"TIM {text(period)}")
        triggers = (*pace, f"COUN {len(shots)}", "TRAN:DEL 0", f"ACQ:DEL {text(round(delay, 6))}")
        commands = list(more)
        for channel, levels in zip(shots.channels, shots.volts.T, strict=True):
            commands += self._meter(channel, shots)
            commands += [f":SOUR{channel}:VOLT 0"] if shape == "PULS" else []
            commands += [f":SOUR{channel}:FUNC:SHAP {shape}", f":SOUR{channel}:VOLT:MODE LIST"]
            commands += [f":SOUR{channel}:LIST:VOLT {texts(levels)}", *(f":TRIG{channel}:{each}" for each in triggers)]
        after = [command for channel in shots.channels for command in self._after(channel)]
        asked = self._of_others(shots.channels)
        reply, *rest = self.exchange(*commands, f":READ:ARR? (@{','.join(shots.channels)})", *asked, *after)
        for level in rest[len(asked) :]:
            self._compare("level", "V", 0.0, self.number(level))
        return reply, rest[: len(asked)]

    def _of_others(self, channels: Sequence[str]) -> list[str]:
        """Return questions whether the channels that hold a level but take no part are limited."""
        return [self._header("limited", each) for each in self.channels if each in self._on and each not in channels]

    def _noted(self, read: ShotReadings, others: Sequence[str]) -> ShotReadings:
        """Return readings that say so if another channel of the box was limited."""
        limited = np.uint8(Flag.COMPLIANCE if any(self.number(reply) for reply in others) else 0)
        return replace(read, flags=read.flags | limited)

    def _after(self, channel: str) -> list[str]:
        source = f":SOUR{channel}"
        return [
            f"{source}:VOLT 0", f"{source}:VOLT:MODE FIX", f"{source}:FUNC:SHAP DC", self._rest_command(channel),
            f"{source}:VOLT?",
        ]  # fmt: skip

    def _meter(self, channel: str, shots: Shots) -> list[str]:
        return [
            f":SENS{channel}:CURR:APER {text(shots.aperture_seconds)}", self._range_command(channel, shots),
            ":FORM:ELEM:SENS CURR,TIME,STAT",
        ]  # fmt: skip

    def _readings(self, shots: Shots, reply: str) -> ShotReadings:
        values = self.table(reply, len(shots), 3 * len(shots.channels)).reshape(len(shots), -1, 3)
        stamps: FloatArray = values[:, 0, 1]
        return self._answer(shots, values[:, :, 0], values[:, :, 2], stamps - stamps[0] + shots.settle_seconds)

    def _period(self, seconds: float) -> float:
        """Return a time for the trigger timers, whole microseconds, that leaves the box time to store a reading."""
        return ceil(round((seconds + self.model.point_seconds) * 1e6, 3)) / 1e6


class KeysightB2912A(KeysightB2902A):
    """Represents the Keysight B2912A, two channels and a 10 nA range."""

    models = ("B2912A",)
    model = B2911

    def __init__(self, adapter: Any, name: str = "Keysight B2912A", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)


class KeysightB2901A(KeysightB2902A):
    """Represents the Keysight B2901A, one channel: `ch_1`."""

    models = ("B2901A",)
    channels = ("1",)
    units = Instrument.MultiChannelCreator(B2900Channel, ["1"])
    commands = replace(COMMANDS, abort=":ABOR (@1)")

    def __init__(self, adapter: Any, name: str = "Keysight B2901A", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)


class KeysightB2911A(KeysightB2901A):
    """Represents the Keysight B2911A, one channel and a 10 nA range."""

    models = ("B2911A",)
    model = B2911

    def __init__(self, adapter: Any, name: str = "Keysight B2911A", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
