"""The layer that writes down every pulse and every reading, as the crossbar within answered it."""

from __future__ import annotations

from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, Lines, Pulse, Reading
from labmtj.record.tables import (
    pulse_steps_rows,
    pulse_steps_table,
    pulses_rows,
    pulses_table,
    reads_rows,
    reads_table,
)
from labmtj.schema import Table
from labmtj.verbs import Crossbar, Log


class Recorded(Layer):
    """A crossbar whose whole traffic goes to a log: batches stay batches, one frame each.

    The tables lie under `arrays/<name>`: `reads` of columns, `row_reads`, `pulses`, `pulse_steps`.
    """

    def __init__(self, crossbar: Crossbar, log: Log, name: str) -> None:
        super().__init__(crossbar)
        self._log = log
        self._reads, self._row_reads, self._pulses, self._steps = array_tables(name, crossbar.shape)
        declare_tables(log, name, crossbar.shape)

    def measure(self, bias: Bias, lines: Lines, how: Reading) -> Currents:
        """Measure and write down."""
        currents = super().measure(bias, lines, how)
        tags = self._log.tags
        for table, kept, start in (
            (self._row_reads, Lines(rows=lines.rows), 0),
            (self._reads, Lines(columns=lines.columns), len(lines.rows)),
        ):
            if len(kept):
                part = currents.part(slice(start, start + len(kept)))
                self._log.append(table.path, reads_rows(table, bias, kept, how, part, **tags))
        return currents

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse and write down."""
        pulse = super().pulse(bias, seconds)
        self._log.append(self._pulses.path, pulses_rows(pulse, **self._log.tags))
        if (steps := pulse_steps_rows(pulse)) is not None:
            self._log.append(self._steps.path, steps)
        return pulse


def array_tables(name: str, shape: tuple[int, int]) -> tuple[Table, Table, Table, Table]:
    """Return the schemas of an array's reads of columns, reads of rows, pulses and pulse steps."""
    folder = f"arrays/{name}"
    return (
        reads_table(f"{folder}/reads", shape),
        reads_table(f"{folder}/row_reads", shape, Lines(rows=tuple(range(shape[0])))),
        pulses_table(f"{folder}/pulses", shape),
        pulse_steps_table(f"{folder}/pulse_steps", shape),
    )


def declare_tables(log: Log, name: str, shape: tuple[int, int]) -> None:
    """Declare the tables of an array."""
    for table in array_tables(name, shape):
        log.table(table)
