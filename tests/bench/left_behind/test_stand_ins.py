"""Names of a box that a script has given to something else, `localnode` too: never called safe, no relay moves hot."""

import re

import pytest

from labmtj.cli import main
from labmtj.errors import InstrumentError

NODE = "prompts = 0, showerrors = 0, linefreq = 60"
SOURCES = {
    "another channel": (f"smua = smub localnode = {{smua = smub, smub = smub, {NODE}}}",),
    "another channel, no node": ("smua = smub localnode = nil",),
    "another source": ('rawset(smua, "source", smub.source)',),
    "a number for an output": ('rawset(smua.source, "output", 0)',),
    "tables of numbers": (
        "local function made() return {source = {}, measure = {}, abort = function() end} end smua, smub = made(), made()",
        f"localnode = {{smua = smua, smub = smub, {NODE}}}",
    ),
    "another channel, and no errors": (
        f"smua = smub localnode = {{smua = smub, smub = smub, {NODE}}}",
        "local gone = errorqueue errorqueue = {count = 0, next = gone.next, clear = gone.clear}",
    ),
    "no errors": ("errorqueue = {count = 0, next = errorqueue.next, clear = errorqueue.clear}",),
    "fewer digits": ("format = {data = 1, asciiprecision = 16}",),
    "rounded numbers": (
        'local shown = print function print(a, ...) if type(a) == "number" then a = 0 end shown(a, unpack(arg)) end',
    ),
}
"""what an earlier user's script has made of a 2636B, with which it cannot say whether it is off"""
MATRICES = {
    "channel": ("channel = setmetatable({open = function() end, getclose = function() end}, {__index = channel})",),
    "scan": ("scan = {abort = function() end}",),
    "errorqueue": ("errorqueue = {count = 0, next = errorqueue.next, clear = errorqueue.clear}",),
    "localnode.channel": ('rawset(channel, "getclose", function() end)',),
}
"""the same of a 3706A"""
ABORTED = 3
"""what `scan.state()` begins with"""
SCAN = 'scan.create("1101") scan.scancount = 1e6 channel.setdelay("1101", 0.01) scan.background()'
WORKING = (
    ("smua = smub", "smua"),
    ("function math.abs() return 0 end", "math.abs"),
    ('function table.concat() return "0" end', "table.concat"),
    ("function error() end", "error"),
    ("rawset(trigger.timer, 2, {})", "trigger.timer[2]"),
)
WRAPPED = "channel = setmetatable({open = function() end, getclose = function() end}, {__index = channel})"


@pytest.fixture
def bench(benches):
    return benches("2636b-3706a")


@pytest.mark.parametrize("names", SOURCES)
def test_a_source_that_cannot_say_that_it_is_off_is_reset_and_not_called_safe(bench, names, tmp_path, capsys):
    """Fails where `localnode` is trusted to name the channels: exit code 0, "safe", and 0.3 V are on."""
    bench.leave_on("voltage", *SOURCES[names], redefining=True)
    assert main(["safe", bench.file_in(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "smu at " in said
    assert "not sure: " in said
    assert "outputs may be on" in said
    assert not bench.live()
    assert bench.closed() == {(1, 2, 1)}
    assert bench.network.events == []


@pytest.mark.parametrize("names", SOURCES)
def test_arming_is_refused_before_a_relay_moves(bench, names):
    """Fails where names are tested when the first output is on: 61 relays have moved under voltage by then."""
    bench.leave_on("voltage", *SOURCES[names], redefining=True)
    with pytest.raises(InstrumentError, match=r"smu at .*: not sure: .*outputs may be on"), bench.opened():
        pass
    assert bench.closed() == {(1, 2, 1)}
    assert bench.network.events == []
    assert not bench.live()


@pytest.mark.parametrize(("line", "name"), WORKING)
def test_names_that_readings_and_pulses_rely_on_are_refused_before_a_relay_moves(bench, line, name):
    """The source is off, and known to be, as `localnode.smua`; but nothing is armed that would read another line."""
    bench.leave_on("voltage", line, redefining=True)
    count = sum(bench.network.relays["matrix"].closures().values())
    with pytest.raises(InstrumentError, match=f"has a {re.escape(name)} that a script has redefined"), bench.opened():
        pass
    assert sum(bench.network.relays["matrix"].closures().values()) == count
    assert not bench.live()
    assert bench.network.events == []


def test_relays_of_a_matrix_whose_channel_is_wrapped_open_all_the_same(bench, tmp_path):
    """Fails where `channel` is trusted: exit code 0, "relays at rest", and a relay is closed."""
    bench.leave(redefining=True)
    bench.tell(WRAPPED, name="matrix")
    assert main(["safe", bench.file_in(tmp_path)]) == 0
    assert not bench.closed()


@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_that_cannot_say_that_its_relays_are_open_is_reset_and_not_called_safe(bench, name, tmp_path, capsys):
    bench.leave_on("voltage", redefining=True)
    bench.tell(*MATRICES[name], f"localnode = {{channel = channel, scan = scan, {NODE}}}", name="matrix")
    assert main(["safe", bench.file_in(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "matrix at " in said
    assert "not sure: " in said
    assert "relays may be closed" in said
    assert not bench.closed()
    assert not bench.live()
    assert bench.network.events == []


@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_with_other_names_is_not_armed(bench, name):
    bench.leave_on("voltage", redefining=True)
    bench.tell(*MATRICES[name], name="matrix")
    with (
        pytest.raises(InstrumentError, match=rf"matrix at .* has a {name}[.\w]* that a script has redefined"),
        bench.opened(),
    ):
        pass
    assert not bench.closed()
    assert not bench.live()
    assert bench.network.events == []


def test_a_scan_without_a_name_is_refused_and_ended(bench, tmp_path):
    """Fails where a scan is ended by its global name only: its relays would go on to move."""
    for end in (lambda: main(["safe", bench.file_in(tmp_path)]), lambda: refused(bench)):
        bench.leave(redefining=True)
        bench.tell(SCAN, "scan = nil", name="matrix")
        end()
        bench.tell("scan = localnode.scan", name="matrix")
        state = bench.served.bench.instruments["matrix"].handle("print(scan.state())")
        assert float(state.split("\t")[0]) == ABORTED
        assert not bench.closed()


def refused(bench):
    with pytest.raises(InstrumentError, match="has a scan that a script has redefined"), bench.opened():
        pass


def test_another_instrument_at_the_address_is_not_reset(bench, monkeypatch):
    """Its names are others anyway; fails where a matrix that has the address of a source by now opens its relays."""
    bench.leave(*SOURCES["another source"], "smua.source.limiti = 0.05", redefining=True)
    with bench.session("smu") as driver:
        driver.identify()
        monkeypatch.setattr(driver, "_known_identity", "another")
        with pytest.raises(InstrumentError, match=r"not sure: .* was not reset; outputs may be on"):
            driver.make_safe()
    assert bench.served.bench.instruments["smu"].handle("print(smua.source.limiti)").startswith("5.0")
