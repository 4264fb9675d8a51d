"""The layer that writes down every pulse and every reading, as the crossbar within answered it."""

from __future__ import annotations

from labmtj.errors import Overstressed
from labmtj.health import HealthMap
from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, Lines, Pulse, ReadSettings
from labmtj.record.tables import (
    pulse_steps_rows,
    pulse_steps_table,
    pulses_rows,
    pulses_table,
    reads_rows,
    reads_table,
)
from labmtj.results import variables
from labmtj.schema import Table
from labmtj.verbs import Crossbar, Log


class Recorded(Layer):
    """A crossbar whose whole traffic goes to a log: batches stay batches, one frame each.

    The tables lie under `arrays/<name>`: `reads` of columns, `row_reads`, `pulses`, `pulse_steps`.
    """

    def __init__(self, crossbar: Crossbar, log: Log, name: str) -> None:
        super().__init__(crossbar)
        self._log, self._name = log, name
        self._reads, self._row_reads, self._pulses, self._steps = array_tables(name, crossbar.shape)
        declare_tables(log, name, crossbar.shape)

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Measure and write down, too, what went beyond a limit."""
        try:
            currents = super().measure(bias, lines, how)
        except Overstressed as error:
            self._write_reads(bias, lines, how, error.answer)
            put_overstress(self._log, self._name, error)
            raise
        self._write_reads(bias, lines, how, currents)
        return currents

    def _write_reads(self, bias: Bias, lines: Lines, how: ReadSettings, currents: Currents) -> None:
        tags = self._log.tags
        for table, kept, start in (
            (self._row_reads, Lines(rows=lines.rows), 0),
            (self._reads, Lines(columns=lines.columns), len(lines.rows)),
        ):
            if len(kept):
                part = currents.part(slice(start, start + len(kept)))
                self._log.append(table.path, reads_rows(table, bias, kept, how, part, **tags))

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse and write down, too, what went beyond a limit."""
        try:
            pulse = super().pulse(bias, seconds)
        except Overstressed as error:
            self._write_pulses(error.answer)
            put_overstress(self._log, self._name, error)
            raise
        self._write_pulses(pulse)
        return pulse

    def _write_pulses(self, pulse: Pulse) -> None:
        self._log.append(self._pulses.path, pulses_rows(pulse, **self._log.tags))
        if (steps := pulse_steps_rows(pulse)) is not None:
            self._log.append(self._steps.path, steps)


def put_overstress(log: Log, name: str, error: Overstressed) -> None:
    """Record in `arrays/<name>/overstress/health` which cells got more than the limits allow, and what they got."""
    health = HealthMap.overstressed(error.cells, error.problem)
    log.put(f"arrays/{name}/overstress/health", variables(health), signal="state", kind="run")


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
