"""Moments: by the clock since boot where two are of one boot, by the wall clock otherwise, and never backwards."""

import math

import pytest

from labmtj.timestamps import Timestamp

EARLY, LATE = "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:10+00:00"


def test_time_goes_by():
    begun = Timestamp.now()
    assert 0 <= Timestamp.now().seconds_since(begun) < 10
    assert Timestamp.of(begun.values()) == begun


def test_within_one_boot_the_wall_clock_does_not_count():
    assert Timestamp(EARLY, 7.0, "b").seconds_since(Timestamp(LATE, 4.0, "b")) == 3.0


@pytest.mark.parametrize("boots", [("a", "b"), ("", "")])
def test_across_boots_it_does(boots):
    first, second = boots
    assert Timestamp(LATE, 1.0, second).seconds_since(Timestamp(EARLY, 4.0, first)) == 10.0
    assert math.isnan(Timestamp(EARLY, 9.0, second).seconds_since(Timestamp(LATE, 4.0, first)))


def test_what_is_no_moment_is_refused():
    with pytest.raises(KeyError):
        Timestamp.of({})
    with pytest.raises(ValueError):
        Timestamp.of({"utc": "yesterday"})
