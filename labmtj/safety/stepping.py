"""What a cell sees while levels step: the sources of a bench step one after another, in an order that is its own.

Between two levels every line may have the one or the other, and any mixture of them lasts for a moment: 30 us between
the channels of a unit, milliseconds between units. Each mixture is a state that the cells must survive.
"""

from __future__ import annotations

import numpy as np

from labmtj.quantities import Bias, BoolArray, FloatArray


def most_while_stepping(bias: Bias, *, both_signs: bool = False, from_zero: bool = False) -> FloatArray:
    """Return the most that a cell may see on the way to each bias, held and left, (batch,).

    A batch begins and ends at 0 V, and any level may be reached by way of 0 V. Where all lines are driven, a cell is
    between its row and its column; where one floats, it may be between any two lines.

    Args:
        bias: the whole batch; one that is not ordered may be applied in any order.
        both_signs: each bias is applied as it is and reversed, in turn.
        from_zero: each bias is reached from 0 V and left to it, as a pulse is.
    """
    volts = np.nan_to_num(bias.line_volts)
    last = -volts if both_signs else volts
    high, low = np.maximum(volts, last), np.minimum(volts, last)
    floats: BoolArray = np.asarray(np.isnan(bias.line_volts).any(axis=1))
    if not from_zero and bias.ordered:
        floats[1:] |= floats[:-1].copy()
        high[1:], low[1:] = np.maximum(high[1:], last[:-1]), np.minimum(low[1:], last[:-1])
    elif not from_zero:
        floats[:] = floats.any()
        high[:], low[:] = high.max(axis=0), low.min(axis=0)
    high, low = np.maximum(high, 0.0), np.minimum(low, 0.0)
    rows, columns = slice(None, bias.shape[0]), slice(bias.shape[0], None)
    seen = np.maximum(
        high[:, rows].max(axis=1) - low[:, columns].min(axis=1), high[:, columns].max(axis=1) - low[:, rows].min(axis=1)
    )
    return np.asarray(np.where(floats, _most_between(high, low), seen), float)


def _most_between(high: FloatArray, low: FloatArray) -> FloatArray:
    """Return the largest high of a line minus the low of another, (batch,), from (batch, lines)."""
    number, top, bottom = np.arange(len(high)), high.argmax(axis=1), low.argmin(axis=1)
    others_high, others_low = high.copy(), low.copy()
    others_high[number, bottom], others_low[number, top] = -np.inf, np.inf
    across = np.maximum(others_high.max(axis=1) - low[number, bottom], high[number, top] - others_low.min(axis=1))
    return np.asarray(across, float)
