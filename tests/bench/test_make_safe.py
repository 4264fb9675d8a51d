"""A bench made safe whatever its file says."""

import contextlib

import pytest

from instruments.keithley2600 import Keithley2636B
from labmtj.bench.make_safe import make_safe
from labmtj.errors import InstrumentError


@pytest.fixture
def left_on(served_bench):
    """Leave an output on at 0.3 V and a relay closed, as a script that died would."""
    with contextlib.closing(
        Keithley2636B(served_bench.servers["smu"].resource, name="smu", visa_library="@py").adapter
    ):
        pass
    network = served_bench.bench.network
    for line in ("smua.source.levelv = 0.3", "smua.source.output = 1"):
        served_bench.bench.instruments["smu"].handle(line)
    served_bench.bench.instruments["matrix"].handle('channel.close("1201")')
    assert network.channels["smu", "a"].sense(0.0).volts == pytest.approx(0.3, abs=1e-3)
    return network


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
def test_sources_go_off_and_relays_open_whatever_is_wrong_with_the_file(with_resources, left_on, is_safe, change):
    told = make_safe(with_resources(change))
    assert len(told) == 2
    assert is_safe()


def test_what_answers_is_made_safe_though_another_does_not(with_resources, left_on, served_bench):
    dead = with_resources(
        lambda text: text.replace(served_bench.servers["matrix"].resource, "TCPIP::127.0.0.1::9::SOCKET")
    )
    with pytest.raises(InstrumentError, match=r"(?s)smu at .*: safe.*127\.0\.0\.1::9"):
        make_safe(dead)
    assert abs(left_on.channels["smu", "a"].sense(0.0).volts) < 1e-3
