"""One cell by hand, a bench checked, a bench made safe whatever its file says."""

import contextlib

import pytest

from instruments.keithley2600 import Keithley2636B
from labmtj.bench.hands import check_text, make_safe, pulse_cell, read_cell
from labmtj.bench.loading import load_any
from labmtj.errors import InstrumentError, LimitExceeded, ProcedureFailed, UsageError
from labmtj.virtual.serving import serve

BENCH = "virtual-2636b-3706a"


@pytest.fixture(scope="module")
def served():
    with serve(BENCH) as instruments:
        yield instruments


@pytest.fixture
def with_resources(tmp_path, served):
    """Return a function that writes the bench file of the served instruments, with something changed in its text."""

    def write(change=lambda text: text):
        text = f"""kind: instruments
instruments:
  smu: {{driver: instruments.keithley2600.Keithley2636B, resource: "{served.servers["smu"].resource}"}}
  matrix: {{driver: instruments.keithley3706.Keithley3706A, resource: "{served.servers["matrix"].resource}", cards: {{1: "3730", 2: "3730"}}}}
buses: {{ground: {{row: 1, ground: true}}, high: {{row: 2, channel: smu.a}}, low: {{row: 3, channel: smu.b}}}}
lines: {{rows: [matrix.1.1-15], columns: [matrix.2.1-15]}}
chip: {{id: test, array: mtj-50nm}}
"""
        path = tmp_path / "bench.yaml"
        path.write_text(change(text))
        return str(path)

    return write


@pytest.fixture
def left_on(served):
    """Leave an output on at 0.3 V and a relay closed, as a script that died would."""
    with contextlib.closing(Keithley2636B(served.servers["smu"].resource, name="smu", visa_library="@py").adapter):
        pass
    network = served.bench.network
    for line in ("smua.source.levelv = 0.3", "smua.source.output = 1"):
        served.bench.instruments["smu"].handle(line)
    served.bench.instruments["matrix"].handle('channel.close("1201")')
    assert network.channels["smu", "a"].sense(0.0).volts == pytest.approx(0.3, abs=1e-3)
    return network


def is_safe(network):
    return abs(network.channels["smu", "a"].sense(0.0).volts) < 1e-3 and not network.relays["matrix"].closed()


def test_a_cell_is_pulsed_to_low_resistance_and_back_read_and_left_safe(with_resources, served):
    bench = with_resources()
    assert "0.6 V for 0.001 s" in pulse_cell(bench, 2, 3, 0.6, 1e-3)
    low = read_cell(bench, 2, 3, 0.1)
    pulse_cell(bench, 2, 3, -0.65, 1e-3)
    high = read_cell(bench, 2, 3, 0.1)
    ohms = [float(text.split(", ")[2].removesuffix(" ohm")) for text in (low, high)]
    assert 1.6 < ohms[1] / ohms[0] < 2.4
    assert is_safe(served.bench.network)
    assert served.bench.network.events == []


def test_a_bench_is_checked_and_a_stuck_relay_is_named(with_resources, served):
    bench = with_resources()
    assert check_text(bench, load_any(bench)).endswith("ok")
    served.arm_fault("matrix:stuck_open:2-3-7")
    try:
        with pytest.raises(ProcedureFailed, match=r"column 6"):
            check_text(bench, load_any(bench))
    finally:
        served.bench.network.relays["matrix"].mend()
    assert is_safe(served.bench.network)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("buses:", "busses:"),
        lambda text: text.replace("matrix.1.1-15", "matrix.9.1-15"),
        lambda text: text.replace("chip:", "chip: ["),
    ],
    ids=["right", "unknown key", "no such slot", "no YAML"],
)
def test_sources_go_off_and_relays_open_whatever_is_wrong_with_the_file(with_resources, left_on, change):
    told = make_safe(with_resources(change))
    assert len(told) == 2
    assert is_safe(left_on)


def test_what_answers_is_made_safe_though_another_does_not(with_resources, left_on, served):
    dead = with_resources(lambda text: text.replace(served.servers["matrix"].resource, "TCPIP::127.0.0.1::9::SOCKET"))
    with pytest.raises(InstrumentError, match=r"(?s)smu at .*: safe.*127\.0\.0\.1::9"):
        make_safe(dead)
    assert abs(left_on.channels["smu", "a"].sense(0.0).volts) < 1e-3


def test_wrong_cells_and_volts_are_refused_before_anything_is_applied(with_resources, served):
    bench = with_resources()
    with pytest.raises(UsageError, match="rows 0 to 14"):
        read_cell(bench, 15, 0, 0.1)
    with pytest.raises(UsageError, match=r"limits\.disturb_volts"):
        read_cell(bench, 0, 0, 0.5)
    with pytest.raises(LimitExceeded, match=r"limits\.cell_volts"):
        pulse_cell(bench, 0, 0, 1.4, 1e-3)
    assert is_safe(served.bench.network)
