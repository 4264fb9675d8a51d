"""Hidden chips recovered from their logs; what the reads do not tell is refused, and the truth is never looked at."""

import dataclasses

import h5py
import numpy as np
import pytest

from labmtj import yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.bench import load_array, load_bench
from labmtj.bench.files.simulated import crossbar_of
from labmtj.calibration.calibrate import calibrate
from labmtj.calibration.text import calibration_lines
from labmtj.calibration.writing import array_text, write_arrays
from labmtj.device.cellmap import CellMap
from labmtj.errors import DataError, UsageError
from labmtj.layer import Layer
from labmtj.quantities import Bias, Lines, ReadSettings, Refusal
from labmtj.schema import Purpose
from procedures.common.reference import initialise, read_cells
from procedures.common.schemes import select_cells, select_rows
from procedures.reference import ReferenceMap

SHAPE = (8, 7)
WIRES = ("row_segment_ohms", "column_segment_ohms", "row_lead_ohms", "column_lead_ohms")


@pytest.fixture(scope="module")
def found(hidden):
    return calibrate(hidden.data)


def errors(hidden, found):
    """Relative errors of the cells that work, P and AP."""
    fit = found.decoded.follows
    return [
        (ohms / hidden.ohms(state).ravel() - 1)[fit]
        for ohms, state in ((found.cells.parallel_ohms, True), (found.cells.antiparallel_ohms, False))
    ]


def test_cells_are_recovered_within_a_fifth_of_a_percent(hidden, found):
    for error in errors(hidden, found):
        assert np.median(np.abs(error)) < 0.002
        assert np.max(np.abs(error)) < 0.01


def test_standard_errors_are_what_the_errors_are(hidden, found):
    fit, stated = found.decoded.follows, (found.cells.parallel_error, found.cells.antiparallel_error)
    for error, sigma in zip(errors(hidden, found), stated, strict=True):
        assert 0.5 < np.std(error / sigma[fit]) < 2.0


def test_wires_are_recovered_and_follow_the_hidden_truth(hidden, found, log_of, all_reads, assumed):
    other = log_of(
        all_reads, assumed(row_segment_ohms=2.0, column_segment_ohms=3.0, row_lead_ohms=12.0, column_lead_ohms=31.0)
    )
    for chip, result in ((hidden, found), (other, calibrate(other.data))):
        assert result.wires.names == WIRES
        assert result.wires.rank == result.wires.parameters
        for name in WIRES:
            fitted, truth = getattr(result.description.wires, name), getattr(chip.description.wires, name)
            assert fitted.value == pytest.approx(truth.value, rel=0.05)
            assert fitted.provenance == "fitted"


def test_the_map_of_defects_is_exact(found, defects):
    assert {(d.row, d.column, d.kind) for d in found.cells.defects} == {(r, c, kind) for r, c, kind, _ in defects}
    (short,) = [d for d in found.cells.defects if d.kind == "short"]
    assert short.ohms == pytest.approx(240.0, rel=0.02)


def test_the_spread_from_write_to_write_is_found(found):
    assert found.cells.cycle_measured
    assert found.cells.cycle_to_cycle == pytest.approx(1e-3, rel=0.4)


def test_without_reads_of_all_ports_wires_stay_assumed_and_it_says_so(log_of, maps, assumed):
    only = calibrate(log_of(maps, assumed(row_segment_ohms=5.0)).data)
    assert only.wires.names == ()
    for name in WIRES:
        kept = getattr(only.description.wires, name)
        assert (kept.value, kept.provenance) == (assumed()["wires"][name]["value"], "assumed")
    assert "labmtj run calibrate" in " ".join(calibration_lines(only))


def test_what_a_run_does_not_tell_is_taken_from_the_file_of_an_earlier_one(log_of, maps, hidden, found):
    """Maps alone, of a chip whose wires another run has told: with those that were assumed cells are nearly 1 % off."""
    later = log_of(maps, hidden.description.model_dump())
    alone, knowing = calibrate(later.data), calibrate(later.data, on=found.description)
    assert knowing.description.wires == found.description.wires
    assert knowing.description.offsets is not None
    off, right = (np.median(np.abs(errors(later, each)[0])) for each in (alone, knowing))
    assert off > 0.005
    assert right < 0.002


