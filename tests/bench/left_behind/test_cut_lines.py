"""Messages of clients that died in their midst: what is sent next is no part of them."""

import socket

import pytest

from labmtj.bench.session.make_safe import make_safe
from labmtj.errors import InstrumentError

CUT = {
    "between two lines": 'loadandrunscript\nprint("x")\n',
    "in a line": "loadscript later\nfor k = 1, 10 do\nprint(k) en",
    "in a text": "loadandrunscript\nx = [[\n",
    "in a line of no script": "x = 1 pri",
    "in the first word": "loadandrunscr",
}


def cut(resource, text):
    """Send a part of a message, and be gone."""
    with socket.create_connection(("127.0.0.1", int(resource.split("::")[2])), timeout=10) as link:
        link.sendall(text.encode())
        link.shutdown(socket.SHUT_WR)
        while link.recv(1 << 16):
            pass


@pytest.fixture(params=CUT)
def left(request, benches):
    """A bench on which every TSP box has half a message of a client that died, and 0.3 V are on."""
    bench = benches("2636b-3706a")
    bench.leave_on("voltage")
    for resource in bench.resources.values():
        cut(resource, CUT[request.param])
    return bench


def test_safe_ends_a_script_that_was_cut_off(left, tmp_path):
    """Fails where the first line that is sent becomes a part of that script: the box is silent, its output stays on."""
    assert len(make_safe(left.file_in(tmp_path))) == 2
    assert not left.live()
    assert not left.closed()
    assert left.network.events == []


def test_the_first_attempt_of_a_watchdog_ends_a_script_that_was_cut_off(left):
    for name in ("smu", "matrix"):
        left.spec(name).make_safe()
    assert not left.live()
    assert not left.closed()


def test_arming_ends_a_script_that_was_cut_off(left):
    with left.opened():
        pass
    assert left.network.events == []
    assert not left.live()


def test_an_abort_ends_a_script_that_was_cut_off(left):
    for name in ("smu", "matrix"):
        with left.session(name) as driver:
            driver.abort()
            driver.identify()
            assert len(driver.self_test()) <= 1  # what was cut off is half a line


def test_a_session_whose_own_script_was_cut_off_finds_back(benches):
    """An outage in the midst of a message; then the link is opened anew."""
    bench = benches("2636b-3706a")
    bench.leave()
    for name in ("smu", "matrix"):
        with bench.session(name) as driver:
            driver.identify()
            for text in CUT.values():
                driver.adapter.connection.write_raw(text.encode())
                driver.adapter.connection.close()
                with pytest.raises(InstrumentError, match="there is no connection"):
                    driver.check_errors()
                driver.check_errors()
                assert not driver.self_test()


def test_ending_no_script_adds_one_complaint_and_hides_no_other(benches):
    """A box complains of `endscript` where there is no script; what others left in its queue is still reported."""
    bench = benches("2636b-3706a")
    bench.leave("nonsense 1 2", "smua.source.levelv = 1e9")
    with bench.session("smu") as driver:
        driver.identify()
        found = driver.self_test()
        assert [each.split(":")[1] for each in found] == [" error -285", " error 1101"]
        assert driver.self_test() == []


@pytest.mark.parametrize("kind", ["2400-7002", "b2902a-b2201a"])
def test_half_a_line_in_a_box_that_speaks_scpi(benches, kind):
    bench = benches(kind)
    for armed in (False, True):
        bench.leave_on("voltage")
        for resource in bench.resources.values():
            cut(resource, ":SOUR:VOL")
        if armed:
            with bench.opened():
                pass
        else:
            for name in bench.resources:
                bench.spec(name).make_safe()
        assert not bench.live()
