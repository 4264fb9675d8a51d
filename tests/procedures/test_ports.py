"""All-port reads: a hidden chip behind instruments comes back, and its health; what a bench cannot read is not determined."""

from contextlib import contextmanager

import numpy as np
import pytest
import yaml

from labmtj import library
from labmtj.bench.files.loading import load_any
from labmtj.bench.session.standing import open_any
from labmtj.circuit import PortState, Wires, response_of
from labmtj.errors import CannotDo, SettingError
from labmtj.fitting.network import fit_network
from labmtj.health import Health
from labmtj.layer import Layer
from labmtj.quantities import ArrayInfo, Limits, Refusal
from labmtj.record import MemoryLog
from procedures.common.ports import AllPorts, leaks
from procedures.common.reference import initialise
from procedures.health import HealthCheck

SHAPE = (6, 6)
BENCH = """
kind: instruments
instruments:
  smu: {driver: instruments.keithley2600.Keithley2636B, resource: "TCPIP::127.0.0.1::9::SOCKET"}
  matrix: {driver: instruments.keithley3706.Keithley3706A, resource: "TCPIP::127.0.0.1::9::SOCKET", cards: {1: "3730"}}
buses:
  ground: {row: 1, ground: true}
  high: {row: 2, channel: smu.a}
  low: {row: 3, channel: smu.b}
lines: {rows: [matrix.1.1-6], columns: [matrix.1.7-12]}
chip: {id: "hidden", array: hidden.yaml}
"""
DEFECTS = {(1, 1): ("short", 220.0), (4, 2): ("open", 1e9), (0, 5): ("stuck_parallel", None),
           (1, 3): ("stuck_antiparallel", None), (5, 0): ("short", 400.0)}  # fmt: skip
HEALTH = {"short": Health.SHORT, "open": Health.OPEN, "stuck_parallel": Health.STUCK_P,
          "stuck_antiparallel": Health.STUCK_AP}  # fmt: skip


@contextmanager
def hidden_chip(folder, seed, defects=(), **wires):
    """Open a virtual bench, noise on, whose chip has cells drawn here; give it with the true P and AP resistances."""
    draw = np.random.default_rng(seed)
    parallel, tmr = 5000 * np.exp(0.06 * draw.standard_normal(SHAPE)), 1 + 0.05 * draw.standard_normal(SHAPE)
    content = yaml.safe_load((library.folder() / "arrays" / "mtj-50nm.yaml").read_text())
    content |= {"name": "hidden", "shape": list(SHAPE)}
    content["family"]["telegraph"] = None
    for name, ohms in wires.items():
        content["wires"][name]["value"] = ohms
    placed = [{"row": r, "column": c, "kind": kind} | ({} if ohms is None else {"ohms": ohms})
              for (r, c), (kind, ohms) in dict(defects).items()]  # fmt: skip
    content["cells"] = {"source": "drawn", "parallel_ohms": {"values": parallel.tolist()},
                        "tmr": {"values": tmr.tolist()}, "defects": placed}  # fmt: skip
    (folder / "hidden.yaml").write_text(yaml.safe_dump(content))
    (folder / "bench.yaml").write_text(BENCH)
    (folder / "virtual.yaml").write_text("kind: virtual\nof: bench.yaml\narrays: [hidden.yaml]\nseed: 5\nnoise: true\n")
    with open_any(load_any(str(folder / "virtual.yaml"))) as bench:
        yield bench, parallel, parallel * (1 + tmr)


@pytest.mark.parametrize(
    ("wires", "healthy"),
    [
        ({"row_segment_ohms": 5.0, "column_segment_ohms": 4.0, "row_lead_ohms": 26.0, "column_lead_ohms": 15.0}, True),
        ({"row_segment_ohms": 2.0, "column_segment_ohms": 6.0, "row_lead_ohms": 12.0, "column_lead_ohms": 40.0}, False),
    ],
)
def test_the_hidden_truth_comes_back_through_instruments_and_is_followed(tmp_path, torture, wires, healthy):
    if healthy and not torture:
        pytest.skip("under --torture: 12 s; the other wires are tried")
    with hidden_chip(tmp_path, 3, DEFECTS, **wires) as (bench, parallel, antiparallel):
        found = AllPorts(repeats=2).execute(bench, MemoryLog())
        checked = HealthCheck(repeats=8).execute(bench, MemoryLog()).health if healthy or torture else None
    for name, truth in wires.items():
        assert found.fit.wires[name].ohms == pytest.approx(truth, rel=0.05), name
    truth = antiparallel.copy()  # as the chip comes
    for cell, (kind, ohms) in DEFECTS.items():
        truth[cell] = {"stuck_parallel": parallel[cell], "stuck_antiparallel": truth[cell]}.get(kind, ohms)
    sound = truth < 1e6
    assert np.median(np.abs(found.fit.cell_ohms / truth - 1)[sound]) < 0.002
    assert np.abs(found.fit.cell_ohms / truth - 1)[sound].max() < 0.01, "cells beside a short, too"
    assert found.cost.pulses == 0
    assert found.cost.readings == 2 * 12 * 12 + 12
    assert found.cost.seconds > 0.02 * found.cost.readings
    wanted = np.full(SHAPE, Health.USABLE)
    for cell, (kind, _) in DEFECTS.items():
        wanted[cell] = HEALTH[kind]
    if checked is not None:
        np.testing.assert_array_equal(checked.states, wanted)


