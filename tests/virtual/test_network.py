"""Channels, relays and resistors solved by hand."""

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.virtual.network.network import Network
from labmtj.virtual.network.wiring import Column, Ground, Line, Link, MatrixPlan, Row, Wire, Wiring

MILLI = 1e-3
"""ohm: inner resistance of a channel; the same stands for a cable of zero ohms"""


@pytest.fixture
def one(bench, resistors):
    """1 kohm between line 0 and line 1; 0.5 ohm per contact, 1 ohm per cable, 0.3 ohm from a channel to its bus."""
    return bench(resistors(1e3), cable_ohms=1.0, contact_ohms=0.5, lead_ohms=0.3)


LOOP = 1e3 + 2 * 1.0 + 2 * 0.5 + MILLI
"""ohm from the end of the lead of a channel through the resistor to ground"""


def test_ohms_law_through_relays_and_cables(one):
    one.connect(a=[0], ground=[1])
    one.a.source_volts(0.2, 1.0)
    sensed = one.a.sense(0.02)
    assert sensed.amperes == pytest.approx(0.2 / (LOOP + 0.3 + MILLI), rel=1e-13)
    assert sensed.volts == pytest.approx(0.2 - sensed.amperes * MILLI, rel=1e-13)
    assert not sensed.limited


def test_remote_sense_takes_the_lead_out(one):
    one.connect(a=[0], ground=[1])
    one.a.source_volts(0.2, 1.0)
    one.a.remote_sense(on=True)
    assert one.a.sense(0.02).amperes == pytest.approx(0.2 / (LOOP + MILLI), rel=1e-13)
    one.a.remote_sense(on=False)
    assert one.a.sense(0.02).amperes == pytest.approx(0.2 / (LOOP + 0.3 + MILLI), rel=1e-13)


def test_a_current_source_shows_the_lead_only_without_remote_sense(one):
    one.connect(a=[0], ground=[1])
    one.a.source_amperes(-2e-5, 1.0)
    assert one.a.sense(0.0).volts == pytest.approx(-2e-5 * (LOOP + 0.3), rel=1e-13)
    one.a.remote_sense(on=True)
    sensed = one.a.sense(0.0)
    assert sensed.volts == pytest.approx(-2e-5 * LOOP, rel=1e-13)
    assert (sensed.amperes, sensed.limited) == (-2e-5, False)


@pytest.mark.parametrize("volts", [0.5, -0.5])
def test_in_compliance_the_limit_flows_and_the_voltage_gives_way(one, volts):
    one.connect(a=[0], ground=[1])
    one.a.source_volts(volts, 1e-4)
    sensed = one.a.sense(0.02)
    assert sensed.limited
    assert sensed.amperes == np.copysign(1e-4, volts)
    assert sensed.volts == pytest.approx(np.copysign(1e-4 * (LOOP + 0.3), volts), rel=1e-12)
    one.a.source_volts(0.05, 1e-4)
    assert not one.a.sense(0.02).limited


def test_at_its_voltage_limit_a_current_source_holds_the_voltage(one):
    one.connect(a=[0], ground=[1])
    one.a.source_amperes(1e-2, 0.1)
    sensed = one.a.sense(0.02)
    assert sensed.limited
    assert sensed.amperes == pytest.approx(0.1 / (LOOP + 0.3 + MILLI), rel=1e-12)
    assert sensed.volts == pytest.approx(0.1 - MILLI * sensed.amperes, rel=1e-12)


def test_two_channels_on_one_line_fight_over_contacts_and_leads_alone(one):
    one.connect(a=[0], b=[0])
    one.a.source_volts(0.2, 1.0)
    one.b.source_volts(0.1, 1.0)
    expected = 0.1 / (2 * (0.3 + MILLI + 0.5))
    assert one.a.sense(0.0).amperes == pytest.approx(expected, rel=1e-12)
    assert one.b.sense(0.0).amperes == pytest.approx(-expected, rel=1e-12)
    one.b.source_volts(0.1, 1e-3)  # the weaker one yields, and sinks its limit
    assert one.b.sense(0.0).amperes == -1e-3
    assert one.b.sense(0.0).volts == pytest.approx(0.2 - 1e-3 * (0.3 + MILLI + 2 * 0.5) + 1e-3 * -0.3, rel=1e-12)
    assert not one.a.sense(0.0).limited


def test_two_limited_channels_in_series_settle_on_the_tighter_limit(one):
    one.connect(a=[0], b=[1])
    one.a.source_volts(0.5, 2e-4)
    one.b.source_volts(-0.5, 1e-4)
    a, b = one.a.sense(0.0), one.b.sense(0.0)
    assert (a.limited, b.limited) == (False, True)
    assert b.amperes == -1e-4
    assert a.amperes == pytest.approx(1e-4, rel=1e-12)


