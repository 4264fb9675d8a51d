"""The tables of reads and pulses hold what the crossbar answered, value by value."""

import numpy as np
import pytest
import xarray

from labmtj.errors import UsageError
from labmtj.quantities import Bias, Currents, Flag, Lines, Pulse, ReadSettings, Waveform
from labmtj.record import (
    Checkpointer,
    JournalLog,
    JournalWriter,
    MemoryLog,
    pulse_steps_rows,
    pulse_steps_table,
    pulses_rows,
    pulses_table,
    reads_rows,
    reads_table,
)
from labmtj.schema import Purpose

SHAPE = (2, 3)
ALL = Lines(columns=(0, 1, 2))
BIAS = Bias([[0.1, 0.0], [0.2, np.nan]], [0.0, 0.0, np.nan])


def currents(lines, signs, batch=2):
    full = (batch, len(signs), len(lines))
    values = np.arange(np.prod(full), dtype=float).reshape(full)
    return Currents(
        raw_amperes=values * 1e-6,
        flags=(values % 3).astype(np.uint8),
        range_amperes=np.full((1, 1, 1), 1e-4),
        start_seconds=np.arange(batch * len(signs), dtype=float).reshape(batch, len(signs), 1),
        volts=values * 1e-3,
        signs=np.array(signs, float),
    )


def logged(table, *rows):
    log = MemoryLog()
    log.table(table)
    for block in rows:
        log.append(table.path, block)
    return log.read(table.path)


def test_a_read_has_one_row_per_shot_of_each_bias():
    table = reads_table("reads", SHAPE)
    how = ReadSettings(aperture_seconds=0.5, polarity="both", repeats=2)
    answer = currents(ALL, how.signs)
    rows = logged(table, reads_rows(table, BIAS, ALL, how, answer, purpose=Purpose.VERIFY, solution=7))
    assert rows["amperes"].shape == (8, 3)
    assert (rows["amperes"].reshape(2, 4, 3) == answer.raw_amperes).all()
    assert rows["shot"].tolist() == [0, 1, 2, 3] * 2
    assert rows["sign"].tolist() == [1, -1, 1, -1] * 2
    assert rows["row_volts"][1].tolist() == [-0.1, 0.0]
    assert np.isnan(rows["row_volts"][4:, 1]).all()
    assert np.isnan(rows["column_volts"][4:, 2]).all()
    assert rows["start_seconds"][:, 2].tolist() == list(range(8))
    assert (rows["range_amperes"] == np.float32(1e-4)).all()
    assert set(rows["purpose"]) == {Purpose.VERIFY}
    assert set(rows["solution"]) == {7}
    assert (rows["aperture_seconds"] == 0.5).all()


def test_the_answer_can_be_folded_again_from_the_rows():
    table = reads_table("reads", SHAPE)
    how = ReadSettings(polarity="both", repeats=3)
    answer = currents(ALL, how.signs)
    rows = logged(table, reads_rows(table, BIAS, ALL, how, answer, purpose=Purpose.INFER))
    folded = (rows["amperes"] * rows["sign"][:, None]).reshape(2, 6, 3).mean(axis=1)
    assert np.allclose(folded, answer.amperes, rtol=1e-12, atol=0)


def test_lines_are_put_in_their_place_and_the_others_are_invalid():
    table = reads_table("reads", SHAPE)
    lines = Lines(columns=(2, 0))
    rows = logged(table, reads_rows(table, BIAS, lines, ReadSettings(), currents(lines, [1.0]), purpose=Purpose.OTHER))
    assert rows["amperes"][0, [2, 0]].tolist() == [0.0, 1e-6]
    assert np.isnan(rows["amperes"][:, 1]).all()
    assert (rows["flags"][:, 1] == Flag.INVALID).all()
    assert rows["start_seconds"][1, [0, 2]].tolist() == [1.0, 1.0]


def test_reads_of_rows_go_to_their_own_table():
    rows_only, both = Lines(rows=(0, 1)), Lines(rows=(1,), columns=(0,))
    table = reads_table("reads", SHAPE)
    with pytest.raises(UsageError, match="use another"):
        reads_rows(table, BIAS, both, ReadSettings(), currents(both, [1.0]), purpose=Purpose.OTHER)
    table = reads_table("row_reads", SHAPE, rows_only)
    assert table.coordinates["line"].array.tolist() == ["r0", "r1"]
    rows = logged(
        table, reads_rows(table, BIAS, rows_only, ReadSettings(), currents(rows_only, [1.0]), purpose=Purpose.OTHER)
    )
    assert rows["amperes"].shape == (2, 2)


def test_currents_of_another_shape_are_refused():
    table = reads_table("reads", SHAPE)
    with pytest.raises(UsageError, match="no answer"):
        reads_rows(table, BIAS, ALL, ReadSettings(), currents(Lines(columns=(0, 1)), [1.0]), purpose=Purpose.OTHER)


