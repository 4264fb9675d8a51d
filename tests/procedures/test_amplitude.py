"""The amplitude scan: a hump, the middle of its plateau, and what cannot be scanned."""

import numpy as np
import pytest

from labmtj.errors import ProcedureFailed, SettingError
from labmtj.quantities import ArrayInfo, Limits
from procedures.common.amplitude import AmplitudeSettings, checkerboard, edge_of, middle_of_plateau, scan_amplitudes
from procedures.common.reference import ReferenceSettings, reference_maps
from procedures.common.write import WriteSettings

VOLTS = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


@pytest.mark.parametrize(
    ("fidelity", "middle"),
    [
        ([0.5, 0.9, 1.0, 1.0, 1.0, 0.8], 0.4),
        ([0.5, 0.6, 0.99, 1.0, 0.7, 0.6], 0.35),
        ([0.5, 0.6, 0.7, 0.8, 0.9, 1.0], 0.6),  # a slope: the best value alone
        ([1.0, 0.6, 1.0, 1.0, 1.0, 0.6], 0.1),  # the stretch around the first best value, not across the dip
        ([0.99, 0.985, 1.0, 0.98, 0.979, 1.0], 0.25),  # within 0.02, and no further
    ],
)
def test_the_middle_of_the_plateau_by_hand(fidelity, middle):
    assert middle_of_plateau(VOLTS, np.array(fidelity), 0.0200001) == pytest.approx(middle)


@pytest.mark.parametrize(
    ("fidelity", "edge"),
    [
        ([0.5, 0.9, 1.0, 1.0, 1.0, 0.8], ""),
        ([0.5, 0.6, 0.7, 0.8, 0.9, 1.0], "highest"),
        ([0.99, 1.0, 0.6, 0.5, 0.5, 0.5], "lowest"),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], "lowest and highest"),
    ],
)
def test_a_plateau_that_reaches_an_end_of_the_scan_is_flagged(fidelity, edge):
    """Case B5."""
    assert edge_of(VOLTS, np.array(fidelity), 0.0200001) == edge


def test_where_cells_do_not_stay_no_other_amplitude_is_advised(spread_array):
    """Case B4: the reference maps still hold for most cells, a write does not."""
    crossbar = spread_array(shape=(5, 5), thermal_stability=24.0, barrier_exponent=2, sigma_volts=0.05)
    reference = reference_maps(crossbar, ReferenceSettings())
    with pytest.raises(ProcedureFailed, match="do not stay") as error:
        scan_amplitudes(
            crossbar, reference, ReferenceSettings(), WriteSettings(), AmplitudeSettings(points=3, stop_volts=0.4)
        )
    assert "scan other amplitudes" not in str(error.value)


def test_no_amplitude_that_writes_is_an_error():
    with pytest.raises(ProcedureFailed, match=r"0\.1 to 0\.6 V"):
        middle_of_plateau(VOLTS, np.array([0.5, 0.5, 0.6, 0.74, 0.6, 0.5]), 0.02)


def test_a_checkerboard_has_no_two_neighbours_alike():
    board = checkerboard((3, 4))
    assert board[0, 0]
    assert (board[1:] != board[:-1]).all()
    assert (board[:, 1:] != board[:, :-1]).all()


@pytest.fixture
def scan(spread_array):
    """Return a function that scans an array with much half-select disturb: stability 30, pulses of 1 ms."""

    def run(polarity=1, stop_volts=0.88, limits=None, points=10):
        crossbar = spread_array(10_000.0, sigma_ohms=0.05, sigma_volts=0.05, thermal_stability=30.0, polarity=polarity)
        if limits is not None:
            crossbar.limits = limits
        initial = ReferenceSettings(initialise_volts=0.7)
        settings = AmplitudeSettings(stop_volts=stop_volts, points=points)
        reference = reference_maps(crossbar, initial)
        return crossbar, scan_amplitudes(crossbar, reference, initial, WriteSettings(pulse_seconds=1e-3), settings)

    return run


@pytest.mark.parametrize("polarity", [1, -1])
def test_the_scan_is_a_hump_and_its_middle_writes(scan, states, polarity):
    crossbar, found = scan(polarity)
    for fidelity, chosen in (
        (found.parallel_fidelity, found.parallel_volts),
        (found.antiparallel_fidelity, found.antiparallel_volts),
    ):
        best = fidelity.max()
        assert best > 0.93
        assert fidelity[0] < 0.75  # too little: the half to be written is not
        assert fidelity[-1] < best - 0.05  # too much: half-selected cells flip
        assert np.interp(chosen, found.volts, fidelity) > best - 0.02
        assert found.volts[0] < chosen < found.volts[-1]
    assert found.parallel_volts < found.antiparallel_volts  # critical voltages 0.6 and 0.7 V
    assert states(crossbar).mean() < 0.01  # left all-AP


def test_the_limit_of_the_array_caps_the_scan(scan):
    _, found = scan(limits=Limits(cell_volts=0.7, line_amperes=0.1), points=4)
    np.testing.assert_allclose(found.volts, np.linspace(0.24, 0.7, 4))


def test_a_scan_above_the_limit_of_the_array_is_refused_with_its_key():
    info = ArrayInfo("x", (2, 2), 1e-4, 1e-4, 5e-8, np.ones((2, 2)), Limits(cell_volts=0.24))
    with pytest.raises(SettingError) as refused:
        AmplitudeSettings().check(info, "amplitude")
    assert "start_volts" in str(refused.value)
