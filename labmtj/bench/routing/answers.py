"""From the readings of channels to the answer of a crossbar: every number goes to its bias, shot and line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from labmtj.bench.files.wiring import Channel
from labmtj.bench.routing.steps import Step
from labmtj.bench.software_timed import ChannelReadings, DeliveredSteps
from labmtj.errors import InstrumentError
from labmtj.quantities import Bias, Currents, Flag, FloatArray, Pulse, ReadSettings, Waveform

PlaceOf = Callable[[Step, int], int | None]
"""from a step and a line to the place of the channel that holds the line, None for ground and floating lines"""


def empty_currents(bias: Bias, lines: Sequence[int], how: ReadSettings) -> Currents:
    """Return the answer before the first reading: no value is there, volts are those asked for."""
    whole = (len(bias), len(how.signs), len(lines))
    volts = bias.line_volts[:, np.newaxis, lines] * how.signs[:, np.newaxis]
    nothing = [np.full(whole, np.nan) for _ in range(3)]
    flags = np.full(whole, Flag.INVALID, np.uint8)
    return Currents(nothing[0], flags, nothing[1], nothing[2], volts, how.signs, np.zeros(whole[:2]))


def enter(currents: Currents, shown: ChannelReadings, step: Step, lines: Sequence[int]) -> None:
    """Enter the readings of a step, in place.

    Channels count currents out of the channel, a crossbar out of the array. Where a source is in compliance the voltage
    that reached the line is not known.
    """
    places = [lines.index(line) for line in step.read]
    where = np.ix_(step.biases, range(len(currents.signs)), places)
    whole = (len(step.biases), len(currents.signs), len(places))
    flags = shown.flags.reshape(whole)
    currents.raw_amperes[where], currents.flags[where] = -shown.amperes.reshape(whole), flags
    currents.range_amperes[where] = shown.range_amperes.reshape(whole)
    currents.start_seconds[where] = shown.start_seconds.reshape(whole)
    if currents.held_seconds is not None:
        held = np.ix_(step.biases, range(len(currents.signs)))
        currents.held_seconds[held] = np.maximum(currents.held_seconds[held], shown.held_seconds.reshape(whole[:2]))
    currents.volts[where] = np.where(flags & Flag.COMPLIANCE, np.nan, currents.volts[where])


def on_two_ranges(currents: Currents, step: Step, lines: Sequence[int]) -> list[tuple[Step, float]]:
    """Return the readings of a step on more than one range, as lines and their largest range."""
    found = []
    for line in step.read:
        ranges = currents.range_amperes[list(step.biases), :, lines.index(line)]
        largest = ranges.max(axis=1)
        mixed = largest > ranges.min(axis=1)
        for scale in np.unique(largest[mixed]).tolist():
            biases = tuple(np.array(step.biases)[mixed & (largest == scale)].tolist())
            found.append((Step(step.buses, biases, (line,)), float(scale)))
    return found


def only_current(shown: ChannelReadings, channel: Channel, address: str) -> float:
    """Return the one current that was read, infinite where it is limited or beyond its range.

    Raises:
        InstrumentError: it is no number.
    """
    if shown.flags[0, 0] & (Flag.COMPLIANCE | Flag.OVERFLOW):
        return float("inf")
    if np.isnan(shown.amperes[0, 0]):
        problem = f"channel {channel.name} gave no number for a current, twice; check its meter"
        raise InstrumentError(channel.unit, address, problem)
    return float(shown.amperes[0, 0])


def delivered(bias: Bias, seconds: float, given: Sequence[tuple[Step, DeliveredSteps]], place_of: PlaceOf) -> Pulse:
    """Return the pulses of all steps; shorter ones end with steps of no duration."""
    most = max(each.step_seconds.shape[1] for _, each in given)
    step_seconds = np.zeros((len(bias), most))
    line_volts: FloatArray = np.repeat((0.0 * bias.line_volts)[:, np.newaxis], most, axis=1)  # NaN stays NaN
    flags, starts = np.zeros(bias.line_volts.shape, np.uint8), np.empty(len(bias))
    for step, each in given:
        biases, steps = list(step.biases), each.step_seconds.shape[1]
        step_seconds[biases, :steps], starts[biases] = each.step_seconds, each.start_seconds
        for line in range(bias.line_volts.shape[1]):
            place = place_of(step, line)
            if place is not None:
                line_volts[biases, :steps, line] = each.step_volts[:, :, place]
                flags[biases, line] = each.flags[:, place]
    return Pulse(bias, seconds, starts, Waveform(step_seconds, line_volts), flags)
