from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labmtj.bench.files.wiring import Bus, Channel, Column, Line, Wiring
from labmtj.bench.routing.routes import OPEN, Router, moves
from labmtj.bench.routing.steps import largest_across, steps_of
from labmtj.quantities import Bias

settings.register_profile("routing", deadline=None, derandomize=True, max_examples=200)
settings.load_profile("routing")

GROUND = 0


def wiring(lines, channels, direct=(), tied=()):
    """Return a wiring of one row per line but the last, a ground bus first and then one bus per channel."""
    ends = [
        Channel("direct", str(line)) if line in direct else None if line in tied else Column("matrix", 1, 1 + line)
        for line in range(lines)
    ]
    buses = [Bus("ground", 1, None, ground=True)]
    buses += [Bus(str(number), 2 + number, Channel("smu", str(number)), ground=False) for number in range(channels)]
    return Wiring((lines - 1, 1), tuple(Line(end, ("lines", str(n))) for n, end in enumerate(ends)), tuple(buses))


VOLTS = st.sampled_from([0.0, 0.1, -0.1, 0.2, float("nan")])


@st.composite
def cases(draw):
    lines, channels = draw(st.integers(2, 6)), draw(st.integers(1, 4))
    direct = draw(st.sets(st.integers(0, lines - 1), max_size=2))
    router = Router(wiring(lines, channels, direct))
    volts = np.array(draw(st.lists(VOLTS, min_size=lines, max_size=lines)))
    volts[list(direct)] = np.nan_to_num(volts[list(direct)])
    read = draw(st.lists(st.integers(0, lines - 1), unique=True, max_size=lines))
    read = [line for line in read if not np.isnan(volts[line])]
    present = np.array(draw(st.lists(st.integers(OPEN, channels), min_size=lines, max_size=lines)), np.intp)
    present[list(direct)] = OPEN
    return router, volts, read, present


@given(cases())
def test_every_line_ends_where_it_should(case):
    router, volts, read, present = case
    if router.refusal(volts, read):
        return
    pattern, seen = router.pattern(volts), []
    for group in router.groups(pattern, read):
        buses = router.route(pattern, group, present)
        seen += group
        level = {}
        for line, bus in enumerate(buses.tolist()):
            if not router.switched[line] or np.isnan(volts[line]):
                assert bus == OPEN
            elif volts[line] == 0 and line not in group:
                assert bus == GROUND
            else:
                assert bus > GROUND
                assert level.setdefault(bus, volts[line]) == volts[line], "one bus, one voltage"
        for line in group:
            if router.switched[line]:
                assert (buses == buses[line]).sum() == 1, "a line that is read is alone on its channel"
        present = buses
    assert sorted(seen) == sorted(read)


@given(cases())
def test_no_assignment_of_channels_moves_fewer_relays(case):
    router, volts, read, present = case
    if router.refusal(volts, read):
        return
    pattern = router.pattern(volts)
    group = router.groups(pattern, read)[0]
    buses = router.route(pattern, group, present)
    used = sorted(set(buses[buses > GROUND].tolist()))
    fewest = moves(present, buses)
    for places in permutations(router.driving, len(used)):
        renamed = buses.copy()
        for old, new in zip(used, places, strict=True):
            renamed[buses == old] = new
        assert moves(present, renamed) >= fewest


@given(cases())
def test_what_is_refused_has_more_levels_than_channels(case):
    router, volts, read, _ = case
    refusal = router.refusal(volts, read)
    switched = volts[router.switched]
    levels = len(set(switched[(switched != 0) & ~np.isnan(switched)].tolist()))
    if levels > len(router.driving):
        assert "no channel is left" in str(refusal)
    if refusal is None:
        assert levels <= len(router.driving)


@given(st.integers(2, 4), st.integers(3, 6))
def test_as_many_lines_are_read_at_a_time_as_channels_are_left(channels, lines):
    router = Router(wiring(lines, channels))
    volts = np.zeros(lines)
    volts[0] = 0.1
    groups = router.groups(router.pattern(volts), range(1, lines))
    assert len(groups) == -(-(lines - 1) // (channels - 1))
    assert (0, 1) in [group[:2] for group in router.groups(router.pattern(volts), range(lines))], (
        "the driven line is free"
    )


def test_a_read_map_takes_four_moves_per_column_and_two_more_per_row():
    router = Router(wiring(16, 2))
    volts = np.where(np.eye(16)[:15], 0.1, 0.0)
    present, moved = router.rest(), 0
    steps = steps_of(router, volts, [15], present, ordered=True)
    for step in steps:
        moved += moves(present, step.buses)
        present = step.buses
    assert len(steps) == 15
    assert moved == 4 + 14 * 4


def test_free_order_visits_every_routing_once_and_ordered_batches_keep_theirs():
    router = Router(wiring(3, 2))
    volts = np.array([[0.1, 0, 0], [0, 0.1, 0], [0.05, 0, 0], [0, 0.02, 0]])
    free = steps_of(router, volts, [2], router.rest(), ordered=False)
    assert [step.biases for step in free] in ([(0, 2), (1, 3)], [(1, 3), (0, 2)])
    kept = steps_of(router, volts, [2], router.rest(), ordered=True)
    assert [step.biases for step in kept] == [(0,), (1,), (2,), (3,)]
    repeated = steps_of(router, volts[[0, 0, 2, 1]], [2], router.rest(), ordered=True)
    assert [step.biases for step in repeated] == [(0, 1, 2), (3,)]


def test_inputs_of_both_signs_lie_within_the_disturb_limit_of_their_size():
    assert largest_across(Bias([0.1, -0.1], [0.0, 0.0])) == pytest.approx(0.1)
    assert largest_across(Bias([0.1, -0.1], [0.0, np.nan])) == pytest.approx(0.2)
    assert largest_across(Bias([0.1, 0.0], [0.0, -0.3])) == pytest.approx(0.4)
