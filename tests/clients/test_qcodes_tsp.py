"""QCoDeS drivers, unchanged, over TCP: what nobody here wrote must find the physics behind the virtual boxes."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from instruments.virtual.keithley2600 import Keithley2636B as Virtual2636B
from instruments.virtual.keithley3706 import Keithley3706A as Virtual3706A
from labmtj.virtual.network.terminals import Box

pytestmark = pytest.mark.filterwarnings("default")  # those of QCoDeS and its dependencies are theirs
keithley = pytest.importorskip("qcodes.instrument_drivers.Keithley", exc_type=ImportError)


def resource(port: int) -> dict[str, Any]:
    return {"address": f"TCPIP::127.0.0.1::{port}::SOCKET", "visalib": "@py", "terminator": "\n"}


@pytest.fixture
def unit(resistor_box: Callable[..., Box], line_server: Callable[[Any], int]) -> Iterator[Any]:
    box = Virtual2636B(resistor_box("a", "b"))
    client = keithley.Keithley2636B("smu", **resource(line_server(box)))
    yield client
    client.close()
    box.close()


@pytest.fixture
def matrix(relay_box: Callable[..., Box], line_server: Callable[[Any], int]) -> Iterator[tuple[Any, Box]]:
    world = relay_box(slot1="3730", slot2="3730")
    box = Virtual3706A(world)
    client = keithley.Keithley3706A("matrix", **resource(line_server(box)))
    yield client, world
    client.close()
    box.close()


def test_a_source_measure_unit_is_known_and_follows_ohms_law(unit: Any) -> None:
    assert unit.get_idn()["model"] == "2636B"
    unit.smua.limiti(1e-3)
    unit.smua.volt(0.5)
    unit.smua.output("on")
    assert unit.smua.curr() == pytest.approx(5e-5, rel=1e-5)
    assert unit.smua.volt() == pytest.approx(0.5)
    assert unit.smua.res() == pytest.approx(10e3, rel=1e-5)
    assert unit.smua.curr.measurement_status.name == "NORMAL"


def test_compliance_is_told(unit: Any) -> None:
    unit.smua.limiti(1e-5)
    unit.smua.volt(0.5)
    unit.smua.output("on")
    assert unit.smua.curr() == pytest.approx(1e-5)
    assert unit.smua.curr.measurement_status.name == "CURRENT_COMPLIANCE_ERROR"


def test_every_setting_reads_back(unit: Any) -> None:
    for name, value in (
        ("nplc", 0.1), ("mode", "voltage"), ("sourcerange_v", 2.0), ("measurerange_i", 1e-6), ("limiti", 1e-4),
        ("limitv", 2.0), ("source_autorange_v_enabled", True), ("measure_autorange_i_enabled", True),
        ("four_wire_measurement", False),
    ):  # fmt: skip
        parameter = getattr(unit.smua, name)
        parameter(value)
        assert parameter() == value, name
    assert unit.smua.linefreq() == 50
    assert unit.ask("errorqueue.count") == "0.00000e+00"


def test_the_fast_sweep_runs_on_the_box(unit: Any) -> None:
    from qcodes.dataset import LinSweep

    unit.smua.limiti(1e-3)
    unit.smua.nplc(0.05)
    unit.smua.setup_fastsweep(LinSweep(unit.smua.volt, -0.5, 0.5, 21))
    expected = np.linspace(-0.5, 0.5, 21) / 10e3
    np.testing.assert_allclose(unit.smua.fastsweep(), expected, rtol=1e-5, atol=1e-12)
    assert unit.ask("errorqueue.count") == "0.00000e+00"


def test_a_time_trace_runs_on_the_box(unit: Any) -> None:
    unit.smua.nplc(0.05)
    unit.smua.timetrace_npts(11)
    unit.smua.timetrace_dt(0.01)
    unit.smua.volt(0.1)
    unit.smua.output("on")
    np.testing.assert_allclose(unit.smua.timetrace(), np.full(11, 1e-5), rtol=1e-6)


def test_a_matrix_is_known_closes_and_opens(matrix: tuple[Any, Box]) -> None:
    client, world = matrix
    assert client.get_idn()["model"] == "3706A"
    assert [card["model"] for card in client.get_switch_cards()] == ["3730", "3730"]
    client.open_channel("allslots")
    client.close_channel("1101")
    client.close_channel("2616")
    assert client.get_closed_channels("allslots") == ["1101", "2616"]
    assert world.relays is not None
    assert world.relays.closed() == {(1, 1, 1), (2, 6, 16)}
    client.exclusive_close("1102")
    assert client.get_closed_channels("allslots") == ["1102"]
    client.exclusive_slot_close("2101")
    client.open_channel("1102")
    assert client.get_closed_channels("allslots") == ["2101"]
    client.reset_channel("allslots")
    assert client.get_closed_channels("allslots") is None
    assert client.ask("errorqueue.count") == "0.00000e+00"


def test_a_matrix_keeps_rules_delays_and_forbidden_channels(matrix: tuple[Any, Box]) -> None:
    client, _ = matrix
    client.channel_connect_rule("MAKE_BEFORE_BREAK")
    assert client.channel_connect_rule() == "MAKE_BEFORE_BREAK"
    client.set_delay("1101", 0.02)
    assert client.get_delay("1101") == [0.02]
    client.set_forbidden_channels("1103")
    assert client.get_forbidden_channels("slot1") == "1103"
    client.clear_forbidden_channels("slot1")
    assert [state["state"] for state in client.get_interlock_state()] == [
        "Both interlock 1 and 2 are engaged",
        "Both interlock 1 and 2 are engaged",
    ]
    assert client.ask("errorqueue.count") == "0.00000e+00"
