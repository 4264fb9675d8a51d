"""The fit of cells and wires: hidden truth recovered, intervals that cover it, and the trap of too few ports."""

import numpy as np
import pytest

from labmtj.circuit import PortState, Wires, response_of
from labmtj.errors import DataError
from labmtj.fitting.network import METER, WIRES, fit_network

TRUTH = {"row_segment_ohms": 5.0, "column_segment_ohms": 4.0, "row_lead_ohms": 20.0, "column_lead_ohms": 15.0}


def an_array(shape, seed, defects=(), **ohms):
    """Return cell resistances drawn half in P, half in AP, and the exact port admittance."""
    draw = np.random.default_rng(seed)
    cells = 5000 * np.exp(0.06 * draw.standard_normal(shape)) * np.where(draw.random(shape) < 0.5, 1, 2)
    for cell, value in defects:
        cells[cell] = value
    return cells, PortState(response_of(Wires.uniform(shape, **(TRUTH | ohms))), cells).admittance


def noisy(exact, seed, fraction=1e-4, floor_siemens=1e-8):
    sigma = np.hypot(fraction * np.abs(exact), floor_siemens)
    return exact + sigma * np.random.default_rng(seed).standard_normal(exact.shape), sigma


def columns_only(admittance, rows):
    """Return what is known when rows are driven and columns are read."""
    seen = np.full_like(admittance, np.nan)
    seen[:rows, rows:] = admittance[:rows, rows:]
    return seen


@pytest.mark.parametrize("changed", [{}, {"row_segment_ohms": 2.0, "column_lead_ohms": 40.0}])
def test_hidden_cells_and_wires_come_back_and_follow_a_change_of_the_truth(changed):
    cells, exact = an_array((15, 15), 1, [((3, 3), 150.0), ((1, 2), 1e9)], **changed)
    fit = fit_network(*noisy(exact, 2), (15, 15))
    assert (fit.rank, fit.parameters) == (229, 229)
    assert 0.8 < fit.chi_squared / fit.freedom < 1.2
    for name, truth in (TRUTH | changed).items():
        assert fit.wires[name].ohms == pytest.approx(truth, rel=0.01), name
    sound = cells < 1e6
    assert np.median(np.abs(fit.cell_ohms / cells - 1)[sound]) < 5e-4
    assert fit.cell_ohms[3, 3] == pytest.approx(150, rel=1e-3), "a short is fitted as any cell"
    assert abs(fit.cell_siemens[1, 2]) < 5 * fit.cell_error_siemens[1, 2] < 1e-7, "an open cell conducts nothing"


def test_reads_of_columns_alone_fit_perfectly_and_have_every_wire_refused():
    cells, exact = an_array((8, 8), 3)
    measured, sigma = noisy(exact, 4)
    fit = fit_network(columns_only(measured, 8), sigma, (8, 8))
    assert fit.rank == 64 < fit.parameters == 68
    assert fit.chi_squared < 1e-3, "the trap: nothing in the residuals warns"
    for name in WIRES:
        assert fit.wires[name].ohms is None
        assert "rank 64 for 68 unknowns" in fit.wires[name].reason
        assert "every line" in fit.wires[name].reason, "it says which reads would tell"
    error = fit.cell_siemens * cells - 1
    assert np.median(np.abs(error)) > 0.005, "cells imitate the wires"
    assert np.median(fit.cell_error_siemens * cells) > 0.01, "and their errors say so"


def test_repeating_such_reads_with_many_rows_at_once_tells_no_more():
    """Patterns of rows are sums of the same block; here the block is known ten times better."""
    _, exact = an_array((8, 8), 3)
    measured, sigma = noisy(exact, 4, fraction=1e-5, floor_siemens=1e-9)
    assert fit_network(columns_only(measured, 8), sigma, (8, 8)).rank == 64


def test_one_more_block_tells_the_wires_of_its_lines():
    _, exact = an_array((8, 8), 3)
    measured, sigma = noisy(exact, 4)
    seen = measured.copy()
    seen[8:, 8:] = np.nan  # no column against a column
    fit = fit_network(seen, sigma, (8, 8))
    assert fit.wires["column_lead_ohms"].ohms == pytest.approx(15, rel=0.02), "rows meet each other through columns"
    for name in ("row_segment_ohms", "row_lead_ohms"):
        told = fit.wires[name]
        assert told.ohms is None or abs(told.ohms - TRUTH[name]) < 5 * told.standard_error_ohms, name


