"""Sources that were left on, whatever they put out: off before a relay moves, also when they do not answer."""

import pytest

from labmtj.bench.session.make_safe import make_safe
from labmtj.errors import InstrumentError
from labmtj.virtual.server.faults import Fault

KINDS = ("2636b-3706a", "2400-7002", "2450-7002", "b2902a-b2201a")
ALIKE = ("2636b-707b", "rack-2602b")
"""benches of the same sources, under --torture"""
STATES = ("current", "current of another channel", "voltage", "sweep")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", [*KINDS, *ALIKE])
def test_a_source_that_was_left_on_is_off_before_a_relay_moves(benches, kind, state, request):
    """Fails where arming trusts 0 V to end what a source does: 8 to 30 relays move under a current."""
    if state == "current of another channel" and kind.startswith("24"):
        pytest.skip("has one channel")
    if kind in ALIKE and not request.config.getoption("--torture"):
        pytest.skip("under --torture")
    bench = benches(kind)
    bench.leave_on(state)
    with bench.opened() as armed:
        armed.switching.confirm()  # the relay that was left closed is at rest
    assert bench.network.events == []
    assert not bench.live()


@pytest.mark.parametrize("state", STATES)
def test_a_source_that_does_not_go_off_keeps_every_relay_where_it_is(benches, state, monkeypatch):
    """The same, with a box that does not obey: arming is refused by name."""
    bench = benches("2636b-3706a")
    bench.leave_on(state)
    closed, smu = bench.closed(), bench.served.bench.instruments["smu"]
    obey = smu.handle
    monkeypatch.setattr(smu, "handle", lambda line: obey(line) if "source.output = 0" not in line else None)
    with pytest.raises(InstrumentError, match=r"smu at .* does not go to 0 V and off"), bench.opened():
        pass
    assert bench.closed() == closed
    monkeypatch.undo()
    bench.leave()


@pytest.mark.parametrize("kind", ["2636b-3706a", "2400-7002", "b2902a-b2201a"])
def test_a_source_whose_answers_are_lost_is_off_all_the_same(benches, kind):
    """Fails where a session that has lost an answer first wants to be answered again."""
    bench = benches(kind)
    name = bench.sources[0]
    bench.leave_on("voltage")
    with bench.session(name) as driver:
        driver.identify()
        bench.served.faulty[name].arm(*[Fault("lost")] * 500)
        for do in (driver.outputs, driver.make_safe):
            with driver.bounded_wait(0.4), pytest.raises(InstrumentError, match="did not answer in time"):
                do()
    bench.served.faulty[name]._armed.clear()
    assert not bench.live()


def test_a_2450_that_was_left_in_its_other_language_is_switched_off_and_refused(benches, tmp_path):
    bench = benches("2450-7002")
    bench.leave("*LANG TSP")
    bench.served.bench.instruments["smu1"].power_cycle()
    bench.tell("smu.source.level = 0.3", "smu.source.output = smu.ON", "loadandrunscript", "x = 1")
    assert bench.live()
    with pytest.raises(InstrumentError, match=r"smu1 at .* speaks another language"):
        make_safe(bench.file_in(tmp_path))
    assert not bench.live()
    bench.tell("*LANG SCPI")