def test_reads_change_nothing_and_what_was_found_is_in_the_log(make, true_state):
    chip = make(SHAPE, segment_ohms=3.0, lead_ohms=20.0, polarity=-1)
    initialise(chip, 1.2, 1e-3)
    before, log = true_state(chip).copy(), MemoryLog()
    found = AllPorts(repeats=2).execute(chip, log)
    np.testing.assert_array_equal(true_state(chip), before)
    told = log.read_attributes("ports/network")
    assert told["rank"] == told["parameters"] == 40
    assert told["row_lead_ohms"] == found.fit.wires["row_lead_ohms"].ohms == pytest.approx(20.0, rel=0.01)
    assert log.read_attributes("ports")["effort_pulses"] == 0
    np.testing.assert_array_equal(log.read("ports/network")["cell_siemens"], found.fit.cell_siemens)
    assert found.admittance_siemens.shape == log.read("ports")["sigma_siemens"].shape == (12, 12)


def test_two_voltages_give_the_resistance_at_vanishing_voltage(spread_array):
    """AP cells of V_h = 0.5 V conduct 2 % more at 0.1 V; reads of one voltage alone would say so."""
    chip = spread_array(shape=SHAPE, sigma_ohms=0.05, half_volts=0.5)
    truth = chip.array.conduction.zero_bias_ohms.reshape(SHAPE)
    both = AllPorts(repeats=2).execute(chip, MemoryLog()).fit.cell_ohms
    alone = AllPorts(repeats=2, to_zero_bias=False).execute(chip, MemoryLog()).fit.cell_ohms
    assert np.median(np.abs(both / truth - 1)) < 1e-3
    assert np.median(alone / truth) == pytest.approx(0.98, abs=0.005)


class FewChannels(Layer):
    """A bench that has a channel on every row but the last, which is tied to ground, and one for all columns."""

    def refusal(self, bias, seconds=0.0):
        tied = np.abs(bias.row_volts[:, -1]).max() > 0
        return Refusal("the last row is tied to ground", "wire it") if tied else None

    def measure(self, bias, lines, how):
        for volts in bias.column_volts:
            driven = set(np.flatnonzero(volts).tolist())
            if driven and set(lines.columns) - driven:
                raise CannotDo("no channel is left for another column")
        if self.shape[0] - 1 in lines.rows:
            raise CannotDo("the last row is tied to ground: it is not read")
        return super().measure(bias, lines, how)


def test_where_columns_cannot_be_read_against_columns_what_they_would_tell_is_refused(make):
    chip = make(SHAPE, segment_ohms=3.0, lead_ohms=20.0)
    found = AllPorts(repeats=2).execute(FewChannels(chip), MemoryLog())
    assert np.isnan(found.admittance_siemens[6:, 6:][~np.eye(6, dtype=bool)]).all()
    assert np.isnan(found.admittance_siemens[5]).all(), "the row that is tied to ground"
    assert np.isnan(found.leak_siemens).all(), "a sum over lines that were not read is no leak"
    assert np.isnan(found.fit.cell_siemens[5]).all()
    truth = chip.array.conduction.zero_bias_ohms.reshape(SHAPE)
    error = np.abs(found.fit.cell_ohms / truth - 1)[:5]
    assert (error < 5 * (found.fit.cell_error_ohms / truth)[:5]).all(), (
        "the errors know of the wires that are not determined"
    )
    for name, told in found.fit.wires.items():
        assert told.ohms is None or told.ohms == pytest.approx(20 if "lead" in name else 3, rel=0.1), name


def test_a_line_that_leaks_to_ground_is_found_by_the_sum_of_its_currents_and_a_cell_that_jumps_is_no_leak():
    wires = Wires.uniform(SHAPE, row_segment_ohms=3, column_segment_ohms=3, row_lead_ohms=20, column_lead_ohms=20)
    exact = PortState(response_of(wires), np.full(SHAPE, 5000.0)).admittance
    sigma = np.hypot(1e-5 * np.abs(exact), 1e-11)
    measured = exact + sigma * np.random.default_rng(0).standard_normal(exact.shape)
    measured[7, 7] += 5e-7
    measured[2, 9] *= 1.01  # read while the cell was low, its reverse while it was high
    fit = fit_network(measured, sigma, SHAPE)
    assert fit.chi_squared / fit.freedom < 1.2, "the errors of its two reads are as wide as they differ"
    assert fit.cell_error_siemens[2, 9 - SHAPE[0]] > 10 * np.median(fit.cell_error_siemens)
    leak, error = leaks(measured, sigma, 1e-5, fit.fitted_siemens)
    assert leak[7] == pytest.approx(5e-7, rel=0.2)
    assert np.flatnonzero(np.abs(leak / error) > 4).tolist() == [7]


def test_a_read_that_may_disturb_is_refused_before_the_first_bias():
    info = ArrayInfo("x", SHAPE, 1e-4, 1e-4, 5e-8, np.ones(SHAPE), Limits(disturb_volts=0.09))
    with pytest.raises(SettingError, match="read_volts"):
        AllPorts().check(info)