def test_a_released_channel_floats_to_what_it_is_connected_to(one):
    one.connect(a=[0], b=[1])
    one.a.source_volts(0.2, 1.0)
    one.b.source_volts(0.0, 1.0)
    one.b.release()
    a, b = one.a.sense(0.0), one.b.sense(0.0)
    assert b == (pytest.approx(0.2, rel=1e-9), 0.0, False)
    assert a.amperes == pytest.approx(0.0, abs=1e-16)


def test_nothing_connected_nothing_flows(one):
    one.a.source_volts(0.2, 1.0)
    assert one.a.sense(0.0) == (pytest.approx(0.2), pytest.approx(0.0, abs=1e-16), False)
    one.b.source_amperes(1e-3, 5.0)
    assert one.b.sense(0.0) == (pytest.approx(5.0), pytest.approx(0.0, abs=1e-15), True)


def test_open_relays_leak(bench, resistors):
    leaky = bench(resistors(1e3), leakage_siemens=1e-9)
    leaky.connect(ground=[0, 1])
    leaky.a.source_volts(1.0, 1.0)
    # Rows 2 and 3 float at v, the 14 columns without a line at u: a column sees all rows, a row all columns.
    u, _ = np.linalg.solve([[4, -2], [-14, 16]], [1, 0])
    assert leaky.a.sense(0.0).amperes == pytest.approx(1e-9 * (2 + 14 * (1 - u)), rel=1e-9)


def test_a_relay_stuck_open_breaks_the_path_and_one_stuck_closed_makes_one(one):
    one.relays.stick((1, 1, 1), closed=False)
    one.connect(a=[0], ground=[1])
    one.a.source_volts(0.2, 1.0)
    assert one.a.sense(0.0).amperes == pytest.approx(0.0, abs=1e-16)
    assert (1, 1, 1) in one.relays.closed()
    assert (1, 1, 1) not in one.relays.closures()
    one.relays.mend()
    assert one.a.sense(0.0).amperes == pytest.approx(0.2 / (LOOP + 0.3 + MILLI), rel=1e-12)
    one.relays.stick((1, 1, 1), closed=True)
    one.relays.operate([(1, 1, 1)], [])
    assert one.a.sense(0.0).amperes == pytest.approx(0.2 / (LOOP + 0.3 + MILLI), rel=1e-12)
    assert (1, 1, 1) not in one.relays.closed()


def test_closures_count_only_real_moves(one):
    one.relays.operate([], [(1, 1, 1), (1, 4, 2)])
    one.relays.operate([(1, 4, 2)], [(1, 1, 1)])
    one.relays.operate([(1, 4, 2)], [(1, 4, 2)])
    assert one.relays.closures() == {(1, 1, 1): 1, (1, 4, 2): 2}


def test_a_relay_that_does_not_exist_is_a_key_error_and_nothing_moves(one):
    with pytest.raises(KeyError, match=r"matrix has no relay at slot, row, column \(1, 5, 1\)"):
        one.relays.operate([], [(1, 1, 1), (1, 5, 1)])
    assert one.relays.closed() == frozenset()


def test_a_relay_that_moves_under_voltage_is_an_event(one):
    one.connect(ground=[1])
    one.a.source_volts(0.2, 1.0)
    one.network.spend(0.5, "settle")
    one.relays.operate([], [(1, 1, 1)])
    one.relays.operate([(1, 1, 1)], [])
    made, broken = one.network.events
    assert made == (0.5, "matrix", (1, 1, 1), pytest.approx(0.2))
    assert broken == made
    one.a.source_volts(0.009, 1.0)
    one.relays.operate([], [(1, 1, 1)])
    assert len(one.network.events) == 2


def test_cold_moves_and_relays_that_stay_are_no_events(one):
    one.relays.operate([], [(1, 1, 1), (1, 4, 2)])
    one.a.source_volts(0.2, 1.0)
    one.relays.operate([], [(1, 1, 1)])  # is closed
    one.relays.operate([], [(1, 2, 2), (1, 2, 3)])  # a bus and a column at rest, to ground and to each other
    one.a.source_volts(0.0, 1.0)
    one.relays.operate([(1, 1, 1)], [])
    assert one.network.events == []


def test_a_rack_without_a_matrix_and_a_line_wired_to_ground(resistors):
    wiring = Wiring(
        lines=[None, Wire(Ground(), 3.0)],
        channels={("one", "a"): Wire(Line(0), 2.0), ("two", "a"): None},
    )
    network = Network(resistors(1e3), wiring)
    channel = network.channels["one", "a"]
    channel.source_volts(0.1, 1.0)
    assert channel.sense(0.0).amperes == pytest.approx(0.1 / (1e3 + 3.0 + 2.0 + MILLI), rel=1e-13)
    channel.remote_sense(on=True)
    assert channel.sense(0.0).amperes == pytest.approx(0.1 / (1e3 + 3.0 + MILLI), rel=1e-13)
    assert network.channels["two", "a"].sense(0.0) == (0.0, 0.0, False)


