"""One cell by hand: pulsed and read, refused before anything is applied, and the bench left safe."""

import pytest

from labmtj.bench.session.hands import pulse_cell, read_cell
from labmtj.errors import LimitExceeded, UsageError


def test_a_cell_is_pulsed_to_low_resistance_and_back_read_and_left_safe(with_resources, served_bench, is_safe):
    bench = with_resources()
    assert "0.6 V for 0.001 s" in pulse_cell(bench, 2, 3, 0.6, 1e-3)
    low = read_cell(bench, 2, 3, 0.1)
    pulse_cell(bench, 2, 3, -0.65, 1e-3)
    high = read_cell(bench, 2, 3, 0.1)
    ohms = [float(text.split(", ")[-1].removesuffix(" ohm")) for text in (low, high)]
    assert 1.6 < ohms[1] / ohms[0] < 2.4
    assert is_safe()
    assert served_bench.bench.network.events == []


def test_wrong_cells_and_volts_are_refused_before_anything_is_applied(with_resources, is_safe):
    bench = with_resources()
    with pytest.raises(UsageError, match="rows 0 to 14"):
        read_cell(bench, 15, 0, 0.1)
    with pytest.raises(UsageError, match=r"limits\.disturb_volts"):
        read_cell(bench, 0, 0, 0.5)
    with pytest.raises(LimitExceeded, match=r"limits\.cell_volts"):
        pulse_cell(bench, 0, 0, 1.4, 1e-3)
    assert is_safe()


def test_what_is_told_fits_a_terminal_of_80_columns(with_resources):
    told = pulse_cell(with_resources(), 14, 14, -0.65, 1e-3) + "\n" + read_cell(with_resources(), 14, 14, -0.1)
    assert max(map(len, told.splitlines())) <= 80


def test_the_steps_of_a_pulse_that_messages_time_are_told_over_several_lines():
    told = pulse_cell("virtual-2400-7002", 2, 3, 0.6, 0.03)
    assert "0.3 V for 0.001 s, 0.6 V for 0.03" in told
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize("volts", [float("nan"), float("inf"), 0.0])
def test_a_pulse_without_a_voltage_is_refused_before_anything_is_opened(volts):
    with pytest.raises(UsageError, match="--volts"):
        pulse_cell("no such bench", 0, 0, volts, 1e-3)
