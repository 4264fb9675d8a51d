"""Decision 0025 on virtual instruments: no batch that is accepted puts more than the limit across a cell, at no moment.

The instruments step their channels in their own order. What stands across every cell is asked of the virtual network at
every change of a channel, however short.
"""

from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import yaml

from labmtj import library
from labmtj.errors import LimitExceeded
from labmtj.quantities import Bias, Lines, ReadSettings

TWO_CHANNELS = """
kind: instruments
instruments:
  smu: {driver: instruments.keithley2600.Keithley2636B, resource: "TCPIP::127.0.0.1::9::SOCKET"}
  matrix: {driver: instruments.keithley3706.Keithley3706A, resource: "TCPIP::127.0.0.1::9::SOCKET", cards: {1: "3730"}}
buses: {ground: {row: 1, ground: true}, high: {row: 2, channel: smu.a}, low: {row: 3, channel: smu.b}}
lines: {rows: [matrix.1.1-3], columns: [matrix.1.4-6]}
chip: {id: "small", array: small.yaml}
"""
RACK = """
kind: instruments
instruments:
  smu1: {driver: instruments.keithley2600.Keithley2602B, resource: "TCPIP::127.0.0.1::9::SOCKET"}
  smu2: {driver: instruments.keithley2600.Keithley2602B, resource: "TCPIP::127.0.0.1::9::SOCKET"}
  matrix: {driver: instruments.keithley3706.Keithley3706A, resource: "TCPIP::127.0.0.1::9::SOCKET", cards: {1: "3730"}}
buses: {ground: {row: 1, ground: true}, reader: {row: 2, channel: smu2.b}}
lines: {rows: [{channel: smu1.a}, {channel: smu1.b}, {channel: smu2.a}], columns: [matrix.1.1-3]}
chip: {id: "small", array: small.yaml}
"""
VIRTUAL = "kind: virtual\nof: bench.yaml\narrays: [small.yaml]\nseed: 3\nnoise: false\n"
OFFSET_VOLTS = 4e-3
"""of two sources together"""
CALLS = 60


@contextmanager
def everything_across_cells(network):
    """Record within the most that stands across a cell, at every change of a channel and from flip to flip."""
    most, present, set_channel = [0.0], network._present, network.set_channel

    def solved(start):
        answer = present(start)
        most.append(float(np.abs(answer.cell_volts).max()))
        return answer

    def changed(number, setting):
        set_channel(number, setting)
        solved(None)

    network._present, network.set_channel = solved, changed
    try:
        yield most
    finally:
        del network._present, network.set_channel


@pytest.fixture(params=[TWO_CHANNELS, RACK], ids=["two channels", "rack"])
def small(request, tmp_path, virtual_bench):
    """A virtual bench of 3 x 3 cells without wires, so that cells see all of what lines have: (bench, network)."""
    array = yaml.safe_load((library.folder() / "arrays" / "mtj-50nm.yaml").read_text())
    array |= {"name": "small", "shape": [3, 3]}
    array["family"] |= {"breakdown": None, "pink_noise": None, "telegraph": None}
    for kind in ("stuck_parallel", "stuck_antiparallel", "short", "open"):
        array["family"]["defects"][kind]["value"] = 0.0
    array["wires"] = {name: each | {"value": 1e-3} for name, each in array["wires"].items()}
    for name, text in (("small", yaml.safe_dump(array)), ("bench", request.param), ("virtual", VIRTUAL)):
        (tmp_path / f"{name}.yaml").write_text(text)
    with virtual_bench(str(tmp_path / "virtual.yaml")) as (bench, served):
        served.bench.network.seen_by_pads = None
        yield bench, served.bench.network


def batches(bench, random):
    """Iterate random (biases of one routing, the lines to read): each is within the limit, what lies between may not be.

    A line that is read has a channel of its own.
    """
    limit = bench.limits.cell_volts
    while True:
        count, reach = random.integers(1, 4), random.uniform(0.3, 0.9) * limit
        if len(bench.units) == 1:
            read = int(random.integers(6))
            others = np.where(np.arange(6) == read, 1, random.choice([0, 2, 3], 6, p=[0.6, 0.3, 0.1]))
            held = np.c_[random.uniform(-reach, reach, (count, 2)), np.zeros(count), np.full(count, np.nan)]
            levels = held[:, others]
        else:
            read, held = int(random.integers(3)), random.uniform(-reach, reach, (count, 4))
            levels = held[:, [0, 1, 2, 3, 3, 3]] * [1, 1, 1, *random.integers(0, 2, 3)]
        yield Bias.from_lines(levels, (3, 3)), Lines(rows=(read,)) if read < 3 else Lines(columns=(read - 3,))


def calls(bench, random, count):
    """Iterate (bias, function that applies it to a crossbar): readings in both polarities, and pulses."""
    for number, (bias, lines) in zip(range(count), batches(bench, random), strict=False):
        if number % 3:
            yield bias, partial(_read, bias=bias, lines=lines)
        else:
            yield bias, partial(_pulse, bias=bias)


def _read(crossbar, bias, lines):
    crossbar.measure(bias, lines, ReadSettings(1e-3, polarity="both"))


def _pulse(crossbar, bias):
    crossbar.pulse(bias, 1e-2)


def assert_that_what_is_refused_would_be_seen(bench, network):
    """Send a batch of two biases within 0.9 V each, unchecked, in both orders: one is the worse on a bench."""
    most = []
    for rows, columns in (([0.1, 0.8], [-0.6, 0.1]), ([0.8, 0.1], [0.1, -0.6])):
        bias = Bias(np.outer(rows, [1, 0, 0]), np.outer(columns, [1, 0, 0]))
        with pytest.raises(LimitExceeded, match=r"1\.4 V may be across a cell while levels step"):
            bench.protected().measure(bias, Lines(columns=(0,)), ReadSettings(1e-3))
        with everything_across_cells(network) as seen:
            bench.measure(bias, Lines(columns=(0,)), ReadSettings(1e-3))
        most.append(max(seen))
    assert max(most) == pytest.approx(1.4, abs=0.02)


def test_no_batch_that_is_accepted_puts_more_than_the_limit_across_a_cell_at_any_moment(small, request):
    """Fails without `Envelope._check_stepping`."""
    bench, network = small
    count = 2000 if request.config.getoption("--torture") else CALLS
    safety, limit = bench.protected(), bench.limits.cell_volts
    accepted, refused, between = [], 0, 0
    for bias, apply in calls(bench, np.random.default_rng(25), count):
        with everything_across_cells(network) as seen:
            try:
                apply(safety)
            except LimitExceeded as error:
                refused += "while levels step" in str(error)
                continue
        accepted.append(max(seen))
        between += max(seen) > held(bias) + OFFSET_VOLTS
    assert 0.9 * limit < max(accepted) <= limit + OFFSET_VOLTS
    assert len(accepted) > count / 2
    assert refused > count / 20
    assert between > count / 20, "no mixture of two levels was seen"
    assert_that_what_is_refused_would_be_seen(bench, network)


def held(bias):
    """Return the most across a cell while levels stand, floating lines left out."""
    across = np.abs(bias.row_volts[:, :, np.newaxis] - bias.column_volts[:, np.newaxis, :])
    return float(np.nanmax(across, initial=0.0))