def pulse(delivered, flags=0):
    return Pulse(BIAS, 1e-3, np.array([5.0, 6.0]), delivered, np.full((2, 5), flags, np.uint8))


def test_a_square_pulse_is_one_row():
    table = pulses_table("pulses", SHAPE)
    square = pulse(Waveform.square(BIAS, 1e-3), flags=1)
    rows = logged(table, pulses_rows(square, purpose=Purpose.WRITE, solution=3))
    assert np.array_equal(rows["delivered_volts"], BIAS.line_volts, equal_nan=True)
    assert rows["delivered_seconds"].tolist() == rows["seconds"].tolist() == [1e-3, 1e-3]
    assert rows["start_seconds"].tolist() == [5.0, 6.0]
    assert rows["steps"].tolist() == [1, 1]
    assert (rows["flags"] == 1).all()
    assert pulse_steps_rows(square) is None


def test_steps_are_kept_of_pulses_that_have_several():
    volts = np.arange(2 * 3 * 5, dtype=float).reshape(2, 3, 5)
    delivered = Waveform(np.array([[1e-3, 0.0, 0.0], [1e-4, 8e-4, 1e-4]]), volts)
    uneven = pulse(delivered)
    rows = logged(pulses_table("pulses", SHAPE), pulses_rows(uneven, purpose=Purpose.WRITE))
    assert rows["steps"].tolist() == [1, 3]
    assert rows["delivered_volts"].tolist() == [volts[0, 0].tolist(), volts[1, 1].tolist()]
    assert rows["delivered_seconds"] == pytest.approx([1e-3, 1e-3])
    steps = logged(pulse_steps_table("steps", SHAPE), pulse_steps_rows(uneven))
    assert steps["pulse_start_seconds"].tolist() == [6.0] * 3
    assert steps["step"].tolist() == [0, 1, 2]
    assert steps["step_seconds"].tolist() == [1e-4, 8e-4, 1e-4]
    assert (steps["delivered_volts"] == volts[1]).all()


def test_the_standard_tables_open_in_xarray(tmp_path):
    tables = [
        reads_table("a/reads", SHAPE),
        reads_table("a/row_reads", SHAPE, Lines(rows=(0, 1))),
        pulses_table("a/pulses", SHAPE),
    ]
    with JournalWriter.create(tmp_path / "journal.lmj") as journal:
        log = JournalLog(journal)
        for table in (*tables, pulse_steps_table("a/pulse_steps", SHAPE)):
            log.table(table)
        log.append(
            "a/reads", reads_rows(tables[0], BIAS, ALL, ReadSettings(), currents(ALL, [1.0]), purpose=Purpose.VERIFY)
        )
        log.append("a/pulses", pulses_rows(pulse(Waveform.square(BIAS, 1e-3)), purpose=Purpose.WRITE))
    Checkpointer(tmp_path / "journal.lmj", tmp_path / "data.h5").checkpoint()
    with xarray.open_dataset(tmp_path / "data.h5", group="a/reads", engine="h5netcdf") as reads:
        assert reads.amperes.sel(line="c1").dims == ("read",)
        assert reads.row_volts.isel(row=0).values.tolist() == [0.1, 0.2]
        assert reads.purpose.attrs["flag_meanings"].split()[Purpose.VERIFY] == "verify"
        assert reads.flags.attrs["flag_meanings"] == "compliance overflow invalid unknown beyond_limits"
    with xarray.open_dataset(tmp_path / "data.h5", group="a/pulses", engine="h5netcdf") as pulses:
        assert pulses.bias_volts.sel(line="r0").values.tolist() == [0.1, 0.2]
        assert pulses.seconds.attrs["units"] == "s"


def test_shots_and_steps_are_told_apart_beyond_65536():
    """Case use/07: a counter of 16 bits had wrapped in silence."""
    many = 70_000
    table = reads_table("reads", SHAPE)
    one = Bias(np.zeros(SHAPE[0]), np.zeros(SHAPE[1]))
    log = MemoryLog()
    log.table(table)
    answer = currents(ALL, np.ones(many), batch=1)
    log.append("reads", reads_rows(table, one, ALL, ReadSettings(repeats=many), answer, purpose=Purpose.OTHER))
    assert np.array_equal(log.read("reads")["shot"], np.arange(many))
    step_seconds = np.full((1, many), 1e-6)
    flags = np.zeros((1, sum(SHAPE)), np.uint8)
    pulse = Pulse(one, 0.07, np.zeros(1), Waveform(step_seconds, np.zeros((1, many, sum(SHAPE)))), flags)
    log.table(pulses_table("pulses", SHAPE))
    log.table(pulse_steps_table("steps", SHAPE))
    log.append("pulses", pulses_rows(pulse, purpose=Purpose.OTHER))
    log.append("steps", pulse_steps_rows(pulse))
    assert log.read("pulses")["steps"].tolist() == [many]
    assert np.array_equal(log.read("steps")["step"], np.arange(many))
