"""The tables of an array's history: every read and every pulse, as a crossbar answered them.

    reads         one row per shot of one element of a batch; values of the lines that the table was declared for
    pulses        one row per pulse of one element of a batch; values of all lines of the array
    pulse_steps   one row per step of a pulse that was not delivered as one step

Nearly all reads are of columns. So a reads table is declared for the lines it holds, all columns by default, and reads
of rows go to a second table that holds the rows: none are padded with NaN. Lines are labelled r0, r1, ..., c0,
c1, ...
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import UsageError
from labmtj.quantities import Bias, Currents, Flag, Lines, Pulse, ReadSettings
from labmtj.schema import Column, Purpose, Table, Variable, meanings_of

Rows = dict[str, NDArray[Any]]

_FLAGS = meanings_of(Flag)
_WHY = {
    "purpose": Column("u1", "1", "what it was for", flag_values=meanings_of(Purpose)),
    "solution": Column("i4", "1", "number of the solution it belongs to, -1 for none"),
}


def reads_table(path: str, shape: tuple[int, int], lines: Lines | None = None) -> Table:
    """Return the schema of reads of `lines` (all columns by default) of a (rows, columns) array."""
    lines = Lines(columns=tuple(range(shape[1]))) if lines is None else lines
    columns = {
        "amperes": Column("f8", "A", "current out of the line, sign not folded", ("line",), noisy=True),
        "range_amperes": Column("f4", "A", "full scale of the range", ("line",)),
        "flags": Column("u1", "1", "what was wrong with the value", ("line",), flag_masks=_FLAGS),
        "start_seconds": Column("f8", "s", "clock of the crossbar when the aperture opened", ("line",)),
        "delivered_volts": Column("f8", "V", "voltage at the line while it was read", ("line",)),
        "row_volts": Column(
            "f8", "V", "voltage asked for on the rows, sign of the shot included; NaN = floating", ("row",)
        ),
        "column_volts": Column("f8", "V", "the same on the columns", ("column",)),
        "sign": Column("i1", "1", "sign of the shot: the mean of sign times amperes is the answer"),
        "shot": Column("u4", "1", "number of the shot at its bias, from 0"),
        "aperture_seconds": Column("f4", "s", "time of integration"),
        **_WHY,
    }
    labels = {"line": _labels(lines.indices(shape), shape)}
    sizes = {"row": shape[0], "column": shape[1]}
    return Table(path, "read", columns, sizes, coordinates=labels, signal="amperes")


def reads_rows(
    table: Table,
    bias: Bias,
    lines: Lines,
    how: ReadSettings,
    currents: Currents,
    *,
    purpose: Purpose,
    solution: int = -1,
) -> Rows:
    """Return one measurement as batch x shots rows of a reads table, shots of a bias one after another.

    Lines of the table that were not read are NaN and flagged INVALID. Raises UsageError for a line that the table does
    not hold, and for currents of another shape than (batch, shots, lines).
    """
    signs = np.asarray(currents.signs, np.int8)
    full = (len(bias), len(signs), len(lines))
    place = _places(table, bias.shape, lines)

    def values(array: NDArray[Any], missing: float) -> NDArray[Any]:
        rows = (array if array.shape == full else np.broadcast_to(array, full)).reshape(full[0] * full[1], full[2])
        if place is None:
            return rows
        wide = np.full((len(rows), table.lengths["line"]), missing, rows.dtype)
        wide[:, place] = rows
        return wide

    try:
        measured = {
            "amperes": values(currents.raw_amperes, np.nan),
            "range_amperes": values(currents.range_amperes, np.nan),
            "flags": values(currents.flags, Flag.INVALID),
            "start_seconds": values(currents.start_seconds, np.nan),
            "delivered_volts": values(currents.volts, np.nan),
        }
    except ValueError as error:
        raise UsageError(
            f"currents of shape {currents.raw_amperes.shape} are no answer to {full} (batch, shots, lines)"
        ) from error
    asked = (bias.line_volts[:, np.newaxis, :] * currents.signs[:, np.newaxis]).reshape(full[0] * full[1], -1)
    return {
        **{name: _steady(values) for name, values in measured.items()},
        "row_volts": _steady(asked[:, : bias.shape[0]]),
        "column_volts": _steady(asked[:, bias.shape[0] :]),
        "sign": np.tile(signs, len(bias)),
        "shot": np.tile(np.arange(len(signs), dtype=np.uint32), len(bias)),
        "aperture_seconds": np.array(how.aperture_seconds),
        "purpose": np.array(int(purpose)),
        "solution": np.array(solution),
    }


def pulses_table(path: str, shape: tuple[int, int]) -> Table:
    """Return the schema of pulses on a (rows, columns) array."""
    columns = {
        "bias_volts": Column("f8", "V", "voltage asked for; NaN = floating", ("line",)),
        "seconds": Column("f8", "s", "width asked for"),
        "start_seconds": Column("f8", "s", "clock of the crossbar at the first edge"),
        "delivered_volts": Column("f8", "V", "voltage delivered in the longest step; if unknown, at most", ("line",)),
        "delivered_seconds": Column("f8", "s", "sum of the steps delivered; if unknown, at most"),
        "steps": Column("u4", "1", "steps delivered; above 1 they are in the table of pulse steps"),
        "flags": Column("u1", "1", "what was wrong on the line", ("line",), flag_masks=_FLAGS),
        **_WHY,
    }
    return Table(
        path, "pulse", columns, coordinates={"line": _labels(np.arange(sum(shape)), shape)}, signal="bias_volts"
    )


def pulses_rows(pulse: Pulse, *, purpose: Purpose, solution: int = -1) -> Rows:
    """Return one answer of `Crossbar.pulse` as rows of a pulses table, one per element of its batch."""
    delivered, batch = pulse.delivered, len(pulse.bias)
    longest = np.argmax(delivered.step_seconds, axis=1)
    steps = np.count_nonzero(delivered.step_seconds, axis=1)
    return {
        "bias_volts": pulse.bias.line_volts,
        "seconds": np.array(pulse.seconds),
        "start_seconds": pulse.start_seconds,
        "delivered_volts": delivered.line_volts[np.arange(batch), longest],
        "delivered_seconds": delivered.step_seconds.sum(axis=1),
        "steps": steps.astype(np.uint32),
        "flags": pulse.flags,
        "purpose": np.array(int(purpose)),
        "solution": np.array(solution),
    }


def pulse_steps_table(path: str, shape: tuple[int, int]) -> Table:
    """Return the schema of the steps of pulses that were not delivered as one step."""
    columns = {
        "pulse_start_seconds": Column("f8", "s", "start_seconds of the pulse, which tells which pulse it is"),
        "step": Column("u4", "1", "number of the step in its pulse, from 0"),
        "step_seconds": Column("f8", "s", "how long the step lasted"),
        "delivered_volts": Column("f8", "V", "voltage delivered; NaN = floating", ("line",)),
    }
    return Table(path, "pulse_step", columns, coordinates={"line": _labels(np.arange(sum(shape)), shape)})


def pulse_steps_rows(pulse: Pulse) -> Rows | None:
    """Return the steps of every pulse of the batch that was delivered in more than one, None if there is none."""
    lasting = pulse.delivered.step_seconds != 0
    chosen = lasting & (np.count_nonzero(lasting, axis=1) > 1)[:, np.newaxis]
    if not chosen.any():
        return None
    element, step = np.nonzero(chosen)
    return {
        "pulse_start_seconds": np.broadcast_to(pulse.start_seconds, (len(pulse.bias),))[element],
        "step": step.astype(np.uint32),
        "step_seconds": pulse.delivered.step_seconds[chosen],
        "delivered_volts": pulse.delivered.line_volts[element, step],
    }


def _labels(indices: NDArray[np.intp], shape: tuple[int, int]) -> Variable:
    names = [f"r{index}" if index < shape[0] else f"c{index - shape[0]}" for index in indices.tolist()]
    return Variable(np.array(names), "1", "line: r = row, c = column", ("line",))


def _steady(rows: NDArray[Any]) -> NDArray[Any]:
    """Return the rows, as one row repeated if all are the same: a journal then stores it once."""
    if len(rows) > 1 and rows.strides[0] and np.array_equal(rows[1:], rows[:-1], equal_nan=rows.dtype.kind == "f"):
        return np.broadcast_to(rows[0], rows.shape)
    return rows


def _places(table: Table, shape: tuple[int, int], lines: Lines) -> NDArray[np.intp] | None:
    """Return where in the table the lines stand; None if they are the lines of the table, in its order."""
    return _places_among(table.path, tuple(table.coordinates["line"].array.tolist()), shape, lines)


@cache
def _places_among(path: str, names: tuple[str, ...], shape: tuple[int, int], lines: Lines) -> NDArray[np.intp] | None:
    held, asked = np.array(names), _labels(lines.indices(shape), shape).array
    if np.array_equal(held, asked):
        return None
    if not np.isin(asked, held).all() or len(set(asked.tolist())) < len(asked):
        raise UsageError(f"table {path!r} holds {', '.join(held)}; {', '.join(asked)} were read: use another")
    order = np.argsort(held)
    return order[np.searchsorted(held, asked, sorter=order)]
