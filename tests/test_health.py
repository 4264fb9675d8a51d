"""What is known of a chip, and what a later look may change of it."""

import numpy as np
import pytest

from labmtj.health import Health, HealthMap


def map_of(*states, why=None, evidence=("maps",), dated="2026-11-25"):
    states = np.array([states], np.uint8)
    return HealthMap("c", states, evidence, np.zeros(states.shape, np.intp) if why is None else np.array([why]), dated)


@pytest.mark.parametrize(
    ("known", "later", "then"),
    [
        (Health.UNKNOWN, Health.USABLE, Health.USABLE),
        (Health.USABLE, Health.NOISY, Health.NOISY),
        (Health.NOISY, Health.USABLE, Health.NOISY),  # a few reads do not see every jump
        (Health.STUCK_P, Health.NOISY, Health.STUCK_P),
        (Health.SHORT, Health.NOISY, Health.SHORT),
        (Health.STUCK_AP, Health.USABLE, Health.USABLE),  # it was seen to switch
        (Health.NOISY, Health.SHORT, Health.SHORT),
    ],
)
def test_no_verdict_is_made_better_by_a_weaker_one(known, later, then):
    found = map_of(known).updated(map_of(later, evidence=("later",), dated="2026-11-26"))
    assert found.states[0, 0] == then
    assert found.evidence == (("later",) if then == later else ("maps",))
    assert found.dated == "2026-11-26"


def test_cells_that_a_look_tells_nothing_of_stay_with_their_evidence():
    known = map_of(Health.USABLE, Health.SHORT, Health.UNKNOWN, why=[0, 1, -1], evidence=("a", "b"))
    later = map_of(Health.NOISY, Health.UNKNOWN, Health.UNKNOWN, why=[0, -1, -1], evidence=("jumps",))
    found = known.updated(later)
    assert found.states.tolist() == [[Health.NOISY, Health.SHORT, Health.UNKNOWN]]
    assert [found.evidence[number] for number in found.why[0, :2]] == ["jumps", "b"]
    assert found.evidence == ("b", "jumps"), "what no cell rests on any more is forgotten"
    assert found.why[0, 2] == -1