def test_switching_that_was_measured_before_is_kept(log_of, maps, assumed, found):
    flat = CellMap.of(np.full(SHAPE, 44.0))
    known = found.description.model_copy(
        update={"cells": found.description.cells.model_copy(update={"thermal_stability": flat})}
    )
    later = calibrate(log_of(maps, assumed()).data, on=known)
    assert later.description.cells.thermal_stability == flat
    assert "as in array file small" in later.switching_summary


def test_an_array_file_of_another_chip_is_refused(log_of, maps, assumed, found):
    other = found.description.model_copy(update={"cells": found.description.cells.model_copy(update={"chip": "B2"})})
    with pytest.raises(DataError, match="is of chip 'B2', the log of 'small-0a'"):
        calibrate(log_of(maps, assumed()).data, on=other)


def test_of_very_many_shots_those_of_the_fullest_stretches_are_taken(log_of, maps, assumed, monkeypatch):
    """A night of trials holds millions of single reads; the maps among them tell the cells."""

    def night(crossbar, log):
        maps(crossbar, log)
        for number in range(30):
            crossbar.pulse(select_cells(SHAPE, np.array([[number % 8, number % 7]]), 0.3), 1e-3)
            crossbar.measure(select_rows(SHAPE, [number % 8], 0.1), Lines(columns=(0,)), ReadSettings(polarity="both"))

    data = log_of(night, assumed()).data
    whole = calibrate(data)
    monkeypatch.setattr("labmtj.calibration.observed.MOST_STRETCHES", 12)
    part = calibrate(data)
    assert (whole.observed.left_out, part.observed.left_out > 0) == (0, True)
    assert part.cells.parallel_ohms == pytest.approx(whole.cells.parallel_ohms, rel=2e-3)
    assert "shots were not used" in " ".join(calibration_lines(part))
    monkeypatch.setattr("labmtj.calibration.observed.MOST_READS", 15)  # a map of 8 rows in both polarities is larger
    with pytest.raises(DataError, match="but series of more than 15 shots; `labmtj run reference`"):
        calibrate(log_of(maps, assumed()).data)


class WithoutLastRow(Layer):
    """A bench with a unit too few."""

    def refusal(self, bias, seconds=0.0):
        if np.nan_to_num(bias.row_volts)[:, -1].any():
            return Refusal("no channel is left for row 7", "take another one")
        return super().refusal(bias, seconds)


def test_cells_that_no_unit_reaches_are_no_defects(log_of, maps, assumed):
    chip = crossbar_of(ArrayDescription.from_mapping(assumed()), seed=1, name="small-0a")
    found = calibrate(log_of(maps, assumed(), crossbar=WithoutLastRow(chip)).data)
    last = np.arange(56) >= 49
    assert (found.decoded.read == ~last).all()
    assert not found.cells.defects
    assert "7 cells were never read alone" in " ".join(calibration_lines(found))
    truth = chip.array.cells.parallel_ohms
    error = found.cells.parallel_error
    assert 0.5 < np.median(np.abs(found.cells.parallel_ohms / truth - 1)[last] / error[last]) < 2
    assert error[last].min() > 0.02 > error[~last].max()


def test_the_rank_trap_columns_read_with_rows_driven_tell_no_wire_however_good_the_reads(log_of, assumed):
    """More patterns of the same block are combinations of it: the cells imitate any wires."""

    def rows_alone(crossbar, log):
        ReferenceMap().execute(crossbar, log)
        with log.tagged(purpose=Purpose.CALIBRATE):
            for volts in (0.1, 0.05):
                for _ in range(3):
                    read_cells(crossbar, volts, ReadSettings(repeats=4, polarity="both"))

    assert calibrate(log_of(rows_alone, assumed(row_lead_ohms=40.0)).data).wires.names == ()


