"""Chips that the simplest model does not describe: found out, or refused, and never stated better than they are (case A2)."""

import numpy as np
import pytest

from labmtj.arrays import ArrayDescription
from labmtj.calibration.calibrate import calibrate
from labmtj.calibration.text import calibration_lines
from labmtj.calibration.writing import array_text
from labmtj.circuit import PortState, Wires, response_of
from labmtj.errors import ConfigError
from labmtj.fitting.network import MISFIT, WIRES, fit_network

SHAPE = (8, 7)
SEEN = {
    "lines 70 %": ("by line: row segment, column segment, row lead, column lead",),
    "one segment": ("_segment_ohms[", "] of its own"),
    "one range": ("gains of the ranges differ", "0.50%"),
    "gains": ("gains of the meters differ by",),
    "path": ("a leakage path, row", "the twin misses it"),
    "law": ("half voltage 0.35", "0.5 V was assumed"),
}


@pytest.mark.parametrize("kind", SEEN)
def test_a_misfit_is_named_and_the_intervals_cover(kind, misfits, tmp_path):
    chip = misfits.measured(kind, 0, SHAPE, tmp_path)
    found = calibrate(chip.data)
    error, stated = chip.errors(found)
    assert (np.abs(error) < 1.96 * stated).mean(axis=1).min() > 0.8
    text = " ".join(" ".join(calibration_lines(found)).split())
    for words in SEEN[kind]:
        assert words in text
    assert max(found.wires.chi_squared) < MISFIT
    ArrayDescription.from_mapping(found.description.model_dump(exclude_none=True))


def test_reads_that_no_model_describes_leave_nothing_fitted(misfits, tmp_path, monkeypatch):
    """Every segment differs by 70 %, and the models that could follow are taken away: it is refused by name."""
    monkeypatch.setattr("labmtj.fitting.network.choose", lambda problem, estimate: (estimate, 0))
    chip = misfits.measured("lines 70 %", 1, SHAPE, tmp_path)
    found = calibrate(chip.data)
    assert found.misfit.startswith("misfit: chi-squared per degree of freedom")
    assert found.wires.names == ()
    wires = found.description.wires
    assert {getattr(wires, name).provenance for name in WIRES} == {"misfit"}
    assert found.description.cells.provenance == "misfit"
    text = "\n".join(calibration_lines(found))
    assert "THE MODEL DOES NOT FIT" in text
    assert "fitted to" not in text
    assert "provenance: misfit" in array_text(found.description)
    error, stated = chip.errors(found)
    assert (np.abs(error) < 1.96 * stated).mean() > 0.8
    assert np.median(stated) > 0.005


def test_an_array_file_with_wires_by_line_is_the_network_that_it_says(assumed):
    """One number for a line, or one for each segment; lists of another length are refused."""
    from labmtj.bench.files.protecting import wires_of

    content = assumed()
    content["wires"]["row_segment_ohms"]["by_line"] = [1.0, [2.0, 3.0, 4.0, 5.0, 6.0, 150.0], *[3.0] * 6]
    content["wires"]["column_lead_ohms"]["by_line"] = [float(line) for line in range(7)]
    wires = wires_of(ArrayDescription.from_mapping(content))
    assert wires.row_segment_ohms[:2].tolist() == [[1.0] * 6, [2.0, 3.0, 4.0, 5.0, 6.0, 150.0]]
    assert wires.column_lead_ohms[:, 1].tolist() == list(range(7))
    content["wires"]["column_lead_ohms"]["by_line"] = [1.0]
    with pytest.raises(ConfigError, match=r"column_lead_ohms\.by_line holds 1 values; the array has 7 such lines"):
        ArrayDescription.from_mapping(content)


def test_wires_of_no_resistance_are_fitted_as_such():
    """Leads and segments of 0 ohm leave currents of zero between rows (use/20)."""
    zero = Wires.uniform(SHAPE, row_segment_ohms=0, column_segment_ohms=0, row_lead_ohms=0, column_lead_ohms=0)
    exact = PortState(response_of(zero), np.full(SHAPE, 5000.0)).admittance
    sigma = np.hypot(5e-5 * np.abs(exact), 1e-12)
    fit = fit_network(exact + sigma * np.random.default_rng(1).standard_normal(exact.shape), sigma, SHAPE)
    assert fit.chi_squared_per_freedom < 1.3
    for name in WIRES:
        assert abs(fit.wires[name].ohms) < 4 * fit.wires[name].standard_error_ohms < 0.01


def test_a_chip_without_wires_is_described_by_its_own_twin(log_of, all_reads, assumed):
    """Model fails nowhere, rms about 0.7 sigma, as with leads (use/20)."""
    from labmtj.calibration.twin import twin

    (chip,) = twin(log_of(all_reads, assumed(**dict.fromkeys(WIRES, 0.0))).data, again=False).chips
    assert chip.within > 0.99
    assert 0.3 < np.sqrt(np.mean(chip.residuals.z**2)) < 1.0
    assert not chip.failing_lines.size
    assert not chip.failing_cells.any()
