"""Switching parameters from the record of the switching procedure, as it would find them on hidden cells."""

import numpy as np
import pytest

from labmtj.bench.files.simulated import crossbar_of
from labmtj.calibration.calibrate import calibrate
from labmtj.errors import DataError
from labmtj.quantities import Bias
from labmtj.schema import Variable
from procedures.reference import ReferenceMap

SHAPE = (8, 7)


def found_on(junctions, cells, shares):
    """What the procedure quotes: the law of every cell in each direction, voltages between the lines."""
    stability, critical = junctions.stability_by_state[:, cells], junctions.critical_volts_by_state[:, cells] / shares
    spans = {"stability": stability, "critical": critical}
    arrays = {}
    for name, values in spans.items():
        unit = "volts" if name == "critical" else ""
        for end, factor in (("", 1.0), ("low", 0.98), ("high", 1.02)):
            full = "_".join(part for part in (name, end, unit) if part)
            arrays[full] = Variable(values * factor, "1", full, ("direction", "cell"))
    arrays["stability_critical_correlation"] = Variable(
        np.full(stability.shape, -0.9), "1", "as is usual", ("direction", "cell")
    )
    arrays["cells"] = Variable(np.stack(np.divmod(cells, SHAPE[1]), axis=1), "1", "cells", ("cell", "line"))
    return arrays


def shares_of(crossbar, cells):
    """Volts of each junction per volt between its lines, by pulses that switch nothing, half on each line."""
    found = []
    for state in (False, True):
        crossbar.array.restore(crossbar.array.snapshot() | {"state": np.full(56, state)})
        sign = 1 if not state else -1
        rows, columns = np.zeros((len(cells), SHAPE[0])), np.zeros((len(cells), SHAPE[1]))
        number = np.arange(len(cells))
        rows[number, cells // SHAPE[1]], columns[number, cells % SHAPE[1]] = sign * 0.15, -sign * 0.15
        held, _ = crossbar.array.hold(Bias(rows, columns).line_volts, 1e-9)
        found.append(held.cell_volts[number, cells] / (sign * 0.3))
    return np.array(found)


@pytest.fixture(scope="module")
def make(log_of, assumed):
    def make(cells, *, leave_out="", shortest=1e-4):
        def both(crossbar, log):
            ReferenceMap().execute(crossbar, log)
            truth = crossbar_of(ArrayOf(assumed()), seed=1, name="small-0a", cell_noise=False)
            arrays = found_on(truth.array.cells, cells, shares_of(truth, cells))
            arrays |= {
                f"{name}_model_{end}{unit}": Variable(
                    arrays[value].values * (1 + sign * error), "1", "-", ("direction", "cell")
                )
                for name, value, unit, error in (
                    ("stability", "stability", "", 0.08), ("critical", "critical_volts", "_volts", 0.06),
                )
                for end, sign in (("low", -1), ("high", 1))
            }  # fmt: skip
            arrays["width"] = Variable(np.array([shortest, 1e-1]), "s", "-", ("width",))
            log.put("switching", {name: each for name, each in arrays.items() if name != leave_out})
            log.attributes("switching", {"voltage": "lines", "attempt_seconds": 1e-9, "assumed_exponent": 2})

        return log_of(both, assumed())

    return make


def ArrayOf(content):  # noqa: N802
    from labmtj.arrays import ArrayDescription

    return ArrayDescription.from_mapping(content)


def test_barriers_stray_fields_and_critical_volts_of_the_junctions_are_recovered(make):
    chip = make(np.arange(56))
    cells, truth = calibrate(chip.data).description.cells, chip.crossbar.array.cells
    for name, tolerance in (
        ("thermal_stability", 1e-3), ("critical_volts_to_parallel", 5e-3), ("critical_volts_to_antiparallel", 5e-3),
    ):  # fmt: skip
        fitted = getattr(cells, name).array.ravel()
        assert fitted == pytest.approx(getattr(truth, name), rel=tolerance)
    assert cells.stray_field.array.ravel() == pytest.approx(truth.stray_field, abs=1e-3)
    assert np.median(cells.thermal_stability.errors / cells.thermal_stability.array) == pytest.approx(
        0.04 / 3.92 / 2**0.5, rel=0.1
    )


def test_a_few_cells_tell_the_family_and_no_maps(make):
    found = calibrate(make(np.arange(0, 56, 4)).data)
    assert found.description.cells.thermal_stability is None
    family = found.description.family
    assert family.critical_volts_to_parallel.provenance == "fitted"
    assert family.critical_volts_to_parallel.value == pytest.approx(0.6, rel=0.04)
    assert (family.attempt_seconds.provenance, family.barrier_exponent.provenance) == ("assumed", "assumed")
    assert "assumed" in found.switching_summary


def test_without_the_procedure_it_says_which_one_to_run(log_of, maps, assumed):
    found = calibrate(log_of(maps, assumed()).data)
    assert "labmtj run switching" in found.switching_summary
    assert found.description.family.thermal_stability.provenance == "assumed"


def test_the_error_of_the_law_is_quoted_and_short_pulses_are_warned_of_or_refused(make):
    """Cases B1 and A3."""
    text = calibrate(make(np.arange(56)).data).switching_summary
    assert "with the error of the law (tau0 0.3 to 1 ns, attempt rate of a macrospin) Delta -8.0% to +8.0%" in text
    assert "Vc0 -6.0% to +6.0%" in text
    assert "below 1e-06 s" not in text
    assert "pulses of 5e-07 s: below 1e-06 s" in calibrate(make(np.arange(56), shortest=5e-7).data).switching_summary
    with pytest.raises(DataError, match="short_pulses: true in the array file"):
        calibrate(make(np.arange(56), shortest=1e-8).data)


def test_a_record_that_was_cut_off_is_refused(make):
    with pytest.raises(DataError, match="has no stability_low"):
        calibrate(make(np.arange(56), leave_out="stability_low").data)