def test_rows_that_no_unit_reaches_leave_a_fit_that_settles_and_says_what_it_knows():
    """As on a rack with fewer units than rows, and one meter for all columns: what is not determined must not keep it busy."""
    _, exact = an_array((15, 15), 3)
    measured, sigma = noisy(exact, 13, floor_siemens=3e-9)
    seen = measured.copy()
    seen[15:, 15:] = seen[13:15] = seen[:, 13:15] = np.nan
    fit = fit_network(seen, sigma, (15, 15))
    assert np.isnan(fit.cell_siemens).all(axis=1).tolist() == [False] * 13 + [True] * 2
    for name in ("column_segment_ohms", "column_lead_ohms"):
        told = fit.wires[name]
        assert abs(told.ohms - TRUTH[name]) < 4 * told.standard_error_ohms < 0.05 * TRUTH[name], name
    assert fit.wires["row_lead_ohms"].ohms is None


def test_intervals_cover_the_truth_as_often_as_they_say():
    shape, draws = (4, 4), 200
    cells, exact = an_array(shape, 5, [((2, 1), 300.0)])
    covered_cells, covered_wires = [], []
    for seed in range(draws):
        fit = fit_network(*noisy(exact, 100 + seed), shape)
        covered_cells.append(np.abs(fit.cell_siemens - 1 / cells) < 1.96 * fit.cell_error_siemens)
        low, high = np.array([fit.wires[name].interval_ohms for name in WIRES if fit.wires[name].ohms]).T
        truth = np.array([TRUTH[name] for name in WIRES if fit.wires[name].ohms])
        covered_wires += ((low < truth) & (truth < high)).tolist()
    assert 0.90 <= np.mean(covered_cells) <= 0.98
    assert 0.90 <= np.mean(covered_wires) <= 0.98
    assert len(covered_wires) > 0.9 * 4 * draws


def test_meters_in_series_with_the_two_lines_they_hold_are_told_apart_from_leads():
    """Each entry is measured behind 3 ohm in its own two lines: solved here entry by entry, from the whole network."""
    _, exact = an_array((6, 6), 7)
    lines = len(exact)
    measured = np.empty_like(exact)
    for a in range(lines):
        for b in range(lines):
            extra = np.zeros(lines)
            extra[[a, b]] = 3.0
            measured[a, b] = np.linalg.solve(np.eye(lines) + exact * extra, exact)[a, b]  # (Y^-1 + D)^-1
    sigma = np.hypot(1e-6 * np.abs(measured), 1e-11)
    fit = fit_network(measured, sigma, (6, 6), separate_meter=True)
    assert fit.wires[METER].ohms == pytest.approx(3.0, rel=0.02)
    assert fit.wires["row_lead_ohms"].ohms == pytest.approx(20.0, rel=0.02)
    blind = fit_network(measured, sigma, (6, 6))
    assert blind.wires[METER].ohms == pytest.approx(3.0, rel=0.02), (
        "equal terminations do not explain it, so it is freed"
    )
    assert blind.wires["row_lead_ohms"].ohms == pytest.approx(20.0, rel=0.02)


def test_draws_of_the_posterior_scatter_as_it_says():
    _, exact = an_array((4, 4), 5)
    fit = fit_network(*noisy(exact, 1), (4, 4))
    drawn = fit.draws(4000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.std(axis=0), np.sqrt(np.diag(fit.covariance)), rtol=0.1)


def test_what_cannot_be_fitted_is_said():
    with pytest.raises(DataError, match="all-port reads"):
        fit_network(np.full((4, 4), np.nan), np.ones((4, 4)), (2, 2))
    with pytest.raises(DataError, match="standard deviation"):
        fit_network(np.ones((4, 4)), np.zeros((4, 4)), (2, 2))
    with pytest.raises(DataError, match="4 x 4"):
        fit_network(np.ones((3, 3)), np.ones((3, 3)), (2, 2))
