"""What was delivered is compared with the limits: a host that was stopped during a pulse made it longer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from labmtj.errors import Overstressed
from labmtj.layer import Layer
from labmtj.quantities import Bias, BoolArray, Currents, Flag, FloatArray, Lines, Pulse, ReadSettings
from labmtj.safety.checks import Envelope, spread_volts
from labmtj.safety.exposure import Exposure, most_across, worst_cell
from labmtj.verbs import Crossbar

FRACTION = 1.1
"""of limits.pulse_seconds and pulse_joules: what hosts and buses add to a pulse at the limit (a choice)"""
VOLTS_FRACTION, VOLTS = 1.01, 0.005
"""of limits.cell_volts, and more: the errors of sources (a choice; data sheets give some 0.02 % and 1 mV)"""


class Delivered(Layer):
    """A crossbar whose answers are compared with the limits; within `Safety`, which makes the bench safe after it."""

    def __init__(self, crossbar: Crossbar, envelope: Envelope) -> None:
        super().__init__(crossbar)
        self._envelope = envelope

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Measure; raise Overstressed if a cell got more than the limits allow."""
        return check_reading(self._envelope, bias, lines, how, super().measure(bias, lines, how))

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse; raise Overstressed if a cell got more than the limits allow."""
        return check_pulse(self._envelope, super().pulse(bias, seconds))


def check_pulse(envelope: Envelope, pulse: Pulse) -> Pulse:
    """Return the pulse; raise Overstressed, the flagged pulse in it, if more was delivered than the limits allow."""
    steps = np.nan_to_num(pulse.delivered.step_seconds, nan=np.inf)  # the longest that it may be, if no clock knows
    volts = pulse.delivered.line_volts
    if _harmless(envelope, volts.reshape(-1, volts.shape[-1]), steps.ravel(), float(steps.sum(axis=1).max())):
        return pulse
    exposure, beyond = envelope.exposure(), np.zeros(len(volts), bool)
    for number, (element_volts, element_seconds) in enumerate(zip(volts, steps, strict=True)):
        alone = envelope.exposure()
        alone.add(element_volts, element_seconds)
        beyond[number] = _problem(envelope, alone) is not None
        exposure.add(element_volts, element_seconds)
        exposure.end()
    found = _problem(envelope, exposure)
    if found is None:
        return pulse
    cells, text = found
    on = _lines_of(cells, pulse.bias) & beyond[:, np.newaxis]
    raise Overstressed(
        f"a pulse of {pulse.seconds:g} s was delivered beyond the limits: {text}",
        cells,
        replace(pulse, flags=pulse.flags | np.where(on, np.uint8(Flag.BEYOND_LIMITS), np.uint8(0))),
    )


def check_reading(envelope: Envelope, bias: Bias, lines: Lines, how: ReadSettings, currents: Currents) -> Currents:
    """Return the answer; raise Overstressed, with the flagged answer in it, as `check_pulse`.

    Where a crossbar does not say how long it held a bias, the time that was asked for counts.
    """
    given = bias.line_volts[:, np.newaxis] * currents.signs[:, np.newaxis]
    chosen = lines.indices(bias.shape)
    given[:, :, chosen] = np.where(np.isnan(currents.volts), given[:, :, chosen], currents.volts)
    held = np.full(given.shape[:2], how.settle_seconds + how.aperture_seconds)
    if currents.held_seconds is not None:
        held = np.maximum(held, currents.held_seconds)
    flat = given.reshape(-1, given.shape[-1])
    if _harmless(envelope, flat, held.ravel(), float(held.sum())):
        return currents
    exposure = envelope.exposure()
    exposure.add(flat, held.ravel())
    found = _problem(envelope, exposure)
    if found is None:
        return currents
    cells, text = found
    on = _lines_of(cells, bias)[:, np.newaxis, chosen]
    raise Overstressed(
        f"a reading was delivered beyond the limits: {text}",
        cells,
        replace(currents, flags=currents.flags | np.where(on, np.uint8(Flag.BEYOND_LIMITS), np.uint8(0))),
    )


def _harmless(envelope: Envelope, line_volts: FloatArray, seconds: FloatArray, in_one_go: float) -> bool:
    """Return whether a bound of all cells together is within the limits, which is quick to find."""
    limits = envelope.limits
    lasting = line_volts[seconds > 0]
    if not len(lasting):
        return True
    across = float(most_across(lasting, envelope.shape).max())
    return across <= limits.disturb_volts or (
        across <= _allowed_volts(envelope)
        and in_one_go <= limits.pulse_seconds
        and across**2 * envelope.cell_siemens * in_one_go <= limits.pulse_joules
    )


def _problem(envelope: Envelope, exposure: Exposure) -> tuple[BoolArray, str] | None:
    """Return which cells got more than the limits allow, and how much; or None."""
    return _too_high(envelope, exposure.volts) or envelope.problem(exposure, FRACTION)


def _allowed_volts(envelope: Envelope) -> float:
    return envelope.limits.cell_volts * VOLTS_FRACTION + VOLTS


def _too_high(envelope: Envelope, volts: FloatArray) -> tuple[BoolArray, str] | None:
    limit = envelope.limits.cell_volts
    beyond = volts > _allowed_volts(envelope)
    if not beyond.any() or envelope.most_cell_volts is not None:  # a calibrated array: lines may differ by more
        return None
    worst = worst_cell(volts)
    return beyond, f"cell {worst} saw {volts[worst]:.4g} V; the limit is {limit:g} V (limits.cell_volts)"


def _lines_of(cells: BoolArray, bias: Bias) -> BoolArray:
    """Return the lines of the batch, (batch, lines), that the cells lie on, where they are driven to something."""
    on = np.concatenate([cells.any(axis=1), cells.any(axis=0)])
    live = spread_volts(bias) > 0
    return np.asarray(on & live[:, np.newaxis], bool)
