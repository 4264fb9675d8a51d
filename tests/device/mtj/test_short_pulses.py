"""Case A3: how far the switching law holds, against a macrospin; what is warned of, and what is refused."""

import importlib.util
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from labmtj import pulsewidths
from labmtj.circuit import Wires
from labmtj.device.mtj import Junctions, median_switching_volts, switching_probability
from labmtj.device.mtj.widths import V50_OVER_TRUTH, WIDTHS
from labmtj.errors import UsageError
from labmtj.quantities import Bias, Waveform
from labmtj.run import load_experiment, start
from labmtj.simulated import SimulatedCrossbar


@pytest.fixture(scope="module")
def macrospin():
    spec = importlib.util.spec_from_file_location("macrospin", Path(__file__).with_name("macrospin.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Macrospin


def test_the_stated_figures_are_those_of_a_macrospin(macrospin):
    spin = macrospin()
    for seconds, ratio in V50_OVER_TRUTH.items():
        law = median_switching_volts(seconds, critical_volts=1.0, thermal_stability=50.0)
        # V50 of the macrospin lies between these two: the ratio is right to a hundredth
        assert spin.unswitched(law / (ratio + 0.006), seconds) > 0.5, seconds
        assert spin.unswitched(law / (ratio - 0.006), seconds) < 0.5, seconds


def test_a_pulse_of_10_ns_at_the_critical_voltage_mostly_fails(macrospin):
    assert macrospin().unswitched(1.0, 1e-8) == pytest.approx(0.85, abs=0.01)
    law = switching_probability(1.0, 1e-8, critical_volts=1.0, thermal_stability=50.0)
    assert 1 - law == pytest.approx(4.5e-5, rel=0.02)


def test_the_macrospin_stays_at_rest_and_its_rate_is_that_of_brown(macrospin):
    """Brown's high-barrier rate at v = 0.4, exact to a few percent for a barrier of 18."""
    spin, v = macrospin(), 0.4
    assert spin.unswitched(0.0, 1e-3) == pytest.approx(1.0, abs=1e-9)
    rate = spin.rate * np.sqrt(50 / np.pi) * (1 - v**2) * (1 - v) * np.exp(-50 * (1 - v) ** 2)
    assert spin.unswitched(v, 0.1 / rate) == pytest.approx(np.exp(-0.1), abs=0.01)


@pytest.fixture
def build():
    """Return a function that makes a simulated crossbar."""

    def make(**parts):
        wires = Wires.uniform((2, 2), row_segment_ohms=0, column_segment_ohms=0, row_lead_ohms=0, column_lead_ohms=0)
        return SimulatedCrossbar(wires, Junctions.ideal((2, 2)), name="short", **parts)

    return make


BIAS = Bias([[0.5, 0.0]], [[0.0, 0.0]])


def test_pulses_below_100_ns_are_refused_unless_asked_for(build):
    crossbar = build()
    with pytest.raises(UsageError, match=r"0\.65 at 1e-08 s.*short_pulses: true"):
        crossbar.pulse(BIAS, 5e-8)
    assert crossbar.clock.now() == 0
    assert "short_pulses" in str(crossbar.refusal(BIAS, 5e-8))
    assert crossbar.refusal(BIAS, 1e-7) is None
    assert crossbar.refusal(BIAS) is None
    asked = build(short_pulses=True)
    assert asked.refusal(BIAS, 5e-8) is None
    asked.pulse(BIAS, 5e-8)


def test_pulses_below_1_us_are_warned_of_once(build, caplog, monkeypatch):
    monkeypatch.setattr(pulsewidths, "_WARNED", set())
    with caplog.at_level(logging.WARNING, "labmtj"):
        crossbar = build()
        crossbar.pulse(BIAS, 1e-6)
        assert not caplog.records
        crossbar.pulse(BIAS, 5e-7)
        crossbar.pulse(BIAS, 5e-7)
    (record,) = caplog.records
    assert "array short: pulses of 5e-07 s" in record.getMessage()
    assert "0.91 at 1e-07 s" in record.getMessage()
    assert not WIDTHS.problem(1e-6)


def test_waveforms_below_100_ns_are_refused_as_pulses_are(build):
    crossbar = build()
    rest = np.zeros((1, 1, BIAS.line_volts.shape[1]))
    volts = np.concatenate([rest, BIAS.line_volts[:, np.newaxis, :], rest], axis=1)
    with pytest.raises(UsageError, match=r"pulses of 5e-08 s.*short_pulses: true"):
        crossbar.apply(Waveform(np.array([[1e-3, 5e-8, 1e-3]]), volts))  # the width is that of what is away from 0 V
    assert crossbar.clock.now() == 0
    crossbar.apply(Waveform(np.array([[5e-8, 1e-3, 5e-8]]), volts))
    build(short_pulses=True).apply(Waveform(np.array([[1e-3, 5e-8, 1e-3]]), volts))


def test_a_run_keeps_the_warning_that_its_settings_were_given(tmp_path):
    """They are checked, and warned of, before there is a run.log."""
    changes = {"cells": [[0, 0]], "volts": [0.5], "pulse_seconds": 5e-7, "pulses": 1}
    load_experiment("write-errors", changes=changes)  # another one, warned of before, has its own log
    experiment = load_experiment("write-errors", changes=changes)
    folder = start(experiment, tmp_path, workers=1, show=lambda progress: None)
    kept = [json.loads(line) for line in folder.log.read_text().splitlines() if '"warning"' in line]
    assert sum(each["text"].startswith("array mtj-50nm: pulses of 5e-07 s") for each in kept) == 1
