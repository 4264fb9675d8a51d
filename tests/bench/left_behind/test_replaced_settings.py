"""Settings of TSP boxes that a script has replaced by `rawset`, and what else an earlier user left that `abort` hides."""

import re

import pytest

from labmtj.cli import main
from labmtj.errors import InstrumentError

CURRENT = "smua.source.output = 0 smua.source.func = 0 smua.source.leveli = 0 smua.source.limitv = 10"
REPLACED = {
    "smua.source.func": (CURRENT, 'rawset(smua.source, "func", 1)'),
    "smua.source.limiti": ("smua.source.limiti = 1.5", 'rawset(smua.source, "limiti", 1e-3)'),
    "smua.measure.rel": (
        "smua.measure.rel.leveli = 2e-6 smua.measure.rel.enablei = 1",
        'rawset(smua.measure, "rel", {enablei = 0, leveli = 0})',
    ),
    "smua.measure.filter": (
        "smua.measure.filter.count = 50 smua.measure.filter.enable = 1",
        'rawset(smua.measure, "filter", {enable = 0, count = 1})',
    ),
}
"""what is left in a 2636B, by the name that does not mean it any more: a pulse of 0.05 A, readings off by 24 %"""
WAITING = (
    "smua.trigger.source.listv({0.3}) smua.trigger.source.action = 1 smua.trigger.arm.stimulus = trigger.EVENT_ID",
    'smua.trigger.initiate() rawset(smua, "abort", function() end)',
)
ENDLESS = (
    'scan.create("1101,1102,1202,1203") scan.scancount = 1e6 channel.setdelay("slot1", 0.1) scan.background()',
    'rawset(scan, "abort", function() end)',
)
OFF_AS_CURRENT = "smua.source.offfunc = 0 smua.source.offlimitv = 40 smua.source.levelv = 0.3"
RUNNING = 2


@pytest.fixture
def bench(benches):
    return benches("2636b-3706a")


@pytest.mark.parametrize("name", REPLACED)
def test_a_replaced_setting_is_refused_by_name_before_a_relay_moves(bench, name):
    """Fails where only outputs and levels are tested: the bench arms and nothing is flagged."""
    bench.leave(*REPLACED[name], redefining=True)
    count = sum(bench.network.relays["matrix"].closures().values())
    with pytest.raises(InstrumentError, match=f"has a {re.escape(name)} that a script has redefined"), bench.opened():
        pass
    assert sum(bench.network.relays["matrix"].closures().values()) == count
    assert not bench.live()


def test_a_sweep_that_cannot_be_ended_is_not_called_safe(bench, tmp_path, capsys):
    bench.leave(*WAITING, redefining=True)
    assert main(["safe", bench.file_in(tmp_path)]) == 1
    assert "has a localnode.smua.abort that a script has redefined" in capsys.readouterr().err
    assert bench.closed() == {(1, 2, 1)}
    asked = "print(status.operation.sweeping.condition)"
    assert bench.served.bench.instruments["smu"].handle(asked).startswith("0")  # *RST has ended it


def test_a_scan_that_cannot_be_ended_is_not_called_safe(bench, tmp_path, capsys):
    bench.leave(redefining=True)
    bench.tell(*ENDLESS, name="matrix")
    assert main(["safe", bench.file_in(tmp_path)]) == 1
    assert "has a localnode.scan.abort that a script has redefined" in capsys.readouterr().err
    assert not bench.served.bench.instruments["matrix"].handle("print(scan.state())").startswith(str(RUNNING))


def test_an_output_that_is_off_sources_no_current(bench, tmp_path):
    """Fails where only arming sets what an output does while it is off: 0 A, up to 40 V, on an open line."""
    bench.leave(OFF_AS_CURRENT)
    assert main(["safe", bench.file_in(tmp_path)]) == 0
    assert not bench.live()


def test_a_b2201a_in_normal_configuration_is_made_safe_and_armed(benches):
    """Fails where relays are asked for as card 0 before the box has such a card: error -222."""
    bench = benches("b2902a-b2201a")
    bench.leave()
    bench.tell(":ROUT:FUNC NCON", ":ROUT:CLOS (@10201)", name="matrix")
    with bench.session("matrix") as matrix:
        matrix.identify()
        assert matrix.closed() == frozenset()
    bench.tell(":ROUT:FUNC NCON", ":ROUT:CLOS (@10201)", name="matrix")
    with bench.opened():
        pass
    assert not bench.live()
