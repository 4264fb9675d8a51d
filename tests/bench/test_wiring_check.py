import numpy as np
import pytest

from labmtj.bench.checks.contact import Expected, contact_check
from labmtj.bench.checks.wiring_check import wiring_check
from labmtj.safety import Envelope, Safety

EXPECTED = Expected(0.05, (1e-4, 2e-4), 0.2, 3.0)


def findings(bench, prepare=lambda world: None, **options):
    """Build a bench, break it, and check it from the first moment on; relays may move under the voltage of a fault."""
    crossbar, world = bench(arm=False, **options)
    prepare(world)
    crossbar.arm()
    return list(map(str, wiring_check(crossbar, EXPECTED)))


@pytest.mark.parametrize("grounds_open", [False, True])
def test_a_bench_that_is_as_its_file_says_has_no_findings(bench, wirings, grounds_open):
    crossbar, world = bench(wirings[0]((4, 5), ground=not grounds_open), grounds_open=grounds_open)
    assert wiring_check(crossbar, EXPECTED) == []
    assert not world.wrongs


def test_a_rack_has_no_findings_either(bench, wirings):
    crossbar, world = bench(wirings[1]())
    assert wiring_check(crossbar, EXPECTED) == []
    assert not world.wrongs
    contact = contact_check(crossbar, EXPECTED)
    assert np.flatnonzero(np.isnan(contact.amperes)).tolist() == [13, 14], "rows that are tied to ground"
    assert (contact.findings(), contact.lost) == ([], "")


@pytest.mark.parametrize("grounds_open", [False, True])
def test_a_relay_that_does_not_open_is_named(bench, wirings, grounds_open):
    found = findings(
        bench, lambda world: world.stuck_closed.add((1, 3, 2)),
        wiring=wirings[0]((4, 5), ground=not grounds_open), grounds_open=grounds_open,
    )  # fmt: skip
    assert found == ["row 1 (matrix.1.2): its relay to bus bus1 does not open"]


def test_a_relay_that_does_not_close_is_named(bench):
    found = findings(bench, lambda world: world.stuck_open.add((2, 2, 4)))
    assert found == ["column 3 (matrix.2.4): its relay to bus bus0 does not close"]


def test_a_ground_relay_that_does_not_close_is_named(bench):
    found = findings(bench, lambda world: world.stuck_open.add((2, 1, 3)))
    assert found == ["column 2 (matrix.2.3): its relay to ground does not close"]


def test_a_ground_relay_that_does_not_open_is_named(bench):
    found = findings(bench, lambda world: world.stuck_closed.add((1, 1, 4)))
    assert found == [
        "row 3 (matrix.1.4): is shorted to ground; or its relay to ground does not open, or it is shorted to several lines"
    ]


def test_an_open_line_is_named(bench):
    found = findings(bench, lambda world: world.cut.add(4 + 1))
    assert found == ["column 1 (matrix.2.2): is open on every route; no contact, or a broken cable or line"]


def test_lines_that_are_shorted_are_named_both(bench):
    found = findings(bench, lambda world: world.line_shorts.append((0, 2)))
    assert found == ["row 0 (matrix.1.1): is shorted to row 2", "row 2 (matrix.1.3): is shorted to row 0"]
    (first, second) = findings(bench, lambda world: world.line_shorts.append((1, 4 + 3)))
    assert first == "row 1 (matrix.1.2): is shorted to column 3, which a shorted cell may do as well"
    assert second.startswith("column 3 (matrix.2.4): is shorted to row 1")


def test_contact_is_checked_on_any_crossbar_line_by_line(bench):
    crossbar, world = bench()
    good = contact_check(Safety(crossbar, Envelope(crossbar.limits, crossbar.shape, 1e-3)), EXPECTED)
    assert str(good) == "all lines have contact"
    assert (good.amperes > 0).all()
    world.cut.add(2)
    world.line_shorts.append((5, 6))
    bad = contact_check(Safety(crossbar, Envelope(crossbar.limits, crossbar.shape, 1e-3)), EXPECTED)
    assert bad.open.nonzero()[0].tolist() == [2]
    assert bad.shorted.nonzero()[0].tolist() == [5, 6]
    assert "row 2 is open" in str(bad)


@pytest.mark.parametrize(("cut", "lost"), [
    (range(9), "line"), (range(4), "row"), (range(4, 9), "column"), (range(3), ""), (range(1, 8), ""),
])  # fmt: skip
def test_a_chip_is_lost_when_all_rows_or_all_columns_are_open(bench, cut, lost):
    crossbar, world = bench()
    world.cut.update(cut)
    assert contact_check(crossbar, EXPECTED).lost == lost


def test_what_the_chip_may_explain_is_told_apart_from_what_only_the_bench_does(bench):
    def on_chip(prepare):
        crossbar, world = bench(arm=False)
        prepare(world)
        crossbar.arm()
        return {each.on_chip for each in wiring_check(crossbar, EXPECTED)}

    assert on_chip(lambda world: world.cut.add(5)) == {True}
    assert on_chip(lambda world: world.line_shorts.append((1, 7))) == {True}
    assert on_chip(lambda world: world.stuck_open.add((2, 2, 4))) == {False}
    assert on_chip(lambda world: world.stuck_closed.add((1, 1, 4))) == {False}