def test_a_virtual_bench_that_knows_its_chip_is_not_asked(log_of, maps, assumed):
    """The seed, and the arrays that a virtual chip is drawn from, change nothing: only the file of the laboratory counts."""
    of = {"kind": "instruments", "chip": {"id": "A7", "array": assumed()}}
    lies = assumed(row_segment_ohms=9.0, row_lead_ohms=90.0)
    texts = [
        array_text(calibrate(log_of(maps, assumed(), bench=bench).data).description)
        for bench in (
            {"kind": "virtual", "of": of, "arrays": {"small": assumed()}, "seed": 1},
            {"kind": "virtual", "of": of, "arrays": {"small": lies}, "seed": 99},
            {"kind": "virtual", "of": of},
        )
    ]
    assert texts[0] == texts[1] == texts[2]


def test_the_file_that_is_written_is_the_chip(hidden, found, tmp_path):
    """Read back, and read as a crossbar: every cell carries what the hidden one carries."""
    out = tmp_path / "chip.yaml"
    write_arrays(found, out, calibration_lines(found))
    twin = crossbar_of(load_array(str(out)), seed=99, name="twin", cell_noise=False)
    maps = []
    for crossbar in (twin, crossbar_of(hidden.description, seed=1, name="small-0a", cell_noise=False)):
        initialise(crossbar, 0.9, 1e-2)
        maps.append(read_cells(crossbar, 0.1, ReadSettings(polarity="both")))
    usable = found.decoded.follows.reshape(SHAPE)
    assert np.median(np.abs(maps[0] / maps[1] - 1)[usable]) < 0.002
    with pytest.raises(UsageError, match="exists already"):
        write_arrays(found, out, [])


def test_draws_are_as_wide_as_the_errors_and_files_of_their_own(found, tmp_path):
    drawn = [each.cells.parallel_ohms.array.ravel() for each in found.draws(200)]
    spread = np.std(drawn, axis=0) / found.cells.parallel_ohms
    stated = np.hypot(found.cells.parallel_error, 2e-4)
    assert np.median(spread / stated) == pytest.approx(1.0, rel=0.15)
    leads = [each.wires.row_lead_ohms.value for each in found.draws(200)]
    assert np.std(leads) == pytest.approx(found.wires.errors()["row_lead_ohms"], rel=0.3)
    write_arrays(found, tmp_path / "chip.yaml", [], draws=3)
    assert len({load_array(str(path)).cells.parallel_ohms.values[0][0] for path in tmp_path.glob("chip-*.yaml")}) == 3


def test_offsets_predict_what_lines_carry_at_rest(log_of, maps, assumed):
    """The offsets that were drawn for the sources, seen through all cells: not the voltages, but what they do."""

    def at_rest(crossbar, log):
        ReferenceMap().execute(crossbar, log)
        for _ in range(10):
            crossbar.measure(
                Bias(np.zeros(SHAPE[0]), np.zeros(SHAPE[1])), every, ReadSettings(repeats=4, range_amperes=1e-4)
            )

    every = Lines(columns=tuple(range(SHAPE[1])))
    chip = log_of(at_rest, assumed())
    found = calibrate(chip.data)
    bias = Bias(np.zeros(SHAPE[0]), np.zeros(SHAPE[1]))
    shown = chip.crossbar.measure(bias, every, ReadSettings(repeats=100, range_amperes=1e-4)).amperes[0]
    meter = load_bench("simulated").meter.model()
    twin = crossbar_of(found.description, seed=5, name="twin", cell_noise=False, meter=meter)
    predicted = twin.measure(bias, every, ReadSettings(repeats=100, range_amperes=1e-4)).amperes[0]
    assert np.ptp(shown) > 2e-9
    assert np.max(np.abs(predicted - shown)) < 0.1 * np.max(np.abs(shown))


# -- wrong input -------------------------------------------------------------------------------------------------------