def test_a_row_is_one_node_over_all_cards_and_links_join_matrices(resistors):
    wiring = Wiring(
        lines=[Wire(Column("left", 2, 3)), Wire(Column("right", 1, 1))],
        channels={("smu", "a"): Wire(Row("left", 1))},
        matrices={"left": MatrixPlan({1: (2, 4), 2: (2, 4)}, 0.5), "right": MatrixPlan({1: (2, 4)}, 0.25)},
        links=[Link(Row("left", 2), Row("right", 1), 7.0), Link(Row("right", 2), Ground(), 5.0)],
    )
    network = Network(resistors(1e3), wiring)
    network.relays["left"].operate([], [(2, 1, 3), (1, 1, 4), (1, 2, 4)])  # column 4 of card 1 joins rows 1 and 2
    network.relays["right"].operate([], [(1, 2, 1), (1, 1, 2), (1, 2, 2)])  # a bypass over 7 ohm, past the resistor
    channel = network.channels["smu", "a"]
    channel.source_volts(0.1, 1.0)
    through = 0.5 + 1e3 + 2 * MILLI + 0.25
    bypass = 2 * 0.5 + 7.0 + 2 * 0.25
    expected = 0.1 / (MILLI + 1 / (1 / through + 1 / bypass) + 5.0)
    assert channel.sense(0.0).amperes == pytest.approx(expected, rel=1e-12)


def test_a_box_has_the_terminals_of_its_name_only(one):
    box = one.network.box("smu", "123", line_hertz=60.0)
    assert (list(box.channels), box.relays, box.serial, box.line_hertz) == (["a", "b"], None, "123", 60.0)
    assert one.network.box("matrix", "4", cards={1: "3730"}).relays is one.relays


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"lines": [Wire(Column("m", 1, 1)), Wire(Column("m", 1, 1))]}, "2 lines are wired to column 1 of slot 1"),
        ({"lines": [Wire(Column("m", 1, 5)), None]}, "line 0 is wired to Column.* which does not exist"),
        ({"lines": [Wire(Ground(), -1.0), None]}, "line 0: -1.0 ohm is not the resistance of a cable"),
        ({"channels": {("smu", "a"): Wire(Row("m", 3))}}, "channel smu.a is wired to Row.* which does not exist"),
        ({"channels": {("smu", "a"): Wire(Ground())}}, "channel smu.a is wired to ground"),
        ({"links": [Link(Row("n", 1), Ground())]}, "link to Ground.* is wired to Row.* which does not exist"),
        ({"matrices": {"m": MatrixPlan({1: (2, 4)}, -0.5)}}, "matrix 'm': contact_ohms"),
        ({"lines": [None]}, "the wiring has 1 lines, the array 2"),
    ],
)
def test_a_wrong_wiring_is_refused(resistors, parts, message):
    whole = {"lines": [None, None], "matrices": {"m": MatrixPlan({1: (2, 4)})}} | parts
    with pytest.raises(UsageError, match=message):
        Network(resistors(1e3), Wiring(**whole))


def test_another_chip_under_the_probes(one, resistors):
    one.connect(a=[0], ground=[1])
    one.a.source_volts(0.2, 1.0)
    before = one.a.sense(0.0)
    one.network.insert(resistors(2e3))
    assert one.a.sense(0.0).amperes == pytest.approx(0.2 / (LOOP + 1e3 + 0.3 + MILLI), rel=1e-13)
    one.network.insert(one.array)
    assert one.a.sense(0.0) == before
    with pytest.raises(UsageError, match="the wiring has 2 lines, the array 3"):
        one.network.insert(resistors([[1e3, 1e3]]))


@pytest.mark.parametrize("seconds", [-1e-9, float("nan"), float("inf")])
def test_time_that_cannot_pass_is_refused(one, seconds):
    with pytest.raises(UsageError, match="cannot be spent"):
        one.network.spend(seconds, "wait")
    with pytest.raises(UsageError, match="cannot be spent"):
        one.a.sense(seconds)
    assert one.network.now() == 0.0


@pytest.mark.parametrize("level", [float("nan"), float("inf")])
def test_a_level_that_is_no_number_is_refused_and_the_old_one_stays(one, level):
    one.a.source_volts(0.1, 1.0)
    for source in (one.a.source_volts, one.a.source_amperes):
        with pytest.raises(UsageError, match="a channel cannot hold"):
            source(level, 1.0)
    with pytest.raises(UsageError, match="with a limit of nan"):
        one.a.source_volts(0.2, float("nan"))
    assert one.a.sense(0.0).volts == pytest.approx(0.1)


@pytest.mark.parametrize("factor", [-0.1, 1.1, float("nan")])
def test_a_wrong_factor_is_refused(resistors, factor):
    with pytest.raises(UsageError, match="realtime_factor"):
        Network(resistors(1e3), Wiring(lines=[None, None]), realtime_factor=factor)