def copied(hidden, tmp_path, change):
    path = tmp_path / "data.h5"
    path.write_bytes(hidden.data.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def refused(path, words, chip=None):
    with pytest.raises(DataError) as told:
        calibrate(path, chip)
    assert words in str(told.value)


def test_a_log_without_a_read_names_the_procedure_that_makes_one(log_of, assumed):
    refused(log_of(lambda crossbar, log: None, assumed()).data, "labmtj run reference")


def test_a_log_of_one_state_alone_is_refused(log_of, assumed):
    def one_state(crossbar, log):
        read_cells(crossbar, 0.1, ReadSettings(polarity="both"))

    refused(log_of(one_state, assumed()).data, "labmtj run calibrate")


def test_a_log_of_half_the_rows_is_refused(log_of, assumed):
    def some_rows(crossbar, log):
        for volts in (-0.9, 0.9):
            initialise(crossbar, volts, 1e-2)
            read_cells(crossbar, 0.1, ReadSettings(polarity="both"), rows=np.arange(2))

    refused(log_of(some_rows, assumed()).data, "were read one row at a time")


def test_reads_in_one_polarity_are_refused(log_of, assumed):
    def one_sign(crossbar, log):
        for volts in (-0.9, 0.9):
            initialise(crossbar, volts, 1e-2)
            read_cells(crossbar, 0.1, ReadSettings())

    refused(log_of(one_sign, assumed()).data, "both polarities")


def test_nan_in_the_reads_counts_as_not_read(hidden, tmp_path):
    def some(file):
        file["arrays/small-0a/reads/amperes"][::7, 3] = np.nan

    assert np.isfinite(calibrate(copied(hidden, tmp_path, some)).cells.parallel_ohms).all()

    def every(file):
        file["arrays/small-0a/reads/amperes"][...] = np.nan

    refused(copied(hidden, tmp_path, every), "were read one row at a time")


def test_other_files_are_refused_in_a_sentence(hidden, tmp_path):
    refused(tmp_path / "none.h5", "is not there")
    (tmp_path / "text.h5").write_text("no HDF5")
    refused(tmp_path / "text.h5", "cannot be read")
    (tmp_path / "cut.h5").write_bytes(hidden.data.read_bytes()[:20_000])
    refused(tmp_path / "cut.h5", "cannot be read")
    refused(hidden.data, "knows no chip 'other'", chip="other")
    refused(
        copied(hidden, tmp_path, lambda file: file.attrs.__setitem__("labmtj_record_version", 99)),
        "install a newer one",
    )
    refused(
        copied(hidden, tmp_path, lambda file: file.attrs.__delitem__("labmtj_record_version")),
        "not a data file of labmtj",
    )
    refused(copied(hidden, tmp_path, lambda file: file.__delitem__("provenance")), "run.yaml is missing")
    refused(copied(hidden, tmp_path, lambda file: file.__delitem__("arrays/small-0a/reads/sign")), "has no sign")

    def other_shape(file):
        text = file["provenance"].attrs["run_yaml"].replace(f"- {SHAPE[0]}\n", "- 9\n")
        file["provenance"].attrs["run_yaml"] = text

    refused(copied(hidden, tmp_path, other_shape), "another shape")


def test_the_text_fits_a_terminal_and_names_what_is_fitted(found):
    lines = calibration_lines(found)
    assert max(map(len, lines)) <= 80
    assert any("row_lead_ohms" in line and "fitted" in line for line in lines)
    assert "R_P of the cell without wires" in " ".join(lines), "that of R-V loops is between the lines"


def test_the_file_is_within_what_a_yaml_file_may_hold_up_to_32_lines(found):
    """Every map with its errors, as many cells as are calibrated."""
    side = 32
    wide = found.cells.parallel_ohms[0] * np.ones((side, side))
    grown = {name: CellMap.of(wide, wide) for name in ("parallel_ohms", "tmr", "critical_volts_to_parallel",
             "critical_volts_to_antiparallel", "thermal_stability", "stray_field", "repeatability")}  # fmt: skip
    grown["stray_field"] = CellMap.of(0 * wide, 0 * wide)
    cells = found.description.cells.model_copy(update={**grown, "defects": []})
    large = found.description.model_copy(update={"shape": (side, side), "cells": cells, "offsets": None})
    assert yamlfile.loads(array_text(large), "x").content["shape"] == [side, side]


def test_result_is_frozen(found):
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.cells = None
